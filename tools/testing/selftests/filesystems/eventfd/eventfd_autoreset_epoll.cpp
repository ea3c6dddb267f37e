// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET with epoll: who claims, what with, and who must not.
#include <vector>

#include "support/aio.h"
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

TEST_F(AutoresetEpoll, WithSpaceForOneResultClaimsOneOfTwo) {
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
            ring.ArmPoll(efd, POLLIN | extra, multishot);
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

} /* namespace */
} /* namespace suite */
