// SPDX-License-Identifier: GPL-2.0
// What /proc/PID/fdinfo says of an eventfd, to the letter.
#include <inttypes.h>
#include <stdio.h>

#include <string>

#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/fdinfo.h"

namespace suite {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::ElementsAreArray;

/* The lines that an eventfd adds, as they have to be. */
std::string Expected(uint64_t count, long id, bool semaphore) {
    char text[160];
    snprintf(text, sizeof(text),
             "eventfd-count: %16" PRIx64 "\neventfd-id: %ld\neventfd-semaphore: %d\n", count,
             id, semaphore);
    return text;
}

std::string Own(const FileDescriptor& efd) { return Fdinfo(efd).TextFrom("eventfd-count"); }

/* A kernel that knows EFD_AUTORESET tells of it in one line more. */
void ExpectExactly(const FileDescriptor& efd, uint64_t count, bool semaphore) {
    std::string expected = Expected(count, EventfdId(efd), semaphore);
    if (KernelKnowsAutoreset())
        EXPECT_THAT(Own(efd), AnyOf(expected, expected + "eventfd-autoreset: 0\n"));
    else
        EXPECT_EQ(Own(efd), expected);
}

TEST(Fdinfo, TextIsExact) {
    FileDescriptor efd = NewEventfd(0x2a);
    ExpectExactly(efd, 0x2a, false);
}

TEST(Fdinfo, TextOfASemaphoreIsExact) {
    FileDescriptor efd = NewEventfd(3, EFD_SEMAPHORE);
    ExpectExactly(efd, 3, true);
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

TEST(Fdinfo, PositionStaysZeroAndFlagsAreTheFilesOwn) {
    FileDescriptor efd = NewEventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    Must(Write(efd, 1));
    Must(SYSCALL(lseek, efd, off_t{100}, SEEK_SET));
    Fdinfo info(efd);
    EXPECT_EQ(info.Value("pos"), "0");
    unsigned long flags = std::stoul(info.Value("flags"), nullptr, 8);
    EXPECT_EQ(flags & ~static_cast<unsigned long>(O_LARGEFILE | 0100000),
              static_cast<unsigned long>(O_RDWR | O_NONBLOCK | O_CLOEXEC));
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

TEST(Fdinfo, LinkNamesTheKindOfFile) {
    FileDescriptor efd = NewEventfd();
    char link[64] = {};
    std::string path = "/proc/self/fd/" + std::to_string(efd.get());
    EXPECT_THAT(SYSCALL(readlink, path.c_str(), &link[0], sizeof(link) - 1),
                SyscallSucceedsWithValue(20));
    EXPECT_STREQ(link, "anon_inode:[eventfd]");
}

} /* namespace */
} /* namespace suite */
