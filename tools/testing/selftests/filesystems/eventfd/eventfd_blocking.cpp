// SPDX-License-Identifier: GPL-2.0
// Reads and writes that have to wait: what ends the wait, and what does not.
#include <sys/uio.h>

#include <atomic>
#include <memory>
#include <vector>

#include "support/abilities.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/tasks.h"

namespace suite {
namespace {

TEST(BlockingRead, IsWokenByAWriteAndGetsItsValue) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    EXPECT_THAT(Write(efd, 42), SyscallSucceedsWithValue(8));
    reader.Join();
    EXPECT_EQ(value, 42u);
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST(BlockingRead, SleepsAlsoInReadv) {
    FileDescriptor efd = NewEventfd();
    uint32_t halves[2] = {};
    ScopedThread reader([&] {
        EXPECT_THAT(Readv(efd, {{&halves[0], 4}, {&halves[1], 4}}),
                    SyscallSucceedsWithValue(8));
    });
    reader.WaitUntilBlockedIn(SYS_readv);
    Must(Write(efd, 0x500000005));
    reader.Join();
    EXPECT_EQ(halves[0], 5u);
    EXPECT_EQ(halves[1], 5u);
}

TEST(BlockingRead, IsNotEndedByAWriteOfZero) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    for (int i = 0; i < 5; i++) {
        EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
        reader.ExpectStillBlockedIn(SYS_read);
    }
    Must(Write(efd, 6));
    reader.Join();
    EXPECT_EQ(value, 6u);
}

TEST(BlockingRead, IsNotEndedByANonblockFlagThatComesLater) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, O_NONBLOCK), SyscallSucceedsWithValue(0));
    reader.ExpectStillBlockedIn(SYS_read);
    /* Nor by a wake-up that brings nothing, now that the flag is set. */
    Must(Write(efd, 0));
    reader.ExpectStillBlockedIn(SYS_read);
    Must(Write(efd, 6));
    reader.Join();
    EXPECT_EQ(value, 6u);
}

TEST(BlockingRead, OutlivesTheCloseOfItsDescriptor) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    int number = efd.get();
    uint64_t value = 0;
    ScopedThread reader(
        [&] { EXPECT_THAT(Read(number, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    efd.Reset();
    reader.ExpectStillBlockedIn(SYS_read);
    Must(Write(dup, 8));
    reader.Join();
    EXPECT_EQ(value, 8u);
}

TEST(BlockingRead, IsEndedByASignalWithoutRestart) {
    FileDescriptor efd = NewEventfd();
    CountingHandler handler(SIGUSR1, 0);
    uint64_t value = 99;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EINTR)); });
    reader.WaitUntilBlockedIn(SYS_read);
    reader.Signal(SIGUSR1);
    reader.Join();
    EXPECT_EQ(handler.count(), 1);
    EXPECT_EQ(value, 99u);
    Must(Write(efd, 3));
    EXPECT_EQ(Drain(efd), 3u);
}

TEST(BlockingRead, GoesOnAfterASignalWithRestart) {
    FileDescriptor efd = NewEventfd();
    CountingHandler handler(SIGUSR1, SA_RESTART);
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    for (int i = 1; i <= 3; i++) {
        reader.Signal(SIGUSR1);
        WaitUntil([&] { return handler.count() == i; });
        reader.ExpectStillBlockedIn(SYS_read);
    }
    Must(Write(efd, 4));
    reader.Join();
    EXPECT_EQ(value, 4u);
}

TEST(BlockingRead, IsNotEndedByAnIgnoredSignal) {
    FileDescriptor efd = NewEventfd();
    struct sigaction ignore = {}, old;
    ignore.sa_handler = SIG_IGN;
    Must(SYSCALL(sigaction, SIGUSR1, &ignore, &old));
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    reader.Signal(SIGUSR1);
    reader.ExpectStillBlockedIn(SYS_read);
    Must(Write(efd, 1));
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST(BlockingRead, TakesWhatIsThereInSpiteOfAPendingSignal) {
    NeedAbility(Ability::kThreadStorage);
    FileDescriptor efd = NewEventfd(7);
    CountingHandler handler(SIGUSR1, 0);
    uint64_t value = 0;
    /* With a count there is no wait, so nothing that a signal could end. */
    for (int i = 0; i < 100; i++) {
        ScopedThread reader(
            [&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
        kill(getpid(), SIGUSR1);
        reader.Join();
        EXPECT_EQ(value, 7u);
        Must(Write(efd, 7));
    }
}

TEST(BlockingRead, OfAKilledProcessTakesNothing) {
    FileDescriptor efd = NewEventfd();
    ChildProcess child([&] {
        uint64_t value;
        Read(efd, &value);
    });
    child.WaitUntilBlockedIn(SYS_read);
    child.Signal(SIGKILL);
    child.Wait();
    Must(Write(efd, 2));
    EXPECT_EQ(Drain(efd), 2u);
}

/* A handler may write, write(2) being safe there, also to what its task was waiting for. */
namespace handler {

std::atomic<int> eventfd{-1};
std::atomic<int> written{0};
std::atomic<int> error{0};

void WriteOne(int) {
    const int interrupted = errno;
    const uint64_t one = 1;
    if (write(eventfd, &one, sizeof(one)) == sizeof(one))
        written++;
    else
        error = errno;
    errno = interrupted;
}

} /* namespace handler */

/* The flags of the handler. */
class WritingHandler : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        struct sigaction action = {};
        action.sa_handler = handler::WriteOne;
        action.sa_flags = GetParam();
        efd_ = NewEventfd();
        handler::eventfd = efd_.get();
        Must(SYSCALL(sigaction, SIGUSR1, &action, &old_));
    }
    void TearDown() override { sigaction(SIGUSR1, &old_, nullptr); }

    /*
     * Signals a task that sleeps in the call, again and again, and each time waits until the
     * task has taken what its handler wrote.
     */
    void SignalEachTimeItSleepsIn(long call, ScopedThread* task,
                                  Where where = Where::current()) {
        CalledFrom test(where);
        for (int i = 1; i <= rounds_; i++) {
            task->WaitUntilBlockedIn(call, where);
            task->Signal(SIGUSR1, where);
            ASSERT_TRUE(Reaches([&] { return taken_.load(); }, i, {task}, call))
                << taken_ << " of " << i << " taken, " << handler::written << " written";
        }
        task->Join();
        EXPECT_EQ(handler::written, rounds_);
        EXPECT_EQ(handler::error, 0) << ErrnoText(handler::error);
        EXPECT_EQ(EventfdCount(efd_, where), 0u);
    }

    const int rounds_ =
        static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200)) / 4 + 1;
    FileDescriptor efd_;
    std::atomic<long> taken_{0};
    struct sigaction old_;
};

INSTANTIATE_TEST_SUITE_P(Of, WritingHandler, testing::Values(0, SA_RESTART),
                         [](const auto& info) { return info.param ? "Restart" : "Interrupt"; });

TEST_P(WritingHandler, WritesWhatTheReadThatItInterruptsOrTheNextOneTakes) {
    int interrupted = 0;
    ScopedThread reader([&] {
        while (taken_ < rounds_) {
            uint64_t value = 0;
            SyscallResult result = Read(efd_, &value);
            if (result.ok()) {
                EXPECT_EQ(value, 1u);
                taken_++;
            } else {
                EXPECT_THAT(result, SyscallFailsWithErrno(EINTR));
                interrupted++;
            }
        }
    });
    SignalEachTimeItSleepsIn(SYS_read, &reader);
    EXPECT_EQ(interrupted, GetParam() ? 0 : rounds_);
}

/* poll(2) is not restarted, whatever the handler's flags. */
TEST_P(WritingHandler, WritesWhatThePollAfterTheInterruptedOneReports) {
    int interrupted = 0;
    ScopedThread poller([&] {
        while (taken_ < rounds_) {
            PollResult result = Poll(efd_, POLLIN, -1ms);
            if (result.call.ok()) {
                EXPECT_THAT(result, Revents(POLLIN));
                taken_ += static_cast<long>(Drain(efd_));
            } else {
                EXPECT_THAT(result.call, SyscallFailsWithErrno(EINTR));
                interrupted++;
            }
        }
    });
    SignalEachTimeItSleepsIn(kPollCall, &poller);
    EXPECT_EQ(interrupted, rounds_);
}

TEST(BlockingWrite, WaitsUntilAReadMakesSpaceThenLands) {
    FileDescriptor efd = NewEventfdAt(kFull);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(EventfdCount(efd), kFull);
    EXPECT_EQ(Drain(efd), kFull);
    writer.Join();
    EXPECT_EQ(Drain(efd), 5u);
}

TEST(BlockingWrite, OfTheWholeRangeLandsAfterAFullRead) {
    FileDescriptor efd = NewEventfd(1);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), 1u);
    writer.Join();
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(BlockingWrite, WaitsWhereOneUnitIsMissing) {
    FileDescriptor efd = NewEventfdAt(kFull - 4, EFD_SEMAPHORE);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 6), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), 1u);
    writer.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), 1u);
    writer.Join();
    EXPECT_EQ(EventfdCount(efd), kFull);
}

TEST(BlockingWrite, SmallOnePassesALargerOneThatCameFirst) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_SEMAPHORE);
    ScopedThread large([&] { EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8)); });
    large.WaitUntilBlockedIn(SYS_write);
    ScopedThread small([&] { EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8)); });
    small.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), 1u);
    small.Join();
    large.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(EventfdCount(efd), kFull);
    for (int i = 0; i < 3; i++) EXPECT_EQ(Drain(efd), 1u);
    large.Join();
    EXPECT_EQ(EventfdCount(efd), kFull);
}

TEST(BlockingWrite, SmallOnePassesWithoutSleeping) {
    FileDescriptor efd = NewEventfdAt(kFull - 1);
    ScopedThread large([&] { EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8)); });
    large.WaitUntilBlockedIn(SYS_write);
    EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    EXPECT_EQ(EventfdCount(efd), kFull);
    large.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kFull);
    large.Join();
    EXPECT_EQ(Drain(efd), 3u);
}

TEST(BlockingWrite, IsEndedByASignalWithoutRestart) {
    FileDescriptor efd = NewEventfdAt(kFull);
    CountingHandler handler(SIGUSR1, 0);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallFailsWithErrno(EINTR)); });
    writer.WaitUntilBlockedIn(SYS_write);
    writer.Signal(SIGUSR1);
    writer.Join();
    EXPECT_EQ(Drain(efd), kFull);
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(BlockingWrite, GoesOnAfterASignalWithRestart) {
    FileDescriptor efd = NewEventfdAt(kFull);
    CountingHandler handler(SIGUSR1, SA_RESTART);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    writer.Signal(SIGUSR1);
    WaitUntil([&] { return handler.count() == 1; });
    writer.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kFull);
    writer.Join();
    EXPECT_EQ(Drain(efd), 5u);
}

TEST(BlockingWrite, IsNotEndedByANonblockFlagThatComesLater) {
    FileDescriptor efd = NewEventfdAt(kFull);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, O_NONBLOCK), SyscallSucceedsWithValue(0));
    writer.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kFull);
    writer.Join();
    EXPECT_EQ(Drain(efd), 5u);
}

TEST(BlockingWrite, OutlivesTheCloseOfItsDescriptor) {
    FileDescriptor efd = NewEventfdAt(kFull);
    FileDescriptor dup = Dup(efd);
    int number = efd.get();
    ScopedThread writer([&] { EXPECT_THAT(Write(number, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    efd.Reset();
    writer.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(Drain(dup), kFull);
    writer.Join();
    EXPECT_EQ(Drain(dup), 5u);
}

TEST(BlockingWritev, LandsItsFirstPartAndWaitsWithTheSecond) {
    FileDescriptor efd = NewEventfdAt(kFull - 1);
    uint64_t parts[2] = {1, 2};
    ScopedThread writer([&] {
        EXPECT_THAT(Writev(efd, {{&parts[0], 8}, {&parts[1], 8}}),
                    SyscallSucceedsWithValue(16));
    });
    writer.WaitUntilBlockedIn(SYS_writev);
    EXPECT_EQ(Drain(efd), kFull);
    writer.Join();
    EXPECT_EQ(Drain(efd), 2u);
}

TEST(BlockingWritev, ReturnsItsFirstPartWhenASignalEndsTheWait) {
    FileDescriptor efd = NewEventfdAt(kFull - 1);
    CountingHandler handler(SIGUSR1, 0);
    uint64_t parts[2] = {1, 2};
    ScopedThread writer([&] {
        EXPECT_THAT(Writev(efd, {{&parts[0], 8}, {&parts[1], 8}}), SyscallSucceedsWithValue(8));
    });
    writer.WaitUntilBlockedIn(SYS_writev);
    writer.Signal(SIGUSR1);
    writer.Join();
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(Fork, ChildSharesTheCounter) {
    FileDescriptor efd = NewEventfd();
    ChildProcess child([&] { EXPECT_THAT(Write(efd, 12), SyscallSucceedsWithValue(8)); });
    child.ExpectSuccess();
    EXPECT_EQ(Drain(efd), 12u);
}

TEST(Fork, BlockedChildIsWokenByItsParent) {
    FileDescriptor efd = NewEventfd();
    ChildProcess child([&] {
        uint64_t value = 0;
        EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
        EXPECT_EQ(value, 13u);
    });
    child.WaitUntilBlockedIn(SYS_read);
    Must(Write(efd, 13));
    child.ExpectSuccess();
}

TEST(Fork, ProcessesPlayPingPong) {
    constexpr uint64_t kRounds = 1000;
    FileDescriptor ping = NewEventfd();
    FileDescriptor pong = NewEventfd(0, EFD_SEMAPHORE);
    ChildProcess child([&] {
        uint64_t value;
        for (uint64_t i = 1; i <= kRounds; i++) {
            if (read(ping, &value, 8) != 8 || value != i)
                FailTest("ping " + std::to_string(i) + " was to be read");
            value = 1;
            if (write(pong, &value, 8) != 8)
                FailTest("pong " + std::to_string(i) + " was to be written");
        }
    });
    for (uint64_t i = 1; i <= kRounds; i++) {
        uint64_t value = i;
        ASSERT_EQ(write(ping, &value, 8), 8);
        ASSERT_EQ(read(pong, &value, 8), 8);
        ASSERT_EQ(value, 1u);
    }
    child.ExpectSuccess();
    EXPECT_EQ(EventfdCount(ping) + EventfdCount(pong), 0u);
}

TEST(Threads, SumOfDistinctWritersIsExact) {
    constexpr uint64_t kPrimes[] = {2, 3, 5, 7};
    constexpr uint64_t kTimes = 500;
    FileDescriptor efd = NewEventfd();
    uint64_t sum = 0;
    {
        std::vector<std::unique_ptr<ScopedThread>> writers;
        for (uint64_t prime : kPrimes)
            writers.push_back(NewThread([&efd, prime] {
                for (uint64_t i = 0; i < kTimes; i++) Must(Write(efd, prime));
            }));
        while (sum < 17 * kTimes) {
            uint64_t value = 0;
            ASSERT_EQ(read(efd, &value, 8), 8);
            ASSERT_NE(value, 0u);
            sum += value;
        }
    }
    EXPECT_EQ(sum, 17 * kTimes);
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(Threads, WritersAgainstAFullCounterAndReadersLoseNothing) {
    /* Each write is half of the range, so that every second one has to wait for a reader. */
    constexpr uint64_t kHalf = kFull / 2;
    constexpr int kWrites = 300;
    FileDescriptor efd = NewEventfd();
    std::atomic<int> halves{0};
    {
        auto write_some = [&] {
            uint64_t value = kHalf;
            for (int i = 0; i < kWrites; i++)
                if (write(efd, &value, 8) != 8) ADD_FAILURE() << "write: " << ErrnoText(errno);
        };
        ScopedThread one(write_some), other(write_some), third(write_some);
        while (halves < 3 * kWrites) {
            uint64_t value = 0;
            ASSERT_EQ(read(efd, &value, 8), 8);
            ASSERT_TRUE(value == kHalf || value == 2 * kHalf) << value;
            halves += static_cast<int>(value / kHalf);
        }
    }
    EXPECT_EQ(halves, 3 * kWrites);
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(Threads, SemaphoreUnitsAreTakenOnceEach) {
    constexpr int kUnits = 1200;
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    std::atomic<int> taken{0};
    {
        auto take = [&] {
            uint64_t value = 0;
            for (int i = 0; i < kUnits / 4; i++) {
                if (read(efd, &value, 8) != 8 || value != 1)
                    ADD_FAILURE() << "read " << value << ": " << ErrnoText(errno);
                taken++;
            }
        };
        ScopedThread one(take), two(take), three(take), four(take);
        for (int i = 0; i < kUnits / 3; i++) Must(Write(efd, 3));
    }
    EXPECT_EQ(taken, kUnits);
    EXPECT_EQ(Drain(efd), 0u);
}

/* Both look at one time: one of them takes the event, and the other one finds nothing. */
TEST(Threads, OfTwoReadersThatRaceForAnEventOneGetsIt) {
    const int rounds = 5 * static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
    FileDescriptor efd = NewEventfd(0, EFD_NONBLOCK);
    Meeting start, end;
    std::atomic<int> taken{0};
    int wrong = 0;
    auto take = [&] {
        uint64_t value = 0;
        ssize_t length = read(efd, &value, sizeof(value));
        if (length == sizeof(value) && value == 1)
            taken++;
        else if (length != -1 || errno != EAGAIN)
            ADD_FAILURE() << "read " << value << ": " << ErrnoText(errno);
    };
    ScopedThread other([&] {
        for (int round = 0; round < rounds; round++) {
            start.Arrive(round);
            take();
            end.Arrive(round);
        }
    });
    for (int round = 0; round < rounds; round++) {
        Must(Write(efd, 1));
        start.Arrive(round);
        take();
        end.Arrive(round);
        wrong += taken.exchange(0) != 1;
    }
    EXPECT_EQ(wrong, 0) << "of " << rounds << " events were taken by none or by both";
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(Threads, WriteHappensBeforeTheReadThatSeesIt) {
    constexpr uint64_t kRounds = 2000;
    FileDescriptor there = NewEventfd();
    FileDescriptor back = NewEventfd();
    uint64_t plain = 0; /* no atomic: the eventfds order it */
    ScopedThread writer([&] {
        for (uint64_t i = 1; i <= kRounds; i++) {
            plain = i;
            uint64_t value = 1;
            if (write(there, &value, 8) != 8 || read(back, &value, 8) != 8)
                FailTest("8 bytes were to be written, and 8 to be read");
        }
    });
    for (uint64_t i = 1; i <= kRounds; i++) {
        uint64_t value;
        ASSERT_EQ(read(there, &value, 8), 8);
        ASSERT_EQ(plain, i);
        value = 1;
        ASSERT_EQ(write(back, &value, 8), 8);
    }
}

TEST(Threads, ReaderAndPollerBothMakeProgress) {
    FileDescriptor efd = NewEventfd();
    std::atomic<bool> stop{false};
    std::atomic<int> reported{0};
    ScopedThread poller([&] {
        while (!stop) {
            pollfd entry = {efd, POLLIN, 0};
            if (poll(&entry, 1, 10) == 1 && entry.revents == POLLIN) reported++;
        }
    });
    for (int i = 0; i < 300; i++) {
        Must(Write(efd, 1));
        WaitUntil([&, before = reported.load()] { return reported > before; });
        ASSERT_EQ(Drain(efd), 1u);
    }
    stop = true;
}

} /* namespace */
} /* namespace suite */
