// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET under load: each event is claimed exactly once, and nobody sleeps beside one.
//
// EVENTFD_AUTORESET_ROUNDS, 200 if unset, is the number of rounds of each poller alone; pairs
// of pollers run half of it. The tests' time limits grow with it.
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/group.h"
#include "support/memory.h"
#include "support/pollers.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

/*
 * Writes one after the other. Whoever takes an event says so on the other eventfd, and only
 * then comes the next write: each finds the counter at zero, and is taken by one, whole.
 */
void WriteAndExpectOneTaker(int efd, int taken, long rounds, const Group& group,
                            Where where = Where::current()) {
    CalledFrom test(where);
    for (long round = 1; round <= rounds; round++) {
        pollfd wait = {taken, POLLIN, 0};
        uint64_t value = 0;

        WriteOne(efd, where);
        ASSERT_EQ(poll(&wait, 1, static_cast<int>(kSoon.count())), 1)
            << "write " << round << " is taken by nobody; the count is "
            << EventfdCount(efd, where) << group.Describe();
        ASSERT_EQ(read(taken, &value, sizeof(value)), 8) << ErrnoText(errno);
        ASSERT_EQ(value, 1u) << "takers of write " << round;
        ASSERT_EQ(Drain(efd, where), 0u) << "left of write " << round;
    }
}

/* One writer and several pollers, each of which says on another eventfd what it claims. */
void ExpectEachWriteIsClaimedOnce(const std::vector<PollerKind>& kinds, Tasks tasks,
                                  long rounds, Where where = Where::current()) {
    CalledFrom test(where);
    struct State {
        std::atomic<long> claims{0};
    };
    Shared<State> state;
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK, where);
    FileDescriptor claimed = NewEventfd(0, EFD_NONBLOCK, where);
    Group group(tasks);
    Stop stop;

    for (PollerKind kind : kinds)
        group.Start(
            [&, kind] {
                std::unique_ptr<Poller> poller = Poller::Make(kind, efd, stop.fd(), where);
                for (;;) {
                    Poller::Report report = poller->Wait(where);
                    if (report.input) {
                        state->claims++;
                        WriteOne(claimed, where);
                    }
                    if (report.stop) return;
                }
            },
            where);

    WriteAndExpectOneTaker(efd, claimed, rounds, group, where);
    if (testing::Test::HasFatalFailure()) return;
    stop.Tell(where);
    group.Finish(where);
    EXPECT_EQ(state->claims, rounds);
    EXPECT_EQ(EventfdCount(efd, where), 0u);
    EXPECT_EQ(Drain(claimed, where), 0u);
}

/*
 * Writers that wait for nobody. Each writes down the number of its event before it writes to
 * the eventfd, so whoever claims can see it: in the end, somebody has seen each writer's last.
 */
void ExpectTheLastEventIsClaimed(const std::vector<PollerKind>& kinds, Tasks tasks, long writes,
                                 Where where = Where::current()) {
    CalledFrom test(where);
    constexpr int kWriters = 2;
    struct State {
        std::atomic<long> claims{0};
        std::atomic<long> written[kWriters]{};
        std::atomic<long> seen[kWriters]{};
    };
    Shared<State> state;
    FileDescriptor efd = NewAutoreset(0, 0, where);
    Group group(tasks), writers(tasks);
    Stop stop;

    for (PollerKind kind : kinds)
        group.Start(
            [&, kind] {
                std::unique_ptr<Poller> poller = Poller::Make(kind, efd, stop.fd(), where);
                for (;;) {
                    Poller::Report report = poller->Wait(where);
                    if (report.input) {
                        state->claims++;
                        for (int i = 0; i < kWriters; i++) {
                            long written = state->written[i];
                            long seen = state->seen[i];
                            while (seen < written &&
                                   !state->seen[i].compare_exchange_weak(seen, written))
                                ;
                        }
                    }
                    if (report.stop) return;
                }
            },
            where);
    for (int i = 0; i < kWriters; i++)
        writers.Start(
            [&, i] {
                for (long number = 1; number <= writes; number++) {
                    state->written[i] = number;
                    WriteOne(efd, where);
                }
            },
            where);
    writers.Finish(where);
    /* The test's time limit ends this wait, and shows who sleeps. */
    WaitUntil([&] {
        return EventfdCount(efd, where) == 0 && state->seen[0] == writes &&
               state->seen[1] == writes;
    });
    stop.Tell(where);
    group.Finish(where);
    EXPECT_GE(state->claims, 1);
    EXPECT_LE(state->claims, kWriters * writes);
    EXPECT_EQ(EventfdCount(efd, where), 0u);
}

std::string WhyNot(const std::vector<PollerKind>& kinds) {
    for (PollerKind kind : kinds)
        if (std::string reason = WhyNotPoller(kind); !reason.empty()) return reason;
    return "";
}

/* Several of one kind. */
class OnePoller : public testing::TestWithParam<std::tuple<PollerKind, Tasks>> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        SKIP_UNLESS(WhyNot(kinds_).empty(), WhyNot(kinds_));
    }

    const std::vector<PollerKind> kinds_ =
        std::vector<PollerKind>(3, std::get<PollerKind>(GetParam()));
    const Tasks tasks_ = std::get<Tasks>(GetParam());
    const long rounds_ = static_cast<long>(AutoresetRounds());
};

INSTANTIATE_TEST_SUITE_P(Each, OnePoller,
                         testing::Combine(testing::ValuesIn(EveryPoller()),
                                          testing::Values(Tasks::kThreads, Tasks::kProcesses)),
                         [](const auto& info) {
                             return PollerName(std::get<PollerKind>(info.param)) +
                                    TasksName(std::get<Tasks>(info.param));
                         });

TEST_P_WITH(OnePoller, ClaimsEachWriteExactlyOnce, TimeLimit(AutoresetTimeLimit())) {
    ExpectEachWriteIsClaimedOnce(
        kinds_, tasks_, tasks_ == Tasks::kThreads ? rounds_ : std::max(1L, rounds_ / 4));
}

TEST_P_WITH(OnePoller, ClaimsTheLastOfManyWrites, TimeLimit(AutoresetTimeLimit())) {
    ExpectTheLastEventIsClaimed(kinds_, tasks_, std::max(1L, rounds_ / 2));
}

/* Two of each of two kinds. */
using Pair = std::tuple<PollerKind, PollerKind>;

std::vector<Pair> EveryPair() {
    /* ppoll, pselect and epoll_pwait2 are other ways into the same code. */
    const PollerKind kinds[] = {
        PollerKind::kPoll,        PollerKind::kSelect,           PollerKind::kEpollLevel,
        PollerKind::kEpollEdge,   PollerKind::kEpollOneShot,     PollerKind::kEpollExclusive,
        PollerKind::kIoUringPoll, PollerKind::kIoUringMultishot, PollerKind::kAioPoll,
    };
    std::vector<Pair> pairs;
    for (PollerKind first : kinds)
        for (PollerKind second : kinds)
            if (first < second) pairs.emplace_back(first, second);
    return pairs;
}

class TwoPollers : public testing::TestWithParam<Pair> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        SKIP_UNLESS(WhyNot(kinds_).empty(), WhyNot(kinds_));
    }

    const std::vector<PollerKind> kinds_ = {std::get<0>(GetParam()), std::get<1>(GetParam()),
                                            std::get<0>(GetParam()), std::get<1>(GetParam())};
    const long rounds_ = std::max(1L, static_cast<long>(AutoresetRounds()) / 2);
};

INSTANTIATE_TEST_SUITE_P(Pair, TwoPollers, testing::ValuesIn(EveryPair()),
                         [](const auto& info) {
                             return PollerName(std::get<0>(info.param)) + "And" +
                                    PollerName(std::get<1>(info.param));
                         });

TEST_P_WITH(TwoPollers, ClaimEachWriteExactlyOnce, TimeLimit(AutoresetTimeLimit())) {
    ExpectEachWriteIsClaimedOnce(kinds_, Tasks::kThreads, rounds_);
    if (!HasFailure())
        ExpectEachWriteIsClaimedOnce(kinds_, Tasks::kProcesses, std::max(1L, rounds_ / 4));
}

class EveryPollerAtOnce : public testing::TestWithParam<Tasks> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        for (PollerKind kind : EveryPoller())
            if (WhyNotPoller(kind).empty()) kinds_.push_back(kind);
    }

    std::vector<PollerKind> kinds_;
    const long rounds_ = static_cast<long>(AutoresetRounds());
};

INSTANTIATE_TEST_SUITE_P(In, EveryPollerAtOnce,
                         testing::Values(Tasks::kThreads, Tasks::kProcesses),
                         [](const auto& info) { return TasksName(info.param); });

TEST_P_WITH(EveryPollerAtOnce, ClaimsEachWriteExactlyOnce, TimeLimit(AutoresetTimeLimit())) {
    ExpectEachWriteIsClaimedOnce(kinds_, GetParam(), std::max(1L, rounds_ / 4));
}

TEST_P_WITH(EveryPollerAtOnce, ClaimsTheLastOfManyWrites, TimeLimit(AutoresetTimeLimit())) {
    ExpectTheLastEventIsClaimed(kinds_, GetParam(), std::max(1L, rounds_ / 2));
}

/* Threads that wait on one epoll, as the workers of a pool do. */
class OneEpollForAll : public testing::TestWithParam<uint32_t> {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }
};

INSTANTIATE_TEST_SUITE_P(Trigger, OneEpollForAll,
                         testing::Values(0u, uint32_t{EPOLLET}, uint32_t{EPOLLONESHOT}),
                         [](const auto& info) {
                             return info.param == EPOLLET        ? "Edge"
                                    : info.param == EPOLLONESHOT ? "OneShot"
                                                                 : "Level";
                         });

TEST_P_WITH(OneEpollForAll, ReportsEachWriteToOneThread, TimeLimit(AutoresetTimeLimit())) {
    const long rounds = static_cast<long>(AutoresetRounds());
    const uint32_t events = EPOLLIN | GetParam();
    std::atomic<long> claims{0};
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    FileDescriptor epoll = NewEpoll();
    FileDescriptor claimed = NewEventfd(0, EFD_NONBLOCK);
    Group group(Tasks::kThreads);
    Stop stop;
    EpollAdd(epoll, efd, events);
    EpollAdd(epoll, stop.fd(), EPOLLIN);
    for (int i = 0; i < 3; i++)
        group.Start([&] {
            for (;;) {
                epoll_event event;
                if (epoll_wait(epoll, &event, 1, -1) != 1)
                    FailTest("epoll_wait() was to return 1: " + ErrnoText(errno));
                if (int{event.data.fd} == stop.fd()) return;
                claims++;
                /* Armed again first: the look that this takes must not eat the next event. */
                if (events & EPOLLONESHOT) EpollModify(epoll, efd, events);
                WriteOne(claimed);
            }
        });
    WriteAndExpectOneTaker(efd, claimed, rounds, group);
    if (testing::Test::HasFatalFailure()) return;
    stop.Tell();
    group.Finish();
    EXPECT_EQ(claims, rounds);
}

/* Two tasks that wake each other in turn: one wake-up lost, and both sleep for ever. */
class PingPong : public testing::TestWithParam<PollerKind> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_AUTORESET();
        SKIP_UNLESS(WhyNotPoller(GetParam()).empty(), WhyNotPoller(GetParam()));
    }
};

INSTANTIATE_TEST_SUITE_P(Each, PingPong, testing::ValuesIn(EveryPoller()),
                         [](const auto& info) { return PollerName(info.param); });

TEST_P_WITH(PingPong, OverTwoEventfdsNeverHangs, TimeLimit(AutoresetTimeLimit())) {
    const long rounds = static_cast<long>(AutoresetRounds());
    FileDescriptor ping = NewAutoreset();
    FileDescriptor pong = NewAutoreset();
    auto play = [rounds](int mine, int theirs, bool serves) {
        std::unique_ptr<Poller> poller = Poller::Make(GetParam(), mine);
        for (long round = 0; round < rounds; round++) {
            if (serves) WriteOne(theirs);
            poller->Wait();
            if (!serves) WriteOne(theirs);
        }
    };
    ScopedThread partner([&] { play(ping, pong, false); });
    ScopedThread server([&] { play(pong, ping, true); });
    server.Join();
    partner.Join();
    EXPECT_EQ(EventfdCount(ping), 0u);
    EXPECT_EQ(EventfdCount(pong), 0u);
}

class IoUringRead : public AutoresetTest {};

/* Here the reader sleeps until its READ is done: a hang is a lost event. */
TEST_F_WITH(IoUringRead, RacingWithWritesNeverHangs, TimeLimit(AutoresetTimeLimit())) {
    const int rounds = static_cast<int>(AutoresetRounds());
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    Meeting start;
    std::atomic<bool> stop{false};
    ScopedThread writer([&] {
        for (int round = 0; round < rounds; round++) {
            start.Arrive(round);
            if (stop) break;
            for (int i = round % 512; i > 0; i--) asm volatile("" ::: "memory");
            WriteOne(efd);
        }
    });
    for (int round = 0; round < rounds && !stop; round++) {
        uint64_t value = 0;
        io_uring_prep_read(ring.Entry(), efd, &value, sizeof(value), 0);
        start.Arrive(round);
        ring.Submit();
        Completion completion = ring.Wait();
        if (completion.result == 8 && value == 1) continue;
        ADD_FAILURE() << "read " << round << ": " << completion << ", value " << value;
        stop = true;
        if (round + 1 < rounds) start.Arrive(round + 1);
    }
    writer.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/*
 * READs of io_uring and pollers on one eventfd: each event is one's or the other's. The eventfd
 * is a blocking one: io_uring lets a READ go to a thread of its own when others were faster 128
 * times, where it would be -EAGAIN otherwise.
 */
TEST_F_WITH(IoUringRead, BesidePollersTakesOrLeavesEachEventWhole,
            TimeLimit(AutoresetTimeLimit())) {
    const long rounds = std::max(1L, static_cast<long>(AutoresetRounds()) / 2);
    FileDescriptor efd = NewAutoreset();
    FileDescriptor taken = NewEventfd(0, EFD_NONBLOCK);
    std::atomic<long> read_sum{0}, claims{0};
    {
        IoUring ring;
        SKIP_IF_REFUSED(ring);
    }
    Group group(Tasks::kThreads);
    Stop stop;
    group.Start([&] {
        uint64_t value = 0;
        IoUring ring;
        io_uring_prep_poll_add(ring.Entry(2), stop.fd(), POLLIN);
        for (;;) {
            io_uring_prep_read(ring.Entry(1), efd, &value, sizeof(value), 0);
            ring.Submit();
            Completion completion = ring.Wait();
            if (completion.data == 2) return;
            if (completion.result != 8)
                FailTest("READ was to return 8: " + testing::PrintToString(completion));
            read_sum += static_cast<long>(value);
            WriteOne(taken);
        }
    });
    for (PollerKind kind : {PollerKind::kPoll, PollerKind::kEpollLevel})
        group.Start([&, kind] {
            std::unique_ptr<Poller> poller = Poller::Make(kind, efd, stop.fd());
            for (;;) {
                Poller::Report report = poller->Wait();
                if (report.input) {
                    claims++;
                    WriteOne(taken);
                }
                if (report.stop) return;
            }
        });
    WriteAndExpectOneTaker(efd, taken, rounds, group);
    if (testing::Test::HasFatalFailure()) return;
    stop.Tell();
    group.Finish();
    EXPECT_EQ(read_sum + claims, rounds);
}

} /* namespace */
} /* namespace suite */
