// SPDX-License-Identifier: GPL-2.0
// Tasks that were woken and cannot run, or run in vain: who goes on beside them and after them.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/abilities.h"
#include "support/attributes.h"
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
using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;

using Tasks = std::vector<Task*>;

/* One of the two sides of an eventfd: those who wait to read, or those who wait to write. */
struct Side {
    const char* name;
    bool writes;

    long call() const { return writes ? SYS_write : SYS_read; }
    /* Without it they are all woken, and chance decides who goes on. */
    Change one_by_one() const {
        return writes ? Change::kWakeFittingWriters : Change::kWakeOne;
    }
    /* A semaphore, so that each change can be of one unit, at which this side has to wait. */
    FileDescriptor NewEventfd(Where where = Where::current()) const {
        return NewEventfdAt(writes ? kFull : 0, EFD_SEMAPHORE, where);
    }
    /* Waits for one unit. */
    bool Wait(int fd) const {
        uint64_t value = 1;
        return (writes ? write(fd, &value, sizeof(value)) : read(fd, &value, sizeof(value))) ==
               sizeof(value);
    }
    /* Makes one of them go on. */
    void Serve(int fd, Where where = Where::current()) const {
        CalledFrom test(where);
        if (writes)
            EXPECT_EQ(Drain(fd, where), 1u);
        else
            Must(Write(fd, 1), where);
    }
    /* Takes that away again, from one that has not run yet. */
    void TakeBack(int fd, Where where = Where::current()) const {
        CalledFrom test(where);
        if (writes)
            Must(Write(fd, 1), where);
        else
            EXPECT_EQ(Drain(fd, where), 1u);
    }
};

constexpr Side kReaders = {"Reader", false};
constexpr Side kWriters = {"Writer", true};

std::string SideName(const testing::TestParamInfo<Side>& info) { return info.param.name; }

void PrintTo(const Side& side, std::ostream* out) { *out << side.name; }

/* Waits once or, if told to, over and over, and counts how often it went on. */
class Waiter {
  public:
    enum Times { kOnce, kOverAndOver };

    Waiter(const Side& side, int fd, int priority, Times times = kOnce)
        : thread_([this, side, fd, priority, times] {
              if (priority) BecomeRealTime(priority);
              do {
                  if (!side.Wait(fd)) {
                      ADD_FAILURE() << side.name << ": " << ErrnoText(errno);
                      return;
                  }
                  served_++;
              } while (times == kOverAndOver && !stop_);
          }) {
        thread_.WaitUntilBlockedIn(side.call());
    }

    ScopedThread& thread() { return thread_; }
    int served() const { return served_; }
    void Stop() { stop_ = true; }

  private:
    std::atomic<int> served_{0};
    std::atomic<bool> stop_{false};
    ScopedThread thread_;
};

/* All of a test is kept to one processor, so that who runs first is no matter of chance. */
class RealTimeTest : public testing::Test {
  protected:
    void SetUp() override {
        Undisturbed possible;
        SKIP_UNLESS(!possible.refused(), Undisturbed::reason());
    }

    /* Before it is kept to one of them. */
    const std::vector<int> processors_ = Processors();
    OneProcessor pinned_;
};

/* Beside it there is a processor for those who are woken and do not run. */
class HeldBackTest : public RealTimeTest {
  protected:
    static constexpr int kPriority = 1;

    void SetUp() override {
        SKIP_UNLESS(processors_.size() > 1, "takes two processors");
        RealTimeTest::SetUp();
    }

    int processor() const { return processors_.back(); }
    /* For the task that is to be held back, before it waits. */
    void BeHeldBack(Where where = Where::current()) const {
        KeepToProcessor(processor(), where);
        BecomeRealTime(kPriority, where);
    }
};

class StarvedReader : public HeldBackTest, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Of, StarvedReader, testing::Values(0, EFD_SEMAPHORE),
                         [](const auto& info) { return info.param ? "Semaphore" : "Plain"; });

/* The first of five posts is its own. The others are not for it to wait for. */
TEST_P(StarvedReader, HoldsUpNoPostButItsOwn) {
    FileDescriptor efd = NewEventfd(0, GetParam());
    std::atomic<long> taken{0};
    std::atomic<bool> stop{false};
    ScopedThread starved([&] {
        uint64_t value;
        BeHeldBack();
        EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    });
    starved.WaitUntilBlockedIn(SYS_read);
    ScopedThread other([&] {
        uint64_t value;
        BecomeRealTime(kPriority);
        while (!stop && read(efd, &value, sizeof(value)) == sizeof(value))
            taken += static_cast<long>(value);
    });
    other.WaitUntilBlockedIn(SYS_read);
    {
        OccupiedProcessor occupied(processor());
        Must(Write(efd, 1));
        for (long posts = 2; posts <= 5; posts++) {
            Must(Write(efd, 1));
            EXPECT_TRUE(Reaches([&] { return taken.load(); }, posts, {&other}, SYS_read))
                << "after " << posts << " posts the other reader has taken " << taken
                << " and sleeps, with a count of " << EventfdCount(efd);
        }
        EXPECT_FALSE(starved.finished());
    }
    stop = true;
    WaitUntil([&] {
        return (starved.finished() && other.finished()) || (Must(Write(efd, 1)), false);
    });
}

/* The same for space that one writer could use and does not. */
class StarvedWriter : public HeldBackTest {};

TEST_F(StarvedWriter, HoldsUpNoReadButItsOwn) {
    FileDescriptor efd = kWriters.NewEventfd();
    ScopedThread starved([&] {
        BeHeldBack();
        EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    });
    starved.WaitUntilBlockedIn(SYS_write);
    Waiter other(kWriters, efd, kPriority, Waiter::kOverAndOver);
    {
        OccupiedProcessor occupied(processor());
        Drain(efd);
        for (int reads = 2; reads <= 5; reads++) {
            Drain(efd);
            EXPECT_TRUE(Reaches([&] { return long{other.served()}; }, reads, {&other.thread()},
                                SYS_write))
                << "after " << reads << " reads the other writer has landed " << other.served()
                << " times and sleeps, with a count of " << EventfdCount(efd);
        }
        EXPECT_FALSE(starved.finished());
    }
    other.Stop();
    WaitUntil([&] {
        return (starved.finished() && other.thread().finished()) || (Drain(efd), false);
    });
}

/* Changes that follow each other before anybody has run. */
class ChangesInARow : public HeldBackTest {};

TEST_F(ChangesInARow, SecondPostWakesASecondReaderThatGetsBoth) {
    FileDescriptor efd = NewEventfd();
    uint64_t values[2] = {};
    ScopedThread first([&] {
        BeHeldBack();
        EXPECT_THAT(Read(efd, &values[0]), SyscallSucceedsWithValue(8));
    });
    first.WaitUntilBlockedIn(SYS_read);
    ScopedThread second(
        [&] { EXPECT_THAT(Read(efd, &values[1]), SyscallSucceedsWithValue(8)); });
    second.WaitUntilBlockedIn(SYS_read);
    {
        OccupiedProcessor occupied(processor());
        {
            Undisturbed only_us;
            Must(Write(efd, 1));
            Must(Write(efd, 2));
        }
        Reaches([&] { return long{second.finished()}; }, 1, {&second}, SYS_read);
        EXPECT_EQ(values[1], 3u) << "with a count of " << EventfdCount(efd);
    }
    WaitUntil([&] {
        return (first.finished() && second.finished()) || (Must(Write(efd, 4)), false);
    });
    EXPECT_EQ(values[0] % 4, 0u);
}

class ChangesInARowForUnits : public ChangesInARow, public testing::WithParamInterface<Side> {};

INSTANTIATE_TEST_SUITE_P(Each, ChangesInARowForUnits, testing::Values(kReaders, kWriters),
                         SideName);

TEST_P(ChangesInARowForUnits, EachWakesOneMore) {
    const Side& side = GetParam();
    FileDescriptor efd = side.NewEventfd();
    ScopedThread first([&] {
        BeHeldBack();
        EXPECT_TRUE(side.Wait(efd)) << ErrnoText(errno);
    });
    first.WaitUntilBlockedIn(side.call());
    Waiter second(side, efd, 0), third(side, efd, 0);
    Tasks others = {&second.thread(), &third.thread()};
    {
        OccupiedProcessor occupied(processor());
        {
            Undisturbed only_us;
            for (int i = 0; i < 3; i++) side.Serve(efd);
        }
        EXPECT_TRUE(Reaches([&] { return long{second.served() + third.served()}; }, 2, others,
                            side.call()))
            << "one sleeps, with a count of " << EventfdCount(efd);
        EXPECT_FALSE(first.finished());
    }
    WaitUntil([&] {
        return (first.finished() && second.thread().finished() && third.thread().finished()) ||
               (HasFailure() && (side.Serve(efd), false));
    });
}

/* Who is served first. */
class RealTimeTask : public RealTimeTest, public testing::WithParamInterface<Side> {
  protected:
    /* The indices of the waiters, in the order in which so many changes serve them. */
    static std::vector<int> Order(const Side& side, int fd,
                                  const std::vector<std::unique_ptr<Waiter>>& waiters,
                                  Where where = Where::current()) {
        std::vector<int> order;
        Tasks tasks;
        for (const auto& waiter : waiters) tasks.push_back(&waiter->thread());
        while (order.size() < waiters.size()) {
            side.Serve(fd, where);
            auto served = [&] {
                return std::count_if(waiters.begin(), waiters.end(),
                                     [](const auto& waiter) { return waiter->served(); });
            };
            const long expected = static_cast<long>(order.size()) + 1;
            std::erase_if(tasks, [](Task* task) { return task->finished(); });
            if (!Reaches(served, expected, tasks, side.call()))
                FailTest("a change was to serve one of the tasks, and served none", where);
            for (int i = 0; i < static_cast<int>(waiters.size()); i++)
                if (waiters[i]->served() && std::count(order.begin(), order.end(), i) == 0)
                    order.push_back(i);
        }
        return order;
    }
};

INSTANTIATE_TEST_SUITE_P(Each, RealTimeTask, testing::Values(kReaders, kWriters), SideName);

TEST_P(RealTimeTask, ThatBlocksSecondIsServedFirst) {
    constexpr int kTimes = 50;
    const Side& side = GetParam();
    FileDescriptor efd = side.NewEventfd();
    Waiter ordinary(side, efd, 0, Waiter::kOverAndOver);
    Waiter real_time(side, efd, 1, Waiter::kOverAndOver);
    Tasks tasks = {&ordinary.thread(), &real_time.thread()};
    for (int i = 0; i < kTimes; i++) {
        for (Task* task : tasks) task->WaitUntilBlockedIn(side.call());
        side.Serve(efd);
        ASSERT_TRUE(Reaches([&] { return long{ordinary.served() + real_time.served()}; }, i + 1,
                            tasks, side.call()));
    }
    EXPECT_EQ(real_time.served(), kTimes);
    ordinary.Stop();
    real_time.Stop();
    WaitUntil([&] {
        return (ordinary.thread().finished() && real_time.thread().finished()) ||
               (side.Serve(efd), false);
    });
}

TEST_P(RealTimeTask, IsServedByPriorityAndAmongEqualsByArrival) {
    const Side& side = GetParam();
    FileDescriptor efd = side.NewEventfd();
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (int priority : {0, 1, 3, 2, 3, 1})
        waiters.push_back(std::make_unique<Waiter>(side, efd, priority));
    EXPECT_THAT(Order(side, efd, waiters), ElementsAre(2, 4, 3, 1, 5, 0));
}

TEST_P(RealTimeTask, WokenInVainWaitsOnInFrontOfItsEqualsOnly) {
    const Side& side = GetParam();
    FileDescriptor efd = side.NewEventfd();
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (int priority : {1, 1, 0})
        waiters.push_back(std::make_unique<Waiter>(side, efd, priority));
    ScopedThread& first = waiters[0]->thread();
    const unsigned long before = first.switches();
    {
        Undisturbed only_us(3);
        side.Serve(efd);
        side.TakeBack(efd);
    }
    WaitUntil([&] { return first.switches() > before; });
    for (auto& waiter : waiters) waiter->thread().WaitUntilBlockedIn(side.call());
    waiters.push_back(std::make_unique<Waiter>(side, efd, 2));
    EXPECT_THAT(Order(side, efd, waiters), ElementsAre(3, 0, 1, 2));
}

/* By its own rules a deadline task may not be kept to one processor. */
class DeadlineTask : public testing::TestWithParam<Side> {};

INSTANTIATE_TEST_SUITE_P(Each, DeadlineTask, testing::Values(kReaders, kWriters), SideName);

TEST_P(DeadlineTask, IsServedBeforeRealTimeOnes) {
    const Side& side = GetParam();
    SKIP_WITHOUT(side.one_by_one());
    FileDescriptor efd = side.NewEventfd();
    {
        Undisturbed possible;
        SKIP_UNLESS(!possible.refused(), Undisturbed::reason());
    }
    Waiter real_time(side, efd, 99);
    std::atomic<int> refused{0};
    ScopedThread deadline([&] {
        struct {
            uint32_t size = sizeof(*this), policy = 6; /* SCHED_DEADLINE */
            uint64_t flags = 0;
            int32_t nice = 0;
            uint32_t priority = 0;
            uint64_t runtime = 10'000'000, deadline = 100'000'000, period = 100'000'000;
        } attributes;
        if (syscall(SYS_sched_setattr, 0, &attributes, 0)) refused = errno;
        side.Wait(efd);
    });
    deadline.WaitUntilBlockedIn(side.call());
    side.Serve(efd);
    WaitUntil([&] { return deadline.finished() || real_time.thread().finished(); });
    EXPECT_TRUE(refused || deadline.finished());
    side.Serve(efd);
    WaitUntil([&] { return deadline.finished() && real_time.thread().finished(); });
    SKIP_UNLESS(!refused, "no right to a deadline: " + ErrnoText(refused));
}

/* A writer of all that there is space for, in front of small ones, is woken alone. */
enum class Fate { kOvertaken, kInterrupted, kRestarted, kKilled };

std::string FateName(const testing::TestParamInfo<Fate>& info) {
    switch (info.param) {
        case Fate::kOvertaken:
            return "Overtaken";
        case Fate::kInterrupted:
            return "Interrupted";
        case Fate::kRestarted:
            return "Restarted";
        case Fate::kKilled:
            return "Killed";
    }
    return "?";
}

/* A write of one value, which it tells of by ending. */
class SmallWriter : public ScopedThread {
  public:
    SmallWriter(int fd, uint64_t value, Where where = Where::current())
        : ScopedThread(
              [fd, value, where] {
                  CalledFrom test(where);
                  EXPECT_THAT(Write(fd, value), SyscallSucceedsWithValue(8));
              },
              where),
          value_(value) {}
    uint64_t value() const { return value_; }

  private:
    uint64_t value_;
};

class SmallWriters {
  public:
    SmallWriters(int fd, const std::vector<uint64_t>& values, Where where = Where::current()) {
        for (uint64_t value : values) {
            writers_.push_back(std::make_unique<SmallWriter>(fd, value, where));
            writers_.back()->WaitUntilBlockedIn(SYS_write, where);
        }
    }

    /* The values of those that sleep once no more of them runs. */
    std::vector<uint64_t> AsleepAtRest() const {
        std::vector<uint64_t> values;
        for (Task* task : WaitUntilAllSleepOrEnd(tasks(), SYS_write))
            values.push_back(static_cast<SmallWriter*>(task)->value());
        return values;
    }
    Tasks tasks() const {
        Tasks tasks;
        for (const auto& writer : writers_) tasks.push_back(writer.get());
        return tasks;
    }

  private:
    std::vector<std::unique_ptr<SmallWriter>> writers_;
};

/* A read for each of them is enough, whatever they write. */
void DrainUntilAllHaveLanded(int fd, Tasks tasks, Where where = Where::current()) {
    for (size_t reads = tasks.size();; reads--) {
        tasks = WaitUntilAllSleepOrEnd(tasks, SYS_write);
        if (tasks.empty()) return;
        if (!reads)
            FailTest("no writer was to sleep with everything read, and " +
                         std::to_string(tasks.size()) + " do",
                     where);
        Drain(fd, where);
    }
}

class WokenLargeWriter : public HeldBackTest, public testing::WithParamInterface<Fate> {};

INSTANTIATE_TEST_SUITE_P(Is, WokenLargeWriter,
                         testing::Values(Fate::kOvertaken, Fate::kInterrupted, Fate::kRestarted,
                                         Fate::kKilled),
                         FateName);

TEST_P(WokenLargeWriter, LeavesNoSmallOneAsleepBesideSpace) {
    const Fate fate = GetParam();
    FileDescriptor efd = NewEventfdAt(kFull);
    CountingHandler handler(SIGUSR1, fate == Fate::kRestarted ? SA_RESTART : 0);
    ChildProcess large([&] {
        BeHeldBack();
        if (fate == Fate::kInterrupted)
            EXPECT_THAT(Write(efd, kFull), SyscallFailsWithErrno(EINTR));
        else
            EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8));
    });
    large.WaitUntilBlockedIn(SYS_write);
    SmallWriters small(efd, {1, 2, 4, 8, 16, 32, 64, 128});
    {
        OccupiedProcessor occupied(processor());
        EXPECT_EQ(Drain(efd), kFull);
        /* Who is woken beside it, as on stock, is served now. */
        small.AsleepAtRest();
        /* From here on the large one does not fit, but for when it is killed. */
        if (fate != Fate::kKilled) Must(Write(efd, 256));
        if (fate == Fate::kKilled) large.Signal(SIGKILL);
        if (fate == Fate::kInterrupted || fate == Fate::kRestarted) large.Signal(SIGUSR1);
    }
    if (fate == Fate::kKilled)
        EXPECT_TRUE(WIFSIGNALED(large.Wait()));
    else if (fate == Fate::kInterrupted)
        large.ExpectSuccess();
    else
        large.ExpectStillBlockedIn(SYS_write);
    EXPECT_THAT(small.AsleepAtRest(), IsEmpty())
        << "sleep with a count of " << EventfdCount(efd);
    /* Those that sleep end this process. */
    if (HasFailure() && !large.finished()) large.Signal(SIGKILL);
    EXPECT_EQ(Drain(efd), fate == Fate::kKilled ? 255u : 511u);
    if (fate == Fate::kOvertaken || fate == Fate::kRestarted) {
        ASSERT_FALSE(large.SleepsIn(SYS_write)) << "with a count of " << EventfdCount(efd);
        large.ExpectSuccess();
        EXPECT_EQ(Drain(efd), kFull);
    }
}

/* What is left is not enough for all of them. */
class OvertakenLargeWriter : public HeldBackTest {};

TEST_F(OvertakenLargeWriter, LeavesNobodyAsleepWhoFits) {
    constexpr uint64_t kLeft = 10;
    FileDescriptor efd = NewEventfdAt(kFull);
    ScopedThread large([&] {
        BeHeldBack();
        EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8));
    });
    large.WaitUntilBlockedIn(SYS_write);
    {
        SmallWriters small(efd, {4, 11, 5, 7, 1, 12});
        {
            OccupiedProcessor occupied(processor());
            Undisturbed only_us;
            EXPECT_EQ(Drain(efd), kFull);
            Must(Write(efd, kFull - kLeft));
        }
        large.ExpectStillBlockedIn(SYS_write);
        std::vector<uint64_t> asleep = small.AsleepAtRest();
        EXPECT_THAT(asleep, Each(Gt(kFull - EventfdCount(efd))))
            << "asleep with a count of " << EventfdCount(efd);
        /* The large one is woken first, and until it has run a read finds nothing. */
        Tasks tasks = small.tasks();
        tasks.push_back(&large);
        DrainUntilAllHaveLanded(efd, tasks);
    }
}

/* The same by chance: whoever is first, nobody is left asleep who fits. */
class LargeWriterRace : public testing::TestWithParam<Fate> {};

INSTANTIATE_TEST_SUITE_P(Is, LargeWriterRace,
                         testing::Values(Fate::kOvertaken, Fate::kInterrupted, Fate::kKilled),
                         FateName);

TEST_P(LargeWriterRace, LeavesNobodyAsleepWhoFits) {
    const Fate fate = GetParam();
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_DEATH_ROUNDS", 10));
    CountingHandler handler(SIGUSR1, 0);
    for (int round = 0; round < rounds; round++) {
        FileDescriptor efd = NewEventfdAt(kFull);
        ChildProcess large([&] { EXPECT_THAT(Write(efd, kFull).error, AnyOf(0, EINTR)); });
        large.WaitUntilBlockedIn(SYS_write);
        SmallWriters small(efd, {1, 2, 3});
        std::unique_ptr<SmallWriter> faster;

        EXPECT_EQ(Drain(efd), kFull);
        for (int i = 0; i < round % 32 * 16; i++) asm volatile("" ::: "memory");
        if (fate == Fate::kOvertaken || round & 1)
            faster = std::make_unique<SmallWriter>(efd, 4);
        if (fate == Fate::kInterrupted) large.Signal(SIGUSR1);
        if (fate == Fate::kKilled) large.Signal(SIGKILL);

        Tasks tasks = small.tasks();
        tasks.push_back(&large);
        if (faster) tasks.push_back(faster.get());
        tasks = WaitUntilAllSleepOrEnd(tasks, SYS_write);
        std::vector<uint64_t> asleep = small.AsleepAtRest();
        EXPECT_THAT(asleep, Each(Gt(kFull - EventfdCount(efd))))
            << "round " << round << ": asleep with a count of " << EventfdCount(efd);
        if (HasFailure()) {
            if (!large.finished()) large.Signal(SIGKILL);
            return;
        }
        DrainUntilAllHaveLanded(efd, tasks);
    }
}

/* Woken readers of a semaphore that die before they run. */
class WokenReader : public HeldBackTest {};

TEST_F(WokenReader, ThatIsKilledPassesItsUnitOn) {
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    std::vector<std::unique_ptr<ChildProcess>> dying;
    for (int i = 0; i < 3; i++) {
        dying.push_back(NewChild([&] {
            BeHeldBack();
            kReaders.Wait(efd);
        }));
        dying.back()->WaitUntilBlockedIn(SYS_read);
    }
    Waiter first(kReaders, efd, 0), second(kReaders, efd, 0), third(kReaders, efd, 0);
    Tasks others = {&first.thread(), &second.thread(), &third.thread()};
    {
        OccupiedProcessor occupied(processor());
        Must(Write(efd, 3));
        /* Who is woken beside them, as on stock, is served now. */
        WaitUntilAllSleepOrEnd(others, SYS_read);
        for (auto& process : dying) process->Signal(SIGKILL);
    }
    for (auto& process : dying) EXPECT_TRUE(WIFSIGNALED(process->Wait()));
    EXPECT_THAT(WaitUntilAllSleepOrEnd(others, SYS_read), IsEmpty())
        << "sleep with a count of " << EventfdCount(efd);
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(WokenReader, ThatIsInterruptedInVainLeavesTheNextUnitToOthers) {
    NeedAbility(Ability::kThreadStorage);
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    CountingHandler handler(SIGUSR1, 0);
    ScopedThread interrupted([&] {
        uint64_t value;
        BeHeldBack();
        EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EINTR));
    });
    interrupted.WaitUntilBlockedIn(SYS_read);
    Waiter first(kReaders, efd, 0), second(kReaders, efd, 0);
    {
        OccupiedProcessor occupied(processor());
        Undisturbed only_us;
        Must(Write(efd, 2));
        EXPECT_EQ(Drain(efd), 1u);
        EXPECT_EQ(Drain(efd), 1u);
        interrupted.Signal(SIGUSR1);
    }
    interrupted.Join();
    Must(Write(efd, 2));
    Tasks others = {&first.thread(), &second.thread()};
    EXPECT_THAT(WaitUntilAllSleepOrEnd(others, SYS_read), IsEmpty())
        << "sleep with a count of " << EventfdCount(efd);
}

/* Readers that read once each, and know how often they slept for it. */
class ManyReaders : public testing::TestWithParam<int> {
  protected:
    static constexpr int kMany = 100;

    /* By nothing that could sleep itself, as an allocation can. */
    static long OwnSwitches() {
        rusage usage = {};
        getrusage(RUSAGE_THREAD, &usage);
        return usage.ru_nvcsw;
    }
};

INSTANTIATE_TEST_SUITE_P(Of, ManyReaders, testing::Values(0, EFD_SEMAPHORE),
                         [](const auto& info) { return info.param ? "Semaphore" : "Plain"; });

TEST_P(ManyReaders, AreEachServedByOnePostAndSleepOnce) {
    SKIP_WITHOUT(Change::kWakeOne);
    FileDescriptor efd = NewEventfd(0, GetParam());
    std::atomic<long> switches{0}, served{0};
    {
        std::vector<std::unique_ptr<ScopedThread>> readers;
        for (int i = 0; i < kMany; i++)
            readers.push_back(NewThread([&] {
                /* In memory: a read that has to wait for a page lets another one go first. */
                uint64_t value = 0;
                long before = OwnSwitches();
                if (read(efd, &value, sizeof(value)) != sizeof(value) || value != 1)
                    ADD_FAILURE() << "read " << value << ": " << ErrnoText(errno);
                switches += OwnSwitches() - before;
                served++;
            }));
        for (auto& reader : readers) reader->WaitUntilBlockedIn(SYS_read);
        for (int posts = 1; posts <= kMany; posts++) {
            Must(Write(efd, 1));
            /* Two posts to a plain one may become one. */
            const int to_wait_for = GetParam() ? std::min(posts, kMany / 10) : posts;
            while (served < to_wait_for) sched_yield();
        }
    }
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_EQ(served, kMany);
    EXPECT_LE(switches, kMany);
}

/* Whoever was not woken: what is there is not its own, and yet nobody's before it. */
class WaiterThatWasNotWoken : public HeldBackTest {};

TEST_F(WaiterThatWasNotWoken, TakesWhatIsThereInSpiteOfASignal) {
    NeedAbility(Ability::kThreadStorage);
    FileDescriptor efd = kReaders.NewEventfd();
    CountingHandler handler(SIGUSR1, 0);
    ScopedThread woken([&] {
        BeHeldBack();
        EXPECT_TRUE(kReaders.Wait(efd)) << ErrnoText(errno);
    });
    woken.WaitUntilBlockedIn(SYS_read);
    ScopedThread other([&] { EXPECT_TRUE(kReaders.Wait(efd)) << ErrnoText(errno); });
    other.WaitUntilBlockedIn(SYS_read);
    {
        OccupiedProcessor occupied(processor());
        {
            Undisturbed only_us;
            Must(Write(efd, 1));
            other.Signal(SIGUSR1);
        }
        /* Where another one has been quicker, a signal ends the read. */
        WaitUntil([&] { return other.finished(); });
    }
    EXPECT_EQ(handler.count(), 1);
    Must(Write(efd, 1));
}

TEST_F_WITH(WaiterThatWasNotWoken, WakesNobodyWhenItIsInterrupted,
            Needs(Change::kWakeFittingWriters)) {
    NeedAbility(Ability::kThreadStorage);
    FileDescriptor efd = kWriters.NewEventfd();
    CountingHandler handler(SIGUSR1, 0);
    ScopedThread woken([&] {
        BeHeldBack();
        EXPECT_TRUE(kWriters.Wait(efd)) << ErrnoText(errno);
    });
    woken.WaitUntilBlockedIn(SYS_write);
    ScopedThread large([&] { EXPECT_THAT(Write(efd, 3), SyscallFailsWithErrno(EINTR)); });
    large.WaitUntilBlockedIn(SYS_write);
    SmallWriter small(efd, 1);
    small.WaitUntilBlockedIn(SYS_write);
    {
        OccupiedProcessor occupied(processor());
        Drain(efd);
        large.Signal(SIGUSR1);
        large.Join();
        EXPECT_TRUE(small.SleepsIn(SYS_write)) << "the space was another one's";
    }
    DrainUntilAllHaveLanded(efd, {&woken, &small});
}

/* Units and waiters as many as two changes serve, and two waiters more. */
TEST_P_WITH(ChangesInARowForUnits, WakeNoMoreThanTheyServe,
            NeedsFor("Reader", Change::kWakeOne),
            NeedsFor("Writer", Change::kWakeFittingWriters)) {
    const Side& side = GetParam();
    FileDescriptor efd = side.NewEventfd();
    std::vector<std::unique_ptr<Waiter>> waiters;
    std::vector<unsigned long> before;
    Tasks tasks;
    for (int i = 0; i < 4; i++) {
        waiters.push_back(std::make_unique<Waiter>(side, efd, 0));
        before.push_back(waiters.back()->thread().switches());
        tasks.push_back(&waiters.back()->thread());
    }
    {
        Undisturbed only_us;
        for (int i = 0; i < 2; i++) side.Serve(efd);
    }
    tasks = WaitUntilAllSleepOrEnd(tasks, side.call());
    EXPECT_EQ(tasks.size(), 2u);
    for (size_t i : {2u, 3u})
        EXPECT_EQ(waiters[i]->thread().switches(), before[i]) << "of the waiter " << i;
    while (!(tasks = WaitUntilAllSleepOrEnd(tasks, side.call())).empty()) side.Serve(efd);
}

/* Readers and writers wait at one time only while a woken reader is still to come. */
class WriterBehindAReader : public HeldBackTest {};

TEST_F(WriterBehindAReader, IsWokenForSpace) {
    FileDescriptor efd = kReaders.NewEventfd();
    auto read_one = [&] {
        BeHeldBack();
        EXPECT_TRUE(kReaders.Wait(efd)) << ErrnoText(errno);
    };
    ScopedThread first(read_one);
    first.WaitUntilBlockedIn(SYS_read);
    ScopedThread second(read_one);
    second.WaitUntilBlockedIn(SYS_read);
    std::unique_ptr<ScopedThread> writer;
    {
        OccupiedProcessor occupied(processor());
        Must(Write(efd, 1));
        writer =
            NewThread([&] { EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8)); });
        writer->WaitUntilBlockedIn(SYS_write);
    }
    Tasks asleep = WaitUntilAllSleepOrEnd({&first, &second, writer.get()}, kAnyCall);
    EXPECT_THAT(asleep, IsEmpty()) << "with a count of " << EventfdCount(efd);
    if (!asleep.empty()) Must(Write(efd, 1));
    writer->Join();
    second.Join();
    EXPECT_EQ(Drain(efd), 1u);
}

/* Whose place on the wait list is not a matter of its priority. */
class OrdinaryTask : public RealTimeTest, public testing::WithParamInterface<Side> {
  protected:
    void SetUp() override {
        RealTimeTest::SetUp();
        SKIP_WITHOUT(GetParam().one_by_one());
    }

    /* Serves one after the other; all that a task does before its wait is the function's. */
    void ExpectServedInOrder(const std::vector<std::function<void()>>& waits,
                             Where where = Where::current()) {
        CalledFrom test(where);
        std::vector<std::unique_ptr<ScopedThread>> threads;
        std::vector<int> order;
        for (int i = 0; i < static_cast<int>(waits.size()); i++) {
            threads.push_back(NewThread([&, i] {
                waits[static_cast<size_t>(i)]();
                order[static_cast<size_t>(served_++)] = i;
            }));
            order.push_back(-1);
            threads.back()->WaitUntilBlockedIn(GetParam().call(), where);
        }
        for (int i = 0; i < static_cast<int>(waits.size()); i++) {
            GetParam().Serve(efd_, where);
            WaitUntil([&] { return served_ == i + 1; });
        }
        for (auto& thread : threads) thread->Join();
        EXPECT_TRUE(std::is_sorted(order.begin(), order.end()))
            << testing::PrintToString(order);
    }

    void Wait(Where where = Where::current()) {
        CalledFrom test(where);
        EXPECT_TRUE(GetParam().Wait(efd_)) << ErrnoText(errno);
    }

    const FileDescriptor efd_ = GetParam().NewEventfd();

  private:
    std::atomic<int> served_{0};
};

INSTANTIATE_TEST_SUITE_P(Each, OrdinaryTask, testing::Values(kReaders, kWriters), SideName);

TEST_P(OrdinaryTask, IsServedByArrivalWhateverItsNiceValue) {
    std::vector<std::function<void()>> waits;
    for (int nice : {19, 0, 10, -5})
        waits.push_back([this, nice] {
            Must(SYSCALL(setpriority, PRIO_PROCESS, 0, nice));
            Wait();
        });
    ExpectServedInOrder(waits);
}

/* A mutex that lends its owner the priority of those who wait for it. */
class LendingMutex {
  public:
    LendingMutex() {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        int error = pthread_mutex_init(&mutex_, &attributes);
        pthread_mutexattr_destroy(&attributes);
        if (error) SkipTest("no mutex that lends priority: " + ErrnoText(error));
    }
    LendingMutex(const LendingMutex&) = delete;
    LendingMutex& operator=(const LendingMutex&) = delete;
    ~LendingMutex() { pthread_mutex_destroy(&mutex_); }

    void lock() { pthread_mutex_lock(&mutex_); }
    void unlock() { pthread_mutex_unlock(&mutex_); }

  private:
    pthread_mutex_t mutex_;
};

TEST_P(OrdinaryTask, IsServedByArrivalWhateverPriorityItInherits) {
    LendingMutex mutex;
    std::unique_ptr<ScopedThread> lends;
    ExpectServedInOrder({[this] { Wait(); },
                         [&] {
                             std::lock_guard<LendingMutex> owned(mutex);
                             lends = NewThread([&] {
                                 BecomeRealTime(1);
                                 std::lock_guard<LendingMutex> waited_for(mutex);
                             });
                             lends->WaitUntilBlockedIn(SYS_futex);
                             Wait();
                         }});
}

TEST_F_WITH(WokenReader, ThatIsKilledWakesOneInItsPlace, Needs(Change::kWakeOne)) {
    FileDescriptor efd = kReaders.NewEventfd();
    ChildProcess dying([&] { kReaders.Wait(efd); });
    dying.WaitUntilBlockedIn(SYS_read);
    ScopedThread held_back([&] {
        BeHeldBack();
        EXPECT_TRUE(kReaders.Wait(efd)) << ErrnoText(errno);
    });
    held_back.WaitUntilBlockedIn(SYS_read);
    Waiter third(kReaders, efd, 0), fourth(kReaders, efd, 0);
    unsigned long before = fourth.thread().switches();
    {
        OccupiedProcessor occupied(processor());
        {
            Undisturbed only_us;
            Must(Write(efd, 2));
            dying.Signal(SIGKILL);
        }
        EXPECT_TRUE(WIFSIGNALED(dying.Wait()));
        EXPECT_THAT(WaitUntilAllSleepOrEnd({&third.thread(), &fourth.thread()}, SYS_read),
                    ElementsAre(&fourth.thread()))
            << "with a count of " << EventfdCount(efd);
        EXPECT_EQ(fourth.thread().switches(), before);
    }
    Tasks tasks = {&held_back, &third.thread(), &fourth.thread()};
    while (!(tasks = WaitUntilAllSleepOrEnd(tasks, SYS_read)).empty()) Must(Write(efd, 1));
}

} /* namespace */
} /* namespace suite */
