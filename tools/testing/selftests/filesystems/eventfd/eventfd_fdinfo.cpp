// SPDX-License-Identifier: GPL-2.0
// What /proc/PID/fdinfo says of an eventfd, to the letter.
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#include <string>

#include "support/abilities.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/fdinfo.h"
#include "support/probes.h"
#include "support/program.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::AnyOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsSupersetOf;

/* The lines that an eventfd adds, as they have to be. */
std::string Expected(uint64_t count, long id, bool semaphore) {
    char text[160];
    snprintf(text, sizeof(text),
             "eventfd-count: %16" PRIx64 "\neventfd-id: %ld\neventfd-semaphore: %d\n", count,
             id, semaphore);
    return text;
}

std::string Own(const FileDescriptor& efd, Where where = Where::current()) {
    return Fdinfo(efd, where).TextFrom("eventfd-count");
}

/* A kernel that knows EFD_AUTORESET tells of it in one line more. */
void ExpectExactly(const FileDescriptor& efd, uint64_t count, bool semaphore,
                   Where where = Where::current()) {
    CalledFrom test(where);
    std::string expected = Expected(count, EventfdId(efd, where), semaphore);
    if (KernelKnowsAutoreset())
        EXPECT_THAT(Own(efd, where), AnyOf(expected, expected + "eventfd-autoreset: 0\n"));
    else
        EXPECT_EQ(Own(efd, where), expected);
}

TEST(Fdinfo, TextIsExact) {
    FileDescriptor efd = NewEventfd(0x2a);
    ExpectExactly(efd, 0x2a, false);
}

TEST(Fdinfo, TextOfASemaphoreIsExact) {
    FileDescriptor efd = NewEventfd(3, EFD_SEMAPHORE);
    ExpectExactly(efd, 3, true);
}

/* To its last byte, of each kind; how it is open is none of what these lines tell. */
TEST(Fdinfo, TextOfEachKindIsExactWhateverTheOtherFlags) {
    const bool knows_autoreset = KernelKnowsAutoreset();
    std::vector<int> kinds = {0, EFD_SEMAPHORE};
    if (knows_autoreset) kinds.push_back(EFD_AUTORESET);
    for (int kind : kinds)
        for (int others :
             {0, int{EFD_NONBLOCK}, int{EFD_CLOEXEC}, int{EFD_NONBLOCK | EFD_CLOEXEC}})
            for (uint64_t count : {uint64_t{0}, uint64_t{0x2a}, kFull}) {
                FileDescriptor efd = NewEventfdAt(count, kind | others);
                std::string expected = Expected(count, EventfdId(efd), kind == EFD_SEMAPHORE);
                if (knows_autoreset)
                    expected += kind == EFD_AUTORESET ? "eventfd-autoreset: 1\n"
                                                      : "eventfd-autoreset: 0\n";
                EXPECT_EQ(Own(efd), expected) << "made with the flags " << (kind | others);
            }
}

TEST(Fdinfo, CountIsHexadecimalAndPaddedWithBlanks) {
    FileDescriptor efd = NewEventfd();
    EXPECT_EQ(Own(efd).substr(0, 32), "eventfd-count:                0\n");
    Must(Write(efd, 0xabcdef));
    EXPECT_EQ(Own(efd).substr(0, 32), "eventfd-count:           abcdef\n");
    Must(Write(efd, kFull - 0xabcdef));
    EXPECT_EQ(Own(efd).substr(0, 32), "eventfd-count: fffffffffffffffe\n");
}

TEST(Fdinfo, LinesComeAfterTheGeneralOnes) {
    FileDescriptor efd = NewEventfd();
    std::vector<std::string> expected = {
        "pos", "flags", "mnt_id", "ino", "eventfd-count", "eventfd-id", "eventfd-semaphore"};
    std::vector<std::string> keys = Fdinfo(efd).Keys();
    if (KernelKnowsAutoreset() && keys.size() == 8) expected.push_back("eventfd-autoreset");
    EXPECT_THAT(keys, ElementsAreArray(expected));
}

TEST(Fdinfo, LinesComeAfterThoseOfLocks) {
    NeedAbility(Ability::kFdinfoCount);
    FileDescriptor efd = NewEventfd(1);
    Must(SYSCALL(flock, efd, LOCK_SH | LOCK_NB));
    EXPECT_THAT(Fdinfo(efd).Keys(), IsSupersetOf({"lock", "eventfd-count"}));
    EXPECT_THAT(Fdinfo(efd).TextFrom("lock"), HasSubstr("\n" + Own(efd)));
    ExpectExactly(efd, 1, false);
}

/* From what fdinfo says, and that alone, as CRIU does it. */
FileDescriptor MakeAnotherLike(int fd, Where where = Where::current()) {
    Fdinfo info(fd);
    unsigned long status = std::stoul(info.Value("flags"), nullptr, 8);
    int flags = static_cast<int>(status) & (EFD_NONBLOCK | EFD_CLOEXEC);
    if (info.Value("eventfd-semaphore") == "1") flags |= EFD_SEMAPHORE;
    if (info.Value("eventfd-autoreset") == "1") flags |= EFD_AUTORESET;
    return NewEventfdAt(EventfdCount(fd, where), flags, where);
}

TEST(Fdinfo, TellsAllThatItTakesToMakeAnotherOne) {
    std::vector<int> kinds = {0, EFD_SEMAPHORE};
    if (KernelKnowsAutoreset()) kinds.push_back(EFD_AUTORESET);
    for (int kind : kinds)
        for (int others : {0, int{EFD_NONBLOCK}, int{EFD_CLOEXEC}})
            for (uint64_t count : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, kFull}) {
                FileDescriptor efd = NewEventfdAt(count, kind | others);
                FileDescriptor another = MakeAnotherLike(efd);
                Fdinfo its(efd), anothers(another);
                for (const char* key :
                     {"flags", "eventfd-count", "eventfd-semaphore", "eventfd-autoreset"})
                    EXPECT_EQ(its.Value(key), anothers.Value(key)) << key;
                EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFD)),
                          Must(SYSCALL(fcntl, another, F_GETFD)));
                EXPECT_EQ(Drain(another), kind == EFD_SEMAPHORE ? count != 0 : count);
            }
}

TEST(Fdinfo, PositionStaysZeroAndFlagsAreTheFilesOwn) {
    NeedAbility(Ability::kFdinfoCount);
    FileDescriptor efd = NewEventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    Must(Write(efd, 1));
    Must(SYSCALL(lseek, efd, off_t{100}, SEEK_SET));
    Fdinfo info(efd);
    EXPECT_EQ(info.Value("pos"), "0");
    unsigned long flags = std::stoul(info.Value("flags"), nullptr, 8);
    EXPECT_EQ(flags, static_cast<unsigned long>(O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

TEST(Fdinfo, FollowsTheCount) {
    FileDescriptor efd = NewEventfd(1, EFD_NONBLOCK);
    ExpectExactly(efd, 1, false);
    Must(Write(efd, 15));
    ExpectExactly(efd, 16, false);
    EXPECT_EQ(Drain(efd), 16u);
    ExpectExactly(efd, 0, false);
}

TEST(Fdinfo, LookingTakesNothing) {
    FileDescriptor efd = NewEventfd(9, EFD_NONBLOCK);
    for (int i = 0; i < 3; i++) EXPECT_EQ(EventfdCount(efd), 9u);
    EXPECT_EQ(Drain(efd), 9u);
}

TEST(Fdinfo, IsTheSameThroughADup) {
    FileDescriptor efd = NewEventfd(9);
    FileDescriptor dup = Dup(efd);
    EXPECT_EQ(Own(efd), Own(dup));
}

TEST(Fdinfo, IdDiffersBetweenEventfds) {
    FileDescriptor one = NewEventfd();
    FileDescriptor other = NewEventfd();
    EXPECT_GE(EventfdId(one), 0);
    EXPECT_NE(EventfdId(one), EventfdId(other));
}

} /* namespace */
} /* namespace suite */
