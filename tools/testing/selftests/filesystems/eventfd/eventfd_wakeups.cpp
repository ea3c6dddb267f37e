// SPDX-License-Identifier: GPL-2.0
// Who is woken: exactly the blocked tasks that can go on, and always one if one can.
#include <sys/wait.h>

#include <atomic>
#include <memory>
#include <vector>

#include "support/abilities.h"
#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

using testing::ElementsAre;

/*
 * Threads that read an eventfd over and over. They use no more than read(2) itself, so that
 * each time one of them sleeps is a time that it slept in read(2), and counts.
 */
class Readers {
  public:
    Readers(int fd, int count, Where where = Where::current())
        : fd_(fd), values_(static_cast<size_t>(count)) {
        for (auto& values : values_)
            threads_.push_back(NewThread([this, &values] { Loop(&values); }));
        WaitUntilAllSleep(where);
    }
    ~Readers() {
        stop_ = true;
        for (auto& thread : threads_)
            WaitUntil([&] { return thread->finished() || (Must(Write(fd_, 1)), false); });
    }

    void WaitUntilAllSleep(Where where = Where::current()) {
        for (auto& thread : threads_) thread->WaitUntilBlockedIn(SYS_read, where);
    }
    /* How often they have gone to sleep, all together. */
    unsigned long Switches() const {
        unsigned long sum = 0;
        for (const auto& thread : threads_) sum += thread->switches();
        return sum;
    }
    /* All that was read, in the order of the readers. */
    std::vector<uint64_t> Values() const {
        std::vector<uint64_t> all;
        for (const auto& values : values_) all.insert(all.end(), values.begin(), values.end());
        return all;
    }

  private:
    void Loop(std::vector<uint64_t>* values) {
        values->reserve(64);
        uint64_t value;
        while (read(fd_, &value, sizeof(value)) == sizeof(value) && !stop_)
            values->push_back(value);
    }

    int fd_;
    std::atomic<bool> stop_{false};
    std::vector<std::vector<uint64_t>> values_;
    std::vector<std::unique_ptr<ScopedThread>> threads_;
};

constexpr int kHerd = 64;

/* A post to readers that all sleep is one context switch for each value that is read. */
void ExpectOneSwitchEach(int flags, int count, uint64_t post,
                         const std::vector<uint64_t>& values, Where where = Where::current()) {
    CalledFrom test(where);
    FileDescriptor efd = NewEventfd(0, flags, where);
    Readers readers(efd, count);
    unsigned long before = readers.Switches();
    Must(Write(efd, post), where);
    readers.WaitUntilAllSleep(where);
    EXPECT_EQ(readers.Switches() - before, values.size());
    EXPECT_EQ(readers.Values(), values);
}

TEST_WITH(BlockedReaders, OnePostToSixtyFourIsOneContextSwitch, Needs(Change::kWakeOne)) {
    ExpectOneSwitchEach(0, kHerd, 1, {1});
}

TEST_WITH(BlockedReaders, OnePostToASemaphoresSixtyFourIsOneContextSwitch,
          Needs(Change::kWakeOne)) {
    ExpectOneSwitchEach(EFD_SEMAPHORE, kHerd, 1, {1});
}

TEST_WITH(BlockedReaders, SemaphorePostOfFiveWakesFive, Needs(Change::kWakeOne)) {
    ExpectOneSwitchEach(EFD_SEMAPHORE, kHerd, 5, {1, 1, 1, 1, 1});
}

TEST_WITH(BlockedReaders, PlainPostOfFiveWakesOne, Needs(Change::kWakeOne)) {
    ExpectOneSwitchEach(0, 16, 5, {5});
}

TEST_WITH(BlockedReaders, PostOfZeroWakesNone, Needs(Change::kWakeOne)) {
    ExpectOneSwitchEach(0, 4, 0, {});
}

TEST(BlockedReaders, PostGoesToOneOfThemWhole) {
    FileDescriptor efd = NewEventfd();
    Readers readers(efd, 8);
    Must(Write(efd, 5));
    readers.WaitUntilAllSleep();
    EXPECT_THAT(readers.Values(), ElementsAre(5));
}

TEST(BlockedReaders, SemaphorePostOfMoreThanThereAreLeavesNothing) {
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    Readers readers(efd, 4);
    Must(Write(efd, 10));
    readers.WaitUntilAllSleep();
    EXPECT_EQ(readers.Values(), std::vector<uint64_t>(10, 1));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST(BlockedReaders, AreServedInTheOrderInWhichTheyCame) {
    SKIP_WITHOUT(Change::kWakeOne);
    constexpr int kReaders = 8;
    FileDescriptor efd = NewEventfd();
    std::atomic<int> served{0};
    std::vector<int> order(kReaders, -1);
    std::vector<std::unique_ptr<ScopedThread>> readers;
    for (int i = 0; i < kReaders; i++) {
        readers.push_back(NewThread([&, i] {
            uint64_t value;
            if (read(efd, &value, sizeof(value)) == sizeof(value)) order[served++] = i;
        }));
        readers.back()->WaitUntilBlockedIn(SYS_read);
    }
    for (int i = 0; i < kReaders; i++) {
        Must(Write(efd, 1));
        WaitUntil([&] { return served == i + 1; });
    }
    for (auto& reader : readers) reader->Join();
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(BlockedReaders, ManyPostsToManyLoseNothing) {
    constexpr uint64_t kPosts = 2000;
    FileDescriptor efd = NewEventfd();
    std::atomic<uint64_t> sum{0};
    std::atomic<bool> stop{false};
    std::vector<Task*> tasks;
    std::vector<std::unique_ptr<ScopedThread>> readers;
    for (int i = 0; i < 8; i++) {
        readers.push_back(NewThread([&] {
            uint64_t value;
            while (!stop && read(efd, &value, sizeof(value)) == sizeof(value)) sum += value;
        }));
        tasks.push_back(readers.back().get());
    }
    for (uint64_t i = 0; i < kPosts; i++) Must(Write(efd, 1));
    EXPECT_TRUE(Reaches([&] { return static_cast<long>(sum); }, kPosts, tasks, SYS_read))
        << "readers sleep, with " << sum << " of " << kPosts << " taken";
    stop = true;
    for (auto& reader : readers)
        WaitUntil([&] { return reader->finished() || (Must(Write(efd, 1)), false); });
}

TEST(BlockedReaders, PollersAreWokenBesideAReader) {
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    reader.WaitUntilBlockedIn(SYS_read);
    poller.WaitUntilBlockedIn(kPollCall);
    Must(Write(efd, 2));
    reader.Join();
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 1u);
}

/* Threads that write once each. */
struct Writer {
    Writer(int fd, uint64_t value)
        : thread([fd, value] {
              if (write(fd, &value, sizeof(value)) != sizeof(value))
                  ADD_FAILURE() << "write: " << ErrnoText(errno);
          }) {
        thread.WaitUntilBlockedIn(SYS_write);
    }
    ScopedThread thread;
};

TEST_WITH(BlockedWriters, ReadThatFreesOneUnitWakesOneOfEight,
          Needs(Change::kWakeFittingWriters)) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_SEMAPHORE);
    std::vector<std::unique_ptr<Writer>> writers;
    for (int i = 0; i < 8; i++) writers.push_back(std::make_unique<Writer>(efd, 1));
    std::vector<unsigned long> before;
    for (auto& writer : writers) before.push_back(writer->thread.switches());

    EXPECT_EQ(Drain(efd), 1u);
    int landed = 0;
    unsigned long switches = 0;
    for (size_t i = 0; i < writers.size(); i++) {
        if (writers[i]->thread.SleepsIn(SYS_write))
            switches += writers[i]->thread.switches() - before[i];
        else
            landed++;
    }
    EXPECT_EQ(landed, 1);
    EXPECT_EQ(switches, 0u) << "of writers that cannot go on";
    EXPECT_EQ(EventfdCount(efd), kFull);
    for (int i = landed; i < 8; i++) Drain(efd);
}

TEST_WITH(BlockedWriters, OnlyThoseThatFitAreWoken, Needs(Change::kWakeFittingWriters),
          HangsWithout()) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Writer small(efd, 10);
    Writer large(efd, kFull);
    unsigned long before = large.thread.switches();
    EXPECT_EQ(Drain(efd), kFull);
    small.thread.Join();
    large.thread.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(large.thread.switches(), before);
    EXPECT_EQ(Drain(efd), 10u);
    large.thread.Join();
    EXPECT_EQ(Drain(efd), kFull);
}

TEST_WITH(BlockedWriters, OneThatLacksOneUnitIsNotWoken, Needs(Change::kWakeFittingWriters)) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_SEMAPHORE);
    Writer writer(efd, 2);
    unsigned long before = writer.thread.switches();
    EXPECT_EQ(Drain(efd), 1u);
    writer.thread.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(writer.thread.switches(), before);
    EXPECT_EQ(Drain(efd), 1u);
    writer.thread.Join();
    EXPECT_EQ(EventfdCount(efd), kFull);
}

TEST(BlockedWriters, AllThatFitTogetherLandAfterOneRead) {
    FileDescriptor efd = NewEventfdAt(kFull);
    {
        std::vector<std::unique_ptr<Writer>> writers;
        for (uint64_t value : {1, 20, 300, 4000})
            writers.push_back(std::make_unique<Writer>(efd, value));
        EXPECT_EQ(Drain(efd), kFull);
    }
    EXPECT_EQ(Drain(efd), 4321u);
}

/* Which eventfd, and what becomes of the task that is hit. */
struct RaceCase {
    const char* name;
    int eventfd_flags;
    int signal;
    int handler_flags;
};

std::string RaceName(const testing::TestParamInfo<RaceCase>& info) { return info.param.name; }

/* Lets the other side get a different while ahead in each round. */
void Stagger(int round) {
    for (int i = 0; i < round % 64 * 8; i++) asm volatile("" ::: "memory");
}

class SignalRace : public testing::TestWithParam<RaceCase> {};

INSTANTIATE_TEST_SUITE_P(All, SignalRace,
                         testing::Values(RaceCase{"Plain", 0, SIGUSR1, 0},
                                         RaceCase{"PlainRestart", 0, SIGUSR1, SA_RESTART},
                                         RaceCase{"Semaphore", EFD_SEMAPHORE, SIGUSR1, 0},
                                         RaceCase{"SemaphoreRestart", EFD_SEMAPHORE, SIGUSR1,
                                                  SA_RESTART}),
                         RaceName);

/*
 * A post and a signal race for the first reader on the wait list, with others behind it.
 * Whichever of the two it gets, the event is taken by somebody.
 */
TEST_P(SignalRace, SignalledReaderLosesNoEvent) {
    NeedAbility(Ability::kThreadStorage);
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
    FileDescriptor efd = NewEventfd(0, GetParam().eventfd_flags);
    CountingHandler handler(GetParam().signal, GetParam().handler_flags);
    std::atomic<long> taken{0};
    std::atomic<bool> stop{false};
    auto loop = [&] {
        uint64_t value;
        while (!stop) {
            ssize_t length = read(efd, &value, sizeof(value));
            if (length == sizeof(value))
                taken += static_cast<long>(value);
            else if (errno != EINTR)
                ADD_FAILURE() << "read: " << ErrnoText(errno);
        }
    };
    ScopedThread first(loop), second(loop), third(loop);
    std::vector<Task*> tasks = {&first, &second, &third};
    ScopedThread* victims[] = {&first, &second, &third};

    for (int round = 0; round < rounds; round++) {
        ScopedThread* victim = victims[round % 3];
        if (round & 1) {
            Must(Write(efd, 1));
            Stagger(round);
            victim->Signal(GetParam().signal);
        } else {
            victim->Signal(GetParam().signal);
            Stagger(round);
            Must(Write(efd, 1));
        }
        ASSERT_TRUE(Reaches([&] { return taken.load(); }, round + 1, tasks, SYS_read))
            << "round " << round << ": readers sleep with a count of " << EventfdCount(efd);
    }
    EXPECT_EQ(EventfdCount(efd), 0u);
    stop = true;
    for (ScopedThread* thread : victims)
        WaitUntil([&] { return thread->finished() || (Must(Write(efd, 1)), false); });
}

/* The same for space: a read frees a unit, and one of two blocked writers is signalled. */
class WriterSignalRace : public testing::TestWithParam<RaceCase> {};

INSTANTIATE_TEST_SUITE_P(All, WriterSignalRace,
                         testing::Values(RaceCase{"Interrupted", 0, SIGUSR1, 0},
                                         RaceCase{"Restarted", 0, SIGUSR1, SA_RESTART}),
                         RaceName);

TEST_P(WriterSignalRace, SignalledWriterLosesNoSpace) {
    NeedAbility(Ability::kThreadStorage);
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
    FileDescriptor efd = NewEventfdAt(kFull, EFD_SEMAPHORE);
    CountingHandler handler(GetParam().signal, GetParam().handler_flags);
    std::atomic<long> written{0};
    std::atomic<bool> stop{false};
    auto loop = [&] {
        const uint64_t one = 1;
        while (!stop) {
            if (write(efd, &one, sizeof(one)) == sizeof(one))
                written++;
            else if (errno != EINTR)
                ADD_FAILURE() << "write: " << ErrnoText(errno);
        }
    };
    ScopedThread first(loop), second(loop);
    std::vector<Task*> tasks = {&first, &second};
    ScopedThread* victims[] = {&first, &second};

    for (int round = 0; round < rounds; round++) {
        ScopedThread* victim = victims[round / 2 % 2];
        if (round & 1) victim->Signal(GetParam().signal);
        Stagger(round);
        ASSERT_EQ(Drain(efd), 1u);
        if (!(round & 1)) victim->Signal(GetParam().signal);
        ASSERT_TRUE(Reaches([&] { return written.load(); }, round + 1, tasks, SYS_write))
            << "round " << round << ": writers sleep with a count of " << EventfdCount(efd);
    }
    EXPECT_EQ(EventfdCount(efd), kFull);
    stop = true;
    for (ScopedThread* thread : victims)
        WaitUntil([&] { return thread->finished() || (Drain(efd), false); });
}

class DeathRace : public testing::TestWithParam<RaceCase> {};

INSTANTIATE_TEST_SUITE_P(All, DeathRace,
                         testing::Values(RaceCase{"PlainKilled", 0, SIGKILL, 0},
                                         RaceCase{"PlainTerminated", 0, SIGTERM, 0},
                                         RaceCase{"SemaphoreKilled", EFD_SEMAPHORE, SIGKILL, 0},
                                         RaceCase{"SemaphoreTerminated", EFD_SEMAPHORE, SIGTERM,
                                                  0}),
                         RaceName);

/*
 * A post and a deadly signal race for a process that is the first to read. It reads
 * straight into shared memory, so that an event it took before it died is seen; any other is
 * the survivor's.
 */
TEST_P(DeathRace, DyingReaderLosesNoEvent) {
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_DEATH_ROUNDS", 40));
    struct State {
        std::atomic<long> survivor_took{0};
        std::atomic<int> interrupted{0};
        uint64_t victims_buffer = 0;
    };
    Shared<State> state;
    FileDescriptor efd = NewEventfd(0, GetParam().eventfd_flags);
    CountingHandler handler(SIGUSR1, 0);
    long victim_took = 0;

    ChildProcess survivor([&] {
        uint64_t value;
        for (;;) {
            if (read(efd, &value, sizeof(value)) == sizeof(value))
                state->survivor_took += static_cast<long>(value);
            else
                state->interrupted++;
        }
    });
    for (int round = 0; round < rounds; round++) {
        state->victims_buffer = 0;
        ChildProcess victim([&] {
            /* Stock loses what it took if it is killed while it makes the page: not asked here.
             */
            state->victims_buffer = 0;
            while (read(efd, &state->victims_buffer, 8) != 8)
                ;
            for (;;) pause();
        });
        victim.WaitUntilBlockedIn(SYS_read);
        /* The survivor goes to the end of the wait list. */
        survivor.WaitUntilBlockedIn(SYS_read);
        int interrupted = state->interrupted;
        survivor.Signal(SIGUSR1);
        WaitUntil([&] { return state->interrupted > interrupted; });
        survivor.WaitUntilBlockedIn(SYS_read);

        if (round & 1) {
            Must(Write(efd, 1));
            Stagger(round);
            victim.Signal(GetParam().signal);
        } else {
            victim.Signal(GetParam().signal);
            Stagger(round);
            Must(Write(efd, 1));
        }
        int status = victim.Wait();
        ASSERT_TRUE(WIFSIGNALED(status));
        victim_took += static_cast<long>(state->victims_buffer);
        ASSERT_TRUE(Reaches([&] { return state->survivor_took + victim_took; }, round + 1,
                            {&survivor}, SYS_read))
            << "round " << round << ": a reader sleeps with a count of " << EventfdCount(efd);
    }
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST(BlockedReaders, InterruptedOneLeavesTheNextPostToTheOthers) {
    NeedAbility(Ability::kThreadStorage);
    FileDescriptor efd = NewEventfd();
    CountingHandler handler(SIGUSR1, 0);
    uint64_t value = 0;
    ScopedThread first([&] {
        uint64_t unused;
        EXPECT_THAT(Read(efd, &unused, 8), SyscallFailsWithErrno(EINTR));
    });
    first.WaitUntilBlockedIn(SYS_read);
    ScopedThread second([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    second.WaitUntilBlockedIn(SYS_read);
    first.Signal(SIGUSR1);
    first.Join();
    second.ExpectStillBlockedIn(SYS_read);
    Must(Write(efd, 3));
    second.Join();
    EXPECT_EQ(value, 3u);
}

/*
 * A waiter that is woken in vain: before it runs, somebody who never slept has taken what it
 * was woken for. The tests do both without letting it run in between.
 */
class WokenInVain : public testing::Test {
  protected:
    void SetUp() override {
        Undisturbed possible;
        SKIP_UNLESS(!possible.refused(), Undisturbed::reason());
    }

    /* Once the task has run, found nothing, and sleeps again. */
    static void WaitUntilBackAsleep(Task* task, unsigned long before, long call,
                                    Where where = Where::current()) {
        WaitUntil([&] { return task->switches() > before; });
        task->WaitUntilBlockedIn(call, where);
    }

    /* Posts once and takes it back: the first reader has been woken in vain. */
    static void WakeInVain(int efd, Task* reader, Where where = Where::current()) {
        CalledFrom test(where);
        unsigned long before = reader->switches();
        {
            Undisturbed only_us;
            Must(Write(efd, 1), where);
            EXPECT_EQ(Drain(efd, where), 1u);
        }
        WaitUntilBackAsleep(reader, before, SYS_read, where);
    }

    OneProcessor pinned_;
};

class ReaderWokenInVain : public WokenInVain {};
class WriterWokenInVain : public WokenInVain {};

TEST_F(ReaderWokenInVain, IsRequeuedInFront) {
    SKIP_WITHOUT(Change::kWakeOne);
    FileDescriptor efd = NewEventfd();
    uint64_t values[2] = {};
    ScopedThread first([&] { Must(Read(efd, &values[0])); });
    first.WaitUntilBlockedIn(SYS_read);
    ScopedThread second([&] { Must(Read(efd, &values[1])); });
    second.WaitUntilBlockedIn(SYS_read);
    WakeInVain(efd, &first);
    Must(Write(efd, 5));
    WaitUntil([&] { return first.finished() || second.finished(); });
    EXPECT_TRUE(first.finished());
    Must(Write(efd, 7));
    first.Join();
    second.Join();
    EXPECT_THAT(values, ElementsAre(5u, 7u));
}

TEST_F(ReaderWokenInVain, IsWokenByTheNextPost) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    WakeInVain(efd, &reader);
    Must(Write(efd, 5));
    reader.Join();
    EXPECT_EQ(value, 5u);
}

TEST_F(ReaderWokenInVain, PassesItsWakeUpOnWhenItDies) {
    SKIP_WITHOUT(Change::kWakeOne);
    FileDescriptor efd = NewEventfd();
    ChildProcess first([&] {
        uint64_t unused;
        Read(efd, &unused);
    });
    first.WaitUntilBlockedIn(SYS_read);
    uint64_t value = 0;
    ScopedThread second([&] { Must(Read(efd, &value)); });
    second.WaitUntilBlockedIn(SYS_read);
    {
        Undisturbed only_us;
        Must(Write(efd, 5));
        first.Signal(SIGKILL);
    }
    EXPECT_TRUE(WIFSIGNALED(first.Wait()));
    second.Join();
    EXPECT_EQ(value, 5u);
}

TEST_F(ReaderWokenInVain, IsWokenAnewAfterASignal) {
    FileDescriptor efd = NewEventfd();
    CountingHandler handler(SIGUSR1, SA_RESTART);
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    for (int round = 1; round <= 3; round++) {
        WakeInVain(efd, &reader);
        unsigned long before = reader.switches();
        reader.Signal(SIGUSR1);
        WaitUntilBackAsleep(&reader, before, SYS_read);
        EXPECT_EQ(handler.count(), round);
    }
    Must(Write(efd, 5));
    reader.Join();
    EXPECT_EQ(value, 5u);
}

/* Woken for what it waits for and for a signal before it runs once: it takes that. */
class SignalledAndServed : public WokenInVain, public testing::WithParamInterface<bool> {
  protected:
    /* Either of the two comes first. */
    template <typename Serve>
    static void SignalAnd(ScopedThread* task, Serve serve, Where where = Where::current()) {
        Undisturbed only_us;
        if (GetParam()) task->Signal(SIGUSR1, where);
        serve();
        if (!GetParam()) task->Signal(SIGUSR1, where);
    }

    CountingHandler handler_{SIGUSR1, 0};
};

INSTANTIATE_TEST_SUITE_P(Each, SignalledAndServed, testing::Bool(), [](const auto& info) {
    return info.param ? "SignalFirst" : "SignalLast";
});

TEST_P(SignalledAndServed, ReaderTakesTheValue) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    SignalAnd(&reader, [&] { Must(Write(efd, 5)); });
    reader.Join();
    EXPECT_EQ(value, 5u);
    EXPECT_EQ(handler_.count(), 1);
}

TEST_P(SignalledAndServed, WriterAdds) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Writer writer(efd, 3);
    SignalAnd(&writer.thread, [&] { EXPECT_EQ(Drain(efd), kFull); });
    writer.thread.Join();
    EXPECT_EQ(Drain(efd), 3u);
    EXPECT_EQ(handler_.count(), 1);
}

TEST_F(WriterWokenInVain, LetsASmallerOnePass) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Writer large(efd, kFull);
    Writer small(efd, 3);
    {
        Undisturbed only_us;
        EXPECT_EQ(Drain(efd), kFull);
        Must(Write(efd, 1));
    }
    small.thread.Join();
    large.thread.ExpectStillBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), 4u);
    large.thread.Join();
    EXPECT_EQ(Drain(efd), kFull);
}

TEST_F(WriterWokenInVain, PassesItsSpaceOnWhenItDies) {
    SKIP_WITHOUT(Change::kWakeFittingWriters);
    FileDescriptor efd = NewEventfdAt(kFull);
    ChildProcess large([&] {
        const uint64_t value = kFull;
        ssize_t unused = write(efd, &value, sizeof(value));
        static_cast<void>(unused);
    });
    large.WaitUntilBlockedIn(SYS_write);
    Writer small(efd, 3);
    {
        Undisturbed only_us;
        EXPECT_EQ(Drain(efd), kFull);
        large.Signal(SIGKILL);
    }
    EXPECT_TRUE(WIFSIGNALED(large.Wait()));
    small.thread.Join();
    EXPECT_EQ(Drain(efd), 3u);
}

TEST_F_WITH(WriterWokenInVain, IsNotFollowedByOneThatDoesNotFitEither,
            Needs(Change::kWakeFittingWriters)) {
    NeedAbility(Ability::kThreadStorage);
    FileDescriptor efd = NewEventfd(1, EFD_SEMAPHORE);
    CountingHandler handler(SIGUSR1, 0);
    auto write_all = [&] { EXPECT_THAT(Write(efd, kFull), SyscallFailsWithErrno(EINTR)); };
    ScopedThread first(write_all);
    first.WaitUntilBlockedIn(SYS_write);
    ScopedThread second(write_all);
    second.WaitUntilBlockedIn(SYS_write);
    unsigned long before_first = first.switches(), before_second = second.switches();
    {
        Undisturbed only_us;
        EXPECT_EQ(Drain(efd), 1u);
        Must(Write(efd, 3));
        /* There is less space now than the woken one is going to ask for. */
        EXPECT_EQ(Drain(efd), 1u);
    }
    WaitUntilBackAsleep(&first, before_first, SYS_write);
    second.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(second.switches(), before_second);
    first.Signal(SIGUSR1);
    second.Signal(SIGUSR1);
}

} /* namespace */
} /* namespace suite */
