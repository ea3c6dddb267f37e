// SPDX-License-Identifier: GPL-2.0
// The one value that only the kernel can signal to: 2^64 - 1, the overflow.
#include <functional>
#include <memory>

#include "support/abilities.h"
#include "support/aio.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::ElementsAre;
using testing::IsEmpty;

enum class Source { kIoUring, kAio };

/* Something in the kernel that adds one to an eventfd when told so. */
class Overflow : public testing::TestWithParam<Source> {
  protected:
    void SetUp() override {
        if (GetParam() == Source::kIoUring) {
            ring_ = std::make_unique<IoUring>(8, 0, Where::current());
            SKIP_IF_REFUSED(*ring_);
        } else {
            aio_ = std::make_unique<AioContext>(8, Where::current());
            SKIP_IF_REFUSED(*aio_);
        }
    }

    void Signal(int fd, Where where = Where::current()) {
        if (aio_) return aio_->Signal(fd, where);
        ring_->RegisterEventfd(fd, where);
        ring_->CompleteNops(1, where);
        ring_->UnregisterEventfd(where);
    }

    FileDescriptor NewOverflowed(int flags = 0, Where where = Where::current()) {
        FileDescriptor efd = NewEventfdAt(kFull, flags, where);
        Signal(efd, where);
        /* KernelGoesOnePastWhatWritesReach says so; the rest cannot be seen then. */
        pollfd look = {efd, 0, 0};
        if (MayBeNoLinux() && Must(SYSCALL(poll, &look, 1, 0), where) == 0)
            SkipTest("no overflow here: a signal to a full one leaves it full");
        return efd;
    }

  private:
    std::unique_ptr<IoUring> ring_;
    std::unique_ptr<AioContext> aio_;
};

INSTANTIATE_TEST_SUITE_P(By, Overflow, testing::Values(Source::kIoUring, Source::kAio),
                         [](const auto& info) {
                             return info.param == Source::kIoUring ? "IoUring" : "Aio";
                         });

TEST_P(Overflow, KernelAddsOne) {
    FileDescriptor efd = NewEventfd(0, EFD_NONBLOCK);
    Signal(efd);
    EXPECT_EQ(EventfdCount(efd), 1u);
    Signal(efd);
    EXPECT_EQ(Drain(efd), 2u);
}

TEST_P(Overflow, KernelGoesOnePastWhatWritesReach) {
    FileDescriptor efd = NewEventfdAt(kFull - 1);
    Signal(efd);
    EXPECT_EQ(EventfdCount(efd), kFull);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN));
    Signal(efd);
    EXPECT_EQ(EventfdCount(efd), kOverflow);
}

TEST_P(Overflow, SaturatesAndDoesNotWrap) {
    FileDescriptor efd = NewOverflowed(EFD_NONBLOCK);
    for (int i = 0; i < 3; i++) {
        Signal(efd);
        EXPECT_EQ(EventfdCount(efd), kOverflow);
    }
    EXPECT_EQ(Drain(efd), kOverflow);
    EXPECT_EQ(Drain(efd), 0u);
}

TEST_P(Overflow, PollReportsReadableAndErrorOnly) {
    FileDescriptor efd = NewOverflowed();
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN | POLLERR));
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLERR));
}

TEST_P(Overflow, PollReportsTheErrorUnasked) {
    FileDescriptor efd = NewOverflowed();
    EXPECT_THAT(Poll(efd, 0), Revents(POLLERR));
    EXPECT_THAT(Poll(efd, POLLOUT), Revents(POLLERR));
}

TEST_P(Overflow, EpollReportsTheErrorUnasked) {
    FileDescriptor efd = NewOverflowed();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, 0);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLERR)));
    EpollModify(epoll, efd, EPOLLIN | EPOLLOUT);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN | EPOLLERR)));
}

TEST_P(Overflow, SelectSaysReadableAndWritableNotExceptional) {
    FileDescriptor efd = NewOverflowed();
    EXPECT_THAT(Select(efd), Selected(kReadable | kWritable));
}

/*
 * The wake-up that comes with it says "input", so a poll(2) that asks for nothing sleeps on;
 * what it reports when something else wakes it is the truth of that moment.
 */
TEST_P(Overflow, DoesNotWakeAPollForErrorsOnlyThatReportsItWhenWoken) {
    FileDescriptor efd = NewEventfdAt(kFull);
    FileDescriptor other = NewEventfd();
    pollfd entries[] = {{efd, 0, 0}, {other, POLLIN, 0}};
    ScopedThread poller(
        [&] { EXPECT_THAT(SYSCALL(poll, entries, 2, -1), SyscallSucceedsWithValue(2)); });
    poller.WaitUntilBlockedIn(kPollCall);
    unsigned long before = poller.switches();
    Signal(efd);
    poller.WaitUntilBlockedIn(kPollCall);
    EXPECT_EQ(poller.switches(), before);
    Must(Write(other, 1));
    poller.Join();
    EXPECT_EQ(entries[0].revents, POLLERR);
    EXPECT_EQ(entries[1].revents, POLLIN);
}

TEST_P(Overflow, IsANewEdge) {
    FileDescriptor efd = NewEventfdAt(kFull);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN | EPOLLET);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
    Signal(efd);
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN | EPOLLERR)));
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST_P(Overflow, EveryNonblockingWriteIsEagainEvenOfZero) {
    FileDescriptor efd = NewOverflowed(EFD_NONBLOCK);
    for (uint64_t value : {uint64_t{0}, uint64_t{1}, kFull}) {
        EXPECT_THAT(Write(efd, value), SyscallFailsWithErrno(EAGAIN));
        EXPECT_EQ(EventfdCount(efd), kOverflow);
    }
    EXPECT_THAT(Write(efd, UINT64_MAX), SyscallFailsWithErrno(EINVAL));
}

TEST_P(Overflow, BlockingWriteOfZeroWaitsForARead) {
    FileDescriptor efd = NewOverflowed();
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 0), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kOverflow);
    writer.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_P(Overflow, ReadReturnsTheLargestNumberAndClearsTheError) {
    FileDescriptor efd = NewOverflowed();
    uint64_t value = 0;
    EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8));
    EXPECT_EQ(value, UINT64_MAX);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLOUT));
    EXPECT_THAT(Write(efd, 1), SyscallSucceedsWithValue(8));
}

TEST_P(Overflow, SemaphoreReadTakesOneAndClearsTheError) {
    FileDescriptor efd = NewOverflowed(EFD_SEMAPHORE | EFD_NONBLOCK);
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_EQ(EventfdCount(efd), kFull);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN));
    EXPECT_THAT(Write(efd, 1), SyscallFailsWithErrno(EAGAIN));
    EXPECT_EQ(Drain(efd), 1u);
    EXPECT_THAT(Poll(efd, kEveryPollEvent), Revents(POLLIN | POLLOUT));
}

TEST_P(Overflow, WakesABlockedReader) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    Signal(efd);
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_P(Overflow, CountIsAllOnesInFdinfo) {
    FileDescriptor efd = NewOverflowed();
    EXPECT_EQ(Fdinfo(efd).Value("eventfd-count"), "ffffffffffffffff");
}

TEST(KernelSignal, SeveralCompletionsOfOneSubmitAddOne) {
    FileDescriptor efd = NewEventfd();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    ring.RegisterEventfd(efd);
    ring.CompleteNops(5);
    EXPECT_EQ(EventfdCount(efd), 1u);
    ring.CompleteNops(1);
    EXPECT_EQ(EventfdCount(efd), 2u);
}

TEST(KernelSignal, ComesAlsoAfterTheDescriptorIsClosed) {
    FileDescriptor efd = NewEventfd();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    FileDescriptor dup = Dup(efd);
    ring.RegisterEventfd(efd);
    efd.Reset();
    ring.CompleteNops(1);
    EXPECT_EQ(EventfdCount(dup), 1u);
}

TEST(KernelSignal, NeedsAnEventfd) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    Pipe pipe = NewPipe();
    EXPECT_EQ(io_uring_register_eventfd(ring.get(), pipe.read_end), -EINVAL);
    EXPECT_EQ(io_uring_register_eventfd(ring.get(), 9999), -EBADF);
    EXPECT_EQ(io_uring_unregister_eventfd(ring.get()), -ENXIO);
}

TEST(KernelSignal, OfAioNeedsAnEventfd) {
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    Pipe pipe = NewPipe();
    char byte = 0;
    iocb request = AioRequest(IOCB_CMD_PWRITE, pipe.write_end, &byte, 1);
    SignalWhenDone(&request, pipe.read_end);
    EXPECT_THAT(aio.Submit(&request), SyscallFailsWithErrno(EINVAL));
    SignalWhenDone(&request, 9999);
    EXPECT_THAT(aio.Submit(&request), SyscallFailsWithErrno(EBADF));
}

} /* namespace */
} /* namespace suite */
