// SPDX-License-Identifier: GPL-2.0
// Tasks that die at any point of a call, and eventfds that are closed under those who wait.
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <tuple>
#include <vector>

#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/pollers.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

using testing::AnyOf;

int Rounds() { return static_cast<int>(NumberFromEnvironment("EVENTFD_DEATH_ROUNDS", 10)); }

std::string SignalName(int signal) { return signal == SIGKILL ? "Killed" : "Terminated"; }

/* A while that grows with the round, from none to longer than it takes to fall asleep. */
void Advance(int round) {
    for (int i = 0; i < round * 400; i++) asm volatile("" ::: "memory");
}

/* What a victim shares with the test: whether it is about to call, and what it read. */
struct Victim {
    std::atomic<bool> about{false};
    uint64_t buffer = 0;
};

/* Signals the victim a while after it was about to call, with an event before or after that. */
template <typename Post>
void Strike(const Victim& victim, ChildProcess* child, int signal, int round, Post post,
            Where where = Where::current()) {
    CalledFrom test(where);
    WaitUntil([&] { return victim.about.load(); });
    if (round % 3 == 1) post();
    Advance(round);
    child->Signal(signal, where);
    if (round % 3 == 2) post();
    EXPECT_TRUE(WIFSIGNALED(child->Wait()));
    if (round % 3 == 0) post();
}

using DyingCase = std::tuple<int, int>; /* flags, signal */

class Dying : public testing::TestWithParam<DyingCase> {
  protected:
    static int flags() { return std::get<0>(GetParam()); }
    static int signal() { return std::get<1>(GetParam()); }
};

std::string DyingName(const testing::TestParamInfo<DyingCase>& info) {
    return (std::get<0>(info.param) ? "Semaphore" : "Plain") +
           SignalName(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(All, Dying,
                         testing::Combine(testing::Values(0, EFD_SEMAPHORE),
                                          testing::Values(SIGKILL, SIGTERM)),
                         DyingName);

TEST_P(Dying, ReaderTakesTheEventOrLeavesIt) {
    FileDescriptor efd = NewEventfd(0, flags());
    for (int round = 0; round < Rounds(); round++) {
        SCOPED_TRACE(round);
        Shared<Victim> victim;
        ChildProcess child([&] {
            victim->about = true;
            if (read(efd, &victim->buffer, 8) == 8)
                for (;;) pause();
        });
        Strike(*victim, &child, signal(), round, [&] { Must(Write(efd, 1)); });
        ASSERT_EQ(victim->buffer + EventfdCount(efd), 1u);
        if (EventfdCount(efd)) Drain(efd);
    }
    /* Nothing is kept for the dead. */
    uint64_t value = 0;
    ScopedThread reader([&] { Must(Read(efd, &value)); });
    reader.WaitUntilBlockedIn(SYS_read);
    Must(Write(efd, 1));
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_P(Dying, WriterLandsOrLeavesItsSpace) {
    FileDescriptor efd = NewEventfd(0, flags());
    for (int round = 0; round < Rounds(); round++) {
        SCOPED_TRACE(round);
        const uint64_t value = kFull;
        Must(Write(efd, 1));
        Shared<Victim> victim;
        ChildProcess child([&] {
            victim->about = true;
            if (write(efd, &value, 8) == 8)
                for (;;) pause();
        });
        Strike(*victim, &child, signal(), round, [&] { Drain(efd); });
        ASSERT_THAT(EventfdCount(efd), AnyOf(0u, value));
        /* Nothing is kept for the dead. */
        if (EventfdCount(efd)) efd = NewEventfd(0, flags());
        Must(Write(efd, 1));
        ScopedThread writer([&] { Must(Write(efd, value)); });
        writer.WaitUntilBlockedIn(SYS_write);
        Drain(efd);
        writer.Join();
        efd = NewEventfd(0, flags());
    }
}

/* The kind, and the eventfd's flags. A signal that ends a process is SIGKILL to its threads. */
class DyingPoller : public testing::TestWithParam<std::tuple<PollerKind, int>> {};

INSTANTIATE_TEST_SUITE_P(All, DyingPoller,
                         testing::Combine(testing::ValuesIn(EveryPoller()),
                                          testing::Values(0, EFD_AUTORESET)),
                         [](const auto& info) {
                             return PollerName(std::get<0>(info.param)) +
                                    (std::get<1>(info.param) ? "Autoreset" : "Plain");
                         });

TEST_P(DyingPoller, LeavesTheEventfdInOrder) {
    auto [kind, flags] = GetParam();
    SKIP_UNLESS_KNOWN(flags);
    std::string why = WhyNotPoller(kind);
    SKIP_UNLESS(why.empty(), why);
    FileDescriptor efd = NewEventfd(0, flags);
    for (int round = 0; round < std::max(3, Rounds() / 4); round++) {
        SCOPED_TRACE(round);
        Shared<Victim> victim;
        ChildProcess child([&, kind = kind] {
            std::unique_ptr<Poller> poller = Poller::Make(kind, efd);
            victim->about = true;
            poller->Wait();
            for (;;) pause();
        });
        Strike(*victim, &child, SIGKILL, 4 * round, [&] { Must(Write(efd, 1)); });
        /* The dead one may have been told, and then it is gone if that takes it. */
        uint64_t left = EventfdCount(efd);
        EXPECT_LE(left, 1u);
        if (!flags) {
            EXPECT_EQ(left, 1u);
        }
        EXPECT_THAT(Poll(efd, POLLIN), Revents(left ? POLLIN : 0));
        Must(Write(efd, 1));
        EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
        if (!flags) Drain(efd);
        ASSERT_EQ(EventfdCount(efd), 0u);
    }
}

/*
 * The waiter's own descriptor is closed; only the kernel still knows the eventfd. (When poll
 * and select are woken they look at the numbers again, and find them closed: see eventfd_poll.)
 */
std::vector<PollerKind> PollersThatHoldTheFile() {
    std::vector<PollerKind> kinds = EveryPoller();
    std::erase_if(kinds, [](PollerKind kind) { return kind <= PollerKind::kPselect; });
    return kinds;
}

class LastCloseUnder : public testing::TestWithParam<std::tuple<PollerKind, int>> {};

INSTANTIATE_TEST_SUITE_P(All, LastCloseUnder,
                         testing::Combine(testing::ValuesIn(PollersThatHoldTheFile()),
                                          testing::Values(0, EFD_AUTORESET)),
                         [](const auto& info) {
                             return PollerName(std::get<0>(info.param)) +
                                    (std::get<1>(info.param) ? "Autoreset" : "Plain");
                         });

TEST_P(LastCloseUnder, AWaiterIsNoEventAndLeaksNothing) {
    auto [kind, flags] = GetParam();
    SKIP_UNLESS_KNOWN(flags);
    std::string why = WhyNotPoller(kind);
    SKIP_UNLESS(why.empty(), why);
    long id;
    {
        FileDescriptor efd = NewEventfd(0, flags);
        FileDescriptor stop = NewEventfd();
        id = EventfdId(efd);
        Poller::Report report;
        ScopedThread waiter(
            [&, kind = kind] { report = Poller::Make(kind, efd, stop)->Wait(); });
        waiter.WaitUntilBlockedIn(kAnyCall);
        efd.Reset();
        waiter.ExpectStillBlockedIn(kAnyCall);
        Must(Write(stop, 1));
        waiter.Join();
        EXPECT_TRUE(report.stop);
        EXPECT_FALSE(report.input);
    }
    /* A ring or an aio context gives it back a little later. */
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST(LastClose, UnderABlockedReaderLeaksNothing) {
    FileDescriptor efd = NewEventfd();
    const long id = EventfdId(efd);
    CountingHandler handler(SIGUSR1, 0);
    ScopedThread reader([fd = efd.get()] {
        uint64_t unused;
        EXPECT_THAT(Read(fd, &unused, 8), SyscallFailsWithErrno(EINTR));
    });
    reader.WaitUntilBlockedIn(SYS_read);
    efd.Reset();
    reader.ExpectStillBlockedIn(SYS_read);
    reader.Signal(SIGUSR1);
    reader.Join();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

} /* namespace */
} /* namespace suite */
