// SPDX-License-Identifier: GPL-2.0
// What read and write move: values, sizes, limits, and which error comes before which.
#include <sys/uio.h>

#include <string>
#include <vector>

#include "support/abilities.h"
#include "support/descriptor.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/program.h"
#include "support/skip.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::Each;

constexpr int kNonblock = EFD_NONBLOCK;
constexpr uint64_t kUntouched = 0xa5a5a5a5a5a5a5a5;

/* Why no address is known to be the kernel's by itself; empty where one is. */
std::string WhyNoKernelAddress() {
#ifdef __s390x__
    return "user space has every address for itself on this machine";
#else
    return sizeof(long) == 8 ? "" : "no such address is certain on 32 bits";
#endif
}

/* An address in the kernel's half, on the machines where there is one. */
void* KernelAddress() {
    return reinterpret_cast<void*>(~uintptr_t{0} << (sizeof(long) * 8 - 4));
}

TEST(Read, ReturnsEightAndTheCountAndResetsIt) {
    FileDescriptor efd = NewEventfd(10, kNonblock);
    uint64_t value = kUntouched;
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, 10u);
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
}

TEST(Read, ReturnsEagainWhenEmptyAndNonblocking) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    uint64_t value = kUntouched;
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(value, kUntouched);
}

TEST(Read, ObeysANonblockFlagThatCameLater) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, O_NONBLOCK), SyscallSucceedsWithValue(0));
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, 0), SyscallSucceedsWithValue(0));
    EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, 3u);
}

TEST(Read, ShorterThanEightIsEinvalAndTakesNothing) {
    for (size_t length : {0, 1, 2, 4, 7}) {
        FileDescriptor efd = NewEventfd(3, kNonblock);
        uint64_t value = kUntouched;
        EXPECT_THAT(Read(efd, &value, length), SyscallFailsWithErrno(EINVAL));
        EXPECT_EQ(value, kUntouched);
        EXPECT_EQ(Drain(efd), 3u);
    }
}

TEST(Read, ShorterThanEightIsEinvalWhenEmpty) {
    for (size_t length : {0, 4, 7}) {
        FileDescriptor blocking = NewEventfd(0);
        FileDescriptor nonblocking = NewEventfd(0, kNonblock);
        uint64_t value;
        EXPECT_THAT(Read(blocking, &value, length), SyscallFailsWithErrno(EINVAL));
        EXPECT_THAT(Read(nonblocking, &value, length), SyscallFailsWithErrno(EINVAL));
    }
}

TEST(Read, LongerThanEightReturnsEightAndLeavesTheRestAlone) {
    for (size_t length : {9, 15, 16, 4096, 65536}) {
        FileDescriptor efd = NewEventfd(5, kNonblock);
        std::vector<unsigned char> buffer(length, 0x5a);
        EXPECT_THAT(Read(efd, buffer.data(), length), SyscallSucceedsWithValue(8));
        uint64_t value;
        memcpy(&value, buffer.data(), sizeof(value));
        EXPECT_EQ(value, 5u);
        buffer.erase(buffer.begin(), buffer.begin() + 8);
        EXPECT_EQ(buffer, std::vector<unsigned char>(length - 8, 0x5a))
            << "of a read of " << length;
    }
}

TEST(Read, LooksAtEightBytesOfALongBuffer) {
    FileDescriptor efd = NewEventfd(6, kNonblock);
    GuardedPage page;
    EXPECT_THAT(Read(efd, page.end() - 8, 65536), SyscallSucceedsWithValue(8));
    uint64_t value;
    memcpy(&value, page.end() - 8, sizeof(value));
    EXPECT_EQ(value, 6u);
}

TEST(Read, WorksAtAnyAlignment) {
    for (size_t offset = 0; offset < 8; offset++) {
        FileDescriptor efd = NewEventfd(0x01020304, kNonblock);
        unsigned char buffer[24];
        memset(buffer, 0x5a, sizeof(buffer));
        EXPECT_THAT(Read(efd, buffer + offset, 8), SyscallSucceedsWithValue(8));
        uint64_t value;
        memcpy(&value, buffer + offset, sizeof(value));
        EXPECT_EQ(value, 0x01020304u);
        EXPECT_THAT(std::vector<unsigned char>(buffer, buffer + offset), Each(0x5a));
        EXPECT_THAT(std::vector<unsigned char>(buffer + offset + 8, buffer + 24), Each(0x5a));
    }
}

TEST(Read, ShortLengthComesBeforeBadPointer) {
    FileDescriptor efd = NewEventfd(1, kNonblock);
    void* nowhere = nullptr;
    EXPECT_THAT(Read(efd, nowhere, 4), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Drain(efd), 1u);
}

TEST(Read, EmptyComesBeforeBadPointer) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    void* nowhere = nullptr;
    EXPECT_THAT(Read(efd, nowhere, 8), SyscallFailsWithErrno(EAGAIN));
}

TEST(Read, KernelAddressComesBeforeEverything) {
    std::string why_not = WhyNoKernelAddress();
    SKIP_UNLESS(why_not.empty(), why_not);
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(Read(efd, KernelAddress(), 4), SyscallFailsWithErrno(EFAULT));
    EXPECT_THAT(Read(efd, KernelAddress(), 8), SyscallFailsWithErrno(EFAULT));
}

TEST(Write, ReturnsEightAndAdds) {
    FileDescriptor efd = NewEventfd(1, kNonblock);
    EXPECT_THAT(Write(efd, 2), SyscallSucceedsWithValue(8));
    EXPECT_EQ(EventfdCount(efd), 3u);
    EXPECT_THAT(Write(efd, 0xbeef00000000), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 0xbeef00000003u);
}

TEST(Write, AThousandOnesMakeAThousand) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    for (int i = 0; i < 1000; i++) ASSERT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 1000u);
}

TEST(Write, OfZeroReturnsEightAndAddsNothing) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
    uint64_t value = kUntouched;
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(value, kUntouched);
    EXPECT_THAT(Write(efd, 7), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 7u);
}

TEST(Write, OfAnyLengthButEightIsEinvalAndAddsNothing) {
    FileDescriptor efd = NewEventfd(2, kNonblock);
    std::vector<uint64_t> buffer(65536 / 8, 1);
    for (size_t length : {0, 1, 2, 4, 7, 9, 15, 16, 4096, 65536}) {
        EXPECT_THAT(Write(efd, buffer.data(), length), SyscallFailsWithErrno(EINVAL));
        EXPECT_EQ(EventfdCount(efd), 2u) << "after a write of " << length;
    }
}

TEST(Write, OfLessThanEightBytesIsEinvalAndAddsNothing) {
    FileDescriptor efd = NewEventfd(2, kNonblock);
    uint64_t value = UINT64_MAX / 3;
    for (size_t length = 0; length < sizeof(value); length++) {
        EXPECT_THAT(Write(efd, &value, length), SyscallFailsWithErrno(EINVAL));
        EXPECT_EQ(EventfdCount(efd), 2u) << "after a write of " << length;
    }
}

TEST(Write, OfTheLargestNumberIsEinval) {
    FileDescriptor empty = NewEventfd(0, kNonblock);
    EXPECT_THAT(Write(empty, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(empty), 0u);
    FileDescriptor blocking = NewEventfd(1);
    EXPECT_THAT(Write(blocking, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(blocking), 1u);
}

TEST(Write, OfTheLargestNumberIsEinvalAlsoWhenFull) {
    FileDescriptor efd = NewEventfdAt(kFull, kNonblock);
    EXPECT_THAT(Write(efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(Write, FillsToTheLimitAtOnceAndIsReadBack) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(Write(efd, kFull), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(Write, PastTheLimitIsEagainAndAddsNothing) {
    FileDescriptor efd = NewEventfdAt(kFull, kNonblock);
    for (uint64_t value : {uint64_t{1}, uint64_t{2}, uint64_t{1} << 63, kFull}) {
        EXPECT_THAT(Write(efd, value), SyscallFailsWithErrno(EAGAIN));
        EXPECT_EQ(EventfdCount(efd), kFull);
    }
}

TEST(Write, OfZeroSucceedsWhenFull) {
    FileDescriptor efd = NewEventfdAt(kFull, kNonblock);
    EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(Write, StopsExactlyAtTheLimit) {
    FileDescriptor efd = NewEventfdAt(UINT64_MAX - 5, kNonblock);
    EXPECT_THAT(Write(efd, 5), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, 3), SyscallSucceedsWithValue(8));
    EXPECT_EQ(EventfdCount(efd), UINT64_MAX - 2);
    EXPECT_THAT(Write(efd, 10), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, 2), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Write(efd, 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(Drain(efd), kFull);
    EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 1u);
}

TEST(Write, OfTwoHalvesThatWouldWrapIsEagain) {
    FileDescriptor efd = NewEventfdAt(uint64_t{1} << 63, kNonblock);
    EXPECT_THAT(Write(efd, uint64_t{1} << 63), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, (uint64_t{1} << 63) - 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, (uint64_t{1} << 63) - 2), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(Write, FromABadPointerIsEfaultAndAddsNothing) {
    FileDescriptor efd = NewEventfd(4, kNonblock);
    GuardedPage page;
    const void* nowhere = nullptr;
    EXPECT_THAT(Write(efd, nowhere, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_THAT(Write(efd, page.end(), 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_THAT(Write(efd, page.end() - 4, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Write, FromMemoryThatCanOnlyBeReadWorks) {
    FileDescriptor efd = NewEventfd(4, kNonblock);
    ReadOnlyPage page;
    EXPECT_THAT(Write(efd, page.data(), 8), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Write, WrongLengthComesBeforeBadPointer) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    const void* nowhere = nullptr;
    EXPECT_THAT(Write(efd, nowhere, 4), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(efd, nowhere, 16), SyscallFailsWithErrno(EINVAL));
}

TEST(Write, KernelAddressComesBeforeWrongLength) {
    std::string why_not = WhyNoKernelAddress();
    SKIP_UNLESS(why_not.empty(), why_not);
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(Write(efd, KernelAddress(), 4), SyscallFailsWithErrno(EFAULT));
}

TEST(Write, BadPointerComesBeforeFull) {
    FileDescriptor efd = NewEventfdAt(kFull, kNonblock);
    const void* nowhere = nullptr;
    EXPECT_THAT(Write(efd, nowhere, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(Drain(efd), kFull);
}

/* One readv(2) of a count, into parts of these lengths. */
struct Gathered {
    SyscallResult result;
    std::string bytes;
};

Gathered ReadParts(int fd, const std::vector<size_t>& lengths) {
    std::string bytes(64, '\x5a');
    std::vector<iovec> vectors;
    size_t at = 0;
    for (size_t length : lengths) {
        vectors.push_back({&bytes[at], length});
        at += length;
    }
    SyscallResult result = Readv(fd, vectors);
    return {result, bytes};
}

uint64_t FirstEight(const std::string& bytes) {
    uint64_t value;
    memcpy(&value, bytes.data(), sizeof(value));
    return value;
}

TEST(Readv, SpreadsOneValueOverItsParts) {
    const std::vector<std::vector<size_t>> shapes = {
        {8},     {4, 4}, {1, 1, 1, 1, 1, 1, 1, 1}, {0, 8}, {3, 0, 5}, {8, 8}, {16},
        {2, 16}, {7, 2}};
    for (const std::vector<size_t>& shape : shapes) {
        FileDescriptor efd = NewEventfd(0x01020304, kNonblock);
        Gathered read = ReadParts(efd, shape);
        EXPECT_THAT(read.result, SyscallSucceedsWithValue(8));
        EXPECT_EQ(FirstEight(read.bytes), 0x01020304u) << testing::PrintToString(shape);
        EXPECT_THAT(read.bytes.substr(8), Each('\x5a')) << testing::PrintToString(shape);
        EXPECT_EQ(Drain(efd), 0u);
    }
}

TEST(Readv, OfLessThanEightInAllIsEinval) {
    const std::vector<std::vector<size_t>> shapes = {{7}, {4, 3}, {1, 1}, {0, 7}};
    for (const std::vector<size_t>& shape : shapes) {
        FileDescriptor efd = NewEventfd(5, kNonblock);
        EXPECT_THAT(ReadParts(efd, shape).result, SyscallFailsWithErrno(EINVAL))
            << testing::PrintToString(shape);
        EXPECT_EQ(Drain(efd), 5u);
    }
}

TEST(Readv, OfNoPartsReturnsZeroAndTakesNothing) {
    FileDescriptor efd = NewEventfd(5, kNonblock);
    EXPECT_THAT(Readv(efd, {}), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Drain(efd), 5u);
}

/* One writev(2): each part is the number given, or as many of its bytes as its length says. */
struct Part {
    uint64_t value;
    size_t length;
};

SyscallResult WriteParts(int fd, std::vector<Part> parts) {
    std::vector<iovec> vectors;
    for (Part& part : parts) vectors.push_back({&part.value, part.length});
    return Writev(fd, vectors);
}

TEST(Writev, IsOneWriteForEachPart) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(WriteParts(efd, {{3, 8}, {4, 8}}), SyscallSucceedsWithValue(16));
    EXPECT_EQ(Drain(efd), 7u);
    EXPECT_THAT(WriteParts(efd, {{1, 8}, {2, 8}, {3, 8}, {4, 8}}),
                SyscallSucceedsWithValue(32));
    EXPECT_EQ(Drain(efd), 10u);
}

TEST(Writev, DoesNotPutPartsTogether) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(WriteParts(efd, {{1, 4}, {1, 4}}), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(Writev, ReturnsWhatWasWrittenBeforeABadPart) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(WriteParts(efd, {{3, 8}, {4, 4}}), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 3u);
    EXPECT_THAT(WriteParts(efd, {{3, 8}, {UINT64_MAX, 8}}), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 3u);
    EXPECT_THAT(WriteParts(efd, {{kFull, 8}, {1, 8}}), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), kFull);
}

TEST(Writev, StopsAtALeadingEmptyPartAndSkipsAnInnerOne) {
    FileDescriptor efd = NewEventfd(0, kNonblock);
    EXPECT_THAT(WriteParts(efd, {{1, 0}, {2, 8}}), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Drain(efd), 0u);
    EXPECT_THAT(WriteParts(efd, {{1, 8}, {2, 0}, {4, 8}}), SyscallSucceedsWithValue(16));
    EXPECT_EQ(Drain(efd), 5u);
}

TEST(Writev, OfNoPartsReturnsZero) {
    FileDescriptor efd = NewEventfd(5, kNonblock);
    EXPECT_THAT(Writev(efd, {}), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Drain(efd), 5u);
}

SyscallResult Pwritev2(int fd, uint64_t value, off_t offset, int flags) {
    iovec vector = {&value, sizeof(value)};
    NeedAbility(Ability::kPreadv2);
    SyscallResult result = SYSCALL(pwritev2, fd, &vector, 1, offset, flags);
    return result;
}

TEST(Preadv2, NowaitReadsWhatIsThere) {
    FileDescriptor efd = NewEventfd(4);
    uint64_t value = 0;
    EXPECT_THAT(Preadv2(efd, &value, 8, -1, RWF_NOWAIT), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, 4u);
}

TEST(Preadv2, NowaitOnAnEmptyBlockingEventfdIsEagain) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = kUntouched;
    EXPECT_THAT(Preadv2(efd, &value, 8, -1, RWF_NOWAIT), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(value, kUntouched);
}

TEST(Preadv2, HarmlessFlagsAreAccepted) {
    for (int flags : {0, RWF_HIPRI, RWF_APPEND}) {
        FileDescriptor efd = NewEventfd(4);
        uint64_t value = 0;
        EXPECT_THAT(Preadv2(efd, &value, 8, -1, flags), SyscallSucceedsWithValue(8)) << flags;
        EXPECT_EQ(value, 4u);
    }
}

TEST(Preadv2, UnknownFlagIsEopnotsuppAndTakesNothing) {
    FileDescriptor efd = NewEventfd(4);
    uint64_t value = kUntouched;
    EXPECT_THAT(Preadv2(efd, &value, 8, -1, 1 << 30), SyscallFailsWithErrno(EOPNOTSUPP));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Pwritev2, TakesNoFlagsButHighPriority) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(Pwritev2(efd, 1, -1, 0), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Pwritev2(efd, 2, -1, RWF_HIPRI), SyscallSucceedsWithValue(8));
    for (int flags : {RWF_NOWAIT, RWF_DSYNC, RWF_APPEND})
        EXPECT_THAT(Pwritev2(efd, 8, -1, flags), SyscallFailsWithErrno(EOPNOTSUPP)) << flags;
    EXPECT_EQ(Drain(efd), 3u);
}

TEST(Position, ReadingOrWritingAtOneIsEspipe) {
    FileDescriptor efd = NewEventfd(4, kNonblock);
    uint64_t value = 1;
    for (off_t offset : {off_t{0}, off_t{8}, off_t{4096}}) {
        EXPECT_THAT(SYSCALL(pread, efd, &value, 8, offset), SyscallFailsWithErrno(ESPIPE));
        EXPECT_THAT(SYSCALL(pwrite, efd, &value, 8, offset), SyscallFailsWithErrno(ESPIPE));
        iovec vector = {&value, sizeof(value)};
        EXPECT_THAT(SYSCALL(preadv, efd, &vector, 1, offset), SyscallFailsWithErrno(ESPIPE));
        EXPECT_THAT(SYSCALL(pwritev, efd, &vector, 1, offset), SyscallFailsWithErrno(ESPIPE));
        if (!Has(Ability::kPreadv2)) continue;
        EXPECT_THAT(Preadv2(efd, &value, 8, offset, 0), SyscallFailsWithErrno(ESPIPE));
        EXPECT_THAT(Pwritev2(efd, 1, offset, 0), SyscallFailsWithErrno(ESPIPE));
    }
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Position, IsRefusedBeforeTheLengthIsLookedAt) {
    FileDescriptor efd = NewEventfd(4, kNonblock);
    uint64_t value = 1;
    EXPECT_THAT(SYSCALL(pread, efd, &value, 4, off_t{0}), SyscallFailsWithErrno(ESPIPE));
    EXPECT_THAT(SYSCALL(pwrite, efd, &value, 1, off_t{0}), SyscallFailsWithErrno(ESPIPE));
    iovec vector = {&value, 4};
    EXPECT_THAT(SYSCALL(preadv, efd, &vector, 1, off_t{0}), SyscallFailsWithErrno(ESPIPE));
    EXPECT_THAT(SYSCALL(pwritev, efd, &vector, 1, off_t{0}), SyscallFailsWithErrno(ESPIPE));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Position, NegativeOneIsEinval) {
    FileDescriptor efd = NewEventfd(4, kNonblock);
    uint64_t value = 1;
    EXPECT_THAT(SYSCALL(pread, efd, &value, 8, off_t{-1}), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(pwrite, efd, &value, 8, off_t{-1}), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Drain(efd), 4u);
}

} /* namespace */
} /* namespace suite */
