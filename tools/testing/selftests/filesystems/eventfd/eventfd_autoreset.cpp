// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET: the flag, the counter that has it, and what a reset in the wrong place loses.
#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "support/aio.h"
#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/pollers.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/* What an application does to know, on any kernel. */
TEST(AutoresetProbe, GivesADescriptorOrEinvalAndNothingElse) {
    SyscallResult result = Eventfd2(0, EFD_AUTORESET);
    if (result.ok())
        FileDescriptor efd(static_cast<int>(result.value));
    else
        EXPECT_THAT(result, SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(result.ok(), KernelKnowsAutoreset());
}

TEST(AutoresetProbe, SucceedsOnAKernelWithTheFlag) {
    SKIP_UNLESS_AUTORESET();
    FileDescriptor efd = NewAutoreset();
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
}

/*
 * The way for an event loop to be woken by other threads, on kernels with the flag and without:
 * ask for it, go without it where the kernel says EINVAL, and read(2) only then.
 */
class Waker {
  public:
    explicit Waker(int wanted = EFD_AUTORESET, Where where = Where::current()) {
        int fd = wanted ? eventfd(0, wanted | EFD_CLOEXEC | EFD_NONBLOCK) : -1;
        resets_itself_ = fd >= 0;
        if (fd < 0 && (!wanted || errno == EINVAL)) fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) FailTest("eventfd(), which had to succeed: " + ErrnoText(errno), where);
        fd_ = FileDescriptor(fd, where);
    }

    /* From any thread. */
    void Wake(Where where = Where::current()) const {
        uint64_t one = 1;
        if (write(fd_, &one, sizeof(one)) != sizeof(one) && errno != EAGAIN)
            FailTest("write() of 8 bytes, which had to succeed: " + ErrnoText(errno), where);
    }

    /* For the loop, each time it is told that the descriptor is readable. */
    void Acknowledge(Where where = Where::current()) const {
        uint64_t count;
        if (!resets_itself_ && read(fd_, &count, sizeof(count)) != sizeof(count) &&
            errno != EAGAIN)
            FailTest("read() of 8 bytes, which had to succeed: " + ErrnoText(errno), where);
    }

    bool resets_itself() const { return resets_itself_; }
    int fd() const { return fd_; }

  private:
    FileDescriptor fd_;
    bool resets_itself_;
};

/* As the kernel has it, and as on a kernel without the flag. */
class AutoresetFallback : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Waker, AutoresetFallback, testing::Values(EFD_AUTORESET, 0),
                         [](const auto& info) { return info.param ? "Probed" : "Without"; });

TEST_P(AutoresetFallback, KnowsWhetherItHasToRead) {
    EXPECT_EQ(Waker(GetParam()).resets_itself(), GetParam() && KernelKnowsAutoreset());
}

TEST_P(AutoresetFallback, WakesALevelTriggeredLoopOnceForEachWakeUp) {
    Waker waker(GetParam());
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, waker.fd(), EPOLLIN);
    for (int i = 0; i < 100; i++) {
        EXPECT_THAT(EpollWait(epoll), IsEmpty()) << i;
        waker.Wake();
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(waker.fd(), EPOLLIN))) << i;
        waker.Acknowledge();
    }
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_P(AutoresetFallback, WakesAPollLoopOnceForEachWakeUp) {
    Waker waker(GetParam());
    for (int i = 0; i < 100; i++) {
        EXPECT_THAT(Poll(waker.fd(), POLLIN), Revents(0)) << i;
        waker.Wake();
        EXPECT_THAT(Poll(waker.fd(), POLLIN), Revents(POLLIN)) << i;
        waker.Acknowledge();
    }
}

TEST_P(AutoresetFallback, WakeUpsOfABusyLoopAreOne) {
    Waker waker(GetParam());
    for (int i = 0; i < 5; i++) waker.Wake();
    EXPECT_THAT(Poll(waker.fd(), POLLIN), Revents(POLLIN));
    waker.Acknowledge();
    EXPECT_THAT(Poll(waker.fd(), POLLIN), Revents(0));
}

TEST_P_WITH(AutoresetFallback, LoopGetsEachJobOfAnotherThread,
            TimeLimit(AutoresetTimeLimit())) {
    const long jobs = static_cast<long>(AutoresetRounds());
    Waker waker(GetParam());
    FileDescriptor progress = NewEventfd();
    std::atomic<long> posted{0};
    std::atomic<long> done{0};
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, waker.fd(), EPOLLIN);
    ScopedThread loop([&] {
        while (done < jobs) {
            epoll_event event;
            if (epoll_wait(epoll, &event, 1, -1) != 1)
                FailTest("epoll_wait() was to return 1: " + ErrnoText(errno));
            waker.Acknowledge();
            done = posted.load();
            Must(Write(progress, 1));
        }
    });
    /* Every other one is posted while the loop may be busy with the one before. */
    for (long job = 1; job <= jobs; job++) {
        uint64_t value;
        posted = job;
        waker.Wake();
        while (job % 2 == 0 && done < job) Must(Read(progress, &value));
    }
    loop.Join();
    EXPECT_EQ(done, jobs);
}

class AutoresetFlag : public AutoresetTest {};

constexpr int kOthers[] = {0, EFD_CLOEXEC, EFD_NONBLOCK, EFD_CLOEXEC | EFD_NONBLOCK};

TEST_F(AutoresetFlag, IsTakenAloneAndWithCloexecAndNonblock) {
    for (int others : kOthers) {
        FileDescriptor efd = NewEventfd(0, EFD_AUTORESET | others);
        EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD),
                    SyscallSucceedsWithValue(others & EFD_CLOEXEC ? FD_CLOEXEC : 0));
        EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR | (others & EFD_NONBLOCK));
    }
}

TEST_F(AutoresetFlag, WithSemaphoreIsEinval) {
    for (int others : kOthers)
        EXPECT_THAT(Eventfd2(0, EFD_AUTORESET | EFD_SEMAPHORE | others),
                    SyscallFailsWithErrno(EINVAL));
}

TEST_F(AutoresetFlag, WithAnUnknownOneIsEinval) {
    for (int unknown : {1 << 1, 1 << 5, 1 << 7, 1 << 26, 1 << 30})
        EXPECT_THAT(Eventfd2(0, EFD_AUTORESET | unknown), SyscallFailsWithErrno(EINVAL));
}

TEST_F(AutoresetFlag, HasALineInFdinfoAfterTheOthers) {
    for (int flag : {0, EFD_AUTORESET}) {
        FileDescriptor efd = NewEventfd(0x1f, flag);
        EXPECT_EQ(
            Fdinfo(efd).TextFrom("eventfd-count"),
            "eventfd-count:               1f\neventfd-id: " + std::to_string(EventfdId(efd)) +
                "\neventfd-semaphore: 0\neventfd-autoreset: " + (flag ? "1" : "0") + "\n");
    }
    FileDescriptor semaphore = NewEventfd(0, EFD_SEMAPHORE);
    EXPECT_EQ(Fdinfo(semaphore).Value("eventfd-semaphore"), "1");
    EXPECT_EQ(Fdinfo(semaphore).Value("eventfd-autoreset"), "0");
}

TEST_F(AutoresetFlag, LookingAtFdinfoIsNoClaim) {
    FileDescriptor efd = NewAutoreset(7);
    EXPECT_EQ(EventfdCount(efd), 7u);
    EXPECT_EQ(EventfdCount(efd), 7u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetFlag, LeavesOtherEventfdsAsTheyAre) {
    for (int flags : {0, int{EFD_SEMAPHORE}}) {
        FileDescriptor other = NewEventfd(2, flags);
        FileDescriptor epoll = NewEpoll();
        EpollAdd(epoll, other, EPOLLIN);
        for (int i = 0; i < 3; i++) {
            EXPECT_THAT(Poll(other, POLLIN), Revents(POLLIN));
            EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(other, EPOLLIN)));
        }
        EXPECT_EQ(EventfdCount(other), 2u);
    }
}

/* Apart from polls it is an eventfd like any other. */
class AutoresetCounter : public AutoresetTest {};

TEST_F(AutoresetCounter, ReadTakesTheSumOfTheWrites) {
    FileDescriptor efd = NewEventfd(3, EFD_AUTORESET | EFD_NONBLOCK);
    uint64_t value = 0;
    EXPECT_THAT(Write(efd, 4), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, 7u);
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST_F(AutoresetCounter, InitialValueIsUnsignedAndAnEvent) {
    FileDescriptor efd = NewEventfd(UINT32_MAX, EFD_AUTORESET);
    EXPECT_EQ(EventfdCount(efd), uint64_t{UINT32_MAX});
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetCounter, HasTheLimitsOfAnyEventfd) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    uint64_t value = 1;
    for (size_t length : {size_t{0}, size_t{4}, size_t{7}, size_t{9}, size_t{16}}) {
        char buffer[16] = {};
        EXPECT_THAT(Write(efd, buffer, length), SyscallFailsWithErrno(EINVAL)) << length;
    }
    EXPECT_THAT(Read(efd, &value, 7), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Write(efd, 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, kFull);
}

TEST_F(AutoresetCounter, BlockedReaderIsWokenByAWrite) {
    FileDescriptor efd = NewAutoreset();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    Must(Write(efd, 5));
    reader.Join();
    EXPECT_EQ(value, 5u);
}

TEST_F(AutoresetCounter, BlockedReaderSleepsOnWhereAPollTookTheEvent) {
    FileDescriptor efd = NewAutoreset(1);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
    reader.ExpectStillBlockedIn(SYS_read);
    Must(Write(efd, 6));
    reader.Join();
    EXPECT_EQ(value, 6u);
}

TEST_F(AutoresetCounter, BlockedWriterIsWokenByARead) {
    FileDescriptor efd = NewAutoreset(kFull);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kFull);
    writer.Join();
    EXPECT_EQ(Drain(efd), 3u);
}

TEST_F_WITH(AutoresetCounter, OfFourBlockedReadersOneGetsAWrite, Needs(Change::kWakeOne)) {
    FileDescriptor efd = NewAutoreset();
    std::vector<std::unique_ptr<ScopedThread>> readers;
    std::vector<unsigned long> switches;
    for (int i = 0; i < 4; i++) {
        readers.push_back(NewThread([&] {
            uint64_t value = 0;
            EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
            EXPECT_EQ(value, 1u);
        }));
        readers.back()->WaitUntilBlockedIn(SYS_read);
        switches.push_back(readers.back()->switches());
    }
    Must(Write(efd, 1));
    int asleep = 0;
    for (size_t i = 0; i < readers.size(); i++) {
        if (!readers[i]->SleepsIn(SYS_read)) continue;
        asleep++;
        EXPECT_EQ(readers[i]->switches(), switches[i]) << "of reader " << i;
    }
    EXPECT_EQ(asleep, 3);
    EXPECT_EQ(EventfdCount(efd), 0u);
    for (; asleep; asleep--) {
        Must(Write(efd, 1));
        WaitUntil([&] { return EventfdCount(efd) == 0; });
    }
}

TEST_F_WITH(AutoresetCounter, ReadThatFailsLeavesTheEventToThePoll,
            Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewAutoreset(5, EFD_NONBLOCK);
    void* nowhere = nullptr;
    EXPECT_THAT(Read(efd, nowhere, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(EventfdCount(efd), 5u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Read(efd, nowhere, 8), SyscallFailsWithErrno(EAGAIN));
}

TEST_F(AutoresetCounter, ReadsAfterAClaimStartFromZero) {
    FileDescriptor efd = NewAutoreset(1000);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    Must(Write(efd, 2));
    EXPECT_EQ(Drain(efd), 2u);
}

using AutoresetPoll = AutoresetTest;

TEST_F(AutoresetPoll, TwiceAfterOneWriteReportsItOnce) {
    FileDescriptor efd = NewAutoreset();
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetPoll, OnceAfterManyWritesReportsThemAsOne) {
    FileDescriptor efd = NewAutoreset();
    for (int i = 0; i < 10; i++) Must(Write(efd, 1000));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

/*
 * What is lost by a kernel that resets in its poll function whenever that is asked about input,
 * whoever asks: much of the kernel only looks, and much of what reports never asks.
 */
class AutoresetLosesNo : public AutoresetTest {};

TEST_F(AutoresetLosesNo, EventFromBeforeItWasAddedToAnEpoll) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    Must(Write(efd, 1));
    EpollAdd(epoll, efd, EPOLLIN);
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_F(AutoresetLosesNo, EventFromBeforeItsEntryWasModified) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    Must(Write(efd, 1));
    EpollModify(epoll, efd, EPOLLIN | EPOLLET);
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_F(AutoresetLosesNo, EventBehindAnEpollInsideAnEpoll) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor inner = NewEpoll();
    FileDescriptor outer = NewEpoll();
    EpollAdd(inner, efd, EPOLLIN);
    EpollAdd(outer, inner, EPOLLIN);
    Must(Write(efd, 1));
    EXPECT_THAT(EpollWait(outer), ElementsAre(Event(inner, EPOLLIN)));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(EpollWait(inner), ElementsAre(Event(efd, EPOLLIN)));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(EpollWait(outer), IsEmpty());
}

TEST_F(AutoresetLosesNo, EventBehindAnEpollThatWasPolled) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(epoll, POLLIN), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(Poll(epoll, POLLIN), Revents(0));
}

TEST_F(AutoresetLosesNo, SpaceThatABlockedWriterWaitsFor) {
    FileDescriptor efd = NewAutoreset(kFull);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    /* It was woken before poll(2) returned, or it is not woken at all. */
    bool asleep = writer.SleepsIn(SYS_write);
    EXPECT_FALSE(asleep) << "the writer still waits, with a count of " << EventfdCount(efd);
    if (asleep) Must(Write(efd, 1)), Drain(efd);
    writer.Join();
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST_F(AutoresetLosesNo, ResetByAnIoUringPollThatWasArmedBeforeTheWrite) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    io_uring_prep_poll_add(ring.Entry(), efd, POLLIN);
    ring.Submit();
    Must(Write(efd, 1));
    EXPECT_EQ(ring.Wait().result, POLLIN);
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST_F(AutoresetLosesNo, ResetByAnAioPollThatWasArmedBeforeTheWrite) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb request = AioPoll(efd, POLLIN);
    Must(aio.Submit(&request));
    Must(Write(efd, 1));
    EXPECT_EQ(aio.Wait().res, POLLIN);
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

/*
 * READ_MULTISHOT polls again where it was woken twice before its task looked: with
 * DEFER_TASKRUN that is so each time, and no race.
 */
TEST_F(AutoresetLosesNo, EventThatAnIoUringMultishotReadWaitsFor) {
    constexpr int kGroup = 1;
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    SKIP_IF_REFUSED(ring);
    SKIP_UNLESS(ring.Knows(kOpReadMultishot), "this kernel's io_uring has no READ_MULTISHOT");
    uint64_t values[8] = {};
    io_uring_prep_provide_buffers(ring.Entry(), values, 8, 8, kGroup, 0);
    ring.Submit();
    EXPECT_GE(ring.Wait().result, 0);
    ring.EnterMultishotRead(efd, kGroup);
    ring.Submit();
    Completion completion = {};
    ASSERT_FALSE(ring.Peek(&completion)) << completion;
    for (uint64_t i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        Must(Write(efd, 1));
        io_uring_get_events(ring.get());
        ASSERT_TRUE(ring.Peek(&completion)) << "with a count of " << EventfdCount(efd);
        EXPECT_EQ(completion.result, 8);
        EXPECT_EQ(values[i], 2u);
    }
}

/*
 * An io_uring READ finds nothing, and arms a poll of its own. Whatever the writes do in
 * between, that poll must not take what the READ is waiting for. Nobody else reads or polls
 * here: all that was written has to be read, and a counter of zero before that is an event that
 * was eaten.
 */
TEST_F_WITH(AutoresetLosesNo, EventThatAnIoUringReadWaitsFor, TimeLimit(AutoresetTimeLimit())) {
    const unsigned long enough = AutoresetRounds();
    const auto long_enough = std::chrono::steady_clock::now() + AutoresetTimeLimit() / 6;
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> written{0}; /* in the end, and 0 before */
    ScopedThread writer([&] {
        const uint64_t one = 1;
        uint64_t writes = 0;
        do {
            if (write(efd, &one, sizeof(one)) != sizeof(one)) ADD_FAILURE() << "write";
            writes++;
            /* About as long as a READ takes, so that many of them find nothing at first. */
            for (uint64_t i = writes % 1024 * (writes / 1024 % 4 + 1) * 4; i > 0; i--)
                asm volatile("" ::: "memory");
        } while (!stop);
        written = writes;
    });
    uint64_t sum = 0;
    uint64_t value = 0;
    unsigned long waited = 0;
    bool eaten = false;
    while (!eaten && (!written || sum < written)) {
        Completion completion = {};
        io_uring_prep_read(ring.Entry(), efd, &value, sizeof(value), 0);
        ring.Submit();
        bool waits = !ring.Peek(&completion);
        waited += waits;
        if (waited >= enough || std::chrono::steady_clock::now() > long_enough) stop = true;
        while (waits && !eaten) {
            bool last = written != 0;
            io_uring_get_events(ring.get());
            waits = !ring.Peek(&completion);
            eaten = waits && last && EventfdCount(efd) == 0;
        }
        if (eaten) break;
        EXPECT_EQ(completion.result, 8);
        sum += value;
    }
    stop = true;
    writer.Join();
    EXPECT_EQ(sum, written) << "the count is " << EventfdCount(efd) << "; " << waited
                            << " READs found nothing at first";
}

} /* namespace */
} /* namespace suite */
