// SPDX-License-Identifier: GPL-2.0
// epoll: exact event lists, level- and edge-triggered, one-shot, exclusive and nested.
#include <sys/select.h>

#include <atomic>
#include <memory>
#include <tuple>
#include <vector>

#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/* A fresh epoll that watches one eventfd. */
struct Watched {
    Watched(uint64_t count, uint32_t events, int flags = EFD_NONBLOCK,
            Where where = Where::current())
        : efd(NewEventfdAt(count, flags, where)), epoll(NewEpoll(where)) {
        EpollAdd(epoll, efd, events, where);
    }
    std::vector<Event> Wait(Where where = Where::current()) {
        return EpollWait(epoll, 0ms, where);
    }

    FileDescriptor efd;
    FileDescriptor epoll;
};

TEST(LevelTriggered, ReportsEachStateExactly) {
    struct {
        uint64_t count;
        uint32_t events;
    } states[] = {{0, EPOLLOUT}, {1, kInOut}, {kFull - 1, kInOut}, {kFull, EPOLLIN}};
    for (const auto& state : states) {
        Watched watched(state.count,
                        kInOut | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM);
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, state.events)))
            << state.count;
    }
}

TEST(LevelTriggered, ReportsEveryTimeUntilRead) {
    Watched watched(1, EPOLLIN);
    for (int i = 0; i < 3; i++)
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_EQ(Drain(watched.efd), 1u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(LevelTriggered, ReportsTheStateAtTheTimeOfTheWait) {
    Watched watched(0, EPOLLIN);
    Must(Write(watched.efd, 1));
    EXPECT_EQ(Drain(watched.efd), 1u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(LevelTriggered, TimesOutOnAnEmptyOne) {
    Watched watched(0, EPOLLIN);
    EXPECT_THAT(EpollWait(watched.epoll, 20ms), IsEmpty());
}

TEST(LevelTriggered, BlockedWaitIsWokenByAWrite) {
    Watched watched(0, EPOLLIN);
    ScopedThread waiter([&] {
        EXPECT_THAT(EpollWait(watched.epoll, -1ms), ElementsAre(Event(watched.efd, EPOLLIN)));
    });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    Must(Write(watched.efd, 1));
    waiter.Join();
}

TEST(LevelTriggered, BlockedWaitIsWokenByAReadThatMakesSpace) {
    Watched watched(kFull, EPOLLOUT);
    ScopedThread waiter([&] {
        EXPECT_THAT(EpollWait(watched.epoll, -1ms), ElementsAre(Event(watched.efd, EPOLLOUT)));
    });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    EXPECT_EQ(Drain(watched.efd), kFull);
    waiter.Join();
}

TEST(LevelTriggered, WaitIsEndedByASignal) {
    Watched watched(0, EPOLLIN);
    CountingHandler handler(SIGUSR1, SA_RESTART);
    ScopedThread waiter([&] {
        epoll_event event;
        EXPECT_THAT(SYSCALL(epoll_wait, watched.epoll, &event, 1, -1),
                    SyscallFailsWithErrno(EINTR));
    });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    waiter.Signal(SIGUSR1);
    waiter.Join();
}

/* A timeout that is rounded down to nothing, or up to forever, would be another one. */
TEST(Timeouts, AsShortAsCanBeEndWithNothing) {
    Watched watched(0, EPOLLIN);
    epoll_event event;
    pollfd entry = {watched.efd, POLLIN, 0};
    EXPECT_THAT(SYSCALL(epoll_wait, watched.epoll, &event, 1, 1), SyscallSucceedsWithValue(0));
    EXPECT_THAT(SYSCALL(epoll_pwait, watched.epoll, &event, 1, 1, nullptr),
                SyscallSucceedsWithValue(0));
    for (long nanoseconds : {1L, 999L, 999999L}) {
        timespec timeout = {0, nanoseconds};
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(watched.efd, &readable);
        EXPECT_THAT(SYSCALL(epoll_pwait2, watched.epoll, &event, 1, &timeout, nullptr),
                    AnyOf(SyscallSucceedsWithValue(0), SyscallFailsWithErrno(ENOSYS)));
        EXPECT_THAT(SYSCALL(ppoll, &entry, 1, &timeout, nullptr), SyscallSucceedsWithValue(0));
        EXPECT_THAT(
            SYSCALL(pselect, watched.efd + 1, &readable, nullptr, nullptr, &timeout, nullptr),
            SyscallSucceedsWithValue(0));
    }
}

TEST(EdgeTriggered, ReportsOnceAndIsSilentUntilTheNextEvent) {
    Watched watched(1, EPOLLIN | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, EachWriteIsAnEventWithoutAnyRead) {
    Watched watched(0, EPOLLIN | EPOLLET);
    for (int i = 0; i < 5; i++) {
        Must(Write(watched.efd, 1));
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN))) << i;
        EXPECT_THAT(watched.Wait(), IsEmpty()) << i;
    }
    EXPECT_EQ(Drain(watched.efd), 5u);
}

TEST(EdgeTriggered, WritesBetweenTwoWaitsAreOneEvent) {
    Watched watched(0, EPOLLIN | EPOLLET);
    Must(Write(watched.efd, 1));
    Must(Write(watched.efd, 1));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, WriteOfZeroToAPositiveCounterIsAnEvent) {
    Watched watched(1, EPOLLIN | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    Must(Write(watched.efd, 0));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
}

TEST(EdgeTriggered, WriteOfZeroToAnEmptyOneIsNoInput) {
    Watched watched(0, EPOLLIN | EPOLLET);
    Must(Write(watched.efd, 0));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, ReadIsAnEventForOutput) {
    Watched watched(1, kInOut | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, kInOut)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    /* It was writable before, and is said to be so again. */
    EXPECT_EQ(Drain(watched.efd), 1u);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, ReadOfAFullOneIsAnEventForOutput) {
    Watched watched(kFull, EPOLLOUT | EPOLLET);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EXPECT_EQ(Drain(watched.efd), kFull);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, ReadIsNoEventForInput) {
    Watched watched(1, EPOLLIN | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_EQ(Drain(watched.efd), 1u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, ReportsTheStateAtTheTimeOfTheWait) {
    Watched watched(0, kInOut | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    Must(Write(watched.efd, 1));
    EXPECT_EQ(Drain(watched.efd), 1u);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
}

TEST(EdgeTriggered, CallsThatFailAreNoEvents) {
    Watched watched(0, kInOut | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    uint64_t value;
    EXPECT_THAT(Read(watched.efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Read(watched.efd, &value, 4), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(watched.efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(watched.efd, &value, 4), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(watched.efd, kFull));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(Write(watched.efd, 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(EdgeTriggered, TenThousandWritesAndWaitsMissNone) {
    Watched watched(0, EPOLLIN | EPOLLET);
    uint64_t one = 1;
    for (int i = 0; i < 10000; i++) {
        epoll_event event;
        ASSERT_EQ(write(watched.efd, &one, 8), 8);
        ASSERT_EQ(epoll_wait(watched.epoll, &event, 1, 0), 1) << "write " << i;
    }
}

TEST(OneShot, IsSilentAfterOneEventUntilModified) {
    Watched watched(1, EPOLLIN | EPOLLONESHOT);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    Must(Write(watched.efd, 1));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EpollModify(watched.epoll, watched.efd, EPOLLIN | EPOLLONESHOT);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(OneShot, EdgeTriggeredStaysSilentAfterConsumption) {
    Watched watched(1, EPOLLIN | EPOLLET | EPOLLONESHOT);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_EQ(Drain(watched.efd), 1u);
    Must(Write(watched.efd, 1));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(Modify, ReportsWhatIsReadyNow) {
    Watched watched(1, EPOLLPRI);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EpollModify(watched.epoll, watched.efd, kInOut);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, kInOut)));
    EpollModify(watched.epoll, watched.efd, EPOLLOUT);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
}

TEST(Modify, RearmsAnEdge) {
    Watched watched(1, EPOLLIN | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EpollModify(watched.epoll, watched.efd, EPOLLIN | EPOLLET);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
}

TEST(Control, AddingTwiceIsEexistAndADupIsAnotherEntry) {
    Watched watched(1, EPOLLIN);
    EXPECT_THAT(EpollControl(watched.epoll, EPOLL_CTL_ADD, watched.efd, EPOLLIN),
                SyscallFailsWithErrno(EEXIST));
    FileDescriptor dup = Dup(watched.efd);
    EpollAdd(watched.epoll, dup, EPOLLIN);
    EXPECT_THAT(watched.Wait(),
                UnorderedElementsAre(Event(watched.efd, EPOLLIN), Event(dup, EPOLLIN)));
}

TEST(Control, DeletedEntryIsSilent) {
    Watched watched(1, EPOLLIN);
    EXPECT_THAT(EpollControl(watched.epoll, EPOLL_CTL_DEL, watched.efd, 0),
                SyscallSucceedsWithValue(0));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EXPECT_THAT(EpollControl(watched.epoll, EPOLL_CTL_DEL, watched.efd, 0),
                SyscallFailsWithErrno(ENOENT));
}

TEST(Control, WriteWakesTwoWaitersOfAnEpollThatHasTheFileTwice) {
    Watched watched(0, EPOLLIN | EPOLLET);
    FileDescriptor dup = Dup(watched.efd);
    EpollAdd(watched.epoll, dup, EPOLLIN | EPOLLET);
    int seen[2] = {-1, -1};
    auto wait = [&](int* fd) {
        epoll_event event;
        EXPECT_THAT(SYSCALL(epoll_wait, watched.epoll, &event, 1, -1),
                    SyscallSucceedsWithValue(1));
        *fd = event.data.fd;
    };
    ScopedThread one([&] { wait(&seen[0]); }), other([&] { wait(&seen[1]); });
    one.WaitUntilBlockedIn(kEpollWaitCall);
    other.WaitUntilBlockedIn(kEpollWaitCall);
    Must(Write(watched.efd, 1));
    one.Join();
    other.Join();
    EXPECT_THAT(seen, UnorderedElementsAre(watched.efd.get(), dup.get()));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(Close, OfTheLastDescriptorRemovesTheEntry) {
    Watched watched(1, EPOLLIN);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    watched.efd.Reset();
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(Close, OfOneOfTwoDescriptorsKeepsTheEntry) {
    Watched watched(1, EPOLLIN);
    int number = watched.efd.get();
    FileDescriptor dup = Dup(watched.efd);
    watched.efd.Reset();
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(number, EPOLLIN)));
    EXPECT_EQ(Drain(dup), 1u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

TEST(Close, OfTheFirstOfTwoDescriptorsKeepsTheEntriesOfBoth) {
    Watched watched(0, EPOLLIN);
    int number = watched.efd.get();
    FileDescriptor dup = Dup(watched.efd);
    EpollAdd(watched.epoll, dup, EPOLLIN);
    watched.efd.Reset();
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(dup, 1));
    EXPECT_THAT(watched.Wait(),
                UnorderedElementsAre(Event(number, EPOLLIN), Event(dup, EPOLLIN)));
}

TEST(Close, UnderABlockedWaitIsNoEvent) {
    Watched watched(0, EPOLLIN);
    FileDescriptor other = NewEventfd();
    EpollAdd(watched.epoll, other, EPOLLIN);
    ScopedThread waiter([&] {
        EXPECT_THAT(EpollWait(watched.epoll, -1ms), ElementsAre(Event(other, EPOLLIN)));
    });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    watched.efd.Reset();
    waiter.ExpectStillBlockedIn(kEpollWaitCall);
    Must(Write(other, 1));
    waiter.Join();
}

/* An epoll belongs to all who hold it: what one of them deletes is gone. */
TEST(Inherited, EntryThatAChildDeletesIsGoneForItsParent) {
    Watched watched(1, EPOLLIN);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    ChildProcess child([&] {
        EXPECT_THAT(EpollControl(watched.epoll, EPOLL_CTL_DEL, watched.efd, 0),
                    SyscallSucceedsWithValue(0));
    });
    child.ExpectSuccess();
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EXPECT_THAT(EpollControl(watched.epoll, EPOLL_CTL_DEL, watched.efd, 0),
                SyscallFailsWithErrno(ENOENT));
    EpollAdd(watched.epoll, watched.efd, EPOLLIN);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
}

/* It goes with the last descriptor of the file, and who has none left cannot delete it. */
TEST(Inherited, EntryOutlivesItsParentsDescriptorForAsLongAsAChildHoldsOne) {
    Watched watched(0, EPOLLIN);
    FileDescriptor go_on = NewEventfd(0, EFD_SEMAPHORE);
    int number = watched.efd.get();
    ChildProcess child([&] {
        uint64_t value;
        Must(Read(go_on, &value));
        Must(Write(watched.efd, 1));
        Must(Read(go_on, &value));
    });
    child.WaitUntilBlockedIn(SYS_read);
    watched.efd.Reset();
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(go_on, 1));
    EXPECT_THAT(EpollWait(watched.epoll, kSoon), ElementsAre(Event(number, EPOLLIN)));
    EXPECT_THAT(EpollControl(watched.epoll, EPOLL_CTL_DEL, number, 0),
                SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(number, EPOLLIN)));
    Must(Write(go_on, 1));
    child.ExpectSuccess();
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

/* How many of four epolls that watch one eventfd see a write. */
int EpollsThatSeeAWrite(uint32_t events, Where where = Where::current()) {
    FileDescriptor efd = NewEventfd(0, 0, where);
    std::vector<FileDescriptor> epolls;
    for (int i = 0; i < 4; i++) {
        epolls.push_back(NewEpoll(where));
        EpollAdd(epolls.back(), efd, events, where);
    }
    FileDescriptor stop = NewEventfd(0, 0, where);
    for (FileDescriptor& epoll : epolls) EpollAdd(epoll, stop, EPOLLIN, where);
    std::atomic<int> seen{0};
    std::vector<std::unique_ptr<ScopedThread>> waiters;
    for (FileDescriptor& epoll : epolls) {
        waiters.push_back(NewThread([&] {
            for (const Event& event : EpollWait(epoll, -1ms, where)) seen += event.fd == efd;
        }));
        waiters.back()->WaitUntilBlockedIn(kEpollWaitCall, where);
    }
    Must(Write(efd, 1), where);
    for (auto& waiter : waiters) waiter->SleepsIn(kEpollWaitCall);
    int result = seen;
    Must(Write(stop, 1), where);
    return result;
}

TEST(Exclusive, WriteWakesOneOfFourEpolls) {
    EXPECT_EQ(EpollsThatSeeAWrite(EPOLLIN | EPOLLEXCLUSIVE), 1);
}

/*
 * A poller that waits exclusively, in front of a task that waits in read or write: the poller
 * uses nothing up, and so its wake-up must not be the end of it.
 */
TEST_WITH(Exclusive, PollerDoesNotKeepAWriteFromABlockedReader, Needs(Change::kWakeOne)) {
    FileDescriptor efd = NewEventfd(), epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN | EPOLLEXCLUSIVE);
    ScopedThread waiter([&] { EpollWait(epoll, -1ms); });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    Must(Write(efd, 1));
    EXPECT_FALSE(reader.SleepsIn(SYS_read)) << "with a count of " << EventfdCount(efd);
    /* A reader that was faster left nothing to report, and the waiter sleeps on. */
    WaitUntil([&] {
        return (waiter.finished() && reader.finished()) || (Must(Write(efd, 1)), false);
    });
}

TEST_WITH(Exclusive, PollerDoesNotKeepAReadFromABlockedWriter,
          Needs(Change::kWakeFittingWriters)) {
    FileDescriptor efd = NewEventfdAt(kFull), epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLOUT | EPOLLEXCLUSIVE);
    ScopedThread waiter([&] { EpollWait(epoll, -1ms); });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kFull);
    bool sleeps = writer.SleepsIn(SYS_write);
    EXPECT_FALSE(sleeps) << "with a count of " << EventfdCount(efd);
    if (sleeps) Must(Write(efd, 1));
}

TEST(Exclusive, WithoutItAWriteWakesAllFour) { EXPECT_EQ(EpollsThatSeeAWrite(EPOLLIN), 4); }

TEST(Nested, OuterEpollReportsTheInnerOne) {
    Watched inner(0, EPOLLIN);
    FileDescriptor outer = NewEpoll();
    EpollAdd(outer, inner.epoll, EPOLLIN);
    EXPECT_THAT(EpollWait(outer), IsEmpty());
    Must(Write(inner.efd, 1));
    EXPECT_THAT(EpollWait(outer), ElementsAre(Event(inner.epoll, EPOLLIN)));
    EXPECT_THAT(Poll(inner.epoll, POLLIN), Revents(POLLIN));
    EXPECT_THAT(inner.Wait(), ElementsAre(Event(inner.efd, EPOLLIN)));
    EXPECT_EQ(Drain(inner.efd), 1u);
    EXPECT_THAT(EpollWait(outer), IsEmpty());
}

TEST(Nested, BlockedOuterWaitIsWokenByAWrite) {
    Watched inner(0, EPOLLIN | EPOLLET);
    FileDescriptor outer = NewEpoll();
    EpollAdd(outer, inner.epoll, EPOLLIN);
    ScopedThread waiter(
        [&] { EXPECT_THAT(EpollWait(outer, -1ms), ElementsAre(Event(inner.epoll, EPOLLIN))); });
    waiter.WaitUntilBlockedIn(kEpollWaitCall);
    Must(Write(inner.efd, 1));
    waiter.Join();
    EXPECT_THAT(inner.Wait(), ElementsAre(Event(inner.efd, EPOLLIN)));
}

/* How many events the tests of inner epolls take in each way. */
int NestedEvents() {
    return 5 * static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
}

/* A trigger of the inner epoll, and the flags of the eventfd in it. */
class NestedOneShot : public testing::TestWithParam<std::tuple<uint32_t, int>> {};

INSTANTIATE_TEST_SUITE_P(Trigger, NestedOneShot,
                         testing::Combine(testing::Values(0u, uint32_t{EPOLLET}),
                                          testing::Values(0, EFD_AUTORESET)),
                         [](const auto& info) {
                             return std::string(std::get<0>(info.param) ? "Edge" : "Level") +
                                    (std::get<1>(info.param) ? "Autoreset" : "");
                         });

/*
 * Each write comes as soon as the one before it was taken, and so while the inner epoll is
 * armed again in the outer one.
 */
TEST_P_WITH(NestedOneShot, ArmedAgainBesideWritesLosesNoEvent,
            TimeLimit(std::chrono::seconds(20 + NestedEvents() / 1000))) {
    constexpr uint32_t kOnce = EPOLLIN | EPOLLONESHOT;
    const auto [trigger, flags] = GetParam();
    SKIP_UNLESS_KNOWN(flags);
    const int events = NestedEvents();
    Watched inner(0, EPOLLIN | trigger, EFD_NONBLOCK | flags);
    FileDescriptor outer = NewEpoll();
    FileDescriptor stop = NewEventfd();
    std::atomic<long> taken{0};
    EpollAdd(outer, inner.epoll, kOnce);
    EpollAdd(outer, stop, EPOLLIN);
    ScopedThread taker([&, flags = flags] {
        for (;;) {
            epoll_event event;
            if (epoll_wait(outer, &event, 1, -1) != 1) FailTest("epoll_wait() was to return 1");
            if (event.data.fd == stop) return;
            /* The news may be old: then there is nothing inside. */
            if (epoll_wait(inner.epoll, &event, 1, 0) == 1)
                taken += flags ? 1 : Drain(inner.efd);
            EpollModify(outer, inner.epoll, kOnce);
        }
    });
    for (int i = 1; i <= events; i++) {
        Must(Write(inner.efd, 1));
        ASSERT_TRUE(Reaches([&] { return taken.load(); }, i, {&taker}, kEpollWaitCall))
            << taken << " of " << i;
    }
    Must(Write(stop, 1));
    taker.Join();
    EXPECT_EQ(taken, events);
    EXPECT_EQ(EventfdCount(inner.efd), 0u);
}

TEST(ManyEventfds, AreReportedOnceEach) {
    FileDescriptor epoll = NewEpoll();
    std::vector<FileDescriptor> efds;
    std::vector<Event> expected;
    for (unsigned int i = 0; i < 32; i++) {
        efds.push_back(NewEventfd(i % 2));
        EpollAdd(epoll, efds.back(), EPOLLIN | EPOLLET);
        if (i % 2) expected.emplace_back(efds.back(), EPOLLIN);
    }
    EXPECT_THAT(EpollWait(epoll), testing::UnorderedElementsAreArray(expected));
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST(ManyEventfds, WaitersOnManyEdgesLoseNoWakeUp) {
    constexpr int kEventfds = 6;
    constexpr int kWrites = 300;
    FileDescriptor epoll = NewEpoll();
    std::vector<FileDescriptor> efds;
    std::atomic<long> sum{0};
    for (int i = 0; i < kEventfds; i++) {
        efds.push_back(NewEventfd(0, EFD_NONBLOCK));
        EpollAdd(epoll, efds.back(), EPOLLIN | EPOLLET);
    }
    FileDescriptor stop = NewEventfd();
    EpollAdd(epoll, stop, EPOLLIN);
    auto take = [&] {
        for (bool stopped = false; !stopped;)
            for (const Event& event : EpollWait(epoll, -1ms)) {
                uint64_t value;
                if (event.fd == stop)
                    stopped = true;
                else if (read(event.fd, &value, 8) == 8)
                    sum += static_cast<long>(value);
            }
    };
    ScopedThread one(take), two(take), three(take);
    for (int i = 0; i < kWrites; i++)
        for (FileDescriptor& efd : efds) Must(Write(efd, 1));
    EXPECT_TRUE(Reaches([&] { return sum.load(); }, kEventfds * kWrites, {&one, &two, &three},
                        kEpollWaitCall))
        << sum << " of " << kEventfds * kWrites;
    Must(Write(stop, 1));
}

/* A write may come before, while or after its entry is armed again. */
TEST(ManyEventfds, ArmingAgainBesideWritesLosesNoEvent) {
    constexpr uint32_t kOnce = EPOLLIN | EPOLLONESHOT;
    const int writes = 5 * static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
    Watched watched(0, kOnce);
    FileDescriptor stop = NewEventfd();
    EpollAdd(watched.epoll, stop, EPOLLIN);
    std::atomic<long> sum{0};
    auto take = [&] {
        epoll_event event;
        while (epoll_wait(watched.epoll, &event, 1, -1) == 1 && event.data.fd != stop) {
            uint64_t value;
            if (read(watched.efd, &value, sizeof(value)) == sizeof(value))
                sum += static_cast<long>(value);
            EpollModify(watched.epoll, watched.efd, kOnce);
        }
    };
    ScopedThread one(take), two(take);
    for (int i = 0; i < writes; i++) Must(Write(watched.efd, 1));
    EXPECT_TRUE(Reaches([&] { return sum.load(); }, writes, {&one, &two}, kEpollWaitCall))
        << sum << " of " << writes;
    Must(Write(stop, 1));
}

/*
 * A write wakes one of the waiters of an epoll. If that one is about to time out, it reports
 * the event or another one does.
 */
TEST(ManyEventfds, WaiterThatTimesOutLosesNoEvent) {
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
    Watched watched(0, EPOLLIN | EPOLLET);
    FileDescriptor taken = NewEventfd();
    std::atomic<bool> stop{false};
    auto wait = [&](int timeout) {
        while (!stop) {
            epoll_event event;
            uint64_t value;
            if (epoll_wait(watched.epoll, &event, 1, timeout) != 1) continue;
            if (read(watched.efd, &value, sizeof(value)) == sizeof(value))
                Must(Write(taken, value));
        }
    };
    ScopedThread patient([&] { wait(-1); }), impatient([&] { wait(1); });
    for (int round = 0; round < rounds; round++) {
        /* Some time in that millisecond, another one each round. */
        for (int i = 0; i < round % 50 * 200; i++) asm volatile("" ::: "memory");
        Must(Write(watched.efd, 1));
        EXPECT_THAT(Poll(taken, POLLIN, kSoon), Revents(POLLIN)) << "round " << round;
        if (HasFailure()) break;
        EXPECT_EQ(Drain(taken), 1u) << "round " << round;
    }
    stop = true;
    WaitUntil([&] { return patient.finished() || (Must(Write(watched.efd, 1)), false); });
}

} /* namespace */
} /* namespace suite */
