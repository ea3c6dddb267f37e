// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET with poll and select, on whatever descriptor: who claims, what with, and who
// must not.
#include <signal.h>
#include <sys/select.h>

#include <atomic>

#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/program.h"
#include "support/tasks.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using AutoresetPoll = AutoresetTest;

TEST_F(AutoresetPoll, ReportsEachStateExactly) {
    struct {
        uint64_t count;
        short asked;
        short reported;
        bool claims;
    } cases[] = {
        {0, POLLIN, 0, false},
        {0, POLLOUT, POLLOUT, false},
        {0, POLLIN | POLLOUT, POLLOUT, false},
        {0, kEveryPollEvent, POLLOUT, false},
        {1, POLLIN, POLLIN, true},
        {1, POLLOUT, POLLOUT, false},
        {1, POLLIN | POLLOUT, POLLIN | POLLOUT, true},
        {1, kEveryPollEvent, POLLIN | POLLOUT, true},
        {kFull - 1, POLLIN | POLLOUT, POLLIN | POLLOUT, true},
        {kFull, POLLIN, POLLIN, true},
        {kFull, POLLOUT, 0, false},
        /* The claim makes space: the result is of the time after it. */
        {kFull, POLLIN | POLLOUT, POLLIN | POLLOUT, true},
    };
    for (const auto& each : cases) {
        FileDescriptor efd = NewAutoreset(each.count);
        EXPECT_THAT(Poll(efd, each.asked), Revents(each.reported)) << each.count;
        EXPECT_EQ(EventfdCount(efd), each.claims ? 0 : each.count)
            << MaskText(static_cast<unsigned short>(each.asked));
    }
}

TEST_F(AutoresetPoll, WithoutPollinNeverResets) {
    const short asked[] = {0,          POLLOUT,    POLLPRI,  POLLERR | POLLHUP,
                           POLLRDNORM, POLLRDBAND, POLLRDHUP};
    FileDescriptor efd = NewAutoreset(5);
    for (short events : asked) {
        EXPECT_THAT(Poll(efd, events), Revents(static_cast<short>(events & POLLOUT)));
        EXPECT_EQ(EventfdCount(efd), 5u) << MaskText(static_cast<unsigned short>(events));
    }
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

TEST_F(AutoresetPoll, OfTheSameDescriptorTwiceReportsInputOnce) {
    FileDescriptor efd = NewAutoreset(1);
    FileDescriptor dup = Dup(efd);
    for (int other : {efd.get(), dup.get()}) {
        pollfd entries[] = {{efd, POLLIN, 0}, {other, POLLIN, 0}};
        EXPECT_THAT(SYSCALL(poll, entries, 2, 0), SyscallSucceedsWithValue(1));
        EXPECT_EQ(entries[0].revents | entries[1].revents, POLLIN);
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(SYSCALL(poll, entries, 2, 0), SyscallSucceedsWithValue(0));
        Must(Write(efd, 1));
    }
}

TEST_F(AutoresetPoll, OfSeveralEventfdsClaimsEachThatIsReady) {
    FileDescriptor first = NewAutoreset(1);
    FileDescriptor second = NewAutoreset(0);
    FileDescriptor third = NewAutoreset(9);
    pollfd entries[] = {{first, POLLIN, 0}, {second, POLLIN, 0}, {third, POLLIN, 0}};
    EXPECT_THAT(SYSCALL(poll, entries, 3, -1), SyscallSucceedsWithValue(2));
    EXPECT_EQ(entries[0].revents, POLLIN);
    EXPECT_EQ(entries[1].revents, 0);
    EXPECT_EQ(entries[2].revents, POLLIN);
    EXPECT_EQ(EventfdCount(first) + EventfdCount(third), 0u);
    EXPECT_THAT(SYSCALL(poll, entries, 3, 0), SyscallSucceedsWithValue(0));
}

TEST_F(AutoresetPoll, OfOneHalfOfAPairLeavesTheOtherAlone) {
    FileDescriptor asked = NewAutoreset(1);
    FileDescriptor unasked = NewAutoreset(1);
    pollfd entries[] = {{asked, POLLIN, 0}, {unasked, POLLOUT, 0}};
    EXPECT_THAT(SYSCALL(poll, entries, 2, 0), SyscallSucceedsWithValue(2));
    EXPECT_EQ(EventfdCount(asked), 0u);
    EXPECT_EQ(EventfdCount(unasked), 1u);
}

TEST_F(AutoresetPoll, OfTwoBlockedOnesTheLoserSleepsOn) {
    FileDescriptor efd = NewAutoreset();
    auto body = [&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); };
    ScopedThread one(body), two(body);
    one.WaitUntilBlockedIn(kPollCall);
    two.WaitUntilBlockedIn(kPollCall);
    Must(Write(efd, 1));
    WaitUntil([&] { return one.finished() || two.finished(); });
    ScopedThread& loser = one.finished() ? two : one;
    loser.ExpectStillBlockedIn(kPollCall);
    Must(Write(efd, 1));
    loser.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetPoll, ForErrorsOnlySleepsThroughAWrite) {
    FileDescriptor efd = NewAutoreset();
    Pipe stop = NewPipe();
    ScopedThread poller([&] {
        pollfd entries[] = {{efd, 0, 0}, {stop.read_end, POLLIN, 0}};
        EXPECT_THAT(SYSCALL(poll, entries, 2, -1), SyscallSucceedsWithValue(1));
        EXPECT_EQ(entries[0].revents, 0);
    });
    poller.WaitUntilBlockedIn(kPollCall);
    unsigned long before = poller.switches();
    for (int i = 0; i < 5; i++) {
        Must(Write(efd, 1));
        poller.ExpectStillBlockedIn(kPollCall);
    }
    EXPECT_EQ(poller.switches(), before);
    Must(Write(stop.write_end, "x", 1));
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 5u);
}

TEST_F(AutoresetPoll, ReadBeforeTheWokenPollerRunsLeavesItAsleepOrWithoutTheEvent) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    std::atomic<int> reported{0};
    ScopedThread poller([&] {
        EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN));
        reported = 1;
    });
    poller.WaitUntilBlockedIn(kPollCall);
    uint64_t value = 0;
    Must(Write(efd, 1));
    bool taken = Read(efd, &value).ok();
    if (taken) {
        poller.ExpectStillBlockedIn(kPollCall);
        EXPECT_EQ(reported, 0) << "the event was read and reported";
        Must(Write(efd, 1));
    }
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetPoll, WithAnyTimeoutClaimsOnlyWhatItReports) {
    FileDescriptor efd = NewAutoreset();
    timespec none = {0, 0};
    timespec some = {0, 5000000};
    for (std::chrono::milliseconds timeout : {0ms, 5ms}) {
        EXPECT_THAT(Poll(efd, POLLIN, timeout), Revents(0));
        Must(Write(efd, 1));
        EXPECT_THAT(Poll(efd, POLLIN, timeout), Revents(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN));
    for (timespec* timeout : {&none, &some}) {
        pollfd entry = {efd, POLLIN, 0};
        EXPECT_THAT(SYSCALL(ppoll, &entry, 1, timeout, nullptr), SyscallSucceedsWithValue(0));
        Must(Write(efd, 1));
        EXPECT_THAT(SYSCALL(ppoll, &entry, 1, timeout, nullptr), SyscallSucceedsWithValue(1));
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

TEST_F(AutoresetPoll, BlockedOneIsNotDisturbedByAChangeOfNonblock) {
    FileDescriptor efd = NewAutoreset();
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    Must(SYSCALL(fcntl, efd, F_SETFL, O_NONBLOCK));
    poller.ExpectStillBlockedIn(kPollCall);
    Must(Write(efd, 1));
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    Must(SYSCALL(fcntl, efd, F_SETFL, 0));
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

/* poll(2) looks its descriptors up again each time it is woken. */
TEST_F(AutoresetPoll, WithItsDescriptorClosedUnderItClaimsNothing) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor dup = Dup(efd);
    int number = efd.get();
    ScopedThread poller([&] { EXPECT_THAT(Poll(number, POLLIN, -1ms), Revents(POLLNVAL)); });
    poller.WaitUntilBlockedIn(kPollCall);
    efd.Reset();
    poller.ExpectStillBlockedIn(kPollCall);
    Must(Write(dup, 1));
    poller.Join();
    EXPECT_EQ(EventfdCount(dup), 1u);
    EXPECT_THAT(Poll(dup, POLLIN), Revents(POLLIN));
}

TEST_F(AutoresetPoll, InterruptedOneClaimsNothing) {
    FileDescriptor efd = NewAutoreset();
    CountingHandler handler(SIGUSR1, 0);
    ScopedThread poller([&] {
        pollfd entry = {efd, POLLIN, 0};
        EXPECT_THAT(SYSCALL(poll, &entry, 1, -1), SyscallFailsWithErrno(EINTR));
    });
    poller.WaitUntilBlockedIn(kPollCall);
    poller.Signal(SIGUSR1);
    poller.Join();
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

class AutoresetSelect : public AutoresetTest {};

TEST_F(AutoresetSelect, ReportsEachStateExactly) {
    FileDescriptor efd = NewAutoreset();
    EXPECT_THAT(Select(efd), Selected(kWritable));
    Must(Write(efd, 2));
    EXPECT_THAT(Select(efd), Selected(kReadable | kWritable));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(Select(efd), Selected(kWritable));
    Must(Write(efd, kFull));
    EXPECT_THAT(Select(efd), Selected(kReadable | kWritable));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetSelect, NotForReadingNeverResets) {
    FileDescriptor efd = NewAutoreset(4);
    for (bool writing : {true, false}) {
        fd_set set;
        fd_set* sets[] = {nullptr, nullptr};
        timeval at_once = {0, 0};
        FD_ZERO(&set);
        FD_SET(efd, &set);
        sets[writing ? 0 : 1] = &set;
        EXPECT_THAT(SYSCALL(select, efd + 1, nullptr, sets[0], sets[1], &at_once),
                    SyscallSucceedsWithValue(writing ? 1 : 0));
        EXPECT_EQ(EventfdCount(efd), 4u);
    }
    EXPECT_THAT(Select(efd), Selected(kReadable | kWritable));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetSelect, OfADescriptorAndItsDupReportsOneOfThem) {
    FileDescriptor efd = NewAutoreset(1);
    FileDescriptor dup = Dup(efd);
    fd_set set;
    timespec at_once = {0, 0};
    FD_ZERO(&set);
    FD_SET(efd, &set);
    FD_SET(dup, &set);
    EXPECT_THAT(SYSCALL(pselect, dup + 1, &set, nullptr, nullptr, &at_once, nullptr),
                SyscallSucceedsWithValue(1));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/* One event for all who have the file, by whatever way. */
class AutoresetSharing : public AutoresetTest {};

TEST_F(AutoresetSharing, DupIsTheSameEvent) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor dup = Dup(efd);
    Must(Write(dup, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(dup, POLLIN), Revents(0));
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(dup, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST_F(AutoresetSharing, ChildsClaimIsSeenByItsParent) {
    FileDescriptor efd = NewAutoreset(1);
    ChildProcess child([&] { EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN)); });
    child.ExpectSuccess();
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST_F(AutoresetSharing, EventSentThroughASocketIsClaimedByTheReceiver) {
    SocketPair sockets = NewSocketPair();
    FileDescriptor efd = NewAutoreset(1);
    ChildProcess child([&] {
        efd.Reset();
        FileDescriptor received = ReceiveDescriptor(sockets.receiver);
        EXPECT_EQ(Fdinfo(received).Value("eventfd-autoreset"), "1");
        EXPECT_THAT(Poll(received, POLLIN), Revents(POLLIN));
        EXPECT_THAT(Poll(received, POLLIN), Revents(0));
    });
    SendDescriptor(sockets.sender, efd);
    child.ExpectSuccess();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

} /* namespace */
} /* namespace suite */
