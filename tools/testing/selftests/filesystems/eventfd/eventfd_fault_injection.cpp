// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation and every copy from or to user space fails once, in every call that reaches
 * an eventfd: the call says so or does without, nothing is leaked, and no event is lost.
 *
 * For a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS, CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC
 * and CONFIG_FAULT_INJECTION_USERCOPY, and debugfs in its place. /proc/thread-self/fail-nth
 * says which of the points that a thread passes is to fail.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <bit>
#include <string>
#include <vector>

#include "support/aio.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"fault injection"};

using testing::AnyOf;
using testing::ElementsAre;

constexpr const char* kDebugfs = "/sys/kernel/debug";

void WriteTo(const std::string& path, const std::string& text, Where where = Where::current()) {
    FileDescriptor file(static_cast<int>(Must(SYSCALL(open, path.c_str(), O_WRONLY), where)));
    Must(Write(file, text.data(), text.size()), where);
}

/* Makes one point fail, the nth that this thread passes from here on. */
class FailNth {
  public:
    explicit FailNth(Where where = Where::current())
        : file_(static_cast<int>(
              Must(SYSCALL(open, "/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC), where))) {}

    void Arm(int nth, Where where = Where::current()) {
        std::string text = std::to_string(nth);
        Must(SYSCALL(pwrite, file_, text.data(), text.size(), 0), where);
    }

    /* Ends it; true if the point was reached. */
    bool Disarm() {
        char text[16] = {};
        /* To tell how many are left takes a copy, too, which may be the one that fails. */
        bool reached = pread(file_, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
        /* And so may the copy of what we write. */
        while (pwrite(file_, "0", 1, 0) != 1)
            ;
        return reached;
    }

  private:
    FileDescriptor file_;
};

class FaultInjection : public testing::Test {
  protected:
    void SetUp() override {
        for (const char* name : {"failslab", "fail_page_alloc", "fail_usercopy"}) {
            struct stat unused;
            std::string folder = std::string(kDebugfs) + "/" + name;
            SKIP_UNLESS(!stat(folder.c_str(), &unused),
                        "no " << folder << ": a kernel without fault injection, or no debugfs");
            WriteTo(folder + "/verbose", "0");
        }
        WriteTo(std::string(kDebugfs) + "/failslab/ignore-gfp-wait", "N");
        WriteTo(std::string(kDebugfs) + "/fail_page_alloc/ignore-gfp-wait", "N");
        WriteTo(std::string(kDebugfs) + "/fail_page_alloc/ignore-gfp-highmem", "N");
        WriteTo(std::string(kDebugfs) + "/fail_page_alloc/min-order", "0");
        id_ = NextId();
        lowest_ = Dup(STDOUT_FILENO).get();
    }

    void TearDown() override {
        if (IsSkipped()) return;
        /* A ring gives its eventfd back a little later. */
        for (int i = 0; i < 1000 && NextId() != id_; i++) PauseBetweenLooks();
        EXPECT_EQ(NextId(), id_) << "an eventfd was leaked";
        EXPECT_EQ(Dup(STDOUT_FILENO).get(), lowest_) << "a descriptor was leaked";
    }

    static long NextId(Where where = Where::current()) {
        FileDescriptor efd = NewEventfd(0, 0, where);
        return EventfdId(efd, where);
    }

    /*
     * For each point of failure in the call: prepare, make the call with this point failing,
     * and judge. Returns the number of points that there were.
     */
    template <typename Prepare, typename Call, typename Judge>
    static int ForEachFailure(Prepare prepare, Call call, Judge judge,
                              Where where = Where::current()) {
        FailNth fault;
        for (int nth = 1;; nth++) {
            SCOPED_TRACE("with failure " + std::to_string(nth));
            auto prepared = prepare();
            fault.Arm(nth, where);
            long value = call(prepared);
            int error = value == -1 ? errno : 0;
            bool reached = fault.Disarm();
            judge(prepared, SyscallResult{value, error, "the call"}, reached);
            if (!reached || HasFailure()) return nth - 1;
        }
    }

  private:
    long id_ = -1;
    int lowest_ = -1;
};

TEST_F(FaultInjection, CreationFailsAndLeavesNothing) {
    int failed = 0;
    int points = ForEachFailure([] { return Dup(STDOUT_FILENO).get(); },
                                [](int) { return eventfd(7, 0); },
                                [&](int lowest, const SyscallResult& result, bool reached) {
                                    if (result.ok()) {
                                        FileDescriptor efd(static_cast<int>(result.value));
                                        EXPECT_EQ(Drain(efd), 7u);
                                    } else {
                                        EXPECT_TRUE(reached);
                                        EXPECT_EQ(result.error, ENOMEM);
                                        failed++;
                                    }
                                    EXPECT_EQ(Dup(STDOUT_FILENO).get(), lowest);
                                });
    EXPECT_GE(points, 3);
    EXPECT_GE(failed, 2);
}

/* So many open files are all that the system gives to others than root. */
class FileLimit {
  public:
    explicit FileLimit(int most, Where where = Where::current()) : old_(ReadWholeFile(kPath)) {
        WriteTo(kPath, std::to_string(most), where);
        Must(SYSCALL(seteuid, 65534), where);
    }
    ~FileLimit() {
        Must(SYSCALL(seteuid, 0));
        WriteTo(kPath, old_);
    }

  private:
    static constexpr const char* kPath = "/proc/sys/fs/file-max";
    std::string old_;
};

TEST_F(FaultInjection, CreationIsEnfileWhereTheSystemHasNoFileLeft) {
    SyscallResult result;
    {
        FileLimit none(0);
        result = Eventfd2(0, 0);
    }
    EXPECT_THAT(result, SyscallFailsWithErrno(ENFILE));
}

/* Slab allocations of this thread fail, twice, after so many bytes of them. */
class NoMemoryAfter {
  public:
    explicit NoMemoryAfter(int bytes, Where where = Where::current()) {
        WriteTo("/proc/thread-self/make-it-fail", "1", where);
        Set("space", std::to_string(bytes));
        Set("times", "2");
        Set("task-filter", "Y");
        Set("probability", "100");
    }
    ~NoMemoryAfter() {
        Set("probability", "0");
        Set("space", "0");
        Set("times", "1");
        WriteTo("/proc/thread-self/make-it-fail", "0");
    }

  private:
    /* To say so takes memory, too. */
    static void Set(const char* name, const std::string& text) {
        const std::string path = std::string(kDebugfs) + "/failslab/" + name;
        int fd;
        while ((fd = open(path.c_str(), O_WRONLY)) < 0)
            ;
        FileDescriptor file(fd);
        while (write(file, text.data(), text.size()) < 0)
            ;
    }
};

/*
 * The kernel asks for memory for a number twice, but only for one that is the first beyond
 * those that fit into a pointer; and it wants memory for the eventfd before that.
 */
TEST_F(FaultInjection, WithoutANumberItWorksAndFdinfoSaysANegativeOne) {
    const long last = static_cast<long>(sizeof(long) * 8) - 2;
    SKIP_UNLESS(NextId() == 0, "somebody else has eventfds, and so some numbers");
    int unnumbered = 0;
    std::vector<FileDescriptor> numbered;
    /* What the kernel asks for in that case are 128 bytes, after some for others. */
    for (int bytes = 32; !unnumbered && bytes <= 4096; bytes += 32) {
        while (numbered.empty() || EventfdId(numbered.back()) < last)
            numbered.push_back(NewEventfd());
        int fd;
        {
            NoMemoryAfter limit(bytes);
            fd = eventfd(5, EFD_NONBLOCK);
        }
        if (fd < 0) continue;
        FileDescriptor efd(fd);
        if (EventfdId(efd) >= 0) {
            /* There is memory for more of them now, until none is left. */
            numbered.clear();
            continue;
        }
        unnumbered++;
        EXPECT_THAT(Write(efd, 2), SyscallSucceedsWithValue(8));
        EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
        EXPECT_EQ(Drain(efd), 7u);
    }
    EXPECT_GT(unnumbered, 0);
}

/* With eventfds of these flags. */
class FaultInjectionFor : public FaultInjection, public testing::WithParamInterface<int> {
  protected:
    void SetUp() override {
        FaultInjection::SetUp();
        if (IsSkipped()) return;
        SKIP_UNLESS_KNOWN(GetParam());
    }
};

/* Each read gets all that is there, or leaves it. */
class FailingRead : public FaultInjectionFor {};

INSTANTIATE_TEST_SUITE_P(All, FailingRead, testing::Values(0, EFD_SEMAPHORE, EFD_AUTORESET),
                         [](const auto& info) {
                             return info.param == EFD_SEMAPHORE   ? "Semaphore"
                                    : info.param == EFD_AUTORESET ? "Autoreset"
                                                                  : "Plain";
                         });

TEST_P_WITH(FailingRead, DeliversAllTheSameForItTriesAgain, Needs(Change::kReadFaultsKeep)) {
    const uint64_t taken = GetParam() == EFD_SEMAPHORE ? 1 : 5;
    uint64_t value = 0;
    int points = ForEachFailure([] { return NewEventfd(5, GetParam() | EFD_NONBLOCK); },
                                [&](FileDescriptor& efd) { return read(efd, &value, 8); },
                                [&](FileDescriptor& efd, const SyscallResult& result, bool) {
                                    EXPECT_THAT(result, SyscallSucceedsWithValue(8));
                                    EXPECT_EQ(value, taken);
                                    EXPECT_EQ(EventfdCount(efd), 5 - taken);
                                });
    EXPECT_GE(points, 1);
}

TEST_P_WITH(FailingRead, OfVectorsTakesAllOrNothing, Needs(Change::kReadFaultsKeep)) {
    const uint64_t taken = GetParam() == EFD_SEMAPHORE ? 1 : 5;
    std::array<uint32_t, 2> halves = {};
    iovec parts[] = {{&halves[0], 4}, {&halves[1], 4}};
    int points = ForEachFailure([] { return NewEventfd(5, GetParam() | EFD_NONBLOCK); },
                                [&](FileDescriptor& efd) { return readv(efd, parts, 2); },
                                [&](FileDescriptor& efd, const SyscallResult& result, bool) {
                                    if (result.ok()) {
                                        EXPECT_EQ(std::bit_cast<uint64_t>(halves), taken);
                                    } else {
                                        EXPECT_THAT(result.error, AnyOf(EFAULT, ENOMEM));
                                    }
                                    EXPECT_EQ(EventfdCount(efd), result.ok() ? 5 - taken : 5);
                                });
    EXPECT_GE(points, 2);
}

/* All copies of the threads that are marked fail while this is in scope. */
class NoCopies {
  public:
    explicit NoCopies(Where where = Where::current()) { Set("100", "-1", where); }
    ~NoCopies() { Set("0", "1"); }

  private:
    static void Set(const char* probability, const char* times,
                    Where where = Where::current()) {
        const std::string folder = std::string(kDebugfs) + "/fail_usercopy/";
        WriteTo(folder + "task-filter", "Y", where);
        WriteTo(folder + "times", times, where);
        WriteTo(folder + "probability", probability, where);
    }
};

TEST_P_WITH(FailingRead, WhoseCopiesAlwaysFailGivesUpAndWakesTheNext,
            Needs(Change::kReadFaultsKeep)) {
    struct State {
        std::atomic<int> error{-1};
    };
    Shared<State> state;
    FileDescriptor efd = NewEventfd(0, GetParam());
    ChildProcess victim([&] {
        uint64_t unused;
        WriteTo("/proc/self/make-it-fail", "1");
        state->error = read(efd, &unused, 8) == -1 ? errno : 0;
        _exit(0);
    });
    victim.WaitUntilBlockedIn(SYS_read);
    uint64_t value = 0;
    ScopedThread next([&] { Must(Read(efd, &value)); });
    next.WaitUntilBlockedIn(SYS_read);
    {
        NoCopies at_all;
        Must(Write(efd, 1));
        next.Join();
        /* Where that was between two tries of the victim's, it sleeps again. */
        Must(Write(efd, 1));
        victim.ExpectSuccess();
    }
    EXPECT_EQ(value, 1u);
    EXPECT_EQ(state->error, EFAULT);
    EXPECT_EQ(EventfdCount(efd), 1u);
}

TEST_F(FaultInjection, WriteAddsAllOrNothing) {
    const uint64_t value = 3;
    ForEachFailure([] { return NewEventfd(4); },
                   [&](FileDescriptor& efd) { return write(efd, &value, 8); },
                   [&](FileDescriptor& efd, const SyscallResult& result, bool) {
                       if (!result.ok()) {
                           EXPECT_EQ(result.error, EFAULT);
                       }
                       EXPECT_EQ(EventfdCount(efd), result.ok() ? 7u : 4u);
                   });
}

/* Many descriptors, so that there is something to allocate, and the one of interest at last. */
constexpr int kMany = 300;

struct PollSet {
    explicit PollSet(int flags, Where where = Where::current()) {
        for (int i = 0; i < kMany; i++) idle.push_back(NewEventfd(0, 0, where));
        ready = NewEventfd(1, flags, where);
        for (const auto& fd : idle) entries.push_back({fd, POLLIN, 0});
        entries.push_back({ready, POLLIN, 0});
    }
    std::vector<FileDescriptor> idle;
    FileDescriptor ready;
    std::vector<pollfd> entries;
};

class FailingPoller : public FaultInjectionFor {
  protected:
    /*
     * The event is reported or left. Only where a result cannot be copied out may it have been
     * claimed in vain.
     */
    static void Judge(int efd, const SyscallResult& result) {
        uint64_t left = EventfdCount(efd);
        if (result.ok()) {
            EXPECT_EQ(result.value, 1);
            EXPECT_EQ(left, GetParam() ? 0u : 1u);
        } else if (result.error == EFAULT) {
            EXPECT_LE(left, 1u);
            if (!GetParam()) {
                EXPECT_EQ(left, 1u);
            }
        } else {
            EXPECT_EQ(result.error, ENOMEM);
            EXPECT_EQ(left, 1u);
        }
    }
};

INSTANTIATE_TEST_SUITE_P(All, FailingPoller, testing::Values(0, EFD_AUTORESET),
                         [](const auto& info) { return info.param ? "Autoreset" : "Plain"; });

TEST_P(FailingPoller, PollReportsOrLeavesTheEvent) {
    int points = ForEachFailure(
        [] { return PollSet(GetParam()); },
        [](PollSet& set) { return poll(set.entries.data(), set.entries.size(), -1); },
        [](PollSet& set, const SyscallResult& result, bool) { Judge(set.ready, result); });
    EXPECT_GE(points, 3);
}

TEST_P(FailingPoller, PpollReportsOrLeavesTheEvent) {
    sigset_t none;
    sigemptyset(&none);
    const timespec limit = {10, 0};
    int points = ForEachFailure(
        [] { return PollSet(GetParam()); },
        [&](PollSet& set) {
            return ppoll(set.entries.data(), set.entries.size(), &limit, &none);
        },
        [](PollSet& set, const SyscallResult& result, bool) { Judge(set.ready, result); });
    EXPECT_GE(points, 5);
}

TEST_P(FailingPoller, SelectReportsOrLeavesTheEvent) {
    fd_set readable;
    int points = ForEachFailure(
        [] { return PollSet(GetParam()); },
        [&](PollSet& set) {
            FD_ZERO(&readable);
            for (const auto& fd : set.idle) FD_SET(fd, &readable);
            FD_SET(set.ready, &readable);
            timeval limit = {10, 0};
            return select(FD_SETSIZE, &readable, nullptr, nullptr, &limit);
        },
        [](PollSet& set, const SyscallResult& result, bool) { Judge(set.ready, result); });
    EXPECT_GE(points, 2);
}

/* Blocked ones have more to allocate: a place in each queue. */
TEST_P(FailingPoller, BlockedPollReportsOrLeavesTheEvent) {
    int points = ForEachFailure(
        [] {
            PollSet set(GetParam());
            Drain(set.ready);
            return set;
        },
        [](PollSet& set) {
            int result = poll(set.entries.data(), set.entries.size(), 1);
            int error = errno;
            eventfd_write(set.ready, 1);
            errno = error;
            return result;
        },
        [](PollSet& set, const SyscallResult& result, bool) {
            if (result.ok())
                EXPECT_EQ(result.value, 0);
            else
                EXPECT_THAT(result.error, AnyOf(ENOMEM, EFAULT));
            EXPECT_LE(EventfdCount(set.ready), 1u);
        });
    EXPECT_GE(points, 3);
}

struct EpollSet {
    explicit EpollSet(int flags, Where where = Where::current())
        : efd(NewEventfd(1, flags, where)), epoll(NewEpoll(where)) {}
    FileDescriptor efd;
    FileDescriptor epoll;
};

TEST_P(FailingPoller, AddingToAnEpollWorksAfterItFailed) {
    int failed = 0;
    int points = ForEachFailure(
        [] { return EpollSet(GetParam()); },
        [](EpollSet& set) {
            epoll_event event = {};
            event.events = EPOLLIN;
            event.data.fd = set.efd.get();
            return epoll_ctl(set.epoll.get(), EPOLL_CTL_ADD, set.efd.get(), &event);
        },
        [&](EpollSet& set, const SyscallResult& result, bool) {
            if (!result.ok()) {
                EXPECT_THAT(result.error, AnyOf(ENOMEM, EFAULT));
                failed++;
                EpollAdd(set.epoll, set.efd, EPOLLIN);
            }
            EXPECT_EQ(EventfdCount(set.efd), 1u);
            EXPECT_THAT(EpollWait(set.epoll), ElementsAre(Event(set.efd, EPOLLIN)));
        });
    EXPECT_GE(points, 2);
    EXPECT_GE(failed, 2);
}

TEST_P(FailingPoller, EpollWaitReportsOrLeavesTheEvent) {
    ForEachFailure(
        [] {
            EpollSet set(GetParam());
            EpollAdd(set.epoll, set.efd, EPOLLIN);
            return set;
        },
        [](EpollSet& set) {
            epoll_event event;
            return epoll_wait(set.epoll.get(), &event, 1, 0);
        },
        [&](EpollSet& set, const SyscallResult& result, bool) { Judge(set.efd, result); });
}

/* Rings of their own: nothing of them may be left where one cannot be made. */
TEST_P(FailingPoller, RingWithAnEventfdIsMadeWholeOrNotAtAll) {
    IoUring probe;
    SKIP_IF_REFUSED(probe);
    int points = ForEachFailure([] { return NewEventfd(0, GetParam()); },
                                [](FileDescriptor& efd) {
                                    io_uring ring;
                                    int result = io_uring_queue_init(4, &ring, 0);
                                    if (!result) {
                                        result = io_uring_register_eventfd(&ring, efd.get());
                                        io_uring_queue_exit(&ring);
                                    }
                                    errno = -result;
                                    return result ? -1 : 0;
                                },
                                [](FileDescriptor&, const SyscallResult& result, bool reached) {
                                    if (result.ok()) return;
                                    EXPECT_TRUE(reached);
                                    EXPECT_THAT(result.error, AnyOf(ENOMEM, EFAULT, ENFILE));
                                });
    EXPECT_GE(points, 5);
}

/* A ring and one request on an eventfd that is ready. */
struct RingSet {
    explicit RingSet(int flags, Where where = Where::current())
        : efd(NewEventfd(1, flags, where)), ring(std::make_unique<IoUring>(8, 0, where)) {}
    FileDescriptor efd;
    std::unique_ptr<IoUring> ring;
    uint64_t value = 0;
};

/* The completion's result; -1 where there was none to be had. */
int SubmitAndReap(IoUring* ring) {
    int submitted = io_uring_submit(ring->get());
    if (submitted < 0) {
        errno = -submitted;
        return -1;
    }
    Completion completion;
    for (int i = 0; i < 1000; i++) {
        if (ring->Peek(&completion)) {
            errno = completion.result < 0 ? -completion.result : 0;
            return completion.result < 0 ? -1 : completion.result;
        }
        io_uring_get_events(ring->get());
        usleep(1000);
    }
    errno = ETIME;
    return -1;
}

TEST_P(FailingPoller, IoUringPollReportsOrLeavesTheEvent) {
    IoUring probe;
    SKIP_IF_REFUSED(probe);
    int points = ForEachFailure(
        [] {
            RingSet set(GetParam());
            io_uring_prep_poll_add(set.ring->Entry(), set.efd, POLLIN);
            return set;
        },
        [](RingSet& set) { return SubmitAndReap(set.ring.get()); },
        [](RingSet& set, const SyscallResult& result, bool reached) {
            uint64_t left = EventfdCount(set.efd);
            if (result.ok()) {
                EXPECT_EQ(result.value, POLLIN);
                EXPECT_EQ(left, GetParam() ? 0u : 1u);
            } else {
                EXPECT_TRUE(reached);
                EXPECT_THAT(result.error, AnyOf(ENOMEM, EAGAIN, EFAULT));
                EXPECT_EQ(left, 1u);
            }
        });
    EXPECT_GE(points, 1);
}

TEST_P_WITH(FailingPoller, IoUringReadTakesOrLeavesTheEvent, Needs(Change::kReadFaultsKeep)) {
    IoUring probe;
    SKIP_IF_REFUSED(probe);
    int points = ForEachFailure(
        [] {
            RingSet set(GetParam());
            io_uring_prep_read(set.ring->Entry(), set.efd, nullptr, 8, 0);
            return set;
        },
        [](RingSet& set) {
            set.ring->get()->sq.sqes[0].addr = reinterpret_cast<uintptr_t>(&set.value);
            return SubmitAndReap(set.ring.get());
        },
        [](RingSet& set, const SyscallResult& result, bool reached) {
            if (result.ok()) {
                EXPECT_EQ(set.value, 1u);
            } else {
                EXPECT_TRUE(reached);
                EXPECT_THAT(result.error, AnyOf(ENOMEM, EAGAIN, EFAULT));
            }
            EXPECT_EQ(EventfdCount(set.efd), result.ok() ? 0u : 1u);
        });
    EXPECT_GE(points, 1);
}

/*
 * Each call for a context looks into the memory of its ring first, and says EINVAL where it can
 * have no page table for that. Here it has one.
 */
std::unique_ptr<AioContext> NewAioContext(Where where = Where::current()) {
    auto context = std::make_unique<AioContext>(8, where);
    io_event unused;
    timespec now = {};
    Must(context->Look(&unused, &now), where);
    return context;
}

TEST_P(FailingPoller, AioPollReportsOrLeavesTheEvent) {
    AioContext probe;
    SKIP_IF_REFUSED(probe);
    struct AioSet {
        FileDescriptor efd = NewEventfd(1, GetParam());
        std::unique_ptr<AioContext> context = NewAioContext();
        iocb request = {};
    };
    int failed = 0;
    int points = ForEachFailure(
        [] { return AioSet(); },
        [](AioSet& set) {
            set.request.aio_fildes = static_cast<uint32_t>(set.efd.get());
            set.request.aio_lio_opcode = IOCB_CMD_POLL;
            set.request.aio_buf = POLLIN;
            SyscallResult result = set.context->Submit(&set.request);
            errno = result.error;
            return result.value;
        },
        [&](AioSet& set, const SyscallResult& result, bool) {
            if (result.ok()) {
                EXPECT_EQ(set.context->Wait().res, POLLIN);
            } else {
                failed++;
                EXPECT_THAT(result.error, AnyOf(ENOMEM, EAGAIN, EFAULT));
            }
            EXPECT_EQ(EventfdCount(set.efd), result.ok() && GetParam() ? 0u : 1u);
        });
    EXPECT_GE(points, 2);
    EXPECT_GE(failed, 2);
}

TEST_P(FailingPoller, AioRequestSignalsItsEventfdIfItWasTaken) {
    AioContext probe;
    SKIP_IF_REFUSED(probe);
    struct AioSet {
        FileDescriptor efd = NewEventfd(0, GetParam());
        FileDescriptor file{static_cast<int>(Must(SYSCALL(memfd_create, "aio", MFD_CLOEXEC)))};
        std::unique_ptr<AioContext> context = NewAioContext();
        iocb request = {};
        char buffer[8] = {};
    };
    int points =
        ForEachFailure([] { return std::make_unique<AioSet>(); },
                       [](std::unique_ptr<AioSet>& set) {
                           iocb& request = set->request;
                           request.aio_fildes = static_cast<uint32_t>(set->file.get());
                           request.aio_lio_opcode = IOCB_CMD_PWRITE;
                           request.aio_buf = reinterpret_cast<uintptr_t>(set->buffer);
                           request.aio_nbytes = sizeof(set->buffer);
                           request.aio_flags = IOCB_FLAG_RESFD;
                           request.aio_resfd = static_cast<uint32_t>(set->efd.get());
                           SyscallResult result = set->context->Submit(&request);
                           errno = result.error;
                           return result.value;
                       },
                       [](std::unique_ptr<AioSet>& set, const SyscallResult& result, bool) {
                           if (result.ok()) set->context->Wait();
                           EXPECT_EQ(EventfdCount(set->efd), result.ok() ? 1u : 0u);
                       });
    EXPECT_GE(points, 3);
}

} /* namespace */
} /* namespace suite */
