// SPDX-License-Identifier: GPL-2.0
/*
 * EFD_AUTORESET: whom of those who poll a write wakes. A claim takes the whole counter, so one
 * event is one poller's, and one is woken: the first that is sure to look. What must never be
 * is an event in the counter with everybody asleep.
 */
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "support/aio.h"
#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/group.h"
#include "support/memory.h"
#include "support/pollers.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"
#include "support/userfault.h"

namespace suite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/* Those who are queued so that a wake-up ends with one of them. */
const PollerKind kClaimers[] = {PollerKind::kPoll, PollerKind::kPpoll, PollerKind::kSelect,
                                PollerKind::kPselect};

auto PollerParam = [](const auto& info) { return PollerName(info.param); };

/* Tasks that each wait over and over in one call, and sleep nowhere else. */
class Herd {
  public:
    using Wait = std::function<Poller::Report()>;
    /* Makes what a task waits with, in that task; the argument tells it to stop. */
    using MakeWait = std::function<Wait(int stop)>;

    explicit Herd(Tasks tasks) : group_(tasks) {}

    int stop() const { return stop_.fd(); }

    void Start(int count, const MakeWait& make, Where where = Where::current()) {
        for (int i = 0; i < count; i++)
            group_.Start(
                [this, i, make] {
                    Wait wait = make(stop_.fd());
                    for (;;) {
                        Poller::Report report = wait();
                        if (report.input) {
                            state_->last = i;
                            state_->claims++;
                        }
                        if (report.stop) return;
                    }
                },
                where);
        WaitUntilAllSleep(where);
    }

    void WaitUntilAllSleep(Where where = Where::current()) {
        for (const auto& member : group_.members()) member->WaitUntilBlockedIn(kAnyCall, where);
    }

    /* How often they have gone to sleep, all together. */
    unsigned long Switches() const {
        unsigned long sum = 0;
        for (const auto& member : group_.members()) sum += member->switches();
        return sum;
    }

    long claims() const { return state_->claims; }
    size_t size() const { return group_.members().size(); }

    /* One event after the other: each once the last one was claimed and its claimer sleeps. */
    void ExpectEachIsClaimed(int efd, int posts, Where where = Where::current()) {
        CalledFrom test(where);
        std::vector<Task*> tasks;
        for (const auto& member : group_.members()) tasks.push_back(member.get());
        for (int post = 0; post < posts; post++) {
            long expected = claims() + 1;
            Must(Write(efd, 1), where);
            ASSERT_TRUE(Reaches([&] { return claims(); }, expected, tasks, kAnyCall))
                << "post " << post << ": all sleep with a count of " << EventfdCount(efd, where)
                << ", " << claims() << " claims, not " << expected;
            tasks[static_cast<size_t>(state_->last.load())]->WaitUntilBlockedIn(kAnyCall,
                                                                                where);
        }
    }

    void Finish(Where where = Where::current()) {
        stop_.Tell(where);
        group_.Finish(where);
    }

  private:
    struct State {
        std::atomic<long> claims{0};
        std::atomic<int> last{0};
    };

    Shared<State> state_;
    Group group_;
    Stop stop_;
};

Herd::MakeWait EachBy(PollerKind kind, int efd, Where where = Where::current()) {
    return [kind, efd, where](int stop) {
        std::shared_ptr<Poller> poller = Poller::Make(kind, efd, stop, where);
        return [poller, where] { return poller->Wait(where); };
    };
}

/* As the workers of a pool wait: all on one epoll, one result at a time. */
Herd::MakeWait AllBy(int epoll, Where where = Where::current()) {
    return [epoll, where](int stop) {
        return [epoll, stop, where] {
            epoll_event event;
            if (epoll_wait(epoll, &event, 1, -1) != 1)
                FailTest("epoll_wait() was to return 1: " + ErrnoText(errno), where);
            bool told = int{event.data.fd} == stop;
            return Poller::Report{!told, told};
        };
    };
}

/* Posts to a herd that sleeps: each event is reported once, after so many switches of all. */
void ExpectSwitchesForEachPost(Herd* herd, int efd, int posts, size_t switches,
                               Where where = Where::current()) {
    CalledFrom test(where);
    unsigned long before = herd->Switches();
    herd->ExpectEachIsClaimed(efd, posts, where);
    if (testing::Test::HasFatalFailure()) return;
    herd->WaitUntilAllSleep(where);
    EXPECT_EQ(herd->Switches() - before, static_cast<size_t>(posts) * switches)
        << "context switches of " << herd->size() << " tasks for " << posts << " posts";
    EXPECT_EQ(herd->claims(), posts);
    EXPECT_EQ(EventfdCount(efd, where), 0u);
}

constexpr int kHerd = 64;
constexpr int kPosts = 100;

class AutoresetHerd : public testing::TestWithParam<std::tuple<PollerKind, Tasks>> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }

    const PollerKind kind_ = std::get<PollerKind>(GetParam());
    const FileDescriptor efd_ =
        KernelKnowsAutoreset() ? NewAutoreset(0, EFD_NONBLOCK) : FileDescriptor();
    Herd herd_{std::get<Tasks>(GetParam())};
};

auto HerdName = [](const auto& info) {
    return PollerName(std::get<PollerKind>(info.param)) +
           TasksName(std::get<Tasks>(info.param));
};

INSTANTIATE_TEST_SUITE_P(Each, AutoresetHerd,
                         testing::Combine(testing::ValuesIn(kClaimers),
                                          testing::Values(Tasks::kThreads, Tasks::kProcesses)),
                         HerdName);

TEST_P_WITH(AutoresetHerd, OfSixtyFourIsWokenOneByOneForEachPost,
            Needs(Change::kAutoresetWakesOne)) {
    herd_.Start(kHerd, EachBy(kind_, efd_));
    ExpectSwitchesForEachPost(&herd_, efd_, kPosts, 1);
    herd_.Finish();
}

class AutoresetHerdOnOneEpoll : public AutoresetHerd {};

INSTANTIATE_TEST_SUITE_P(Each, AutoresetHerdOnOneEpoll,
                         testing::Combine(testing::Values(PollerKind::kEpollLevel,
                                                          PollerKind::kEpollEdge),
                                          testing::Values(Tasks::kThreads, Tasks::kProcesses)),
                         HerdName);

/* An edge wakes one of those who wait in an epoll, whatever the eventfd. */
TEST_P_WITH(AutoresetHerdOnOneEpoll, OfSixtyFourIsWokenOneByOneForEachPost,
            NeedsFor("EpollLevelThreads", Change::kAutoresetWakesOne),
            NeedsFor("EpollLevelProcesses", Change::kAutoresetWakesOne)) {
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd_, EPOLLIN | (kind_ == PollerKind::kEpollEdge ? EPOLLET : 0u));
    EpollAdd(epoll, herd_.stop(), EPOLLIN);
    herd_.Start(kHerd, AllBy(epoll));
    ExpectSwitchesForEachPost(&herd_, efd_, kPosts, 1);
    herd_.Finish();
}

/* Each has an epoll, a ring or an aio context of its own. */
class AutoresetHerdOfOwners : public AutoresetHerd {
  protected:
    void SetUp() override {
        AutoresetHerd::SetUp();
        SKIP_UNLESS(WhyNotPoller(kind_).empty(), WhyNotPoller(kind_));
    }

    static constexpr int kOwners = 16;
    static constexpr int kPostsToOwners = 20;
};

INSTANTIATE_TEST_SUITE_P(
    Each, AutoresetHerdOfOwners,
    testing::Combine(testing::Values(PollerKind::kEpollLevel, PollerKind::kEpollEdge,
                                     PollerKind::kEpollExclusive, PollerKind::kIoUringPoll,
                                     PollerKind::kIoUringMultishot, PollerKind::kAioPoll),
                     testing::Values(Tasks::kThreads)),
    HerdName);

TEST_P(AutoresetHerdOfOwners, IsWokenAsAWholeUnlessItSaysExclusiveAndReportsOnce) {
    /* An aio context takes the event in the kernel, and wakes its task for a result only. */
    bool one = kind_ == PollerKind::kEpollExclusive || kind_ == PollerKind::kAioPoll;
    herd_.Start(kOwners, EachBy(kind_, efd_));
    unsigned long before = herd_.Switches();
    for (int post = 0; post < kPostsToOwners; post++) {
        Must(Write(efd_, 1));
        /* They all sleep while aio's worker, which is none of them, has yet to claim. */
        WaitUntil([&] { return herd_.claims() > post; });
        herd_.WaitUntilAllSleep();
    }
    EXPECT_EQ(herd_.Switches() - before, kPostsToOwners * (one ? 1u : kOwners));
    EXPECT_EQ(herd_.claims(), kPostsToOwners);
    EXPECT_EQ(EventfdCount(efd_), 0u);
    herd_.Finish();
}

/* POLL_ADD takes EPOLLEXCLUSIVE beside the events, as EPOLL_CTL_ADD does. */
class ExclusiveRings : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        std::string why = WhyNotPoller(PollerKind::kIoUringPoll);
        SKIP_UNLESS(why.empty(), why);
    }
};

INSTANTIATE_TEST_SUITE_P(Each, ExclusiveRings, testing::Bool(),
                         [](const auto& info) { return info.param ? "Multishot" : "Single"; });

Herd::MakeWait ExclusiveRing(int efd, bool multishot, Where where = Where::current()) {
    struct Armed {
        IoUring ring;
        bool armed = false;
    };
    return [efd, multishot, where](int stop) {
        auto state = std::make_shared<Armed>();
        io_uring_prep_poll_add(state->ring.Entry(1, where), stop, POLLIN);
        return [=] {
            if (!state->armed) {
                io_uring_sqe* entry = state->ring.Entry(2, where);
                if (multishot)
                    io_uring_prep_poll_multishot(entry, efd, POLLIN | EPOLLEXCLUSIVE);
                else
                    io_uring_prep_poll_add(entry, efd, POLLIN | EPOLLEXCLUSIVE);
                state->ring.Submit(where);
            }
            Completion completion = state->ring.Wait(where);
            if (completion.result != POLLIN)
                FailTest("the poll was to report POLLIN: " + testing::PrintToString(completion),
                         where);
            if (completion.data == 1) return Poller::Report{false, true};
            state->armed = completion.flags & IORING_CQE_F_MORE;
            return Poller::Report{true, false};
        };
    };
}

TEST_P(ExclusiveRings, AreWokenOneByOneForEachPost) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    Herd herd(Tasks::kThreads);
    herd.Start(16, ExclusiveRing(efd, GetParam()));
    ExpectSwitchesForEachPost(&herd, efd, 20, 1);
    herd.Finish();
}

/* Whom a wake-up still reaches one and all. */

class PlainHerd : public testing::TestWithParam<PollerKind> {};

INSTANTIATE_TEST_SUITE_P(Each, PlainHerd, testing::ValuesIn(kClaimers), PollerParam);

TEST_P(PlainHerd, IsWokenAsAWholeByOnePost) {
    FileDescriptor efd = NewEventfd();
    std::atomic<int> reports{0};
    std::vector<std::unique_ptr<ScopedThread>> threads;
    for (int i = 0; i < 16; i++)
        threads.push_back(
            NewThread([&] { reports += Poller::Make(GetParam(), efd)->Wait().input; }));
    for (auto& thread : threads) thread->WaitUntilBlockedIn(kAnyCall);
    Must(Write(efd, 1));
    for (auto& thread : threads) thread->Join();
    EXPECT_EQ(reports, 16);
    EXPECT_EQ(EventfdCount(efd), 1u);
}

/* A poll that waits for space: nothing takes that, so it is all theirs. */
class AutoresetHerdForSpace : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }
};

INSTANTIATE_TEST_SUITE_P(With, AutoresetHerdForSpace, testing::Bool(),
                         [](const auto& info) { return info.param ? "Select" : "Poll"; });

void WaitForSpace(int fd, bool with_select, Where where = Where::current()) {
    CalledFrom test(where);
    if (!with_select) {
        EXPECT_THAT(Poll(fd, POLLOUT, -1ms), Revents(POLLOUT));
        return;
    }
    fd_set writable;
    FD_ZERO(&writable);
    FD_SET(fd, &writable);
    EXPECT_THAT(SYSCALL(select, fd + 1, nullptr, &writable, nullptr, nullptr),
                SyscallSucceedsWithValue(1));
}

TEST_P(AutoresetHerdForSpace, IsWokenAsAWholeByAClaimAndByARead) {
    for (bool claim : {true, false}) {
        FileDescriptor efd = NewAutoreset(kFull);
        std::vector<std::unique_ptr<ScopedThread>> threads;
        for (int i = 0; i < 8; i++)
            threads.push_back(NewThread([&] { WaitForSpace(efd, GetParam()); }));
        for (auto& thread : threads) thread->WaitUntilBlockedIn(kAnyCall);
        if (claim)
            EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
        else
            EXPECT_EQ(Drain(efd), kFull);
        for (auto& thread : threads) thread->Join();
    }
}

using AutoresetWakeups = AutoresetTest;

TEST_F(AutoresetWakeups, EdgesForInputAndSpaceReachEveryEpollAndTheInputOne) {
    FileDescriptor efd = NewAutoreset();
    std::atomic<int> input{0}, space{0};
    std::vector<std::unique_ptr<ScopedThread>> threads;
    for (int i = 0; i < 8; i++)
        threads.push_back(NewThread([&] {
            FileDescriptor epoll = NewEpoll();
            EpollAdd(epoll, efd, EPOLLIN | EPOLLOUT | EPOLLET);
            EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLOUT)));
            std::vector<Event> events = EpollWait(epoll, -1ms);
            input += events == std::vector<Event>{Event(efd, EPOLLIN | EPOLLOUT)};
            space += events == std::vector<Event>{Event(efd, EPOLLOUT)};
        }));
    for (auto& thread : threads) thread->WaitUntilBlockedIn(kEpollWaitCall);
    Must(Write(efd, 1));
    for (auto& thread : threads) thread->Join();
    EXPECT_EQ(input, 1);
    EXPECT_EQ(space, 7);
}

/* Both sorts in one queue: the epolls hear of each event, and one of the polls does. */
TEST_F_WITH(AutoresetWakeups, PostReachesEachEpollAndOneOfThePolls,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    Herd polls(Tasks::kThreads), epolls(Tasks::kThreads);
    polls.Start(8, EachBy(PollerKind::kPoll, efd));
    epolls.Start(8, EachBy(PollerKind::kEpollLevel, efd));
    unsigned long of_polls = polls.Switches(), of_epolls = epolls.Switches();
    constexpr int kRounds = 20;
    for (int round = 1; round <= kRounds; round++) {
        Must(Write(efd, 1));
        WaitUntil([&] { return polls.claims() + epolls.claims() == round; });
        polls.WaitUntilAllSleep();
        epolls.WaitUntilAllSleep();
    }
    EXPECT_EQ(polls.Switches() - of_polls, 1u * kRounds);
    EXPECT_EQ(epolls.Switches() - of_epolls, 8u * kRounds);
    polls.Finish();
    epolls.Finish();
}

/* A write of zero is a wake-up, and there is nothing to claim: one looks and sleeps on. */
TEST_F_WITH(AutoresetWakeups, WriteOfZeroWakesAtMostOneAndTakesNothingFromTheNextPost,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    Herd herd(Tasks::kThreads);
    herd.Start(8, EachBy(PollerKind::kPoll, efd));
    unsigned long before = herd.Switches();
    for (int i = 0; i < 10; i++) {
        Must(Write(efd, 0));
        herd.WaitUntilAllSleep();
    }
    EXPECT_EQ(herd.Switches() - before, 10u);
    ExpectSwitchesForEachPost(&herd, efd, 10, 1);
    herd.Finish();
}

/*
 * A poller inside its scan. It has looked at the eventfd and sleeps for something else, another
 * file's lock: whatever wakes it there, it need not look at the eventfd again before it leaves.
 */

/* An epoll whose lock a task holds: it delivers an event to a page that is not there yet. */
class HeldEpoll {
  public:
    explicit HeldEpoll(uint32_t trigger = 0, Where where = Where::current()) {
        EpollAdd(epoll_, ready_, EPOLLIN | trigger, where);
    }
    ~HeldEpoll() { LetGo(); }

    int fd() const { return epoll_.get(); }

    void Hold(Where where = Where::current()) {
        CalledFrom test(where);
        Must(Write(ready_, 1), where);
        holder_.emplace([this] {
            auto* events = reinterpret_cast<epoll_event*>(page_.data());
            EXPECT_THAT(SYSCALL(epoll_wait, epoll_, events, 1, -1),
                        SyscallSucceedsWithValue(1));
        });
        page_.WaitForTouch(where);
    }

    void LetGo(Where where = Where::current()) {
        if (!holder_) return;
        page_.Make(where);
        holder_.reset();
    }

  private:
    FileDescriptor epoll_ = NewEpoll();
    FileDescriptor ready_ = NewEventfd();
    PageToBeMade page_;
    std::optional<ScopedThread> holder_;
};

/* Once the task sleeps for a lock: no signal ends that, which its state says. */
void WaitUntilBlockedInALock(Task* task, Where where = Where::current()) {
    WaitUntil([&] {
        if (task->finished())
            FailTest("task " + std::to_string(task->tid()) +
                         " was to wait for a lock, and has ended",
                     where);
        return LookAtTask(task->tid()).state == 'D';
    });
}

class PollerAsleepInItsScan : public testing::TestWithParam<PollerKind> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }

    /*
     * Posts while one is in its scan and the next one sleeps: the post reaches that one. A poll
     * made here looks at the eventfd first: it is first in the array, and for select the number
     * is the lower one.
     */
    void Post(uint32_t trigger, Where where = Where::current()) {
        CalledFrom test(where);
        efd_ = NewAutoreset(0, 0, where);
        HeldEpoll held(trigger);
        ASSERT_LT(efd_.get(), held.fd());
        held.Hold(where);
        Poller::Report report;
        ScopedThread scanning(
            [&] { report = Poller::Make(GetParam(), efd_, held.fd(), where)->Wait(where); });
        WaitUntilBlockedInALock(&scanning, where);
        ScopedThread next(
            [&] { EXPECT_TRUE(Poller::Make(GetParam(), efd_, -1, where)->Wait(where).input); });
        next.WaitUntilBlockedIn(kAnyCall, where);

        Must(Write(efd_, 1), where);
        bool left = next.SleepsIn(kAnyCall);
        EXPECT_FALSE(left)
            << "the post reached nobody: one poller sleeps for it with a count of "
            << EventfdCount(efd_, where) << ", the other one for a lock";
        EXPECT_EQ(EventfdCount(efd_, where), left ? 1u : 0u);
        held.LetGo(where);
        if (trigger & EPOLLET) {
            /* Nothing is left in the epoll: it sleeps on, for both files. */
            if (!left) scanning.WaitUntilBlockedIn(kAnyCall, where);
            Must(Write(efd_, 1), where);
        }
        scanning.Join();
        EXPECT_EQ(report.input, (trigger & EPOLLET) != 0);
        EXPECT_EQ(report.stop, !(trigger & EPOLLET));
        if (left) Must(Write(efd_, 1), where);
    }

    FileDescriptor efd_;
};

INSTANTIATE_TEST_SUITE_P(By, PollerAsleepInItsScan, testing::ValuesIn(kClaimers), PollerParam);

TEST_P(PollerAsleepInItsScan, LeavesThePostToTheNextOneAndGoesForTheOtherFile) { Post(0); }

TEST_P(PollerAsleepInItsScan, LeavesThePostToTheNextOneAndSleepsOn) { Post(EPOLLET); }

/* What is promised is a wake-up, not a processor: it is as late as the one who got it. */
TEST_F_WITH(AutoresetWakeups, PollerThatIsHeldUpOnItsWayToTheEventClaimsItOnceItGoesOn,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor first = NewEpoll();
    HeldEpoll held;
    /* For what no epoll reports: this entry is looked at and never ready. */
    EpollAdd(first, held.fd(), EPOLLOUT);
    short revents[2] = {};
    ScopedThread woken([&] {
        pollfd entries[] = {{first, POLLIN, 0}, {efd, POLLIN, 0}};
        EXPECT_THAT(SYSCALL(poll, entries, 2, -1), SyscallSucceedsWithValue(1));
        revents[0] = entries[0].revents;
        revents[1] = entries[1].revents;
    });
    woken.WaitUntilBlockedIn(kPollCall);
    held.Hold();
    ScopedThread modifies([&] { EpollModify(first, held.fd(), EPOLLOUT); });
    WaitUntilBlockedInALock(&modifies);
    ScopedThread next([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    next.WaitUntilBlockedIn(kPollCall);

    Must(Write(efd, 1));
    WaitUntilBlockedInALock(&woken);
    next.ExpectStillBlockedIn(kPollCall);
    EXPECT_EQ(EventfdCount(efd), 1u);
    /* The next event wakes the next one, and that one takes both. */
    Must(Write(efd, 1));
    next.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
    Must(Write(efd, 1));
    held.LetGo();
    modifies.Join();
    woken.Join();
    EXPECT_THAT(revents, ElementsAre(0, POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/* A level-triggered entry is not looked at again after a claim took all that it asks for. */

struct Watched {
    Watched(uint64_t count, uint32_t events, Where where = Where::current()) {
        Add(count, events, where);
    }
    void Add(uint64_t count, uint32_t events, Where where = Where::current()) {
        efd = NewAutoreset(count, 0, where);
        EpollAdd(epoll, efd, events, where);
    }
    std::vector<Event> Wait(Where where = Where::current()) {
        return EpollWait(epoll, 0ms, where);
    }

    FileDescriptor epoll = NewEpoll();
    FileDescriptor efd;
};

using AutoresetLevel = AutoresetTest;

TEST_F(AutoresetLevel, IsReportedAgainForEachEventAndNeverInBetween) {
    Watched watched(0, EPOLLIN);
    for (int i = 0; i < 20; i++) {
        Must(Write(watched.efd, 1));
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN))) << i;
        EXPECT_THAT(watched.Wait(), IsEmpty()) << i;
        EXPECT_THAT(Poll(watched.epoll, POLLIN), Revents(0)) << i;
    }
}

/* Space is there as long as it is there, whoever reports it. */
TEST_F(AutoresetLevel, ForSpaceTooGoesOnReportingThat) {
    Watched watched(0, EPOLLIN | EPOLLOUT);
    for (int i = 0; i < 5; i++) {
        Must(Write(watched.efd, 1));
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN | EPOLLOUT))) << i;
        for (int again = 0; again < 3; again++)
            EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT))) << i;
    }
}

TEST_F(AutoresetLevel, OfAnOverflowIsReportedOnceAndThenForTheNextEvent) {
    Watched watched(kFull, EPOLLIN);
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    aio.Signal(watched.efd);
    ASSERT_EQ(EventfdCount(watched.efd), kOverflow);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN | EPOLLERR)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(watched.efd, 1));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

/* An error that nobody claims stays one: its entry is looked at each time. */
TEST_F(AutoresetLevel, ForNoInputGoesOnReportingAnOverflow) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_AUTORESET);
    FileDescriptor epoll = NewEpoll();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    aio.Signal(efd);
    EpollAdd(epoll, efd, 0);
    for (int i = 0; i < 3; i++)
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLERR))) << i;
    EXPECT_EQ(Drain(efd), kOverflow);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_F(AutoresetLevel, ModifiedAfterADeliverySaysWhatIsTrueNow) {
    Watched watched(1, EPOLLIN);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EpollModify(watched.epoll, watched.efd, EPOLLIN);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    EpollModify(watched.epoll, watched.efd, EPOLLIN | EPOLLOUT);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLOUT)));
    EpollModify(watched.epoll, watched.efd, EPOLLIN);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(watched.efd, 1));
    EpollModify(watched.epoll, watched.efd, EPOLLIN);
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

/* The delivery has claimed the first event and waits for its page: there comes a second one. */
TEST_F(AutoresetLevel, EventDuringADeliveryOfTheLastOneIsTheNextWaits) {
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        Watched watched(1, EPOLLIN | trigger);
        PageToBeMade page;
        ScopedThread waiter([&] {
            auto* events = reinterpret_cast<epoll_event*>(page.data());
            EXPECT_THAT(SYSCALL(epoll_wait, watched.epoll, events, 8, -1),
                        SyscallSucceedsWithValue(1));
        });
        page.WaitForTouch();
        EXPECT_EQ(EventfdCount(watched.efd), 0u);
        Must(Write(watched.efd, 1));
        page.Make();
        waiter.Join();
        EXPECT_EQ(EventfdCount(watched.efd), 1u);
        EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
        EXPECT_THAT(watched.Wait(), IsEmpty());
    }
}

/* The same with somebody in epoll_wait(2), who waits for the delivery to end: it is his. */
TEST_F(AutoresetLevel, EventDuringADeliveryIsTheNextWaiters) {
    Watched watched(1, EPOLLIN);
    PageToBeMade page;
    ScopedThread first([&] {
        auto* events = reinterpret_cast<epoll_event*>(page.data());
        EXPECT_THAT(SYSCALL(epoll_wait, watched.epoll, events, 8, -1),
                    SyscallSucceedsWithValue(1));
    });
    page.WaitForTouch();
    ScopedThread second([&] {
        EXPECT_THAT(EpollWait(watched.epoll, -1ms), ElementsAre(Event(watched.efd, EPOLLIN)));
    });
    WaitUntilBlockedInALock(&second);
    Must(Write(watched.efd, 1));
    page.Make();
    first.Join();
    second.Join();
    EXPECT_EQ(EventfdCount(watched.efd), 0u);
}

TEST_F(AutoresetLevel, WithSpaceForOneResultLeavesTheOthersToOtherWaiters) {
    FileDescriptor epoll = NewEpoll();
    std::vector<FileDescriptor> efds;
    for (int i = 0; i < 8; i++) {
        efds.push_back(NewAutoreset(1));
        EpollAdd(epoll, efds.back(), EPOLLIN);
    }
    std::atomic<int> reports{0};
    auto take_one = [&] {
        epoll_event event;
        EXPECT_THAT(SYSCALL(epoll_wait, epoll, &event, 1, -1), SyscallSucceedsWithValue(1));
        reports++;
    };
    {
        std::vector<std::unique_ptr<ScopedThread>> threads;
        for (int i = 0; i < 8; i++) threads.push_back(NewThread(take_one));
    }
    EXPECT_EQ(reports, 8);
    for (FileDescriptor& efd : efds) EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

/* What could not be delivered is gone, as with every claim; the entry goes on. */
TEST_F(AutoresetLevel, WithABadBufferHasClaimedAndReportsTheNextEvent) {
    Watched watched(1, EPOLLIN);
    ReadOnlyPage page;
    auto* events = static_cast<epoll_event*>(page.data());
    EXPECT_THAT(SYSCALL(epoll_wait, watched.epoll, events, 8, 0),
                SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(EventfdCount(watched.efd), 0u);
    EXPECT_THAT(watched.Wait(), IsEmpty());
    Must(Write(watched.efd, 1));
    EXPECT_THAT(watched.Wait(), ElementsAre(Event(watched.efd, EPOLLIN)));
    EXPECT_THAT(watched.Wait(), IsEmpty());
}

/* What a program must know before it gives the flag to an eventfd that others use. */

/* As where a library polls it, and the program reads after that out of habit. */
TEST_F(AutoresetWakeups, ReadAfterAClaimHasNothingAndSleeps) {
    for (PollerKind kind : EveryPoller()) {
        if (!WhyNotPoller(kind).empty()) continue;
        FileDescriptor efd = NewAutoreset();
        uint64_t value = 0;
        Must(Write(efd, 5));
        EXPECT_TRUE(Poller::Make(kind, efd)->Wait().input) << kind;
        EXPECT_THAT(Preadv2(efd, &value, 8, -1, RWF_NOWAIT), SyscallFailsWithErrno(EAGAIN))
            << kind;
        ScopedThread reader(
            [&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
        reader.WaitUntilBlockedIn(SYS_read);
        Must(Write(efd, 7));
        reader.Join();
        EXPECT_EQ(value, 7u) << kind;
    }
}

/*
 * A pulse: written and read back before the sleeper runs. Whoever looks again before he reports
 * has seen nothing, and the sleeper sleeps on. Without the flag io_uring and aio take the wake-
 * up's word.
 */
class Pulse : public testing::TestWithParam<std::tuple<PollerKind, bool>> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_KNOWN(autoreset_ ? EFD_AUTORESET : 0);
        SKIP_UNLESS(WhyNotPoller(kind_).empty(), WhyNotPoller(kind_));
        Undisturbed possible;
        SKIP_UNLESS(!possible.refused(), Undisturbed::reason());
    }

    const PollerKind kind_ = std::get<PollerKind>(GetParam());
    const bool autoreset_ = std::get<bool>(GetParam());
    OneProcessor pinned_;
};

INSTANTIATE_TEST_SUITE_P(To, Pulse,
                         testing::Combine(testing::ValuesIn(EveryPoller()), testing::Bool()),
                         [](const auto& info) {
                             return PollerName(std::get<PollerKind>(info.param)) +
                                    (std::get<bool>(info.param) ? "Autoreset" : "Plain");
                         });

TEST_P(Pulse, IsSeenOnlyByIoUringAndAioWithoutTheFlag) {
    bool believes = kind_ == PollerKind::kIoUringPoll ||
                    kind_ == PollerKind::kIoUringMultishot || kind_ == PollerKind::kAioPoll;
    FileDescriptor efd = NewEventfd(0, autoreset_ ? EFD_AUTORESET : 0);
    std::atomic<int> reports{0};
    ScopedThread sleeper([&] { reports += Poller::Make(kind_, efd)->Wait().input; });
    sleeper.WaitUntilBlockedIn(kAnyCall);
    {
        Undisturbed only_us;
        Must(Write(efd, 1));
        EXPECT_EQ(Drain(efd), 1u);
    }
    if (believes && !autoreset_) {
        sleeper.Join();
    } else {
        EXPECT_TRUE(sleeper.SleepsIn(kAnyCall)) << "the pulse was reported";
        EXPECT_EQ(reports, 0);
        Must(Write(efd, 1));
    }
    sleeper.Join();
    EXPECT_EQ(reports, 1);
}

/* Unusual ways to be a poller. */

TEST_F_WITH(AutoresetWakeups, PollerThatNamesTheEventfdThreeTimesClaimsOnceAndLeavesTheNextPost,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor dup = Dup(efd);
    int reported = -1;
    ScopedThread first([&] {
        pollfd entries[] = {{efd, POLLIN, 0}, {dup, POLLIN, 0}, {efd, POLLIN | POLLPRI, 0}};
        EXPECT_THAT(SYSCALL(poll, entries, 3, -1), SyscallSucceedsWithValue(1));
        reported = (entries[0].revents | entries[1].revents | entries[2].revents);
    });
    first.WaitUntilBlockedIn(kPollCall);
    ScopedThread second([&] { EXPECT_THAT(Poll(dup, POLLIN, -1ms), Revents(POLLIN)); });
    second.WaitUntilBlockedIn(kPollCall);
    unsigned long before = second.switches();
    Must(Write(efd, 1));
    first.Join();
    second.ExpectStillBlockedIn(kPollCall);
    EXPECT_EQ(second.switches(), before);
    EXPECT_EQ(reported, POLLIN);
    Must(Write(dup, 1));
    second.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F_WITH(AutoresetWakeups, SelectForReadingAndExceptionsIsOneOfThoseWhoClaim,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    Herd herd(Tasks::kThreads);
    herd.Start(8, [&](int stop) {
        return [&, stop] {
            fd_set readable, exceptional;
            FD_ZERO(&readable);
            FD_ZERO(&exceptional);
            for (int fd : {efd.get(), stop}) {
                FD_SET(fd, &readable);
                FD_SET(fd, &exceptional);
            }
            if (select(std::max(efd.get(), stop) + 1, &readable, nullptr, &exceptional,
                       nullptr) < 1)
                FailTest("select() was to report a file: " + ErrnoText(errno));
            return Poller::Report{FD_ISSET(efd, &readable) != 0,
                                  FD_ISSET(stop, &readable) != 0};
        };
    });
    ExpectSwitchesForEachPost(&herd, efd, 20, 1);
    herd.Finish();
}

/* As many as take several pages to keep, with the eventfd among the last. */
TEST_F_WITH(AutoresetWakeups, PollersOfAThousandDescriptorsAreWokenOneByOne,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    FileDescriptor idle = NewEventfd();
    Herd herd(Tasks::kThreads);
    herd.Start(4, [&](int stop) {
        auto entries = std::make_shared<std::vector<pollfd>>(1000, pollfd{idle, POLLIN, 0});
        (*entries)[998] = {efd, POLLIN, 0};
        (*entries)[999] = {stop, POLLIN, 0};
        return [entries] {
            if (poll(entries->data(), entries->size(), -1) < 1)
                FailTest("poll() was to report a file: " + ErrnoText(errno));
            return Poller::Report{(*entries)[998].revents == POLLIN,
                                  (*entries)[999].revents == POLLIN};
        };
    });
    ExpectSwitchesForEachPost(&herd, efd, 20, 1);
    herd.Finish();
}

/* Woken for the one, it claims what is in the other too; who sleeps for that one sleeps on. */
TEST_F_WITH(AutoresetWakeups, PollerOfTwoClaimsBothAndTheNextOneGetsTheNextEvent,
            Needs(Change::kAutoresetWakesOne)) {
    OneProcessor pinned;
    Undisturbed possible;
    SKIP_UNLESS(!possible.refused(), Undisturbed::reason());
    FileDescriptor one = NewAutoreset(), other = NewAutoreset();
    ScopedThread of_both([&] {
        pollfd entries[] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
        EXPECT_THAT(SYSCALL(poll, entries, 2, -1), SyscallSucceedsWithValue(2));
    });
    of_both.WaitUntilBlockedIn(kPollCall);
    ScopedThread of_other([&] { EXPECT_THAT(Poll(other, POLLIN, -1ms), Revents(POLLIN)); });
    of_other.WaitUntilBlockedIn(kPollCall);
    unsigned long before = of_other.switches();
    {
        Undisturbed only_us;
        Must(Write(other, 1));
        Must(Write(one, 1));
    }
    of_both.Join();
    of_other.ExpectStillBlockedIn(kPollCall);
    EXPECT_EQ(of_other.switches(), before);
    Must(Write(other, 1));
    of_other.Join();
    EXPECT_EQ(EventfdCount(one), 0u);
    EXPECT_EQ(EventfdCount(other), 0u);
}

/* A result that cannot be copied out has been claimed: the documented loss, and no more. */
TEST_F(AutoresetWakeups,
       PollWhoseResultCannotBeDeliveredHasClaimedAndTheNextEventIsTheNextOnes) {
    SKIP_WITHOUT(Change::kAutoresetWakesOne);
    FileDescriptor efd = NewAutoreset();
    Mapping page(PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE);
    auto* entry = reinterpret_cast<pollfd*>(page.data());
    *entry = {efd, POLLIN, 0};
    Must(SYSCALL(mprotect, page.data(), PageSize(), PROT_READ));
    ScopedThread first(
        [&] { EXPECT_THAT(SYSCALL(poll, entry, 1, -1), SyscallFailsWithErrno(EFAULT)); });
    first.WaitUntilBlockedIn(kPollCall);
    ScopedThread second([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    second.WaitUntilBlockedIn(kPollCall);
    Must(Write(efd, 1));
    first.Join();
    second.ExpectStillBlockedIn(kPollCall);
    EXPECT_EQ(EventfdCount(efd), 0u);
    Must(Write(efd, 1));
    second.Join();
}

/*
 * EPOLLEXCLUSIVE is a promise to look: the wake-up of who gives it counts, whatever comes of
 * it. Where it is not kept, the event is left to the next write, or to whoever polls next.
 */
class AfterAnExclusiveEntry : public testing::TestWithParam<PollerKind> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        Undisturbed possible;
        SKIP_UNLESS(!possible.refused(), Undisturbed::reason());
    }

    OneProcessor pinned_;
};

INSTANTIATE_TEST_SUITE_P(By, AfterAnExclusiveEntry, testing::ValuesIn(kClaimers), PollerParam);

TEST_P_WITH(AfterAnExclusiveEntry, PollSleepsBesideTheEventOfAnEpollThatIsKilledForTheNextWrite,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset();
    ChildProcess owner([&] { Poller::Make(PollerKind::kEpollExclusive, efd)->Wait(); });
    owner.WaitUntilBlockedIn(kAnyCall);
    ScopedThread poller([&] { EXPECT_TRUE(Poller::Make(GetParam(), efd)->Wait().input); });
    poller.WaitUntilBlockedIn(kAnyCall);
    {
        Undisturbed only_us;
        Must(Write(efd, 1));
        owner.Signal(SIGKILL);
    }
    EXPECT_TRUE(WIFSIGNALED(owner.Wait()));
    poller.ExpectStillBlockedIn(kAnyCall);
    EXPECT_EQ(EventfdCount(efd), 1u);
    Must(Write(efd, 1));
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_P_WITH(AfterAnExclusiveEntry, PollSleepsBesideTheEventsOfARingThatNobodyLooksAt,
            Needs(Change::kAutoresetWakesOne)) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    SKIP_IF_REFUSED(ring);
    io_uring_prep_poll_multishot(ring.Entry(1), efd, POLLIN | EPOLLEXCLUSIVE);
    ring.Submit();
    ScopedThread poller([&] { EXPECT_TRUE(Poller::Make(GetParam(), efd)->Wait().input); });
    poller.WaitUntilBlockedIn(kAnyCall);
    for (uint64_t post = 1; post <= 3; post++) {
        Must(Write(efd, 1));
        poller.ExpectStillBlockedIn(kAnyCall);
        EXPECT_EQ(EventfdCount(efd), post);
    }
    EXPECT_EQ(ring.Wait().result, POLLIN);
    EXPECT_EQ(EventfdCount(efd), 0u);
    io_uring_prep_poll_remove(ring.Entry(2), 1);
    ring.Submit();
    ring.Wait();
    Must(Write(efd, 1));
    poller.Join();
}

/* A stopped poller has left its poll: the event is the next one's. */
class StoppedPoller : public testing::TestWithParam<std::tuple<PollerKind, bool>> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }
};

INSTANTIATE_TEST_SUITE_P(By, StoppedPoller,
                         testing::Combine(testing::ValuesIn(kClaimers), testing::Bool()),
                         [](const auto& info) {
                             return PollerName(std::get<PollerKind>(info.param)) +
                                    (std::get<bool>(info.param) ? "Traced" : "Stopped");
                         });

TEST_P(StoppedPoller, LeavesTheEventToTheNextAndClaimsOneAfterItGoesOn) {
    const auto [kind, traced] = GetParam();
    FileDescriptor efd = NewAutoreset();
    int status = 0;
    ChildProcess first([&] { EXPECT_TRUE(Poller::Make(kind, efd)->Wait().input); });
    first.WaitUntilBlockedIn(kAnyCall);
    ScopedThread second([&] { EXPECT_TRUE(Poller::Make(kind, efd)->Wait().input); });
    second.WaitUntilBlockedIn(kAnyCall);
    if (traced) {
        SyscallResult seized = RAW_SYSCALL(ptrace, PTRACE_SEIZE, first.tid(), nullptr, nullptr);
        Must(seized);
        Must(RAW_SYSCALL(ptrace, PTRACE_INTERRUPT, first.tid(), nullptr, nullptr));
    } else {
        first.Signal(SIGSTOP);
    }
    Must(SYSCALL(waitpid, first.tid(), &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status));
    Must(Write(efd, 1));
    second.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
    if (traced)
        Must(RAW_SYSCALL(ptrace, PTRACE_DETACH, first.tid(), nullptr, nullptr));
    else
        first.Signal(SIGCONT);
    first.WaitUntilBlockedIn(kAnyCall);
    Must(Write(efd, 1));
    first.ExpectSuccess();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/*
 * Races. A round is one event: some who wait for it leave for another reason at about the same
 * time, at least one does not, and then it is claimed, whoever was woken.
 */

enum class Ends {
    kNever,
    kReady,
    kTimeout,
    kSignal,
    kLongScan, /* the other file is ready, and looked at long after the eventfd */
    kCount
};

/* What a task does in a round. */
struct Plan {
    PollerKind kind = PollerKind::kPoll;
    Ends ends = Ends::kNever;
    long nanoseconds = 0;
};

const PollerKind kRacers[] = {PollerKind::kPoll,       PollerKind::kPpoll,
                              PollerKind::kSelect,     PollerKind::kPselect,
                              PollerKind::kEpollLevel, PollerKind::kEpollEdge};

/* One wait for an eventfd, beside another file; whether it reports the eventfd. */
class Racer {
  public:
    Racer(int efd, int other, Where where = Where::current()) : efd_(efd), other_(other) {
        EpollAdd(level_, efd, EPOLLIN, where);
        EpollAdd(level_, other, EPOLLIN, where);
        many_.front().fd = efd;
        many_.back().fd = other;
    }

    bool Claims(const Plan& plan, Where where = Where::current()) {
        bool timed = plan.ends == Ends::kTimeout;
        timespec time = {0, plan.nanoseconds};
        timeval coarse = {0, plan.nanoseconds / 1000};
        int milliseconds = timed ? 1 : -1;
        pollfd entries[] = {{efd_, POLLIN, 0}, {other_, POLLIN, 0}};
        int size = std::max(efd_, other_) + 1;
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(efd_, &readable);
        FD_SET(other_, &readable);
        if (plan.ends == Ends::kLongScan)
            return Check(poll(many_.data(), many_.size(), -1), where) && many_.front().revents;

        switch (plan.kind) {
            case PollerKind::kPoll:
                return Check(poll(entries, 2, milliseconds), where) && entries[0].revents;
            case PollerKind::kPpoll:
                return Check(ppoll(entries, 2, timed ? &time : nullptr, nullptr), where) &&
                       entries[0].revents;
            case PollerKind::kSelect:
                return Check(
                           select(size, &readable, nullptr, nullptr, timed ? &coarse : nullptr),
                           where) &&
                       FD_ISSET(efd_, &readable);
            case PollerKind::kPselect:
                return Check(pselect(size, &readable, nullptr, nullptr, timed ? &time : nullptr,
                                     nullptr),
                             where) &&
                       FD_ISSET(efd_, &readable);
            case PollerKind::kEpollLevel:
                return ClaimsBy(level_, milliseconds, where);
            default: {
                FileDescriptor edge = NewEpoll(where);
                EpollAdd(edge, efd_, EPOLLIN | EPOLLET, where);
                EpollAdd(edge, other_, EPOLLIN | EPOLLET, where);
                return ClaimsBy(edge, milliseconds, where);
            }
        }
    }

  private:
    static bool Check(int result, Where where = Where::current()) {
        if (result < 0 && errno != EINTR)
            FailTest("a poll was to succeed: " + ErrnoText(errno), where);
        return result > 0;
    }

    bool ClaimsBy(int epoll, int milliseconds, Where where = Where::current()) {
        epoll_event events[2];
        int count = epoll_wait(epoll, events, 2, milliseconds);
        if (!Check(count, where)) return false;
        for (int i = 0; i < count; i++)
            if (int{events[i].data.fd} == efd_) return true;
        return false;
    }

    int efd_;
    int other_;
    FileDescriptor level_ = NewEpoll();
    FileDescriptor idle_ = NewEventfd();
    std::vector<pollfd> many_ = std::vector<pollfd>(1000, pollfd{idle_, POLLIN, 0});
};

enum class RaceIn {
    kPlain,
    kBusyEpolls,   /* the other file is an epoll, whose lock others want, too */
    kOneProcessor, /* all that befalls the pollers befalls them before they run */
};

class ClaimRace : public testing::TestWithParam<RaceIn> {
  protected:
    /* Who waits for the eventfd, beside a file of its own. */
    struct Seat {
        FileDescriptor ready = NewEventfd(0, EFD_NONBLOCK);
        FileDescriptor spare = NewEventfd();
        FileDescriptor epoll = NewEpoll();
        Plan plan;
        Meeting meeting;
        std::unique_ptr<ScopedThread> thread;

        explicit Seat(Where where = Where::current()) {
            EpollAdd(epoll, ready, EPOLLIN, where);
            EpollAdd(epoll, spare, EPOLLIN, where);
        }
    };

    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        Undisturbed possible;
        SKIP_UNLESS(GetParam() != RaceIn::kOneProcessor || !possible.refused(),
                    Undisturbed::reason());
    }

    unsigned Random(size_t below) {
        seed_ = seed_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<unsigned>((seed_ >> 33) % below);
    }

    Plan RandomPlan(bool quiet) {
        Plan plan;
        plan.nanoseconds = 1000 * static_cast<long>(Random(300));
        /* The quiet one is no epoll, which hears of everything. */
        plan.kind = quiet ? kClaimers[Random(std::size(kClaimers))]
                          : kRacers[Random(std::size(kRacers))];
        if (!quiet) plan.ends = static_cast<Ends>(Random(static_cast<size_t>(Ends::kCount)));
        return plan;
    }

    /* The event, and what ends the others' waits, in any order, one soon after the other. */
    void PostAndDisturb(int efd, Where where = Where::current()) {
        const unsigned post = Random(kSeats + 1), first = Random(kSeats);
        for (unsigned i = 0; i <= kSeats; i++) {
            if (i == post) WriteOne(efd, where);
            for (unsigned wait = Random(256); wait > 0; wait--) asm volatile("" ::: "memory");
            if (i == kSeats) break;
            Seat& seat = seats_[(first + i) % kSeats];
            if (seat.plan.ends == Ends::kReady) WriteOne(seat.ready, where);
            if (seat.plan.ends == Ends::kSignal) seat.thread->Signal(SIGUSR1, where);
        }
    }

    static constexpr unsigned kSeats = 4;
    std::array<Seat, kSeats> seats_;

  private:
    uint64_t seed_ = 1;
};

INSTANTIATE_TEST_SUITE_P(In, ClaimRace,
                         testing::Values(RaceIn::kPlain, RaceIn::kBusyEpolls,
                                         RaceIn::kOneProcessor),
                         [](const auto& info) {
                             return info.param == RaceIn::kPlain        ? "Plain"
                                    : info.param == RaceIn::kBusyEpolls ? "BusyEpolls"
                                                                        : "OneProcessor";
                         });

TEST_P_WITH(ClaimRace, LeavesNoEventBehindWithEverybodyAsleep,
            TimeLimit(AutoresetTimeLimit())) {
    const bool busy = GetParam() == RaceIn::kBusyEpolls;
    const bool one_processor = GetParam() == RaceIn::kOneProcessor;
    const int rounds = static_cast<int>(AutoresetRounds());
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    CountingHandler handler(SIGUSR1, 0);
    std::atomic<long> claims{0};
    std::atomic<bool> stop{false};
    std::vector<Task*> tasks;
    std::optional<OneProcessor> pinned;
    if (one_processor) pinned.emplace();
    for (Seat& seat : seats_) {
        seat.thread = NewThread([&] {
            Racer racer(efd, busy ? seat.epoll : seat.ready);
            for (int round = 0;; round++) {
                seat.meeting.Arrive(2 * round);
                if (stop) return;
                claims += racer.Claims(seat.plan);
                seat.meeting.Arrive(2 * round + 1);
            }
        });
        tasks.push_back(seat.thread.get());
    }
    std::optional<ScopedThread> others;
    if (busy)
        others.emplace([&] {
            while (!stop)
                for (Seat& seat : seats_) {
                    EpollModify(seat.epoll, seat.spare, EPOLLIN);
                    EpollWait(seat.epoll);
                }
        });

    int round = 0;
    for (bool lost = false; round < rounds && !lost; round++) {
        const unsigned quiet = Random(kSeats), first = Random(kSeats);
        /* From those who all sleep to those who have not begun. */
        const bool asleep = one_processor || Random(4) == 0;
        for (unsigned i = 0; i < kSeats; i++) {
            unsigned number = (first + i) % kSeats;
            Seat& seat = seats_[number];
            seat.plan = RandomPlan(number == quiet);
            /* In its scan before the others are queued, and until they sleep behind it. */
            if (i == 0 && number != quiet && Random(2)) seat.plan.ends = Ends::kLongScan;
            if (seat.plan.ends == Ends::kLongScan) WriteOne(seat.ready);
            seat.meeting.Arrive(2 * round);
            if (asleep && seat.plan.ends != Ends::kTimeout)
                seat.thread->WaitUntilBlockedIn(kAnyCall);
        }
        {
            std::optional<Undisturbed> only_us;
            if (one_processor) only_us.emplace();
            PostAndDisturb(efd);
        }
        lost = !Reaches([&] { return claims.load(); }, round + 1, tasks, kAnyCall);
        EXPECT_FALSE(lost) << "round " << round << ": all sleep with a count of "
                           << EventfdCount(efd) << ", after " << claims << " claims";
        for (Seat& seat : seats_) WriteOne(seat.ready);
        for (Seat& seat : seats_) seat.meeting.Arrive(2 * round + 1);
        for (Seat& seat : seats_) Drain(seat.ready);
    }
    EXPECT_EQ(EventfdCount(efd), 0u);
    stop = true;
    for (Seat& seat : seats_) seat.meeting.Arrive(2 * round);
    for (Seat& seat : seats_) seat.thread->Join();
}

/* Signals all the time: each ends a poll, and each poll that ends has looked. */
TEST_F_WITH(AutoresetWakeups, StormOfSignalsTakesNoEventFromThoseWhoSleep,
            TimeLimit(AutoresetTimeLimit())) {
    const long rounds = static_cast<long>(AutoresetRounds());
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    FileDescriptor ended = NewEventfd();
    CountingHandler handler(SIGUSR1, 0);
    std::atomic<long> claims{0};
    std::atomic<bool> calm{false}, stop{false};
    auto loop = [&](const PollerKind kind) {
        Racer racer(efd, ended);
        while (!stop) claims += racer.Claims({kind, Ends::kNever, 0});
    };
    ScopedThread first([&] { loop(PollerKind::kPoll); }),
        second([&] { loop(PollerKind::kSelect); }), third([&] { loop(PollerKind::kPoll); });
    std::vector<Task*> tasks = {&first, &second, &third};
    {
        ScopedThread storm([&] {
            while (!calm) {
                first.Signal(SIGUSR1);
                second.Signal(SIGUSR1);
            }
        });
        for (long round = 0; round < rounds && !HasFailure(); round++) {
            WriteOne(efd);
            EXPECT_TRUE(Reaches([&] { return claims.load(); }, round + 1, tasks, kAnyCall))
                << "round " << round << ": all sleep with a count of " << EventfdCount(efd);
        }
        calm = true;
    }
    /* No signal is on its way to one that has ended. */
    stop = true;
    Must(Write(ended, 1));
}

/*
 * A process that is killed where it polls. It may die with the event, as with what it has read;
 * what it leaves in the counter is the survivor's.
 */
class KilledPoller : public testing::TestWithParam<PollerKind> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }
};

INSTANTIATE_TEST_SUITE_P(By, KilledPoller, testing::ValuesIn(kRacers), PollerParam);

/* One that is woken first, and whose descriptor is not there any more when it looks. */
class PollerOfAClosedDescriptor : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }
};

INSTANTIATE_TEST_SUITE_P(By, PollerOfAClosedDescriptor, testing::Bool(),
                         [](const auto& info) { return info.param ? "Select" : "Poll"; });

TEST_P(PollerOfAClosedDescriptor, LeavesTheEventToTheNextOne) {
    FileDescriptor efd = NewAutoreset(), own = Dup(efd);
    const int number = own.get();
    ScopedThread first([&] {
        if (GetParam()) {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(number, &set);
            select(number + 1, &set, nullptr, nullptr, nullptr);
        } else {
            pollfd one = {number, POLLIN, 0};
            poll(&one, 1, -1);
        }
    });
    first.WaitUntilBlockedIn(kAnyCall);
    ScopedThread next([&] { EXPECT_TRUE(Poller::Make(PollerKind::kPoll, efd)->Wait().input); });
    next.WaitUntilBlockedIn(kAnyCall);
    own.Reset();
    Must(Write(efd, 1));
    first.Join();
    bool left = next.SleepsIn(kAnyCall);
    EXPECT_FALSE(left) << "one sleeps with a count of " << EventfdCount(efd);
    EXPECT_EQ(EventfdCount(efd), left ? 1u : 0u);
    if (left) Must(Write(efd, 1));
}

TEST_P_WITH(KilledPoller, LeavesNoEventBehindWithTheSurvivorAsleep,
            TimeLimit(AutoresetTimeLimit())) {
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_DEATH_ROUNDS", 40));
    struct State {
        std::atomic<long> survivor_took{0};
        std::atomic<long> interrupted{0};
    };
    Shared<State> state;
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    FileDescriptor never = NewEventfd();
    CountingHandler handler(SIGUSR1, 0);
    long left = 0;
    ChildProcess survivor([&] {
        Racer racer(efd, never);
        for (int i = 0;; i++) {
            bool took = racer.Claims({kClaimers[i % 4], Ends::kNever, 0});
            (took ? state->survivor_took : state->interrupted)++;
        }
    });
    for (int round = 0; round < rounds; round++) {
        ChildProcess victim([&] {
            Racer racer(efd, never);
            for (;;) racer.Claims({GetParam(), Ends::kNever, 0});
        });
        victim.WaitUntilBlockedIn(kAnyCall);
        /* The survivor comes again, and stands behind. */
        survivor.WaitUntilBlockedIn(kAnyCall);
        long interrupted = state->interrupted;
        survivor.Signal(SIGUSR1);
        WaitUntil([&] { return state->interrupted > interrupted; });
        survivor.WaitUntilBlockedIn(kAnyCall);

        long before = state->survivor_took;
        bool post_first = round & 1;
        if (post_first) WriteOne(efd);
        for (int i = 0; i < round % 64 * 8; i++) asm volatile("" ::: "memory");
        victim.Signal(SIGKILL);
        if (!post_first) WriteOne(efd);
        EXPECT_TRUE(WIFSIGNALED(victim.Wait()));
        ASSERT_TRUE(Reaches([&] { return static_cast<long>(EventfdCount(efd)); }, 0,
                            {&survivor}, kAnyCall))
            << "round " << round << ": the survivor sleeps with a count of "
            << EventfdCount(efd);
        survivor.WaitUntilBlockedIn(kAnyCall);
        left += state->survivor_took - before;
    }
    EXPECT_LE(left, rounds);
}

} /* namespace */
} /* namespace suite */
