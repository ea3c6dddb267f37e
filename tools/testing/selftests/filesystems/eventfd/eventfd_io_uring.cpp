// SPDX-License-Identifier: GPL-2.0
// io_uring and eventfds: the eventfd that a ring signals, and the requests of a ring that read,
// write and poll one. On rings of each kind, and with EFD_AUTORESET, too.
#include <sys/uio.h>

#include <memory>
#include <tuple>
#include <vector>

#include "support/aio.h"
#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/probes.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::AnyOf;
using testing::IsEmpty;

struct RingKind {
    const char* name;
    unsigned int flags;
};

constexpr unsigned int kDeferring = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

constexpr RingKind kPlainRing = {"Plain", 0}, kSqpollRing = {"Sqpoll", IORING_SETUP_SQPOLL};
constexpr RingKind kRings[] = {
    kPlainRing,
    {"Cooperative", IORING_SETUP_COOP_TASKRUN},
    {"Deferring", kDeferring},
    kSqpollRing,
};

void PrintTo(const RingKind& kind, std::ostream* out) { *out << kind.name; }

/* A kind of ring, and the flags of the eventfds that it has to do with. */
class AnyRing : public testing::TestWithParam<std::tuple<RingKind, int>> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_KNOWN(flags());
        ring_ = std::make_unique<IoUring>(8, ring_flags(), Where::current());
        SKIP_IF_REFUSED(*ring_);
    }

    unsigned int ring_flags() const { return std::get<0>(GetParam()).flags; }
    int flags() const { return std::get<1>(GetParam()); }

    FileDescriptor New(uint64_t count, int more_flags = 0, Where where = Where::current()) {
        return NewEventfdAt(count, flags() | more_flags, where);
    }

    /* The thread of an SQPOLL ring posts a completion before it signals. */
    void ExpectCount(int efd, uint64_t count, Where where = Where::current()) {
        CalledFrom test(where);
        if (ring_flags() & IORING_SETUP_SQPOLL)
            WaitUntil([&] { return EventfdCount(efd, where) >= count; });
        EXPECT_EQ(EventfdCount(efd, where), count);
    }

    /* A poll that takes the event of an overflow makes space with that, and says so. */
    short room_by_claim() const { return flags() ? POLLOUT : 0; }

    io_uring_sqe* Entry(uint64_t data = 0, Where where = Where::current()) {
        return ring_->Entry(data, where);
    }

    /* Submits what was prepared and waits for its completion. */
    int Result(Where where = Where::current()) {
        ring_->Submit(where);
        return ring_->Wait(where).result;
    }

    std::unique_ptr<IoUring> ring_;
};

std::string RingName(const testing::TestParamInfo<std::tuple<RingKind, int>>& info) {
    return std::string(std::get<0>(info.param).name) +
           (std::get<1>(info.param) ? "Autoreset" : "");
}

const auto kEach =
    testing::Combine(testing::ValuesIn(kRings), testing::Values(0, EFD_AUTORESET));

/*
 * For what ends where it is submitted: a ring with a thread of its own goes another way to it,
 * and the others all the same one. Only a poll knows EFD_AUTORESET there.
 */
const auto kEachWay =
    testing::Values(std::tuple(kPlainRing, 0), std::tuple(kPlainRing, int{EFD_AUTORESET}),
                    std::tuple(kSqpollRing, 0));

/* The eventfd that a ring signals. */
class RingsEventfd : public AnyRing {};

INSTANTIATE_TEST_SUITE_P(Of, RingsEventfd, kEach, RingName);

/* That it is signalled, and for how long. */
class Registration : public AnyRing {};

INSTANTIATE_TEST_SUITE_P(Of, Registration, kEachWay, RingName);

TEST_P(RingsEventfd, BecomesReadableWithACompletion) {
    FileDescriptor efd = New(0);
    ring_->RegisterEventfd(efd);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLOUT));
    ring_->CompleteNops(1);
    ExpectCount(efd, 1);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLOUT));
}

TEST_P(RingsEventfd, WakesABlockedRead) {
    FileDescriptor efd = New(0);
    uint64_t value = 0;
    ring_->RegisterEventfd(efd);
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    ring_->CompleteNops(1);
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_P(RingsEventfd, GetsOneForSeveralCompletionsOfOneSubmit) {
    FileDescriptor efd = New(0);
    ring_->RegisterEventfd(efd);
    ring_->CompleteNops(5);
    ExpectCount(efd, 1);
    ring_->CompleteNops(1);
    ExpectCount(efd, 2);
}

TEST_P(RingsEventfd, OverflowsFromFullByOneCompletion) {
    FileDescriptor efd = New(kFull);
    ring_->RegisterEventfd(efd);
    ring_->CompleteNops(1);
    ExpectCount(efd, kOverflow);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLERR | room_by_claim()));
}

TEST_P(RingsEventfd, IsSignalledByARequestThatWaited) {
    FileDescriptor efd = New(0);
    FileDescriptor source = New(0);
    uint64_t value = 0;
    io_uring_prep_read(Entry(), source, &value, sizeof(value), 0);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    ring_->RegisterEventfd(efd);
    Must(Write(source, 3));
    EXPECT_EQ(ring_->Wait().result, 8);
    EXPECT_EQ(value, 3u);
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
}

TEST_P(RingsEventfd, IsLeftAloneOnceUnregistered) {
    FileDescriptor efd = New(0);
    ring_->RegisterEventfd(efd);
    ring_->UnregisterEventfd();
    ring_->CompleteNops(1);
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_EQ(io_uring_unregister_eventfd(ring_->get()), -ENXIO);
}

TEST_P(Registration, CannotBeTwo) {
    FileDescriptor efd = New(0);
    FileDescriptor other = New(0);
    ring_->RegisterEventfd(efd);
    EXPECT_EQ(io_uring_register_eventfd(ring_->get(), efd), -EBUSY);
    EXPECT_EQ(io_uring_register_eventfd(ring_->get(), other), -EBUSY);
    EXPECT_EQ(io_uring_register_eventfd_async(ring_->get(), other), -EBUSY);
    ring_->CompleteNops(1);
    ExpectCount(efd, 1);
    EXPECT_EQ(EventfdCount(other), 0u);
}

TEST_P(Registration, CanBeRegisteredAHundredTimes) {
    FileDescriptor efd = New(0);
    for (uint64_t i = 1; i <= 100; i++) {
        ring_->RegisterEventfd(efd);
        ring_->CompleteNops(1);
        ExpectCount(efd, i);
        ring_->UnregisterEventfd();
    }
    long id = EventfdId(efd);
    efd.Reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_P(RingsEventfd, IsMutedByTheRingsFlagAndMissesNothingAfterIt) {
    FileDescriptor efd = New(0);
    ring_->RegisterEventfd(efd);
    ASSERT_EQ(io_uring_cq_eventfd_toggle(ring_->get(), false), 0);
    ring_->CompleteNops(3);
    ring_->ExpectNoCompletion();
    EXPECT_EQ(EventfdCount(efd), 0u);
    ASSERT_EQ(io_uring_cq_eventfd_toggle(ring_->get(), true), 0);
    ring_->CompleteNops(1);
    ExpectCount(efd, 1);
}

TEST_P(RingsEventfd, HearsNothingOfARequestWithoutCompletion) {
    SKIP_UNLESS(ring_->get()->features & IORING_FEAT_CQE_SKIP,
                "this kernel has no IOSQE_CQE_SKIP_SUCCESS");
    FileDescriptor efd = New(0);
    ring_->RegisterEventfd(efd);
    io_uring_sqe_set_flags(Entry(), IOSQE_CQE_SKIP_SUCCESS);
    ring_->Submit();
    ring_->CompleteNops(1);
    ExpectCount(efd, 1);
}

TEST_P(RingsEventfd, LivesOnInTheRingWhenItsDescriptorIsClosed) {
    FileDescriptor efd = New(0);
    long id = EventfdId(efd);
    ring_->RegisterEventfd(efd);
    efd.Reset();
    EXPECT_FALSE(EventfdIdIsFree(id));
    ring_->CompleteNops(3);
    EXPECT_FALSE(EventfdIdIsFree(id));
    ring_->UnregisterEventfd();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_P(RingsEventfd, GoesWithARingThatEndsWhileATimeoutRuns) {
    FileDescriptor efd = New(0);
    long id = EventfdId(efd);
    __kernel_timespec hour = {3600, 0};
    ring_->RegisterEventfd(efd);
    io_uring_prep_timeout(Entry(1), &hour, 0, 0);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    efd.Reset();
    EXPECT_FALSE(EventfdIdIsFree(id));
    ring_.reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

/*
 * A multishot poll of the ring's own eventfd: the completion of that poll is a signal, too, and
 * so it would feed on itself. It ends with the first signal of a ring.
 */
TEST_P(RingsEventfd, EndsAMultishotPollOfItsOwnRing) {
    FileDescriptor efd = New(0);
    constexpr uint64_t kPolling = 1;
    ring_->RegisterEventfd(efd);
    io_uring_prep_poll_multishot(Entry(kPolling), efd, POLLIN);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    Completion polled = ring_->Wait();
    EXPECT_EQ(polled.data, kPolling);
    EXPECT_EQ(polled.result, POLLIN);
    EXPECT_FALSE(polled.flags & IORING_CQE_F_MORE) << polled;
    for (int i = 0; i < 3; i++) ring_->ExpectNoCompletion();
}

/* Each ring polls the eventfd that the other one signals: what one posts is news to the other.
 */
TEST_P(RingsEventfd, CrossedWithThatOfAnotherRingFeedsOnItselfForAWhileAtMost) {
    constexpr uint64_t kPolling = 1, kNop = 2;
    constexpr int kRounds = 5, kMost = 200;
    FileDescriptor efds[2] = {New(0), New(0)};
    IoUring other(8, ring_flags());
    IoUring* rings[2] = {ring_.get(), &other};
    bool polling[2] = {};
    int nops = 0, polls = 0;
    auto look = [&] {
        int seen = 0;
        for (int side : {0, 1}) {
            Completion completion;
            io_uring_get_events(rings[side]->get());
            for (; rings[side]->Peek(&completion); seen++) {
                if (completion.data == kNop) {
                    nops++;
                    continue;
                }
                EXPECT_EQ(completion.result, POLLIN);
                polling[side] = completion.flags & IORING_CQE_F_MORE;
                polls++;
            }
        }
        return seen;
    };
    rings[0]->RegisterEventfd(efds[0]);
    rings[1]->RegisterEventfd(efds[1]);
    for (int round = 1; round <= kRounds; round++) {
        for (int side : {0, 1}) {
            if (!polling[side])
                io_uring_prep_poll_multishot(rings[side]->Entry(kPolling), efds[!side], POLLIN);
            polling[side] = true;
            rings[side]->Submit();
        }
        for (IoUring* ring : rings) {
            ring->Entry(kNop);
            ring->Submit();
        }
        WaitUntil([&] {
            look();
            return nops == 2 * round && polls > 0;
        });
    }
    while (look() && polls <= kMost)
        ;
    EXPECT_LE(polls, kMost) << "and it goes on";
}

/* What ends it is the ring that signals: to a write a multishot poll listens on. */
TEST_P(RingsEventfd, LeavesAMultishotPollOfItAliveThatAWriteWakes) {
    FileDescriptor efd = New(0);
    io_uring_prep_poll_multishot(Entry(), efd, POLLIN);
    ring_->Submit();
    for (int i = 0; i < 3; i++) {
        ring_->ExpectNoCompletion();
        Must(Write(efd, 1));
        Completion polled = ring_->Wait();
        EXPECT_EQ(polled.result, POLLIN);
        EXPECT_TRUE(polled.flags & IORING_CQE_F_MORE) << polled;
    }
}

TEST(RingsEventfds, OfADeferringRingIsSignalledBeforeItsTaskDoesTheWork) {
    IoUring ring(8, kDeferring);
    SKIP_IF_REFUSED(ring);
    FileDescriptor efd = NewEventfd();
    FileDescriptor source = NewEventfd();
    uint64_t value = 0;
    io_uring_prep_read(ring.Entry(), source, &value, sizeof(value), 0);
    ring.Submit();
    ring.RegisterEventfd(efd);
    Must(Write(source, 3));
    Completion completion;
    EXPECT_FALSE(ring.Peek(&completion)) << completion;
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(ring.Wait().result, 8);
}

TEST(RingsEventfds, RegisteredAsAsyncHearOfWorkersCompletionsOnly) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    FileDescriptor efd = NewEventfd();
    ASSERT_EQ(io_uring_register_eventfd_async(ring.get(), efd), 0);
    ring.CompleteNops(3);
    EXPECT_EQ(EventfdCount(efd), 0u);
    io_uring_sqe_set_flags(ring.Entry(), IOSQE_ASYNC);
    ring.Submit();
    EXPECT_EQ(ring.Wait().result, 0);
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 1u);
    ring.CompleteNops(3);
    EXPECT_EQ(EventfdCount(efd), 1u);
}

TEST(RingsEventfds, AreNeitherEpollsNorWithoutAccess) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    FileDescriptor epoll = NewEpoll();
    FileDescriptor efd = NewEventfd();
    std::string path = "/proc/self/fd/" + std::to_string(efd.get());
    FileDescriptor no_access(
        static_cast<int>(Must(SYSCALL(open, path.c_str(), O_PATH | O_CLOEXEC))));
    EXPECT_EQ(io_uring_register_eventfd(ring.get(), epoll), -EINVAL);
    EXPECT_EQ(io_uring_register_eventfd(ring.get(), no_access), -EBADF);
    EXPECT_EQ(io_uring_register_eventfd(ring.get(), -1), -EBADF);
    EXPECT_EQ(io_uring_register_eventfd_async(ring.get(), epoll), -EINVAL);
    ring.RegisterEventfd(efd);
}

TEST(RingsEventfds, CanBeOneForTwoRings) {
    IoUring one, other;
    SKIP_IF_REFUSED(one);
    FileDescriptor efd = NewEventfd();
    one.RegisterEventfd(efd);
    other.RegisterEventfd(efd);
    one.CompleteNops(1);
    other.CompleteNops(1);
    EXPECT_EQ(EventfdCount(efd), 2u);
}

/* Requests that read, write and poll an eventfd. What transports have in common is not here. */
class RingRequest : public AnyRing {};

INSTANTIATE_TEST_SUITE_P(On, RingRequest, kEach, RingName);

/* Those that do not wait. */
class InlineRequest : public AnyRing {};

INSTANTIATE_TEST_SUITE_P(On, InlineRequest, kEachWay, RingName);

TEST_P(RingRequest, ReadOfAnEmptyOneWaitsForAWriteBlockingOrNot) {
    for (int nonblock : {0, int{EFD_NONBLOCK}}) {
        FileDescriptor efd = New(0, nonblock);
        uint64_t value = 0;
        io_uring_prep_read(Entry(), efd, &value, sizeof(value), 0);
        ring_->Submit();
        ring_->ExpectNoCompletion();
        Must(Write(efd, 0));
        ring_->ExpectNoCompletion();
        Must(Write(efd, 42));
        EXPECT_EQ(ring_->Wait().result, 8);
        EXPECT_EQ(value, 42u);
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

TEST_P(RingRequest, WriteToAFullOneWaitsForAReadAndHoldsUpNoSubmit) {
    for (int nonblock : {0, int{EFD_NONBLOCK}}) {
        FileDescriptor efd = New(kFull, nonblock);
        uint64_t value = 5;
        io_uring_prep_write(Entry(), efd, &value, sizeof(value), 0);
        ring_->Submit();
        ring_->ExpectNoCompletion();
        EXPECT_EQ(EventfdCount(efd), kFull);
        EXPECT_EQ(Drain(efd), kFull);
        EXPECT_EQ(ring_->Wait().result, 8);
        EXPECT_EQ(EventfdCount(efd), 5u);
    }
}

TEST_P(InlineRequest, ReadWithNowaitOfAnEmptyOneIsEagain) {
    for (int nonblock : {0, int{EFD_NONBLOCK}}) {
        FileDescriptor efd = New(0, nonblock);
        uint64_t value = 99;
        io_uring_sqe* entry = Entry();
        io_uring_prep_read(entry, efd, &value, sizeof(value), 0);
        entry->rw_flags = RWF_NOWAIT;
        EXPECT_EQ(Result(), -EAGAIN);
        EXPECT_EQ(value, 99u);
        Must(Write(efd, 4));
        entry = Entry();
        io_uring_prep_read(entry, efd, &value, sizeof(value), 0);
        entry->rw_flags = RWF_NOWAIT;
        EXPECT_EQ(Result(), 8);
        EXPECT_EQ(value, 4u);
    }
}

TEST_P(InlineRequest, WriteWithNowaitToABlockingOneIsEagainEvenWhereThereIsSpace) {
    struct {
        uint64_t count;
        int nonblock;
        int result;
    } const cases[] = {
        {0, 0, -EAGAIN},
        {kFull, 0, -EAGAIN},
        {0, EFD_NONBLOCK, 8},
        {kFull, EFD_NONBLOCK, -EAGAIN},
    };
    for (const auto& c : cases) {
        FileDescriptor efd = New(c.count, c.nonblock);
        uint64_t value = 1;
        io_uring_sqe* entry = Entry();
        io_uring_prep_write(entry, efd, &value, sizeof(value), 0);
        entry->rw_flags = RWF_NOWAIT;
        EXPECT_EQ(Result(), c.result) << c.count << ", nonblocking: " << c.nonblock;
        EXPECT_EQ(EventfdCount(efd), c.count + (c.result == 8));
    }
}

TEST_P(InlineRequest, OffsetIsIgnored) {
    for (uint64_t offset : {uint64_t{0}, uint64_t{8}, uint64_t{4096}, UINT64_MAX}) {
        FileDescriptor efd = New(3);
        uint64_t value = 4;
        io_uring_prep_write(Entry(), efd, &value, sizeof(value), offset);
        EXPECT_EQ(Result(), 8) << offset;
        io_uring_prep_read(Entry(), efd, &value, sizeof(value), offset);
        EXPECT_EQ(Result(), 8) << offset;
        EXPECT_EQ(value, 7u);
    }
}

TEST_P(InlineRequest, ReadOfLessThanEightIsEinvalAndOfMoreReturnsEight) {
    FileDescriptor efd = New(3);
    uint64_t values[2] = {99, 99};
    for (unsigned int length : {0, 4, 7}) {
        io_uring_prep_read(Entry(), efd, values, length, 0);
        EXPECT_EQ(Result(), -EINVAL) << length;
    }
    EXPECT_EQ(EventfdCount(efd), 3u);
    io_uring_prep_read(Entry(), efd, values, 16, 0);
    EXPECT_EQ(Result(), 8);
    EXPECT_EQ(values[0], 3u);
    EXPECT_EQ(values[1], 99u);
}

TEST_P_WITH(InlineRequest, ReadToABadAddressIsEfaultAndTakesNothing,
            Needs(Change::kReadFaultsKeep)) {
    GuardedPage page;
    for (char* buffer : {static_cast<char*>(nullptr), page.end(), page.end() - 4}) {
        FileDescriptor efd = New(5);
        io_uring_prep_read(Entry(), efd, buffer, 8, 0);
        EXPECT_EQ(Result(), -EFAULT);
        EXPECT_EQ(EventfdCount(efd), 5u);
    }
}

TEST_P(InlineRequest, WritevAddsEachPart) {
    FileDescriptor efd = New(0);
    uint64_t values[2] = {3, 4};
    iovec parts[2] = {{&values[0], 8}, {&values[1], 8}};
    io_uring_prep_writev(Entry(), efd, parts, 2, 0);
    EXPECT_EQ(Result(), 16);
    EXPECT_EQ(EventfdCount(efd), 7u);
    parts[1].iov_len = 4;
    io_uring_prep_writev(Entry(), efd, parts, 2, 0);
    EXPECT_EQ(Result(), 8);
    EXPECT_EQ(EventfdCount(efd), 10u);
}

TEST_P(RingRequest, MultishotReadCompletesOnceForEachWrite) {
    SKIP_UNLESS(ring_->Knows(kOpReadMultishot), "this kernel's io_uring has no READ_MULTISHOT");
    constexpr uint64_t kReading = 1;
    constexpr int kGroup = 1;
    FileDescriptor efd = New(0);
    uint64_t values[4] = {};
    io_uring_prep_provide_buffers(Entry(), values, 8, 4, kGroup, 0);
    ASSERT_EQ(Result(), 0);
    ring_->EnterMultishotRead(efd, kGroup, kReading);
    ring_->Submit();
    for (uint64_t i = 1; i <= 4; i++) {
        ring_->ExpectNoCompletion();
        Must(Write(efd, i));
        Completion read = ring_->Wait();
        EXPECT_EQ(read.data, kReading);
        EXPECT_EQ(read.result, 8);
        ASSERT_TRUE(read.flags & IORING_CQE_F_BUFFER) << read;
        EXPECT_EQ(values[read.flags >> IORING_CQE_BUFFER_SHIFT], i);
        if (i == 4) break;
        EXPECT_TRUE(read.flags & IORING_CQE_F_MORE) << read;
    }
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_P(InlineRequest, SpliceIsEinvalInAndOut) {
    FileDescriptor efd = New(3);
    Pipe pipe = NewPipe();
    io_uring_prep_splice(Entry(), efd, -1, pipe.write_end, -1, 8, 0);
    EXPECT_EQ(Result(), -EINVAL);
    uint64_t value = 1;
    Must(Write(pipe.write_end, &value, sizeof(value)));
    io_uring_prep_splice(Entry(), pipe.read_end, -1, efd, -1, 8, 0);
    EXPECT_EQ(Result(), -EINVAL);
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST_P(RingRequest, CancelledReadTakesNothing) {
    constexpr uint64_t kReading = 1, kCancelling = 2;
    FileDescriptor efd = New(0);
    uint64_t value = 99;
    io_uring_prep_read(Entry(kReading), efd, &value, sizeof(value), 0);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    io_uring_prep_cancel64(Entry(kCancelling), kReading, 0);
    ring_->Submit();
    int results[3] = {99, 99, 99};
    for (int i = 0; i < 2; i++) {
        Completion completion = ring_->Wait();
        ASSERT_THAT(completion.data, AnyOf(kReading, kCancelling));
        results[completion.data] = completion.result;
    }
    EXPECT_EQ(results[kReading], -ECANCELED);
    EXPECT_EQ(results[kCancelling], 0);
    Must(Write(efd, 3));
    ring_->ExpectNoCompletion();
    EXPECT_EQ(value, 99u);
    EXPECT_EQ(EventfdCount(efd), 3u);
}

/* The signals of the kernel are all that can still reach it: who would write has no descriptor.
 */
TEST_P(RingRequest, ReadKeepsAnEventfdWithoutDescriptorForASignalOfAnotherRing) {
    FileDescriptor efd = New(0);
    long id = EventfdId(efd);
    uint64_t value = 0;
    IoUring other;
    other.RegisterEventfd(efd);
    io_uring_prep_read(Entry(), efd, &value, sizeof(value), 0);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    efd.Reset();
    ring_->ExpectNoCompletion();
    other.CompleteNops(1);
    EXPECT_EQ(ring_->Wait().result, 8);
    EXPECT_EQ(value, 1u);
    EXPECT_FALSE(EventfdIdIsFree(id)) << "the other ring holds it";
    other.UnregisterEventfd();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_P(RingRequest, ReadKeepsAnEventfdWithoutDescriptorForASignalOfAio) {
    FileDescriptor efd = New(0);
    FileDescriptor source = NewEventfd();
    long id = EventfdId(efd);
    uint64_t value = 0;
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb request = AioPoll(source, POLLIN);
    SignalWhenDone(&request, efd);
    Must(aio.Submit(&request));
    io_uring_prep_read(Entry(), efd, &value, sizeof(value), 0);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    efd.Reset();
    ring_->ExpectNoCompletion();
    EXPECT_FALSE(EventfdIdIsFree(id));
    Must(Write(source, 1));
    EXPECT_EQ(ring_->Wait().result, 8);
    EXPECT_EQ(value, 1u);
    aio.Wait();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_P(RingRequest, PollCompletesBeforeTheReadThatIsLinkedToIt) {
    constexpr uint64_t kPolling = 1, kReading = 2;
    FileDescriptor efd = New(0);
    uint64_t value = 0;
    iovec part = {&value, sizeof(value)};
    io_uring_sqe* entry = Entry(kPolling);
    io_uring_prep_poll_add(entry, efd, POLLIN);
    io_uring_sqe_set_flags(entry, IOSQE_IO_LINK);
    io_uring_prep_readv(Entry(kReading), efd, &part, 1, 0);
    ring_->Submit();
    ring_->ExpectNoCompletion();
    Must(Write(efd, 5));
    Completion polled = ring_->Wait();
    EXPECT_EQ(polled.data, kPolling);
    EXPECT_EQ(polled.result, POLLIN);
    /* With EFD_AUTORESET the poll has taken the event, and the read waits for the next one. */
    uint64_t expected = 5;
    if (flags()) {
        ring_->ExpectNoCompletion();
        expected = 6;
        Must(Write(efd, expected));
    }
    Completion read = ring_->Wait();
    EXPECT_EQ(read.data, kReading);
    EXPECT_EQ(read.result, 8);
    EXPECT_EQ(value, expected);
}

TEST_P(RingRequest, PollWakesATaskThatWaitsForACompletion) {
    FileDescriptor efd = New(0);
    ScopedThread waiter([&] {
        /* Some rings are for the task alone that made them. */
        IoUring ring(8, ring_flags());
        io_uring_prep_poll_add(ring.Entry(), efd, POLLIN);
        ring.Submit();
        EXPECT_EQ(ring.Wait().result, POLLIN);
    });
    waiter.WaitUntilBlockedIn(SYS_io_uring_enter);
    Must(Write(efd, 1));
}

TEST_P(RingRequest, PollSeesTheOverflow) {
    FileDescriptor efd = New(kFull);
    ring_->RegisterEventfd(efd);
    ring_->CompleteNops(1);
    ExpectCount(efd, kOverflow);
    ring_->UnregisterEventfd();
    io_uring_prep_poll_add(Entry(), efd, POLLIN | POLLOUT);
    EXPECT_EQ(Result(), POLLIN | POLLERR | room_by_claim());
}

/* The wake-up of a write says "input", whatever was written, and a poll of a ring believes it.
 */
TEST(RingPoll, IsCompletedByAWriteOfZeroThatEpollSaysNothingOf) {
    for (bool multishot : {false, true}) {
        IoUring ring;
        SKIP_IF_REFUSED(ring);
        FileDescriptor efd = NewEventfd();
        FileDescriptor epoll = NewEpoll();
        EpollAdd(epoll, efd, EPOLLIN | EPOLLET);
        if (multishot)
            io_uring_prep_poll_multishot(ring.Entry(), efd, POLLIN);
        else
            io_uring_prep_poll_add(ring.Entry(), efd, POLLIN);
        ring.Submit();
        ring.ExpectNoCompletion();
        Must(Write(efd, 0));
        Completion polled = ring.Wait();
        EXPECT_EQ(polled.result, POLLIN);
        EXPECT_EQ((polled.flags & IORING_CQE_F_MORE) != 0, multishot) << polled;
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
        EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
    }
}

} /* namespace */
} /* namespace suite */
