// SPDX-License-Identifier: GPL-2.0
// How an eventfd comes to be: eventfd(2), eventfd2(2), their flags, descriptor flags and ids.
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/abilities.h"
#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/fdinfo.h"
#include "support/probes.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

constexpr int kAllFlags[] = {EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE};

std::string FlagsText(int flags) {
    std::string text;
    if (flags & EFD_CLOEXEC) text += "Cloexec";
    if (flags & EFD_NONBLOCK) text += "Nonblock";
    if (flags & EFD_SEMAPHORE) text += "Semaphore";
    return text.empty() ? "None" : text;
}

std::vector<int> FlagCombinations() {
    std::vector<int> combinations;
    for (int i = 0; i < 8; i++)
        combinations.push_back((i & 1 ? kAllFlags[0] : 0) | (i & 2 ? kAllFlags[1] : 0) |
                               (i & 4 ? kAllFlags[2] : 0));
    return combinations;
}

class Flags : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(All, Flags, testing::ValuesIn(FlagCombinations()),
                         [](const auto& info) { return FlagsText(info.param); });

TEST_P(Flags, CombinationIsAcceptedAndOnlyItsFlagsAreSet) {
    int flags = GetParam();
    FileDescriptor efd = NewEventfd(3, flags);

    /* Bits that only the kernel's own 32-bit calls add are not the subject here. */
    int status = static_cast<int>(Must(SYSCALL(fcntl, efd, F_GETFL)));
    EXPECT_EQ(status, O_RDWR | (flags & EFD_NONBLOCK ? O_NONBLOCK : 0));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD),
                SyscallSucceedsWithValue(flags & EFD_CLOEXEC ? FD_CLOEXEC : 0));

    uint64_t value = 0;
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, flags & EFD_SEMAPHORE ? 1u : 3u);
    EXPECT_EQ(Drain(efd), flags & EFD_SEMAPHORE ? 1u : 0u);
}

std::vector<int> UndefinedBits() {
    std::vector<int> bits;
    for (int bit = 0; bit < 32; bit++) {
        int flag = static_cast<int>(1u << bit);
        if (std::find(std::begin(kAllFlags), std::end(kAllFlags), flag) == std::end(kAllFlags))
            bits.push_back(bit);
    }
    return bits;
}

TEST(Creation, EveryUndefinedFlagAloneIsEinval) {
    for (int bit : UndefinedBits()) {
        if (bit == 6 && KernelKnowsAutoreset()) continue;
        int flag = static_cast<int>(1u << bit);
        EXPECT_THAT(Eventfd2(0, flag), SyscallFailsWithErrno(EINVAL)) << "bit " << bit;
    }
}

TEST(Creation, AnUndefinedFlagBesideDefinedOnesIsEinval) {
    for (int bit : UndefinedBits()) {
        if (bit == 6) continue;
        int flags = static_cast<int>(1u << bit) | EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE;
        EXPECT_THAT(Eventfd2(0, flags), SyscallFailsWithErrno(EINVAL)) << "bit " << bit;
    }
    EXPECT_THAT(Eventfd2(0, -1), SyscallFailsWithErrno(EINVAL));
}

TEST(Creation, FlagsAreThoseOfOpen) {
    EXPECT_EQ(EFD_CLOEXEC, O_CLOEXEC);
    EXPECT_EQ(EFD_NONBLOCK, O_NONBLOCK);
    EXPECT_EQ(EFD_SEMAPHORE, 1);
}

TEST(Creation, OldCallTakesNoFlagsAndIgnoresItsSecondArgument) {
#ifdef SYS_eventfd
    FileDescriptor efd(static_cast<int>(Must(RAW_SYSCALL(eventfd, 5u, -1))));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(0));
    int status = static_cast<int>(Must(SYSCALL(fcntl, efd, F_GETFL)));
    EXPECT_EQ(status, O_RDWR);
    uint64_t value = 0;
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, 5u);
#else
    GTEST_SKIP() << "this architecture has eventfd2(2) only";
#endif
}

TEST(Creation, LibcsFunctionsAreTheCalls) {
    for (int flags : {0, int{EFD_SEMAPHORE}, EFD_CLOEXEC | EFD_NONBLOCK}) {
        FileDescriptor efd(static_cast<int>(Must(SYSCALL(eventfd, 3u, flags))));
        eventfd_t value = 0;
        EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD),
                    SyscallSucceedsWithValue(flags & EFD_CLOEXEC ? FD_CLOEXEC : 0));
        EXPECT_THAT(SYSCALL(eventfd_write, efd, eventfd_t{4}), SyscallSucceedsWithValue(0));
        EXPECT_THAT(SYSCALL(eventfd_read, efd, &value), SyscallSucceedsWithValue(0));
        EXPECT_EQ(value, flags & EFD_SEMAPHORE ? 1u : 7u);
        EXPECT_EQ(EventfdCount(efd), flags & EFD_SEMAPHORE ? 6u : 0u);
        EXPECT_THAT(SYSCALL(eventfd_write, efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    }
    EXPECT_THAT(SYSCALL(eventfd, 0u, 2), SyscallFailsWithErrno(EINVAL));
}

TEST(Creation, LibcsReadAndWriteNeedAFileThatIsOpenForIt) {
    NeedAbility(Ability::kDevNull);
    FileDescriptor write_only(static_cast<int>(Must(SYSCALL(open, "/dev/null", O_WRONLY))));
    FileDescriptor read_only(static_cast<int>(Must(SYSCALL(open, "/dev/null", O_RDONLY))));
    eventfd_t value = 99;
    EXPECT_THAT(SYSCALL(eventfd_read, write_only, &value), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(SYSCALL(eventfd_write, read_only, eventfd_t{1}), SyscallFailsWithErrno(EBADF));
    EXPECT_EQ(value, 99u);
}

TEST(Creation, InitialValueKeepsAll32Bits) {
    for (unsigned int initval : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xdeadbeefu, 0xffffffffu}) {
        FileDescriptor efd = NewEventfd(initval, EFD_NONBLOCK);
        EXPECT_EQ(Drain(efd), initval);
    }
}

TEST(Creation, InitialValueIsCutTo32Bits) {
    SKIP_UNLESS(sizeof(long) == 8, "an argument has 32 bits here");
    FileDescriptor efd(static_cast<int>(
        Must(RAW_SYSCALL(eventfd2, static_cast<long>(0x100000007LL), static_cast<long>(0)))));
    EXPECT_EQ(Drain(efd), 7u);
}

TEST(Creation, TakesTheLowestFreeDescriptor) {
    FileDescriptor first = NewEventfd();
    FileDescriptor second = NewEventfd();
    int lower = first.get();
    EXPECT_LT(lower, second.get());
    first.Reset();
    FileDescriptor third = NewEventfd();
    EXPECT_EQ(third.get(), lower);
}

TEST(Creation, EachEventfdHasACounterOfItsOwn) {
    FileDescriptor one = NewEventfd(1);
    FileDescriptor other = NewEventfd(2);
    EXPECT_THAT(Write(one, 10), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(one), 11u);
    EXPECT_EQ(Drain(other), 2u);
}

TEST(Descriptor, DupSharesTheCounterAndClearsCloexec) {
    FileDescriptor efd = NewEventfd(0, EFD_CLOEXEC);
    FileDescriptor dup = Dup(efd);
    EXPECT_THAT(SYSCALL(fcntl, dup, F_GETFD), SyscallSucceedsWithValue(0));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(FD_CLOEXEC));
    EXPECT_THAT(Write(efd, 4), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(dup), 4u);
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(Descriptor, CloexecOfADupIsItsOwn) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    EXPECT_THAT(SYSCALL(fcntl, dup, F_SETFD, FD_CLOEXEC), SyscallSucceedsWithValue(0));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(0));
}

TEST(Descriptor, NonblockIsSharedByDups) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    EXPECT_THAT(SYSCALL(fcntl, dup, F_SETFL, O_NONBLOCK), SyscallSucceedsWithValue(0));
    uint64_t value = 0;
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
}

TEST(Descriptor, ClosedNumberIsEbadf) {
    FileDescriptor efd = NewEventfd(1);
    int number = efd.get();
    efd.Reset();
    uint64_t value = 0;
    EXPECT_THAT(Read(number, &value), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(Write(number, 1), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(SYSCALL(fcntl, number, F_GETFD), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(SYSCALL(fcntl, number, F_SETFD, FD_CLOEXEC), SyscallFailsWithErrno(EBADF));
}

TEST(Descriptor, CloexecIsClosedByExecveAndOthersAreNot) {
    NeedAbility(Ability::kExecOfItself);
    SKIP_UNLESS(!access("/proc/self/exe", X_OK), "/proc/self/exe cannot be executed");
    FileDescriptor kept = NewEventfd(0, 0);
    FileDescriptor closed = NewEventfd(0, EFD_CLOEXEC);
    std::string kept_name = std::to_string(kept);
    std::string closed_name = std::to_string(closed);

    ChildProcess child([&] {
        Must(SYSCALL(setenv, "EVENTFD_KEPT", kept_name.c_str(), 1));
        Must(SYSCALL(setenv, "EVENTFD_CLOSED", closed_name.c_str(), 1));
        execl("/proc/self/exe", "eventfd_creation", "--no-fork",
              "--gtest_filter=AfterExecve.DISABLED_*", "--gtest_also_run_disabled_tests",
              nullptr);
        ADD_FAILURE() << "execl: " << ErrnoText(errno);
    });
    child.ExpectSuccess();
    /* What the new program wrote came through the descriptor that it kept. */
    EXPECT_EQ(Drain(kept), 77u);
}

/* The program that the test above executes. */
TEST(AfterExecve, DISABLED_OnlyTheKeptDescriptorIsThere) {
    int kept = static_cast<int>(NumberFromEnvironment("EVENTFD_KEPT", 0));
    int closed = static_cast<int>(NumberFromEnvironment("EVENTFD_CLOSED", 0));
    ASSERT_NE(kept, closed);
    EXPECT_THAT(SYSCALL(fcntl, closed, F_GETFD), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(Write(kept, 77), SyscallSucceedsWithValue(8));
}

/* Lowers the number of descriptors so far that not one more fits. */
class NoMoreDescriptors {
  public:
    explicit NoMoreDescriptors(Where where = Where::current()) {
        Must(SYSCALL(getrlimit, RLIMIT_NOFILE, &old_), where);
        rlimit low = old_;
        low.rlim_cur = static_cast<rlim_t>(Dup(STDOUT_FILENO, where).get());
        Must(SYSCALL(setrlimit, RLIMIT_NOFILE, &low), where);
    }
    ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &old_); }

  private:
    rlimit old_;
};

TEST(Creation, FailsWithEmfileWhereNoDescriptorIsLeft) {
    NoMoreDescriptors limit;
    EXPECT_THAT(Eventfd2(0, 0), SyscallFailsWithErrno(EMFILE));
    /* Bad flags are looked at first. */
    EXPECT_THAT(Eventfd2(0, 2), SyscallFailsWithErrno(EINVAL));
}

/*
 * Ids are the whole system's. Which one comes next is known only while nobody else makes or
 * closes an eventfd, so these tests try more than once.
 */
long NextId(Where where = Where::current()) {
    FileDescriptor efd = NewEventfd(0, 0, where);
    return EventfdId(efd, where);
}

TEST(Ids, AreUniqueWhileOpen) {
    std::vector<FileDescriptor> efds;
    std::vector<long> ids;
    for (int i = 0; i < 32; i++) {
        efds.push_back(NewEventfd());
        ids.push_back(EventfdId(efds.back()));
    }
    std::sort(ids.begin(), ids.end());
    EXPECT_GE(ids.front(), 0);
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST(Ids, AreTheSameThroughEveryDescriptorOfAnEventfd) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    EXPECT_EQ(EventfdId(efd), EventfdId(dup));
}

TEST(Ids, LowestFreeOneIsUsedAgainAfterClose) {
    bool reused = false;
    for (int attempt = 0; attempt < 100 && !reused; attempt++) {
        FileDescriptor low = NewEventfd();
        FileDescriptor high = NewEventfd();
        long freed = EventfdId(low);
        if (freed > EventfdId(high)) continue; /* somebody else's came in between */
        low.Reset();
        FileDescriptor next = NewEventfd();
        reused = EventfdId(next) == freed;
    }
    EXPECT_TRUE(reused);
}

TEST(Ids, AreNotLeakedByACreationThatFails) {
    bool returned = false;
    for (int attempt = 0; attempt < 20 && !returned; attempt++) {
        long before = NextId();
        {
            NoMoreDescriptors limit;
            for (int i = 0; i < 100; i++)
                ASSERT_THAT(Eventfd2(0, 0), SyscallFailsWithErrno(EMFILE));
        }
        /* Were they leaked, the next would be 100 further on. */
        returned = NextId() == before;
    }
    EXPECT_TRUE(returned);
}

/* Memory that the kernel holds in its slabs, in KiB. */
long SlabMemory() {
    std::string text = ReadWholeFile("/proc/meminfo");
    size_t at = text.find("\nSlab:");
    return at == std::string::npos ? -1 : strtol(text.c_str() + at + 6, nullptr, 10);
}

/* A kernel that looks for the use of freed memory keeps it for a while, but not for ever. */
TEST_WITH(Creation, AndCloseLeaveNoMemoryBehind, TimeLimit(60s)) {
    SKIP_UNLESS(SlabMemory() >= 0, "no word on slabs in /proc/meminfo");
    long growth = 0;
    for (int attempt = 0; attempt < 40; attempt++) {
        long before = SlabMemory();
        for (int i = 0; i < 5000; i++) ASSERT_EQ(close(eventfd(0, 0)), 0) << ErrnoText(errno);
        growth = SlabMemory() - before;
        if (growth < 250) break;
    }
    EXPECT_LT(growth, 250) << "KiB more after each 5000 eventfds";
}

/* No more open files in the whole system, but for those who may have them. */
class NoMoreFiles {
  public:
    explicit NoMoreFiles(Where where = Where::current()) : old_(ReadWholeFile(kLimit)) {
        Set("0\n", where);
    }
    ~NoMoreFiles() { Set(old_); }

  private:
    static constexpr const char* kLimit = "/proc/sys/fs/file-max";

    static void Set(const std::string& text, Where where = Where::current()) {
        FileDescriptor file(static_cast<int>(Must(SYSCALL(open, kLimit, O_WRONLY), where)));
        Must(Write(file, text.data(), text.size()), where);
    }

    std::string old_;
};

TEST(Creation, FailsWithEnfileWhereNoFileIsLeftAndLeaksNothing) {
    struct statfs root;
    Must(SYSCALL(statfs, "/", &root));
    SKIP_UNLESS(root.f_type == RAMFS_MAGIC || root.f_type == TMPFS_MAGIC,
                "would keep a whole system that is in use from opening files");
    ChildProcess child([] {
        long id = NextId();
        int lowest = Dup(STDOUT_FILENO).get();
        {
            NoMoreFiles limit;
            Must(SYSCALL(seteuid, 65534));
            for (int i = 0; i < 100; i++)
                EXPECT_THAT(Eventfd2(0, 0), SyscallFailsWithErrno(ENFILE));
            Must(SYSCALL(seteuid, 0));
        }
        EXPECT_EQ(Dup(STDOUT_FILENO).get(), lowest);
        EXPECT_EQ(NextId(), id);
    });
    child.ExpectSuccess();
}

} /* namespace */
} /* namespace suite */
