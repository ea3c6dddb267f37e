// SPDX-License-Identifier: GPL-2.0
// A read that cannot deliver what it took (EFAULT) gives it back, and nobody misses it.
#include <sys/uio.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "support/abilities.h"
#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"
#include "support/userfault.h"

namespace suite {
namespace {

using testing::AnyOf;
using testing::ElementsAre;

/*
 * Where a post wakes all blocked readers it is chance which of them is first. What a test makes
 * of that is certain all the same where a failed read takes the count: nobody gets it.
 */
bool OutcomeIsCertain() {
    return KernelHas(Change::kWakeOne) || !KernelHas(Change::kReadFaultsKeep);
}

enum class Bad { kNull, kReadOnly, kUnmapped, kStraddling, kSecondPart };

/* A read of 8 bytes into a buffer that is bad in one way. */
SyscallResult ReadBadly(int fd, Bad how, Where where = Where::current()) {
    GuardedPage guarded(MAP_PRIVATE, where);
    ReadOnlyPage read_only(MAP_PRIVATE, where);
    void* nowhere = nullptr;

    switch (how) {
        case Bad::kNull:
            return Read(fd, nowhere, 8);
        case Bad::kReadOnly:
            return Read(fd, read_only.data(), 8);
        case Bad::kUnmapped:
            return Read(fd, guarded.end(), 8);
        case Bad::kStraddling:
            return Read(fd, guarded.end() - 4, 8);
        case Bad::kSecondPart:
            return Readv(fd, {{guarded.start(), 4}, {guarded.end(), 4}});
    }
    FailTest("there is no such way to read badly", where);
}

struct FaultCase {
    const char* name;
    Bad how;
    int eventfd_flags;
};

const FaultCase kFaults[] = {
    {"NullPlain", Bad::kNull, 0},
    {"NullSemaphore", Bad::kNull, EFD_SEMAPHORE},
    {"ReadOnlyPlain", Bad::kReadOnly, 0},
    {"ReadOnlySemaphore", Bad::kReadOnly, EFD_SEMAPHORE},
    {"UnmappedPlain", Bad::kUnmapped, 0},
    {"UnmappedSemaphore", Bad::kUnmapped, EFD_SEMAPHORE},
    {"StraddlingPlain", Bad::kStraddling, 0},
    {"StraddlingSemaphore", Bad::kStraddling, EFD_SEMAPHORE},
    {"SecondPartPlain", Bad::kSecondPart, 0},
    {"SecondPartSemaphore", Bad::kSecondPart, EFD_SEMAPHORE},
};

class FailedRead : public testing::TestWithParam<FaultCase> {};

INSTANTIATE_TEST_SUITE_P(All, FailedRead, testing::ValuesIn(kFaults),
                         [](const auto& info) { return info.param.name; });

TEST_P_WITH(FailedRead, LeavesTheCount, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfd(5, GetParam().eventfd_flags | EFD_NONBLOCK);
    EXPECT_THAT(ReadBadly(efd, GetParam().how), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(EventfdCount(efd), 5u);
}

TEST_P_WITH(FailedRead, LeavesTheCountOfABlockingEventfd, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfd(1, GetParam().eventfd_flags);
    EXPECT_THAT(ReadBadly(efd, GetParam().how), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(Drain(efd), 1u);
}

TEST_P_WITH(FailedRead, AdmitsNoBlockedWriter, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfdAt(kFull, GetParam().eventfd_flags);
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_THAT(ReadBadly(efd, GetParam().how), SyscallFailsWithErrno(EFAULT));
    EXPECT_TRUE(writer.SleepsIn(SYS_write));
    EXPECT_EQ(EventfdCount(efd), kFull);
    Drain(efd);
    writer.Join();
}

/* As that of a function which has made itself room, and touched nothing of it. */
TEST(BufferOnAStack, BelowItsLowestPageMakesItGrow) {
    FileDescriptor efd = NewEventfd(5, EFD_NONBLOCK);
    NeedAbility(Ability::kGrowingStack);
    GrowingStack stack;
    char* buffer = stack.lowest() - 8;
    uint64_t value = 0;
    EXPECT_THAT(Read(efd, buffer, 8), SyscallSucceedsWithValue(8));
    if (!HasFailure()) memcpy(&value, buffer, 8);
    EXPECT_EQ(value, 5u);
}

TEST_WITH(FailedReads, OfALargeCountLeaveAllOfIt, Needs(Change::kReadFaultsKeep)) {
    for (uint64_t count : {uint64_t{1} << 32, (uint64_t{1} << 63) + 1, kFull}) {
        FileDescriptor efd = NewEventfdAt(count, EFD_NONBLOCK);
        for (int i = 0; i < 3; i++)
            EXPECT_THAT(ReadBadly(efd, Bad::kNull), SyscallFailsWithErrno(EFAULT));
        EXPECT_EQ(Drain(efd), count);
    }
}

TEST_WITH(FailedReads, LeaveItReadableForPollAndEpoll, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfd(5, EFD_NONBLOCK);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN | EPOLLOUT);
    EXPECT_THAT(ReadBadly(efd, Bad::kNull), SyscallFailsWithErrno(EFAULT));
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN | POLLOUT));
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN | EPOLLOUT)));
}

TEST_WITH(FailedReads, OfAFullCounterLeaveItFull, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_NONBLOCK);
    EXPECT_THAT(ReadBadly(efd, Bad::kStraddling), SyscallFailsWithErrno(EFAULT));
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN));
    EXPECT_THAT(Write(efd, 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(Drain(efd), kFull);
}

TEST_WITH(FailedReads, AreNoEventForOutput, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfd(5, EFD_NONBLOCK);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN | EPOLLOUT | EPOLLET);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN | EPOLLOUT)));
    EXPECT_THAT(ReadBadly(efd, Bad::kNull), SyscallFailsWithErrno(EFAULT));
    EXPECT_THAT(EpollWait(epoll), testing::IsEmpty());
}

TEST(FailedReads, LeaveWhatIsBeforeTheBufferAlone) {
    FileDescriptor efd = NewEventfd(5, EFD_NONBLOCK);
    GuardedPage page;
    char* buffer = page.end() - 4;
    memset(page.start(), 0x5a, PageSize());
    EXPECT_THAT(Read(efd, buffer, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(std::string(page.start(), buffer), std::string(PageSize() - 4, 0x5a));
}

/*
 * The reader sleeps, and on one processor with us: what we post cannot reach it before our own
 * bad read comes to it.
 */
class BesideReaders : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(All, BesideReaders, testing::Values(0, EFD_SEMAPHORE),
                         [](const auto& info) { return info.param ? "Semaphore" : "Plain"; });

TEST_P_WITH(BesideReaders, FailedReadTakesNothingFromABlockedOne,
            Needs(Change::kReadFaultsKeep)) {
    NeedAbility(Ability::kNowait);
    const int rounds = static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200));
    OneProcessor pinned;
    FileDescriptor efd = NewEventfd(0, GetParam());
    std::atomic<long> taken{0};
    std::atomic<bool> stop{false};
    ScopedThread reader([&] {
        uint64_t value;
        while (!stop && read(efd, &value, sizeof(value)) == sizeof(value))
            taken += static_cast<long>(value);
    });
    iovec nowhere = {nullptr, 8};
    int faults = 0;

    /* The scheduler may let the reader be first for long; then this goes on. */
    for (int round = 0; round < rounds || (!faults && round < 50 * rounds); round++) {
        reader.WaitUntilBlockedIn(SYS_read);
        Must(Write(efd, 1));
        /* With something there it fails; if the reader was first, there is nothing. */
        ASSERT_EQ(preadv2(efd, &nowhere, 1, -1, RWF_NOWAIT), -1);
        ASSERT_THAT(errno, AnyOf(EFAULT, EAGAIN));
        faults += errno == EFAULT;
        if (!Reaches([&] { return taken.load(); }, round + 1, {&reader}, SYS_read)) {
            ADD_FAILURE() << "round " << round << ": the reader sleeps with a count of "
                          << EventfdCount(efd) << ", " << taken << " taken";
            break;
        }
    }
    stop = true;
    Must(Write(efd, 1));
    SKIP_UNLESS(faults, "the reader was first in every round");
}

TEST_P_WITH(BesideReaders, FailingOnesAndGoodOnesKeepTheSum, Needs(Change::kReadFaultsKeep)) {
    NeedAbility(Ability::kNowait);
    FileDescriptor efd = NewEventfd(0, GetParam());
    std::atomic<long> taken{0};
    std::atomic<long> faults{0};
    std::atomic<bool> stop{false};
    auto read_badly = [&] {
        iovec nowhere = {nullptr, 8};
        ssize_t result = preadv2(efd, &nowhere, 1, -1, RWF_NOWAIT);
        if (result != -1) ADD_FAILURE() << "delivered " << result << " bytes to nowhere";
        faults += errno == EFAULT;
    };
    auto read_well = [&] {
        uint64_t value;
        while (!stop && read(efd, &value, sizeof(value)) == sizeof(value))
            taken += static_cast<long>(value);
    };
    ScopedThread good(read_well), other_good(read_well);
    ScopedThread bad([&] {
        while (!stop) read_badly();
    });

    /* Each fault found a count, so each is a chance to lose it. */
    long posts = 0;
    while (posts < 1000 || (faults < 100 && posts < 10000)) {
        Must(Write(efd, 1));
        posts++;
        read_badly();
    }
    stop = true;
    bad.Join();
    /* The good ones end with the next event, each. */
    WaitUntil([&] {
        if (good.finished() && other_good.finished()) return true;
        Must(Write(efd, 1));
        posts++;
        return false;
    });
    EXPECT_EQ(taken + static_cast<long>(EventfdCount(efd)), posts);
    SKIP_UNLESS(faults, "the good readers were first each time");
}

TEST_P_WITH(BesideReaders, BlockedOneThatFailsPassesTheEventOn,
            Needs({Change::kReadFaultsKeep, Change::kWakeOne}), HangsWithout()) {
    SKIP_UNLESS(OutcomeIsCertain(), Lacking({Change::kWakeOne}));
    FileDescriptor efd = NewEventfd(0, GetParam());
    uint64_t value = 0;
    ScopedThread bad(
        [&] { EXPECT_THAT(ReadBadly(efd, Bad::kNull), SyscallFailsWithErrno(EFAULT)); });
    bad.WaitUntilBlockedIn(SYS_read);
    ScopedThread good([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    good.WaitUntilBlockedIn(SYS_read);
    Must(Write(efd, 1));
    bad.Join();
    good.Join();
    EXPECT_EQ(value, 1u);
}

/* One post for all of them: each that was woken and fails passes its wake-up on. */
TEST_P_WITH(BesideReaders, SeveralThatFailLeaveNoGoodOneAsleep,
            Needs({Change::kReadFaultsKeep, Change::kWakeOne})) {
    /* Where all of them are woken the good ones may be first, and nobody fails. */
    SKIP_WITHOUT(Change::kWakeOne);
    const int good = GetParam() ? 3 : 1;
    FileDescriptor efd = NewEventfd(0, GetParam());
    std::atomic<long> taken{0};
    std::vector<std::unique_ptr<ScopedThread>> readers;
    std::vector<Task*> tasks;
    for (int i = 0; i < 3 + good; i++) {
        readers.push_back(NewThread([&, is_bad = i < 3] {
            uint64_t value = 0;
            if (is_bad) {
                EXPECT_THAT(ReadBadly(efd, Bad::kNull), SyscallFailsWithErrno(EFAULT));
            } else {
                EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
                taken += static_cast<long>(value);
            }
        }));
        readers.back()->WaitUntilBlockedIn(SYS_read);
        tasks.push_back(readers.back().get());
    }
    Must(Write(efd, 3));
    WaitUntilAllSleepOrEnd(tasks, SYS_read);
    EXPECT_EQ(taken, 3) << "with a count of " << EventfdCount(efd);
    while (!(tasks = WaitUntilAllSleepOrEnd(tasks, SYS_read)).empty()) Must(Write(efd, 1));
}

TEST_P_WITH(BesideReaders, IoUringReadGivesBackToo, Needs(Change::kReadFaultsKeep)) {
    FileDescriptor efd = NewEventfd(5, GetParam());
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    io_uring_prep_read(ring.Entry(), efd, nullptr, 8, 0);
    ring.Submit();
    EXPECT_EQ(ring.Wait().result, -EFAULT);
    EXPECT_EQ(EventfdCount(efd), 5u);
}

/* A buffer in two pages of which the kernel has not made the second one yet. */
class FaultedIn : public testing::TestWithParam<int> {
  protected:
    FaultedIn() : pages_(2 * PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE) {
        pages_.data()[0] = 1;
    }
    char* edge() const { return pages_.data() + PageSize(); }

  private:
    Mapping pages_;
};

INSTANTIATE_TEST_SUITE_P(All, FaultedIn, testing::Values(0, EFD_SEMAPHORE),
                         [](const auto& info) { return info.param ? "Semaphore" : "Plain"; });

TEST_P(FaultedIn, ReadAcrossTheEdgeIsWhole) {
    FileDescriptor efd = NewEventfd(1, GetParam());
    uint64_t value;
    EXPECT_THAT(Read(efd, edge() - 4, 8), SyscallSucceedsWithValue(8));
    memcpy(&value, edge() - 4, 8);
    EXPECT_EQ(value, 1u);
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_P(FaultedIn, ReadIntoAPartOfEachIsWhole) {
    const uint64_t count = GetParam() ? 1 : 0x0102030405060708;
    FileDescriptor efd = NewEventfdAt(count, GetParam());
    uint64_t value;
    EXPECT_THAT(Readv(efd, {{edge() - 4, 4}, {edge(), 4}}), SyscallSucceedsWithValue(8));
    memcpy(&value, edge() - 4, 8);
    EXPECT_EQ(value, count);
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/*
 * A reader whose page is to be made first takes nothing meanwhile, and looks again once the
 * page is there: by then another one may have been faster.
 */
class OvertakenWhileItsPageIsMade : public testing::TestWithParam<int> {
  protected:
    /* A read that is overtaken to 1, then what is done once it may go on. */
    void Overtake(int flags, const std::function<void(ScopedThread&)>& then,
                  const testing::Matcher<const SyscallResult&>& outcome,
                  Where where = Where::current()) {
        CalledFrom test(where);
        efd_ = NewEventfd(1, GetParam() | flags, where);
        PageToBeMade page;
        ScopedThread reader([&] { EXPECT_THAT(Read(efd_, page.data(), 8), outcome); });
        uint64_t value = 0;

        page.WaitForTouch(where);
        EXPECT_EQ(EventfdCount(efd_, where), 1u);
        EXPECT_THAT(Poll(efd_, POLLIN), Revents(POLLIN));
        EXPECT_THAT(Preadv2(efd_, &value, 8, -1, RWF_NOWAIT), SyscallSucceedsWithValue(8));
        EXPECT_EQ(value, 1u);
        page.Make(where);
        if (!HasFailure()) then(reader);
        reader.Join();
        memcpy(&delivered_, page.data(), 8);
    }

    FileDescriptor efd_;
    uint64_t delivered_ = 0;
};

INSTANTIATE_TEST_SUITE_P(All, OvertakenWhileItsPageIsMade, testing::Values(0, EFD_SEMAPHORE),
                         [](const auto& info) { return info.param ? "Semaphore" : "Plain"; });

TEST_P_WITH(OvertakenWhileItsPageIsMade, NonblockingReaderHasNothing,
            Needs(Change::kReadFaultsKeep)) {
    Overtake(
        EFD_NONBLOCK, [](ScopedThread&) {}, SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(delivered_, 0u);
}

TEST_P_WITH(OvertakenWhileItsPageIsMade, BlockingReaderWaitsForMore,
            Needs(Change::kReadFaultsKeep)) {
    Overtake(
        0,
        [&](ScopedThread& reader) {
            reader.WaitUntilBlockedIn(SYS_read);
            Must(Write(efd_, 3));
        },
        SyscallSucceedsWithValue(8));
    EXPECT_EQ(delivered_, GetParam() ? 1u : 3u);
    EXPECT_EQ(EventfdCount(efd_), GetParam() ? 2u : 0u);
}

TEST_P_WITH(OvertakenWhileItsPageIsMade, BlockingReaderWaitsOnInFrontOfOneThatCameLater,
            Needs({Change::kReadFaultsKeep, Change::kWakeOne})) {
    SKIP_UNLESS(OutcomeIsCertain(), Lacking({Change::kWakeOne}));
    efd_ = NewEventfd(1, GetParam());
    PageToBeMade page;
    uint64_t value;
    ScopedThread reader(
        [&] { EXPECT_THAT(Read(efd_, page.data(), 8), SyscallSucceedsWithValue(8)); });
    page.WaitForTouch();
    EXPECT_THAT(Preadv2(efd_, &value, 8, -1, RWF_NOWAIT), SyscallSucceedsWithValue(8));
    ScopedThread later([&] {
        uint64_t mine;
        EXPECT_THAT(Read(efd_, &mine, 8), SyscallSucceedsWithValue(8));
    });
    later.WaitUntilBlockedIn(SYS_read);
    page.Make();
    reader.WaitUntilBlockedIn(SYS_read);
    Must(Write(efd_, 1));
    EXPECT_FALSE(reader.SleepsIn(SYS_read)) << "the one that came later was faster";
    EXPECT_TRUE(later.SleepsIn(SYS_read));
    Must(Write(efd_, 1));
}

TEST_P_WITH(OvertakenWhileItsPageIsMade, BlockingReaderHearsASignal,
            Needs(Change::kReadFaultsKeep)) {
    CountingHandler handler(SIGUSR1, 0);
    Overtake(
        0,
        [](ScopedThread& reader) {
            reader.WaitUntilBlockedIn(SYS_read);
            reader.Signal(SIGUSR1);
        },
        SyscallFailsWithErrno(EINTR));
    EXPECT_EQ(delivered_, 0u);
    EXPECT_EQ(EventfdCount(efd_), 0u);
}

TEST(FailedWrite, LeavesTheCountAndWakesNobody) {
    FileDescriptor efd = NewEventfd(0);
    FileDescriptor epoll = NewEpoll();
    const void* nowhere = nullptr;
    EpollAdd(epoll, efd, EPOLLIN | EPOLLET);
    EXPECT_THAT(Write(efd, nowhere, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(EpollWait(epoll), testing::IsEmpty());
}

} /* namespace */
} /* namespace suite */
