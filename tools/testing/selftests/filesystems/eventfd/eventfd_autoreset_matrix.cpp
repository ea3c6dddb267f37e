// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET: who claims, what with, and who must not.
#include <sys/select.h>

#include <atomic>
#include <memory>
#include <vector>

#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/pollers.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint32_t kInOut = EPOLLIN | EPOLLOUT;

/* The kernel's own bit between pollers and eventfds; no part of its interface. */
constexpr uint32_t kInternalBit = 1u << 26;

/* A fresh epoll that watches one autoreset eventfd. */
struct Watched {
    Watched(uint64_t count, uint32_t events, Where where = Where::current())
        : efd(NewAutoreset(count, 0, where)), epoll(NewEpoll(where)) {
        EpollAdd(epoll, efd, events, where);
    }
    std::vector<Event> Wait(Where where = Where::current()) {
        return EpollWait(epoll, 0ms, where);
    }
    uint64_t Count(Where where = Where::current()) { return EventfdCount(efd, where); }

    FileDescriptor efd;
    FileDescriptor epoll;
};

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
        /* The claim makes room: the result is of the time after it. */
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

class AutoresetEpoll : public AutoresetTest {};

TEST_F(AutoresetEpoll, LevelTriggeredReportsEachStateExactlyAndOnce) {
    struct {
        uint64_t count;
        uint32_t first;
    } states[] = {{0, EPOLLOUT}, {1, kInOut}, {kFull - 1, kInOut}, {kFull, kInOut}};
    for (const auto& state : states) {
        Watched watched(state.count,
                        kInOut | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM);
        EXPECT_EQ(watched.Count(), state.count);
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, state.first)))
            << state.count;
        EXPECT_EQ(watched.Count(), 0u);
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT))) << state.count;
    }
}

TEST_F(AutoresetEpoll, LevelTriggeredNeedsNoRead) {
    Watched watched(0, EPOLLIN);
    for (int i = 0; i < 100; i++) {
        Must(Write(watched.efd, 1));
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN))) << i;
        EXPECT_THAT(watched.Wait(), IsEmpty()) << i;
    }
}

TEST_F(AutoresetEpoll, EdgeTriggeredReportsEachEventOnceAndResets) {
    Watched watched(1, EPOLLIN | EPOLLET);
    for (int i = 0; i < 100; i++) {
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN))) << i;
        EXPECT_EQ(watched.Count(), 0u);
        EXPECT_THAT(watched.Wait(), IsEmpty()) << i;
        Must(Write(watched.efd, 1));
    }
}

TEST_F(AutoresetEpoll, EdgeTriggeredSeesAWriteOfZeroOnlyWithACount) {
    Watched watched(0, EPOLLIN | EPOLLET);
    Must(Write(watched.efd, 0));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(watched.efd, 1));
    Must(Write(watched.efd, 0));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    Must(Write(watched.efd, 0));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST_F(AutoresetEpoll, EdgeTriggeredReportsTwoWritesBeforeAWaitAsOne) {
    Watched watched(0, EPOLLIN | EPOLLET);
    Must(Write(watched.efd, 1));
    Must(Write(watched.efd, 1));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_EQ(watched.Count(), 0u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST_F(AutoresetEpoll, EdgeTriggeredSeesNoCallThatFails) {
    Watched watched(0, kInOut | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    uint64_t value = 1;
    EXPECT_THAT(Read(watched.efd, &value, 4), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(watched.efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(watched.efd, &value, 4), SyscallFailsWithErrno(EINVAL));
    Must(SYSCALL(fcntl, watched.efd, F_SETFL, O_NONBLOCK));
    EXPECT_THAT(Read(watched.efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST_F(AutoresetEpoll, ReadTakesTheEventAndIsOneForOutputOnly) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        Watched input(0, EPOLLIN | trigger);
        Must(Write(input.efd, 3));
        EXPECT_EQ(Drain(input.efd), 3u);
        EXPECT_THAT(input.Wait(), IsEmpty());
    }
    Watched both(0, kInOut | EPOLLET);
    EXPECT_THAT(both.Wait(), ElementsAre(Event(both.efd, EPOLLOUT)));
    Must(Write(both.efd, 3));
    EXPECT_EQ(Drain(both.efd), 3u);
    EXPECT_THAT(both.Wait(), ElementsAre(Event(both.efd, EPOLLOUT)));
    EXPECT_THAT(both.Wait(), IsEmpty());
}

TEST_F(AutoresetEpoll, OneShotClaimsOnceUntilModified) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        Watched watched(1, EPOLLIN | EPOLLONESHOT | trigger);
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
        EXPECT_EQ(watched.Count(), 0u);
        Must(Write(watched.efd, 3));
        EXPECT_THAT(watched.Wait(), IsEmpty());
        EXPECT_EQ(watched.Count(), 3u) << "a disarmed entry claims nothing";
        EpollModify(watched.epoll, watched.efd, EPOLLIN | EPOLLONESHOT | trigger);
        EXPECT_EQ(watched.Count(), 3u);
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
        EXPECT_EQ(watched.Count(), 0u);
    }
}

TEST_F(AutoresetEpoll, ExclusiveIsReportedByOneOfFour) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        FileDescriptor efd = NewAutoreset();
        std::vector<FileDescriptor> epolls;
        for (int i = 0; i < 4; i++) {
            epolls.push_back(NewEpoll());
            EpollAdd(epolls.back(), efd, EPOLLIN | EPOLLEXCLUSIVE | trigger);
        }
        for (int i = 0; i < 8; i++) {
            Must(Write(efd, 1));
            size_t seen = 0;
            for (FileDescriptor& epoll : epolls) seen += EpollWait(epoll).size();
            EXPECT_EQ(seen, 1u) << i;
            EXPECT_EQ(EventfdCount(efd), 0u);
        }
    }
}

TEST_F(AutoresetEpoll, OneEventfdInTwoEpollsIsReportedByOne) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}, uint32_t{EPOLLONESHOT}}) {
        Watched watched(1, EPOLLIN | trigger);
        FileDescriptor other = NewEpoll();
        EpollAdd(other, watched.efd, EPOLLIN | trigger);
        EXPECT_THAT(EpollWait(other), ElementsAre(Event(watched.efd, EPOLLIN)));
        EXPECT_THAT(watched.Wait(), IsEmpty());
        EXPECT_EQ(watched.Count(), 0u);
        /* The one that found nothing is not out of order. */
        Must(Write(watched.efd, 1));
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
        EXPECT_THAT(EpollWait(other), IsEmpty());
    }
}

TEST_F(AutoresetEpoll, OfTwoBlockedEpollsTheLoserSleepsOn) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        FileDescriptor efd = NewAutoreset();
        auto body = [&] {
            FileDescriptor epoll = NewEpoll();
            EpollAdd(epoll, efd, EPOLLIN | trigger);
            EXPECT_THAT(EpollWait(epoll, -1ms), ElementsAre(Event(efd, EPOLLIN)));
        };
        ScopedThread one(body), two(body);
        one.WaitUntilBlockedIn(kEpollWaitCall);
        two.WaitUntilBlockedIn(kEpollWaitCall);
        Must(Write(efd, 1));
        WaitUntil([&] { return one.finished() || two.finished(); });
        ScopedThread& loser = one.finished() ? two : one;
        loser.ExpectStillBlockedIn(kEpollWaitCall);
        Must(Write(efd, 1));
        loser.Join();
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

TEST_F(AutoresetEpoll, DupInTheSameEpollIsReportedByOneEntry) {
    Watched watched(1, EPOLLIN);
    FileDescriptor dup = Dup(watched.efd);
    EpollAdd(watched.epoll, dup, EPOLLIN);
    EXPECT_EQ(watched.Wait().size(), 1u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST_F(AutoresetEpoll, WithoutEpollinNeverResets) {
    Watched watched(6, 0);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    for (uint32_t events : {uint32_t{EPOLLOUT}, EPOLLOUT | EPOLLET, EPOLLPRI | EPOLLRDNORM}) {
        EpollModify(watched.epoll, watched.efd, events);
        EXPECT_EQ(watched.Wait().size(), events & EPOLLOUT ? 1u : 0u);
        EXPECT_EQ(watched.Count(), 6u) << MaskText(events);
    }
    EpollModify(watched.epoll, watched.efd, EPOLLIN);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
}

TEST_F(AutoresetEpoll, DeletedEntryClaimsNothing) {
    Watched watched(2, EPOLLIN);
    Must(EpollControl(watched.epoll, EPOLL_CTL_DEL, watched.efd, 0));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EXPECT_EQ(watched.Count(), 2u);
}

TEST_F(AutoresetEpoll, PollThatTakesTheEventLeavesTheEntryInOrder) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        Watched watched(0, EPOLLIN | trigger);
        Must(Write(watched.efd, 1));
        EXPECT_THAT(Poll(watched.efd, POLLIN), Revents(POLLIN));
        EXPECT_THAT(watched.Wait(), IsEmpty());
        Must(Write(watched.efd, 1));
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    }
}

TEST_F(AutoresetEpoll, WithRoomForOneResultClaimsOneOfTwo) {
    FileDescriptor first = NewAutoreset(1);
    FileDescriptor second = NewAutoreset(1);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, first, EPOLLIN);
    EpollAdd(epoll, second, EPOLLIN);
    for (uint64_t left : {1, 0}) {
        epoll_event event;
        EXPECT_THAT(SYSCALL(epoll_wait, epoll, &event, 1, 0), SyscallSucceedsWithValue(1));
        EXPECT_EQ(EventfdCount(first) + EventfdCount(second), left);
    }
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_F(AutoresetEpoll, EveryWaitClaimsWithAnyTimeout) {
    Watched watched(0, EPOLLIN);
    epoll_event event;
    timespec none = {0, 0};
    EXPECT_THAT(EpollWait(watched.epoll, 5ms), IsEmpty());
    for (std::chrono::milliseconds timeout : {0ms, 5ms, -1ms}) {
        Must(Write(watched.efd, 1));
        EXPECT_THAT(EpollWait(watched.epoll, timeout),
                    ElementsAre(Event(watched.efd, EPOLLIN)));
        EXPECT_EQ(watched.Count(), 0u);
    }
    Must(Write(watched.efd, 1));
    EXPECT_THAT(SYSCALL(epoll_pwait, watched.epoll, &event, 1, -1, nullptr),
                SyscallSucceedsWithValue(1));
    EXPECT_EQ(watched.Count(), 0u);
    SKIP_UNLESS(WhyNotPoller(PollerKind::kEpollPwait2).empty(),
                WhyNotPoller(PollerKind::kEpollPwait2));
    for (timespec* timeout : {&none, static_cast<timespec*>(nullptr)}) {
        Must(Write(watched.efd, 1));
        EXPECT_THAT(SYSCALL(epoll_pwait2, watched.epoll, &event, 1, timeout, nullptr),
                    SyscallSucceedsWithValue(1));
        EXPECT_EQ(watched.Count(), 0u);
    }
}

TEST_F(AutoresetEpoll, EntryOutlivesTheDescriptorItWasMadeFrom) {
    Watched watched(0, EPOLLIN);
    int number = watched.efd.get();
    FileDescriptor dup = Dup(watched.efd);
    ScopedThread waiter([&] {
        EXPECT_THAT(EpollWait(watched.epoll, -1ms), ElementsAre(Event(number, EPOLLIN)));
    });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    watched.efd.Reset();
    waiter.ExpectStillBlockedIn(kEpollWaitCall);
    Must(Write(dup, 1));
    waiter.Join();
    EXPECT_EQ(EventfdCount(dup), 0u);
}

/* An epoll in an epoll in an epoll, the innermost of which watches the eventfd. */
class AutoresetNested : public AutoresetTest {
  protected:
    struct Chain {
        explicit Chain(uint32_t events, uint32_t outer_events = EPOLLIN,
                       Where where = Where::current())
            : inner(0, events), middle(NewEpoll(where)), outer(NewEpoll(where)) {
            EpollAdd(middle, inner.epoll, outer_events, where);
            EpollAdd(outer, middle, outer_events, where);
        }
        void ExpectTheEventInside(Where where = Where::current()) {
            CalledFrom test(where);
            EXPECT_EQ(inner.Count(where), 1u);
            EXPECT_THAT(EpollWait(middle, 0ms, where),
                        ElementsAre(Event(inner.epoll, EPOLLIN)));
            EXPECT_EQ(inner.Count(where), 1u);
            EXPECT_THAT(inner.Wait(where), ElementsAre(Event(inner.efd, EPOLLIN)));
            EXPECT_EQ(inner.Count(where), 0u);
        }
        void ExpectSilence(Where where = Where::current()) {
            CalledFrom test(where);
            EXPECT_THAT(EpollWait(outer, 0ms, where), IsEmpty());
            EXPECT_THAT(EpollWait(middle, 0ms, where), IsEmpty());
            EXPECT_THAT(inner.Wait(where), IsEmpty());
        }

        Watched inner;
        FileDescriptor middle;
        FileDescriptor outer;
    };
};

TEST_F(AutoresetNested, InnermostOfThreeGetsTheEvent) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        for (uint32_t outer_trigger : {0u, uint32_t{EPOLLET}}) {
            Chain chain(EPOLLIN | trigger, EPOLLIN | outer_trigger);
            chain.ExpectSilence();
            for (int i = 0; i < 3; i++) {
                Must(Write(chain.inner.efd, 1));
                EXPECT_THAT(EpollWait(chain.outer), ElementsAre(Event(chain.middle, EPOLLIN)));
                chain.ExpectTheEventInside();
                chain.ExpectSilence();
            }
        }
    }
}

TEST_F(AutoresetNested, OuterOnesReportUntilTheInnermostDelivers) {
    Chain chain(EPOLLIN);
    Must(Write(chain.inner.efd, 1));
    for (int i = 0; i < 3; i++) {
        EXPECT_THAT(EpollWait(chain.outer), ElementsAre(Event(chain.middle, EPOLLIN)));
        EXPECT_THAT(EpollWait(chain.middle), ElementsAre(Event(chain.inner.epoll, EPOLLIN)));
    }
    chain.ExpectTheEventInside();
    chain.ExpectSilence();
}

TEST_F(AutoresetNested, BlockedOutermostIsWoken) {
    Chain chain(EPOLLIN);
    ScopedThread waiter([&] {
        EXPECT_THAT(EpollWait(chain.outer, -1ms), ElementsAre(Event(chain.middle, EPOLLIN)));
    });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    Must(Write(chain.inner.efd, 1));
    waiter.Join();
    chain.ExpectTheEventInside();
    chain.ExpectSilence();
}

TEST_F(AutoresetNested, AddingAnEpollWithAnEventInsideClaimsNothing) {
    Watched inner(1, EPOLLIN);
    FileDescriptor outer = NewEpoll();
    EpollAdd(outer, inner.epoll, EPOLLIN);
    EpollModify(outer, inner.epoll, EPOLLIN | EPOLLET);
    EXPECT_EQ(inner.Count(), 1u);
    EXPECT_THAT(EpollWait(outer), ElementsAre(Event(inner.epoll, EPOLLIN)));
    EXPECT_THAT(inner.Wait(), ElementsAre(Event(inner.efd, EPOLLIN)));
}

TEST_F(AutoresetNested, PollAndSelectOfAnEpollClaimNothing) {
    Chain chain(EPOLLIN);
    Must(Write(chain.inner.efd, 1));
    for (int epoll : {chain.inner.epoll.get(), chain.middle.get(), chain.outer.get()}) {
        for (int i = 0; i < 2; i++) {
            EXPECT_THAT(Poll(epoll, POLLIN), Revents(POLLIN));
            EXPECT_THAT(Select(epoll), Selected(kReadable));
            EXPECT_EQ(chain.inner.Count(), 1u);
        }
    }
    chain.ExpectTheEventInside();
    chain.ExpectSilence();
    EXPECT_THAT(Poll(chain.outer, POLLIN), Revents(0));
}

TEST_F(AutoresetNested, IoUringPollOfAnEpollClaimsNothing) {
    Chain chain(EPOLLIN);
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    io_uring_prep_poll_add(ring.Entry(1), chain.inner.epoll, POLLIN);
    ring.Submit();
    Must(Write(chain.inner.efd, 1));
    EXPECT_EQ(ring.Wait().result, POLLIN);
    EXPECT_EQ(chain.inner.Count(), 1u);
    io_uring_prep_poll_add(ring.Entry(2), chain.outer, POLLIN);
    ring.Submit();
    EXPECT_EQ(ring.Wait().result, POLLIN);
    chain.ExpectTheEventInside();
    chain.ExpectSilence();
}

TEST_F(AutoresetNested, OneEpollWithTheEventfdAndAnEpollOfItReportsBothOnce) {
    Watched inner(0, EPOLLIN);
    FileDescriptor outer = NewEpoll();
    EpollAdd(outer, inner.epoll, EPOLLIN);
    EpollAdd(outer, inner.efd, EPOLLIN);
    Must(Write(inner.efd, 1));
    std::vector<Event> events = EpollWait(outer);
    EXPECT_THAT(events, testing::Contains(Event(inner.efd, EPOLLIN)));
    EXPECT_EQ(inner.Count(), 0u);
    EXPECT_THAT(inner.Wait(), IsEmpty());
    EXPECT_THAT(EpollWait(outer), IsEmpty());
}

/* POLL_ADD of the eventfd, with these bits whole in the entry. */
void Arm(IoUring* ring, int fd, uint32_t events, bool multishot = false, uint64_t data = 0,
         Where where = Where::current()) {
    io_uring_sqe* entry = ring->Entry(0, where);
    if (multishot)
        io_uring_prep_poll_multishot(entry, fd, 0);
    else
        io_uring_prep_poll_add(entry, fd, 0);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    events = events << 16 | events >> 16;
#endif
    entry->poll32_events = events;
    io_uring_sqe_set_data64(entry, data);
    ring->Submit(where);
}

class AutoresetIoUring : public AutoresetTest {
  protected:
    /* Completions there are now, and no more: all is done in this thread's own calls. */
    static std::vector<int> Results(IoUring* ring) {
        std::vector<int> results;
        Completion completion;
        io_uring_get_events(ring->get());
        while (ring->Peek(&completion)) results.push_back(completion.result);
        return results;
    }
};

TEST_F(AutoresetIoUring, PollOfAReadyOneClaims) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset(3);
        Arm(&ring, efd, POLLIN, multishot);
        Completion completion = ring.Wait();
        EXPECT_EQ(completion.result, POLLIN);
        EXPECT_EQ(completion.flags & IORING_CQE_F_MORE, multishot ? IORING_CQE_F_MORE : 0u);
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Results(&ring), IsEmpty());
    }
}

TEST_F(AutoresetIoUring, ResultIsOfWhatWasAsked) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    struct {
        uint64_t count;
        uint32_t asked;
        int result;
        bool claims;
    } cases[] = {
        {0, kInOut, POLLOUT, false},         {5, POLLOUT, POLLOUT, false},
        {5, kInOut, POLLIN | POLLOUT, true}, {kFull, kInOut, POLLIN | POLLOUT, true},
        {kFull, POLLIN, POLLIN, true},       {5, POLLIN | POLLPRI | POLLRDNORM, POLLIN, true},
    };
    for (const auto& each : cases) {
        FileDescriptor efd = NewAutoreset(each.count);
        Arm(&ring, efd, each.asked);
        EXPECT_EQ(ring.Wait().result, each.result) << each.count << " " << MaskText(each.asked);
        EXPECT_EQ(EventfdCount(efd), each.claims ? 0 : each.count);
    }
}

TEST_F(AutoresetIoUring, MultishotReportsEachWriteAndResets) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        Arm(&ring, efd, POLLIN | trigger, true, trigger);
        for (int i = 0; i < 50; i++) {
            Must(Write(efd, 1));
            Completion completion = ring.Wait();
            EXPECT_EQ(completion.result, POLLIN);
            EXPECT_TRUE(completion.flags & IORING_CQE_F_MORE);
            EXPECT_EQ(EventfdCount(efd), 0u) << i;
            EXPECT_THAT(Results(&ring), IsEmpty());
        }
        io_uring_prep_poll_remove(ring.Entry(99), trigger);
        ring.Submit();
        EXPECT_THAT(Results(&ring), testing::UnorderedElementsAre(0, -ECANCELED));
    }
}

TEST_F(AutoresetIoUring, WriteOfZeroCompletesNothing) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        Arm(&ring, efd, POLLIN, multishot);
        Must(Write(efd, 0));
        EXPECT_THAT(Results(&ring), IsEmpty());
        Must(Write(efd, 0));
        EXPECT_THAT(Results(&ring), IsEmpty());
        Must(Write(efd, 1));
        EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

TEST_F(AutoresetIoUring, OfThreePollsOneGetsEachWrite) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring, other;
    SKIP_IF_REFUSED(ring);
    Arm(&ring, efd, POLLIN);
    Arm(&ring, efd, POLLIN);
    Arm(&other, efd, POLLIN);
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        EXPECT_EQ(Results(&ring).size() + Results(&other).size(), 1u) << i;
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
    Must(Write(efd, 1));
    EXPECT_EQ(Results(&ring).size() + Results(&other).size(), 0u);
    EXPECT_EQ(EventfdCount(efd), 1u) << "nobody is left who polls";
}

/* A write of zero to a full one is a wake-up for those who read, and none for room. */
TEST_F(AutoresetIoUring, WakeUpForWhatWasNotAskedDisturbsNobody) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_AUTORESET);
    ScopedThread waiter([&] {
        IoUring ring;
        io_uring_prep_poll_add(ring.Entry(), efd, POLLOUT);
        ring.Submit();
        EXPECT_EQ(ring.Wait().result, POLLOUT);
    });
    waiter.WaitUntilBlockedIn(SYS_io_uring_enter);
    const unsigned long before = waiter.switches();
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 0));
        waiter.WaitUntilBlockedIn(SYS_io_uring_enter);
        EXPECT_EQ(waiter.switches(), before) << "after write number " << i + 1;
    }
    EXPECT_EQ(Drain(efd), kFull);
    waiter.Join();
}

/* With DEFER_TASKRUN a wake-up is looked at only when the ring's task says so. */
TEST_F(AutoresetIoUring, PollThatLosesTheClaimStaysArmed) {
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        SKIP_IF_REFUSED(ring);
        Arm(&ring, efd, POLLIN, multishot);
        for (int i = 0; i < 3; i++) {
            Must(Write(efd, 1));
            EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
            EXPECT_THAT(Results(&ring), IsEmpty()) << i;
        }
        Must(Write(efd, 1));
        EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

TEST_F(AutoresetIoUring, WritesBeforeTheTaskLooksAreOneEvent) {
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        SKIP_IF_REFUSED(ring);
        Arm(&ring, efd, POLLIN, multishot);
        for (int i = 0; i < 3; i++) Must(Write(efd, 1));
        EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Results(&ring), IsEmpty());
    }
}

TEST_F(AutoresetIoUring, RemovedPollClaimsNothing) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    Arm(&ring, efd, POLLIN, false, 7);
    io_uring_prep_poll_remove(ring.Entry(8), 7);
    ring.Submit();
    EXPECT_THAT(Results(&ring), testing::UnorderedElementsAre(-ECANCELED, 0));
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

TEST_F(AutoresetIoUring, PollUpdatedToInputClaims) {
    FileDescriptor efd = NewAutoreset(4);
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    Arm(&ring, efd, POLLPRI, false, 7);
    EXPECT_THAT(Results(&ring), IsEmpty());
    EXPECT_EQ(EventfdCount(efd), 4u);
    io_uring_prep_poll_update(ring.Entry(8), 7, 0, POLLIN, IORING_POLL_UPDATE_EVENTS);
    ring.Submit();
    EXPECT_THAT(Results(&ring), testing::UnorderedElementsAre(0, POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetIoUring, EndOfARingWithAnArmedPollLosesNothing) {
    FileDescriptor efd = NewAutoreset();
    {
        IoUring ring;
        SKIP_IF_REFUSED(ring);
        Arm(&ring, efd, POLLIN);
        Arm(&ring, efd, POLLIN, true);
    }
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

TEST_F(AutoresetIoUring, ReadTakesTheCountAndItsPollNothing) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (uint64_t i = 1; i <= 10; i++) {
        uint64_t value = 0;
        io_uring_prep_read(ring.Entry(), efd, &value, sizeof(value), 0);
        ring.Submit();
        EXPECT_THAT(Results(&ring), IsEmpty());
        Must(Write(efd, i));
        EXPECT_THAT(Results(&ring), ElementsAre(8));
        EXPECT_EQ(value, i);
    }
}

TEST_F(AutoresetIoUring, ReadThatLosesToAPollWaitsForTheNextWrite) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    SKIP_IF_REFUSED(ring);
    uint64_t value = 0;
    io_uring_prep_read(ring.Entry(), efd, &value, sizeof(value), 0);
    ring.Submit();
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
        EXPECT_THAT(Results(&ring), IsEmpty());
    }
    Must(Write(efd, 5));
    EXPECT_THAT(Results(&ring), ElementsAre(8));
    EXPECT_EQ(value, 5u);
}

class AutoresetAio : public AutoresetTest {};

TEST_F(AutoresetAio, ResultIsOfWhatWasAsked) {
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    struct {
        uint64_t count;
        uint32_t asked;
        uint32_t result;
        bool claims;
    } cases[] = {
        {0, kInOut, POLLOUT, false},   {5, POLLOUT, POLLOUT, false},
        {5, POLLIN, POLLIN, true},     {5, kInOut, POLLIN | POLLOUT, true},
        {kFull, POLLIN, POLLIN, true}, {kFull, kInOut, POLLIN | POLLOUT, true},
    };
    for (const auto& each : cases) {
        FileDescriptor efd = NewAutoreset(each.count);
        iocb request = AioPoll(efd, each.asked);
        Must(aio.Submit(&request));
        EXPECT_EQ(aio.Wait().res, each.result) << each.count << " " << MaskText(each.asked);
        EXPECT_EQ(EventfdCount(efd), each.claims ? 0 : each.count);
    }
}

TEST_F(AutoresetAio, OfThreePollsOneGetsEachWrite) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb requests[] = {AioPoll(efd, POLLIN), AioPoll(efd, POLLIN), AioPoll(efd, POLLIN)};
    for (iocb& request : requests) Must(aio.Submit(&request));
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        EXPECT_EQ(aio.Wait().res, POLLIN) << i;
        EXPECT_EQ(EventfdCount(efd), 0u) << i;
    }
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN)) << "nobody else is left who polls";
}

TEST_F(AutoresetAio, WriteOfZeroCompletesNothing) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    for (int i = 0; i < 20; i++) {
        iocb request = AioPoll(efd, POLLIN);
        Must(aio.Submit(&request));
        Must(Write(efd, 0));
        Must(Write(efd, 1));
        EXPECT_EQ(aio.Wait().res, POLLIN);
        /* Had it completed for the first write, the second one's count would still be there. */
        ASSERT_EQ(EventfdCount(efd), 0u) << i;
    }
}

TEST_F(AutoresetAio, CancelledPollClaimsNothing) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb request = AioPoll(efd, POLLIN);
    Must(aio.Submit(&request));
    EXPECT_THAT(aio.Cancel(&request), SyscallFailsWithErrno(EINPROGRESS));
    EXPECT_EQ(aio.Wait().res, 0);
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

/* The bit that pollers and eventfds use between themselves is nothing to user space. */
class AutoresetInternalBit : public AutoresetTest {};

TEST_F(AutoresetInternalBit, InEpollCtlIsNoClaim) {
    Watched watched(1, EPOLLIN | kInternalBit);
    EXPECT_EQ(watched.Count(), 1u);
    EpollModify(watched.epoll, watched.efd, EPOLLIN | EPOLLET | kInternalBit);
    EXPECT_EQ(watched.Count(), 1u);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_EQ(watched.Count(), 0u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST_F(AutoresetInternalBit, InEpollCtlIsNoClaimOfANestedEpoll) {
    Watched inner(1, EPOLLIN | kInternalBit);
    FileDescriptor outer = NewEpoll();
    EpollAdd(outer, inner.epoll, EPOLLIN | kInternalBit);
    EXPECT_THAT(EpollWait(outer), ElementsAre(Event(inner.epoll, EPOLLIN)));
    EXPECT_THAT(Poll(inner.epoll, POLLIN), Revents(POLLIN));
    EXPECT_EQ(inner.Count(), 1u);
    EXPECT_THAT(inner.Wait(), ElementsAre(Event(inner.efd, EPOLLIN)));
}

TEST_F(AutoresetInternalBit, AloneInEpollCtlAsksForNothing) {
    Watched watched(1, kInternalBit);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EpollModify(watched.epoll, watched.efd, kInternalBit | EPOLLOUT);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    EXPECT_EQ(watched.Count(), 1u);
}

TEST_F(AutoresetInternalBit, IsNeverReported) {
    constexpr uint32_t kAll =
        ~uint32_t{EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | 1u << 27};
    for (int flags : {0, EFD_AUTORESET}) {
        for (uint64_t count : {uint64_t{0}, uint64_t{1}, kFull}) {
            FileDescriptor efd = NewEventfdAt(count, flags);
            FileDescriptor epoll = NewEpoll();
            EpollAdd(epoll, efd, kAll);
            uint32_t expected = count == 0                 ? EPOLLOUT
                                : count == 1 || flags != 0 ? kInOut
                                                           : EPOLLIN;
            EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, expected)));
            EXPECT_THAT(Poll(epoll, kEveryPollEvent), Revents(POLLIN | POLLRDNORM));
        }
    }
    FileDescriptor efd = NewAutoreset(1);
    pollfd entry = {efd, -1, 0};
    EXPECT_THAT(SYSCALL(poll, &entry, 1, 0), SyscallSucceedsWithValue(1));
    EXPECT_EQ(entry.revents, POLLIN | POLLOUT);
}

TEST_F(AutoresetInternalBit, InAnIoUringPollIsIgnored) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (uint32_t extra : {kInternalBit, kInternalBit | EPOLLET}) {
        for (bool multishot : {false, true}) {
            FileDescriptor efd = NewAutoreset();
            Arm(&ring, efd, POLLIN | extra, multishot);
            Completion completion = {};
            EXPECT_FALSE(ring.Peek(&completion)) << completion;
            Must(Write(efd, 1));
            EXPECT_EQ(ring.Wait().result, POLLIN);
            EXPECT_EQ(EventfdCount(efd), 0u);
        }
    }
}

TEST_F(AutoresetInternalBit, InAnAioPollIsEinval) {
    FileDescriptor efd = NewAutoreset(1);
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb request = AioPoll(efd, POLLIN | kInternalBit);
    EXPECT_THAT(aio.Submit(&request), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(efd), 1u);
}

/* Counters that are full, and what a claim does for those who wait for room. */
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

TEST_F(AutoresetFull, PollThatWaitsForRoomIsWokenByAClaim) {
    FileDescriptor efd = NewAutoreset(kFull);
    ScopedThread waiter([&] { EXPECT_THAT(Poll(efd, POLLOUT, -1ms), Revents(POLLOUT)); });
    waiter.WaitUntilBlockedIn(kPollCall);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    waiter.Join();
}

TEST_F(AutoresetFull, WritersThatFitAfterAClaimGoOnAndTheOthersSleep) {
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
