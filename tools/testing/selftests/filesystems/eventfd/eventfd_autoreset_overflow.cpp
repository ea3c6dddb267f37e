// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET with counters that are full or overflowed, and those who wait for space.
#include <memory>

#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/pollers.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::ElementsAre;
using testing::IsEmpty;

/* Counters that are full, and what a claim does for those who wait for space. */
class AutoresetFull : public AutoresetTest {
  protected:
    /* A counter at 2^64 - 1, where only the kernel brings it. */
    FileDescriptor NewOverflowed(Where where = Where::current()) {
        FileDescriptor efd = NewAutoreset(kFull, 0, where);
        Signal(efd, where);
        return efd;
    }

    void Signal(int efd, Where where = Where::current()) {
        ring_.RegisterEventfd(efd, where);
        ring_.CompleteNops(1, where);
        ring_.UnregisterEventfd(where);
    }

    IoUring ring_;
};

TEST_F(AutoresetFull, OverflowIsReportedWithTheClaimThatEndsIt) {
    SKIP_IF_REFUSED(ring_);
    struct {
        short asked;
        short reported;
    } cases[] = {{POLLIN, POLLIN | POLLERR}, {POLLIN | POLLOUT, POLLIN | POLLOUT | POLLERR}};
    for (const auto& each : cases) {
        FileDescriptor efd = NewOverflowed();
        EXPECT_EQ(EventfdCount(efd), kOverflow);
        EXPECT_THAT(Poll(efd, each.asked), Revents(each.reported));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
        EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    }
}

TEST_F(AutoresetFull, OverflowIsNoClaimWithoutPollin) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    EXPECT_THAT(Poll(efd, 0), Revents(POLLERR));
    EXPECT_THAT(Poll(efd, POLLOUT), Revents(POLLERR));
    EXPECT_EQ(EventfdCount(efd), kOverflow);
}

TEST_F(AutoresetFull, OverflowIsReportedByEpollOnce) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, 0);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLERR)));
    EXPECT_EQ(EventfdCount(efd), kOverflow);
    EpollModify(epoll, efd, EPOLLIN);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN | EPOLLERR)));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_F(AutoresetFull, OverflowIsReadableAndWritableToSelectOnce) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    EXPECT_THAT(Select(efd), Selected(kReadable | kWritable));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(Select(efd), Selected(kWritable));
}

TEST_F(AutoresetFull, OverflowDoesNotWakeAPollForErrorsOnly) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewAutoreset(kFull);
    FileDescriptor other = NewEventfd();
    pollfd entries[] = {{efd, 0, 0}, {other, POLLIN, 0}};
    ScopedThread poller(
        [&] { EXPECT_THAT(SYSCALL(poll, entries, 2, -1), SyscallSucceedsWithValue(2)); });
    poller.WaitUntilBlockedIn(kPollCall);
    unsigned long before = poller.switches();
    Signal(efd);
    poller.ExpectStillBlockedIn(kPollCall);
    EXPECT_EQ(poller.switches(), before);
    Must(Write(other, 1));
    poller.Join();
    EXPECT_EQ(entries[0].revents, POLLERR);
    EXPECT_EQ(EventfdCount(efd), kOverflow);
}

TEST_F(AutoresetFull, OverflowedOneTakesNoWriteUntilItIsClaimed) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    Must(SYSCALL(fcntl, efd, F_SETFL, O_NONBLOCK));
    for (uint64_t value : {uint64_t{0}, uint64_t{1}, kFull}) {
        EXPECT_THAT(Write(efd, value), SyscallFailsWithErrno(EAGAIN));
        EXPECT_EQ(EventfdCount(efd), kOverflow);
    }
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN | POLLERR));
    EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
}

TEST_F(AutoresetFull, ReadOfAnOverflowedOneTakesAll) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    uint64_t value = 0;
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, kOverflow);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
}

TEST_F(AutoresetFull, ClaimOfAFullOneIsOneEventForOutput) {
    FileDescriptor efd = NewAutoreset(kFull);
    FileDescriptor output = NewEpoll();
    EpollAdd(output, efd, EPOLLOUT | EPOLLET);
    EXPECT_THAT(EpollWait(output), IsEmpty());
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(EpollWait(output), ElementsAre(Event(efd, EPOLLOUT)));
    EXPECT_THAT(EpollWait(output), IsEmpty());
}

TEST_F(AutoresetFull, ClaimOfAnOverflowedOneIsOneEventForOutput) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    FileDescriptor output = NewEpoll();
    EpollAdd(output, efd, EPOLLOUT | EPOLLET);
    EXPECT_THAT(EpollWait(output), ElementsAre(Event(efd, EPOLLERR)));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN | POLLERR));
    EXPECT_THAT(EpollWait(output), ElementsAre(Event(efd, EPOLLOUT)));
    EXPECT_THAT(EpollWait(output), IsEmpty());
}

TEST_F(AutoresetFull, ClaimOfOneThatIsNotFullIsNoEventForOutput) {
    for (uint64_t count : {uint64_t{1}, kFull - 1}) {
        FileDescriptor efd = NewAutoreset(count);
        FileDescriptor output = NewEpoll();
        EpollAdd(output, efd, EPOLLOUT | EPOLLET);
        EXPECT_THAT(EpollWait(output), ElementsAre(Event(efd, EPOLLOUT)));
        EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
        EXPECT_THAT(EpollWait(output), IsEmpty()) << count;
    }
}

TEST_F(AutoresetFull, PollThatWaitsForSpaceIsWokenByAClaim) {
    FileDescriptor efd = NewAutoreset(kFull);
    ScopedThread waiter([&] { EXPECT_THAT(Poll(efd, POLLOUT, -1ms), Revents(POLLOUT)); });
    waiter.WaitUntilBlockedIn(kPollCall);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    waiter.Join();
}

TEST_F(AutoresetFull, WritersThatFitAfterAClaimGoOnAndTheOthersSleep) {
    SKIP_WITHOUT(Change::kWakeFittingWriters);
    FileDescriptor efd = NewAutoreset(kFull);
    auto blocked = [&](uint64_t value) {
        return NewThread(
            [&, value] { EXPECT_THAT(Write(efd, value), SyscallSucceedsWithValue(8)); });
    };
    std::unique_ptr<ScopedThread> writers[] = {blocked(1), blocked(20), blocked(300)};
    for (auto& writer : writers) writer->WaitUntilBlockedIn(SYS_write);
    std::unique_ptr<ScopedThread> large = blocked(kFull);
    large->WaitUntilBlockedIn(SYS_write);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    for (auto& writer : writers) writer->Join();
    large->ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(EventfdCount(efd), 321u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    large->Join();
    EXPECT_EQ(EventfdCount(efd), kFull);
}

TEST_F(AutoresetFull, BlockedWriteOfZeroGoesOnAfterAClaimOfAnOverflow) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewOverflowed();
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN | POLLERR));
    writer.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetFull, IoUringWriteThatPendsGoesOnAfterAClaim) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewAutoreset(kFull, EFD_NONBLOCK);
    uint64_t value = 9;
    io_uring_prep_write(ring_.Entry(), efd, &value, sizeof(value), 0);
    ring_.Submit();
    Completion completion = {};
    EXPECT_FALSE(ring_.Peek(&completion)) << completion;
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_EQ(ring_.Wait().result, 8);
    EXPECT_EQ(EventfdCount(efd), 9u);
}

/* Whoever claims: the blocked writer goes on. */
class AutoresetBlockedWriter : public testing::TestWithParam<PollerKind> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        SKIP_UNLESS(WhyNotPoller(GetParam()).empty(), WhyNotPoller(GetParam()));
    }
};

INSTANTIATE_TEST_SUITE_P(By, AutoresetBlockedWriter, testing::ValuesIn(EveryPoller()),
                         [](const auto& info) { return PollerName(info.param); });

TEST_P(AutoresetBlockedWriter, GoesOnAfterAClaim) {
    FileDescriptor efd = NewAutoreset(kFull);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    {
        std::unique_ptr<Poller> poller = Poller::Make(GetParam(), efd);
        EXPECT_TRUE(poller->Wait().input);
        writer.Join();
        EXPECT_TRUE(poller->Wait().input) << "the event of the writer";
    }
    EXPECT_EQ(EventfdCount(efd), 0u);
}

} /* namespace */
} /* namespace suite */
