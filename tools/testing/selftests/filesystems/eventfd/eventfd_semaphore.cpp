// SPDX-License-Identifier: GPL-2.0
// EFD_SEMAPHORE: a read takes one, and reports one.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/tasks.h"

namespace suite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kSemaphore = EFD_SEMAPHORE | EFD_NONBLOCK;

TEST(Semaphore, ReadTakesOneAndReportsOne) {
    FileDescriptor efd = NewEventfd(3, kSemaphore);
    for (uint64_t left : {2, 1, 0}) {
        uint64_t value = 0;
        EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
        EXPECT_EQ(value, 1u);
        EXPECT_EQ(EventfdCount(efd), left);
    }
    uint64_t value = 99;
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(value, 99u);
}

TEST(Semaphore, WriteAddsAllOfItsValue) {
    FileDescriptor efd = NewEventfd(1, kSemaphore);
    EXPECT_THAT(Write(efd, 1000), SyscallSucceedsWithValue(8));
    EXPECT_EQ(EventfdCount(efd), 1001u);
    for (int i = 0; i < 1001; i++) ASSERT_EQ(Drain(efd), 1u);
    EXPECT_EQ(Drain(efd), 0u);
}

TEST(Semaphore, ReadIntoALongBufferTakesOne) {
    FileDescriptor efd = NewEventfd(3, kSemaphore);
    uint64_t values[4] = {7, 7, 7, 7};
    EXPECT_THAT(Read(efd, values, sizeof(values)), SyscallSucceedsWithValue(8));
    EXPECT_THAT(values, ElementsAre(1, 7, 7, 7));
    EXPECT_EQ(EventfdCount(efd), 2u);
}

TEST(Semaphore, ShortReadIsEinvalAndTakesNothing) {
    FileDescriptor efd = NewEventfd(3, kSemaphore);
    uint64_t value = 0;
    EXPECT_THAT(Read(efd, &value, 7), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST(Semaphore, LimitIsThatOfAnyEventfd) {
    FileDescriptor efd = NewEventfdAt(kFull, kSemaphore);
    EXPECT_THAT(Write(efd, 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(efd), kFull);
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_EQ(EventfdCount(efd), kFull - 1);
}

TEST(Semaphore, ReadWhenFullMakesSpaceForOne) {
    FileDescriptor efd = NewEventfdAt(kFull, kSemaphore);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN));
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLOUT));
    EXPECT_THAT(Write(efd, 2), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN));
}

TEST(Semaphore, StaysReadableUntilTheLastUnitIsTaken) {
    FileDescriptor efd = NewEventfd(2, kSemaphore);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLOUT));
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLOUT));
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLOUT));
}

TEST(Semaphore, EdgeIsOnTheWriteNotOnWhatAReadLeaves) {
    FileDescriptor efd = NewEventfd(0, kSemaphore);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN | EPOLLET);
    Must(Write(efd, 3));
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
    Must(Write(efd, 1));
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
}

TEST(Semaphore, BlockedReaderGetsOneUnitOfMany) {
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8));
    reader.Join();
    EXPECT_EQ(value, 1u);
    EXPECT_EQ(EventfdCount(efd), 4u);
}

TEST(Semaphore, PostOfTwoReleasesTwoOfFourReaders) {
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    std::atomic<int> released{0};
    std::vector<std::unique_ptr<ScopedThread>> readers;
    for (int i = 0; i < 4; i++)
        readers.push_back(NewThread([&] {
            uint64_t value = 0;
            EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
            EXPECT_EQ(value, 1u);
            released++;
        }));
    for (auto& reader : readers) reader->WaitUntilBlockedIn(SYS_read);
    EXPECT_THAT(Write(efd, 2), SyscallSucceedsWithValue(8));

    /* Each reader ends or sleeps again; none does both. */
    int asleep = 0;
    for (auto& reader : readers) asleep += reader->SleepsIn(SYS_read);
    EXPECT_EQ(asleep, 2);
    EXPECT_EQ(released, 2);
    EXPECT_EQ(EventfdCount(efd), 0u);
    Must(Write(efd, 2));
}

TEST(Semaphore, ReadersWithPollTakeExactlyWhatWasPosted) {
    constexpr int kUnits = 200;
    FileDescriptor efd = NewEventfd(0, kSemaphore);
    std::atomic<int> taken{0};
    {
        std::vector<std::unique_ptr<ScopedThread>> readers;
        for (int i = 0; i < 4; i++)
            readers.push_back(NewThread([&] {
                while (taken < kUnits) {
                    pollfd entry = {efd, POLLIN, 0};
                    poll(&entry, 1, 10);
                    uint64_t value;
                    if (read(efd, &value, sizeof(value)) == sizeof(value)) taken++;
                }
            }));
        for (int i = 0; i < kUnits / 2; i++) Must(Write(efd, 2));
    }
    EXPECT_EQ(taken, kUnits);
    EXPECT_EQ(Drain(efd), 0u);
}

} /* namespace */
} /* namespace suite */
