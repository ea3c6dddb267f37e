// SPDX-License-Identifier: GPL-2.0
// Reading and writing, by every way there is: the same values, limits, errors and wake-ups.
// Where the ways differ, a test names the difference.
#include <string.h>
#include <sys/mman.h>

#include <memory>
#include <vector>

#include "support/abilities.h"
#include "support/aio.h"
#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/transport.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kNonblock = EFD_NONBLOCK;
constexpr int kSemaphore = EFD_SEMAPHORE;
constexpr uint64_t kUntouched = 0xa5a5a5a5a5a5a5a5;

/* An eventfd, and the transport of the test's parameter to it. */
class Over : public testing::TestWithParam<TransportKind> {
  protected:
    void SetUp() override {
        std::string why_not = WhyNotTransport(GetParam());
        SKIP_UNLESS(why_not.empty(), why_not);
    }

    void Use(uint64_t count, int flags = 0, Where where = Where::current()) {
        transport_.reset();
        efd_ = NewEventfdAt(count, flags, where);
        transport_ = Transport::Make(GetParam(), efd_, {page_.start(), PageSize()}, where);
    }

    /* The buffers that serve all tests which do not want a special one. */
    uint64_t* slot() { return reinterpret_cast<uint64_t*>(page_.start()); }

    SyscallResult Read(uint64_t* value) {
        *slot() = kUntouched;
        SyscallResult result = transport_->Read(slot(), 8);
        *value = *slot();
        return result;
    }

    SyscallResult Write(uint64_t value) {
        *slot() = value;
        return transport_->Write(slot(), 8);
    }

    std::unique_ptr<Operation> StartRead(Where where = Where::current()) {
        *slot() = kUntouched;
        return transport_->StartRead(slot(), 8, where);
    }

    std::unique_ptr<Operation> StartWrite(uint64_t value, Where where = Where::current()) {
        *slot() = value;
        return transport_->StartWrite(slot(), 8, where);
    }

    uint64_t Count(Where where = Where::current()) { return EventfdCount(efd_, where); }

    void ExpectReadToWaitForAWrite(int flags, Where where = Where::current()) {
        CalledFrom test(where);
        Use(0, flags, where);
        std::unique_ptr<Operation> read = StartRead(where);
        read->WaitUntilWaiting(where);
        Must(suite::Write(efd_, 0), where);
        read->WaitUntilWaiting(where);
        Must(suite::Write(efd_, 42), where);
        EXPECT_THAT(read->Finish(where), SyscallSucceedsWithValue(8));
        EXPECT_EQ(*slot(), 42u);
        EXPECT_EQ(Count(where), 0u);
    }

    void ExpectWriteToWaitForARead(int flags, Where where = Where::current()) {
        CalledFrom test(where);
        Use(kFull, flags, where);
        std::unique_ptr<Operation> write = StartWrite(5, where);
        write->WaitUntilWaiting(where);
        EXPECT_EQ(Count(where), kFull);
        EXPECT_EQ(Drain(efd_, where), kFull);
        EXPECT_THAT(write->Finish(where), SyscallSucceedsWithValue(8));
        EXPECT_EQ(Count(where), 5u);
    }

    GuardedPage page_{MAP_PRIVATE | kLowMemory};
    FileDescriptor efd_;
    std::unique_ptr<Transport> transport_;
};

std::string NameOf(const testing::TestParamInfo<TransportKind>& info) {
    return TransportName(info.param);
}

class ReadOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, ReadOver, testing::ValuesIn(Transports()), NameOf);

TEST_P(ReadOver, ReturnsEightAndTheCountAndResetsIt) {
    for (uint64_t count : {uint64_t{1}, uint64_t{0xdeadbeef}, uint64_t{1} << 32, kFull}) {
        Use(count);
        uint64_t value;
        EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
        EXPECT_EQ(value, count);
        EXPECT_EQ(Count(), 0u);
    }
}

TEST_P(ReadOver, OfASemaphoreTakesOneAndReturnsOne) {
    Use(3, EFD_SEMAPHORE);
    for (uint64_t left : {2, 1, 0}) {
        uint64_t value;
        EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
        EXPECT_EQ(value, 1u);
        EXPECT_EQ(Count(), left);
    }
}

TEST_P(ReadOver, OfLessThanEightIsEinvalAndTakesNothing) {
    Use(3, EFD_NONBLOCK);
    for (size_t length : {1, 4, 7}) {
        *slot() = kUntouched;
        EXPECT_THAT(transport_->Read(slot(), length), SyscallFailsWithErrno(EINVAL)) << length;
        EXPECT_EQ(*slot(), kUntouched);
        EXPECT_EQ(Count(), 3u);
    }
}

TEST_P(ReadOver, OfMoreThanEightReturnsEightAndLeavesTheRestAlone) {
    for (size_t length : {9, 16, 4000}) {
        Use(5);
        memset(page_.start(), 0x5a, PageSize());
        EXPECT_THAT(transport_->Read(slot(), length), SyscallSucceedsWithValue(8)) << length;
        EXPECT_EQ(*slot(), 5u);
        EXPECT_EQ(std::string(page_.start() + 8, length - 8), std::string(length - 8, 0x5a));
        EXPECT_EQ(Count(), 0u);
    }
}

TEST_P(ReadOver, WaitsForAWriteAndGetsItsValue) { ExpectReadToWaitForAWrite(0); }

TEST_P(ReadOver, OfASemaphoreThatWaitedTakesOneOfMany) {
    Use(0, EFD_SEMAPHORE);
    std::unique_ptr<Operation> read = StartRead();
    read->WaitUntilWaiting();
    Must(suite::Write(efd_, 3));
    EXPECT_THAT(read->Finish(), SyscallSucceedsWithValue(8));
    EXPECT_EQ(*slot(), 1u);
    EXPECT_EQ(Count(), 2u);
}

TEST_P(ReadOver, AdmitsABlockedWriter) {
    Use(kFull);
    ScopedThread writer(
        [&] { EXPECT_THAT(suite::Write(efd_, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    uint64_t value;
    EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, kFull);
    writer.Join();
    EXPECT_EQ(Count(), 5u);
}

TEST_P(ReadOver, WakesAPollForOutput) {
    Use(kFull);
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd_, POLLOUT, -1ms), Revents(POLLOUT)); });
    poller.WaitUntilBlockedIn(kPollCall);
    uint64_t value;
    EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
}

TEST_P(ReadOver, IsAnEdgeForOutputAndNoneForInput) {
    Use(2, EFD_SEMAPHORE);
    FileDescriptor output = NewEpoll(), input = NewEpoll();
    EpollAdd(output, efd_, EPOLLOUT | EPOLLET);
    EpollAdd(input, efd_, EPOLLIN | EPOLLET);
    EXPECT_THAT(EpollWait(output), ElementsAre(Event(efd_, EPOLLOUT)));
    EXPECT_THAT(EpollWait(input), ElementsAre(Event(efd_, EPOLLIN)));
    uint64_t value;
    EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
    EXPECT_THAT(EpollWait(output), ElementsAre(Event(efd_, EPOLLOUT)));
    EXPECT_THAT(EpollWait(input), IsEmpty());
}

class WriteOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, WriteOver, testing::ValuesIn(Transports(CanWrite)), NameOf);

TEST_P(WriteOver, ReturnsEightAndAdds) {
    Use(1);
    EXPECT_THAT(Write(2), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Count(), 3u);
    EXPECT_THAT(Write(0xbeef00000000), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Count(), 0xbeef00000003u);
    EXPECT_THAT(Write(0), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd_), 0xbeef00000003u);
}

/* Where write(2) itself takes what is too long, no other way is to blame. */
bool LongWritesAreTaken() {
    if (!MayBeNoLinux()) return false;
    FileDescriptor efd = NewEventfd(0, kNonblock);
    uint64_t values[2] = {1, 1};
    return Write(efd, values, sizeof(values)).ok();
}

TEST_P(WriteOver, OfAnyLengthButEightIsEinvalAndAddsNothing) {
    const bool not_the_long_ones =
        GetParam() != TransportKind::kReadWrite && LongWritesAreTaken();
    for (int flags : {0, kNonblock}) {
        Use(2, flags);
        memset(page_.start(), 1, PageSize());
        for (size_t length : {1, 4, 7, 9, 16, 4000}) {
            if (length > 8 && not_the_long_ones) continue;
            EXPECT_THAT(transport_->Write(slot(), length), SyscallFailsWithErrno(EINVAL))
                << length;
        }
        EXPECT_EQ(Count(), 2u);
    }
}

TEST_P(WriteOver, OfLessThanEightBytesIsEinvalAndAddsNothing) {
    for (int flags : {0, kNonblock}) {
        Use(2, flags);
        memset(page_.start(), 1, PageSize());
        for (size_t length = 1; length < 8; length++)
            EXPECT_THAT(transport_->Write(slot(), length), SyscallFailsWithErrno(EINVAL))
                << length;
        EXPECT_EQ(Count(), 2u);
    }
}

TEST_P(WriteOver, OfTheLargestNumberIsEinval) {
    for (int flags : {0, kNonblock}) {
        Use(1, flags);
        EXPECT_THAT(Write(UINT64_MAX), SyscallFailsWithErrno(EINVAL));
        EXPECT_EQ(Count(), 1u);
    }
}

TEST_P(WriteOver, FillsToTheLimit) {
    Use(3);
    EXPECT_THAT(Write(kFull - 3), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Count(), kFull);
    EXPECT_THAT(Poll(efd_, POLLIN | POLLOUT), Revents(POLLIN));
}

TEST_P(WriteOver, FromABadPointerIsEfaultAndAddsNothing) {
    for (int flags : {0, kNonblock}) {
        Use(4, flags);
        for (char* buffer : {static_cast<char*>(nullptr), page_.end(), page_.end() - 4})
            EXPECT_THAT(transport_->Write(buffer, 8), SyscallFailsWithErrno(EFAULT));
        EXPECT_EQ(Count(), 4u);
    }
}

TEST_P(WriteOver, WakesABlockedReader) {
    Use(0);
    uint64_t value = 0;
    ScopedThread reader(
        [&] { EXPECT_THAT(suite::Read(efd_, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    EXPECT_THAT(Write(6), SyscallSucceedsWithValue(8));
    reader.Join();
    EXPECT_EQ(value, 6u);
}

TEST_P(WriteOver, WakesAPollForInput) {
    Use(0);
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd_, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    EXPECT_THAT(Write(1), SyscallSucceedsWithValue(8));
}

TEST_P(WriteOver, IsAnEdgeEachTimeWithoutAnyRead) {
    Use(0);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd_, EPOLLIN | EPOLLET);
    for (int i = 0; i < 3; i++) {
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
        EXPECT_THAT(Write(1), SyscallSucceedsWithValue(8));
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd_, EPOLLIN)));
    }
}

TEST_P(WriteOver, ThatDoesNotFitWaitsForAReadAndLands) { ExpectWriteToWaitForARead(0); }

/* The first difference: what a nonblocking eventfd makes of an operation that cannot be done.
 */

bool RefusesIfNonblocking(TransportKind kind) { return !WaitsAlsoIfNonblocking(kind); }

bool WritesAndRefuses(TransportKind kind) {
    return CanWrite(kind) && RefusesIfNonblocking(kind);
}

bool WritesAndWaits(TransportKind kind) {
    return CanWrite(kind) && WaitsAlsoIfNonblocking(kind);
}

class NonblockingReadOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, NonblockingReadOver,
                         testing::ValuesIn(Transports(RefusesIfNonblocking)), NameOf);

TEST_P(NonblockingReadOver, OfAnEmptyOneIsEagainAndLeavesTheBuffer) {
    Use(0, EFD_NONBLOCK);
    uint64_t value;
    for (int i = 0; i < 2; i++) {
        EXPECT_THAT(Read(&value), SyscallFailsWithErrno(EAGAIN));
        EXPECT_EQ(value, kUntouched);
    }
    Must(suite::Write(efd_, 1));
    EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, 1u);
}

class NonblockingWriteOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, NonblockingWriteOver,
                         testing::ValuesIn(Transports(WritesAndRefuses)), NameOf);

TEST_P(NonblockingWriteOver, ToAFullOneIsEagainAndAddsNothing) {
    Use(kFull, EFD_NONBLOCK);
    EXPECT_THAT(Write(1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(kFull), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(Count(), kFull);
    EXPECT_THAT(Write(UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(Write(0), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd_), kFull);
    EXPECT_THAT(Write(1), SyscallSucceedsWithValue(8));
}

class PatientReadOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, PatientReadOver,
                         testing::ValuesIn(Transports(WaitsAlsoIfNonblocking)), NameOf);

TEST_P(PatientReadOver, OfAnEmptyNonblockingOneWaitsForAWrite) {
    ExpectReadToWaitForAWrite(EFD_NONBLOCK);
}

class PatientWriteOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, PatientWriteOver, testing::ValuesIn(Transports(WritesAndWaits)),
                         NameOf);

TEST_P(PatientWriteOver, ToAFullNonblockingOneWaitsForARead) {
    ExpectWriteToWaitForARead(EFD_NONBLOCK);
}

/* The second one: a registered buffer is known before the read, others turn out while it
 * copies. */

bool TakesAnyBuffer(TransportKind kind) { return !KnowsItsBuffers(kind); }

class AnyBufferOver : public Over {};

INSTANTIATE_TEST_SUITE_P(By, AnyBufferOver, testing::ValuesIn(Transports(TakesAnyBuffer)),
                         NameOf);

TEST_P_WITH(AnyBufferOver, BadOneIsEfaultAndLosesNothing, Needs(Change::kReadFaultsKeep)) {
    ReadOnlyPage read_only(MAP_PRIVATE | kLowMemory);
    for (int flags : {0, kSemaphore})
        for (void* buffer : {read_only.data(), static_cast<void*>(page_.end()),
                             static_cast<void*>(page_.end() - 4)}) {
            Use(5, flags);
            EXPECT_THAT(transport_->Read(buffer, 8), SyscallFailsWithErrno(EFAULT));
            ASSERT_EQ(Count(), 5u);
            uint64_t value;
            EXPECT_THAT(Read(&value), SyscallSucceedsWithValue(8));
            EXPECT_EQ(value, flags ? 1u : 5u);
        }
}

/* Its pages are not there when the read comes to them, and it is not the test that brings them.
 */
TEST_P(AnyBufferOver, UntouchedOneGetsTheCount) {
    for (size_t offset : {size_t{0}, PageSize() - 4}) {
        Mapping fresh(2 * PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | kLowMemory);
        Use(7);
        EXPECT_THAT(transport_->Read(fresh.data() + offset, 8), SyscallSucceedsWithValue(8));
        uint64_t value;
        memcpy(&value, fresh.data() + offset, sizeof(value));
        EXPECT_EQ(value, 7u);
        EXPECT_EQ(Count(), 0u);
    }
}

TEST(RegisteredBuffer, AddressOutsideOfItIsEfaultBeforeAnythingIsTaken) {
    std::string why_not = WhyNotTransport(TransportKind::kIoUringFixed);
    SKIP_UNLESS(why_not.empty(), why_not);
    GuardedPage page;
    FileDescriptor efd = NewEventfd(5, EFD_NONBLOCK);
    auto transport =
        Transport::Make(TransportKind::kIoUringFixed, efd, {page.start(), PageSize()});
    for (char* buffer : {page.end(), page.end() - 4})
        EXPECT_THAT(transport->Read(buffer, 8), SyscallFailsWithErrno(EFAULT));
    EXPECT_EQ(EventfdCount(efd), 5u);
}

/* The third one: AIO and a multishot read have no counterpart that writes. */
TEST(AioWrite, IsEinvalWhereItIsSubmitted) {
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    NeedAbility(Ability::kAioRead);
    for (int flags : {0, kNonblock}) {
        FileDescriptor efd = NewEventfd(2, flags);
        uint64_t value = 1;
        iovec part = {&value, sizeof(value)};
        iocb write = AioRequest(IOCB_CMD_PWRITE, efd, &value, sizeof(value));
        EXPECT_THAT(aio.Submit(&write), SyscallFailsWithErrno(EINVAL));
        iocb gathered = AioRequest(IOCB_CMD_PWRITEV, efd, &part, 1);
        EXPECT_THAT(aio.Submit(&gathered), SyscallFailsWithErrno(EINVAL));
        EXPECT_EQ(EventfdCount(efd), 2u);
    }
}

/* How 32-bit processes make their eventfds. */
class CompatEventfd : public testing::Test {
  protected:
    void SetUp() override {
        std::string why_not = WhyNotCompat();
        SKIP_UNLESS(why_not.empty(), why_not);
    }
};

TEST_F(CompatEventfd, OldCallTakesNoFlagsAndIgnoresItsSecondArgument) {
    FileDescriptor efd(
        static_cast<int>(Must(CompatCall(kCompatEventfd, 0xdeadbeef, 0xffffffff))));
    EXPECT_EQ(EventfdCount(efd), 0xdeadbeefu);
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFL), SyscallSucceedsWithValue(O_RDWR));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(0));
}

TEST_F(CompatEventfd, NewCallKnowsTheFlags) {
    constexpr int kFlags = EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE;
    FileDescriptor efd(static_cast<int>(Must(CompatCall(kCompatEventfd2, 2, kFlags))));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(FD_CLOEXEC));
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_EQ(Drain(efd), 1u);
    uint64_t value;
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
}

TEST_F(CompatEventfd, UnknownFlagIsEinval) {
    for (uint32_t flag : {1u << 1, 1u << 31, UINT32_MAX})
        EXPECT_THAT(CompatCall(kCompatEventfd2, 0, flag), SyscallFailsWithErrno(EINVAL));
}

} /* namespace */
} /* namespace suite */
