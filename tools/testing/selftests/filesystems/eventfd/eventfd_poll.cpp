// SPDX-License-Identifier: GPL-2.0
// poll(2) and select(2): exact masks for every state of the counter, and what ends a wait.
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <vector>

#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/pollers.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

TEST(Poll, EmptyIsWritableOnly) {
    FileDescriptor efd = NewEventfd(0);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST(Poll, PositiveIsReadableAndWritable) {
    for (uint64_t count :
         {uint64_t{1}, uint64_t{0xffffffff}, uint64_t{1} << 32, uint64_t{1} << 63, kFull - 1}) {
        FileDescriptor efd = NewEventfdAt(count);
        EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN | POLLOUT)) << count;
    }
}

TEST(Poll, FullIsReadableOnly) {
    FileDescriptor efd = NewEventfdAt(kFull);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLOUT), Revents(0));
}

TEST(Poll, OneBelowFullIsStillWritable) {
    FileDescriptor efd = NewEventfdAt(kFull - 1);
    EXPECT_THAT(Poll(efd, POLLOUT), Revents(POLLOUT));
}

TEST(Poll, InitialValueIsReadable) {
    FileDescriptor efd = NewEventfd(1);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

TEST(Poll, ReportsOnlyWhatIsAskedFor) {
    FileDescriptor efd = NewEventfd(1);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLOUT), Revents(POLLOUT));
    EXPECT_THAT(Poll(efd, 0), Revents(0));
}

TEST(Poll, NeverReportsNormalOrBandData) {
    for (uint64_t count : {uint64_t{0}, uint64_t{1}, kFull}) {
        FileDescriptor efd = NewEventfdAt(count);
        EXPECT_THAT(Poll(efd, POLLRDNORM | POLLWRNORM), Revents(0)) << count;
        EXPECT_THAT(Poll(efd, POLLRDBAND | POLLWRBAND | POLLPRI | POLLRDHUP), Revents(0))
            << count;
    }
}

TEST(Poll, TakesNothing) {
    FileDescriptor efd = NewEventfd(3, EFD_NONBLOCK);
    for (int i = 0; i < 3; i++) EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_EQ(Drain(efd), 3u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST(Poll, OfAnEmptyOneTimesOut) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(Poll(efd, POLLIN, 20ms), Revents(0));
}

TEST(Poll, WriteThatFailsChangesNothing) {
    FileDescriptor efd = NewEventfd(0, EFD_NONBLOCK);
    EXPECT_THAT(Write(efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
    Must(Write(efd, kFull - 1));
    EXPECT_THAT(Write(efd, 2), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN | POLLOUT));
}

TEST(Poll, WriteOfZeroDoesNotMakeItReadable) {
    FileDescriptor efd = NewEventfd();
    Must(Write(efd, 0));
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
}

/* Of a plain one, of a semaphore, and of one that a poll resets. */
class PollOfEachKind : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        if (GetParam() == EFD_AUTORESET) {
            SKIP_UNLESS_AUTORESET();
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Kind, PollOfEachKind,
                         testing::Values(0, int{EFD_SEMAPHORE}, EFD_AUTORESET),
                         [](const auto& info) {
                             return info.param == EFD_AUTORESET ? "Autoreset"
                                    : info.param                ? "Semaphore"
                                                                : "Plain";
                         });

TEST_P(PollOfEachKind, BlockedForInputIsWokenByAWrite) {
    FileDescriptor efd = NewEventfd(0, GetParam());
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    Must(Write(efd, 1));
    poller.Join();
}

TEST(Poll, BlockedForOutputIsWokenByARead) {
    FileDescriptor efd = NewEventfdAt(kFull);
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLOUT, -1ms), Revents(POLLOUT)); });
    poller.WaitUntilBlockedIn(kPollCall);
    EXPECT_EQ(Drain(efd), kFull);
    poller.Join();
}

TEST(Poll, BlockedForOutputIsWokenByASemaphoreRead) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_SEMAPHORE);
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLOUT, -1ms), Revents(POLLOUT)); });
    poller.WaitUntilBlockedIn(kPollCall);
    EXPECT_EQ(Drain(efd), 1u);
    poller.Join();
}

TEST_P(PollOfEachKind, BlockedForInputSleepsThroughAWriteOfZero) {
    FileDescriptor efd = NewEventfd(0, GetParam());
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    Must(Write(efd, 0));
    poller.ExpectStillBlockedIn(kPollCall);
    Must(Write(efd, 1));
    poller.Join();
}

TEST(Poll, WriteWakesEveryPoller) {
    FileDescriptor efd = NewEventfd();
    std::vector<std::unique_ptr<ScopedThread>> pollers;
    for (int i = 0; i < 8; i++) {
        pollers.push_back(
            NewThread([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); }));
        pollers.back()->WaitUntilBlockedIn(kPollCall);
    }
    Must(Write(efd, 1));
    for (auto& poller : pollers) poller->Join();
    EXPECT_EQ(Drain(efd), 1u);
}

TEST(Poll, TwoEntriesOfOneEventfdGetTheirOwnBits) {
    FileDescriptor efd = NewEventfd(1);
    FileDescriptor dup = Dup(efd);
    pollfd entries[] = {
        {efd, POLLIN, 0}, {efd, POLLOUT, 0}, {dup, POLLIN | POLLOUT, 0}, {efd, POLLPRI, 0}};
    EXPECT_THAT(SYSCALL(poll, entries, 4, 0), SyscallSucceedsWithValue(3));
    EXPECT_EQ(entries[0].revents, POLLIN);
    EXPECT_EQ(entries[1].revents, POLLOUT);
    EXPECT_EQ(entries[2].revents, POLLIN | POLLOUT);
    EXPECT_EQ(entries[3].revents, 0);
}

TEST(Poll, CloseUnderABlockedPollIsNoEventAndNeverAHangup) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor other = NewEventfd();
    pollfd entries[] = {{efd, kEveryPollEvent & ~POLLOUT, 0}, {other, POLLIN, 0}};
    ScopedThread poller(
        [&] { EXPECT_THAT(SYSCALL(poll, entries, 2, -1), SyscallSucceedsWithValue(2)); });
    poller.WaitUntilBlockedIn(kPollCall);
    unsigned long before = poller.switches();
    efd.Reset();
    poller.WaitUntilBlockedIn(kPollCall);
    EXPECT_EQ(poller.switches(), before);
    Must(Write(other, 1));
    poller.Join();
    /* Woken otherwise, it looks again, and finds that there is no such descriptor any more. */
    EXPECT_EQ(entries[0].revents, POLLNVAL);
    EXPECT_EQ(entries[1].revents, POLLIN);
}

/* The close must come while poll(2) sleeps: where it came too late, there is more time next. */
TEST(Poll, CloseUnderItIsSeenAtItsTimeout) {
    bool seen = false;
    for (std::chrono::milliseconds timeout = 20ms; !seen && timeout < 5s; timeout *= 2) {
        FileDescriptor efd = NewEventfd();
        int number = efd.get();
        PollResult result = {};
        ScopedThread poller([&] { result = Poll(number, POLLIN, timeout); });
        poller.SleepsIn(kPollCall);
        efd.Reset();
        poller.Join();
        seen = result.call.value != 0;
        if (seen) {
            EXPECT_THAT(result, Revents(POLLNVAL));
        }
    }
    EXPECT_TRUE(seen);
}

TEST(Poll, TakesAsManyEntriesAsThereMayBeDescriptors) {
    constexpr size_t kMost = 100;
    FileDescriptor efd = NewEventfd(1);
    std::vector<pollfd> entries(kMost + 1, {efd, POLLIN | POLLOUT, 0});
    rlimit old, low;
    Must(SYSCALL(getrlimit, RLIMIT_NOFILE, &old));
    low = old;
    low.rlim_cur = kMost;
    Must(SYSCALL(setrlimit, RLIMIT_NOFILE, &low));
    EXPECT_THAT(SYSCALL(poll, entries.data(), kMost, 0), SyscallSucceedsWithValue(kMost));
    EXPECT_THAT(SYSCALL(poll, entries.data(), kMost + 1, 0), SyscallFailsWithErrno(EINVAL));
    Must(SYSCALL(setrlimit, RLIMIT_NOFILE, &old));
    entries.pop_back();
    EXPECT_THAT(entries, testing::Each(testing::Field(&pollfd::revents, POLLIN | POLLOUT)));
}

TEST(Select, EmptyIsWritable) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(Select(efd), Selected(kWritable));
}

TEST(Select, PositiveIsReadableAndWritable) {
    FileDescriptor efd = NewEventfd(1);
    EXPECT_THAT(Select(efd), Selected(kReadable | kWritable));
}

TEST(Select, FullIsReadable) {
    FileDescriptor efd = NewEventfdAt(kFull);
    EXPECT_THAT(Select(efd), Selected(kReadable));
}

TEST(Select, BlockedOneIsWokenByAWrite) {
    FileDescriptor efd = NewEventfd();
    ScopedThread selector([&] {
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(efd, &readable);
        EXPECT_THAT(SYSCALL(select, efd + 1, &readable, nullptr, nullptr, nullptr),
                    SyscallSucceedsWithValue(1));
        EXPECT_TRUE(FD_ISSET(efd, &readable));
    });
    /* libc may make it pselect6(2). */
    selector.WaitUntilBlockedIn(kAnyCall);
    Must(Write(efd, 1));
    selector.Join();
}

TEST(Select, BlockedForOutputIsWokenByARead) {
    FileDescriptor efd = NewEventfdAt(kFull);
    ScopedThread selector([&] {
        fd_set writable;
        FD_ZERO(&writable);
        FD_SET(efd, &writable);
        EXPECT_THAT(SYSCALL(select, efd + 1, nullptr, &writable, nullptr, nullptr),
                    SyscallSucceedsWithValue(1));
        EXPECT_TRUE(FD_ISSET(efd, &writable));
    });
    selector.WaitUntilBlockedIn(kAnyCall);
    EXPECT_EQ(Drain(efd), kFull);
    selector.Join();
}

class EveryPollerOnce : public testing::TestWithParam<PollerKind> {
  protected:
    void SetUp() override {
        SKIP_UNLESS(WhyNotPoller(GetParam()).empty(), WhyNotPoller(GetParam()));
    }
};

INSTANTIATE_TEST_SUITE_P(Each, EveryPollerOnce, testing::ValuesIn(EveryPoller()),
                         [](const auto& info) { return PollerName(info.param); });

/* What is plain here is ordered by the eventfds alone. */
TEST_P(EveryPollerOnce, SeesWhatWasDoneBeforeTheWriteThatItReports) {
    constexpr uint64_t kRounds = 200;
    FileDescriptor there = NewEventfd();
    FileDescriptor back = NewEventfd();
    uint64_t plain = 0;
    ScopedThread writer([&] {
        uint64_t value = 1;
        for (uint64_t i = 1; i <= kRounds; i++) {
            plain = i;
            if (write(there, &value, 8) != 8 || read(back, &value, 8) != 8)
                FailTest("8 bytes were to be written, and 8 to be read");
        }
    });
    std::unique_ptr<Poller> poller = Poller::Make(GetParam(), there);
    for (uint64_t i = 1; i <= kRounds; i++) {
        ASSERT_TRUE(poller->Wait().input);
        ASSERT_EQ(plain, i);
        ASSERT_EQ(Drain(there), 1u);
        Must(Write(back, 1));
    }
}

/*
 * A counter that is never zero is never reported as not readable. On 32 bits, where a look at
 * it is two loads, the carry from one half into the other must not show.
 */
TEST_WITH(Poll, NeverZeroCounterIsAlwaysReadable, TimeLimit(60s), Needs(Change::kUntornPoll)) {
    const unsigned long polls =
        NumberFromEnvironment("EVENTFD_TORN_POLLS", sizeof(long) == 4 ? 3000000 : 100000);
    FileDescriptor efd = NewEventfdAt(0xffffffff, EFD_SEMAPHORE);
    std::atomic<bool> stop{false};
    ScopedThread mover([&] {
        uint64_t value = 1;
        while (!stop) {
            if (write(efd, &value, 8) != 8) ADD_FAILURE() << "write: " << ErrnoText(errno);
            if (read(efd, &value, 8) != 8) ADD_FAILURE() << "read: " << ErrnoText(errno);
        }
    });
    unsigned long not_readable = 0;
    for (unsigned long i = 0; i < polls; i++) {
        pollfd entry = {efd, POLLIN, 0};
        not_readable += poll(&entry, 1, 0) != 1;
    }
    stop = true;
    EXPECT_EQ(not_readable, 0u) << "of " << polls << " polls";
}

} /* namespace */
} /* namespace suite */
