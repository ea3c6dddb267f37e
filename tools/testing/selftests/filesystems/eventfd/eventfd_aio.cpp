// SPDX-License-Identifier: GPL-2.0
// aio and eventfds: the eventfd that a request signals when it is done (IOCB_FLAG_RESFD), and
// the requests that read and poll one.
#include <poll.h>
#include <sys/uio.h>

#include <array>
#include <bit>
#include <optional>

#include "support/abilities.h"
#include "support/aio.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

class Aio : public testing::Test {
  protected:
    void SetUp() override {
        context_.emplace(8, Where::current());
        SKIP_IF_REFUSED(*context_);
    }

    static iocb ReadOf(int fd, uint64_t* value) {
        NeedAbility(Ability::kAioRead);
        return AioRequest(IOCB_CMD_PREAD, fd, value, sizeof(*value));
    }

    /* Its result, from submission to completion. */
    long Result(iocb request, Where where = Where::current()) {
        Must(context_->Submit(&request), where);
        return static_cast<long>(context_->Wait(where).res);
    }

    /* No request has completed so far. */
    void ExpectNoCompletion(Where where = Where::current()) {
        CalledFrom test(where);
        io_event event;
        timespec now = {};
        EXPECT_THAT(context_->Look(&event, &now), SyscallSucceedsWithValue(0));
    }

    std::optional<AioContext> context_;
};

class AioSignal : public Aio {};

TEST_F(AioSignal, ComesWithEachCompletion) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor source = NewEventfd(5, EFD_SEMAPHORE);
    for (uint64_t i = 1; i <= 3; i++) {
        uint64_t value = 0;
        iocb request = ReadOf(source, &value);
        SignalWhenDone(&request, efd);
        EXPECT_EQ(Result(request), 8);
        EXPECT_EQ(EventfdCount(efd), i);
    }
}

TEST_F(AioSignal, ComesAlsoWithARequestThatFails) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor source = NewEventfd(0, EFD_NONBLOCK);
    uint64_t value = 0;
    iocb request = ReadOf(source, &value);
    SignalWhenDone(&request, efd);
    EXPECT_EQ(Result(request), -EAGAIN);
    EXPECT_EQ(EventfdCount(efd), 1u);
}

TEST_F(AioSignal, DoesNotComeOfARequestThatIsRefused) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 1;
    NeedAbility(Ability::kAioRead);
    iocb request = AioRequest(IOCB_CMD_PWRITE, efd, &value, sizeof(value));
    SignalWhenDone(&request, efd);
    EXPECT_THAT(context_->Submit(&request), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AioSignal, ComesAfterTheDescriptorIsClosed) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    FileDescriptor source = NewEventfd();
    iocb request = AioPoll(source, POLLIN);
    SignalWhenDone(&request, efd);
    Must(context_->Submit(&request));
    efd.Reset();
    Must(Write(source, 1));
    EXPECT_EQ(static_cast<long>(context_->Wait().res), POLLIN);
    EXPECT_EQ(EventfdCount(dup), 1u);
}

TEST_F(AioSignal, KeepsAnEventfdWithoutDescriptorAlive) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor source = NewEventfd();
    long id = EventfdId(efd);
    iocb request = AioPoll(source, POLLIN);
    SignalWhenDone(&request, efd);
    Must(context_->Submit(&request));
    efd.Reset();
    EXPECT_FALSE(EventfdIdIsFree(id));
    Must(Write(source, 1));
    context_->Wait();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_F(AioSignal, WakesABlockedRead) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    context_->Signal(efd);
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_F(AioSignal, OfTwoContextsAddsUp) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor source = NewEventfd();
    AioContext other;
    for (int i = 0; i < 3; i++) context_->Signal(efd);
    for (int i = 0; i < 2; i++) other.Signal(efd);
    EXPECT_EQ(EventfdCount(efd), 5u);
    /* And of requests that one event ends at one time. */
    iocb requests[4] = {};
    for (int i = 0; i < 4; i++) {
        requests[i] = AioPoll(source, POLLIN);
        SignalWhenDone(&requests[i], efd);
        Must((i % 2 ? other : *context_).Submit(&requests[i]));
    }
    EXPECT_EQ(EventfdCount(efd), 5u);
    Must(Write(source, 1));
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(static_cast<long>((i % 2 ? other : *context_).Wait().res), POLLIN);
    WaitUntil([&] { return EventfdCount(efd) >= 9; });
    EXPECT_EQ(Drain(efd), 9u);
}

TEST_F(AioSignal, MayBeForTheEventfdThatIsRead) {
    FileDescriptor efd = NewEventfd(5);
    uint64_t value = 0;
    iocb request = ReadOf(efd, &value);
    SignalWhenDone(&request, efd);
    EXPECT_EQ(Result(request), 8);
    EXPECT_EQ(value, 5u);
    EXPECT_EQ(EventfdCount(efd), 1u);
}

/* The poll is woken under the lock that its own signal needs. */
TEST_F(AioSignal, MayBeForTheEventfdThatIsPolled) {
    FileDescriptor efd = NewEventfd();
    iocb request = AioPoll(efd, POLLIN);
    SignalWhenDone(&request, efd);
    for (uint64_t i = 1; i <= 20; i++) {
        Must(context_->Submit(&request));
        Must(Write(efd, 1));
        EXPECT_EQ(static_cast<long>(context_->Wait().res), POLLIN);
        WaitUntil([&] { return EventfdCount(efd) >= 2; });
        EXPECT_EQ(Drain(efd), 2u);
    }
}

TEST_F(AioSignal, MayBeForTheAutoresetEventfdThatIsPolled) {
    SKIP_UNLESS_AUTORESET();
    FileDescriptor efd = NewAutoreset();
    iocb request = AioPoll(efd, POLLIN);
    SignalWhenDone(&request, efd);
    for (int i = 0; i < 20; i++) {
        Must(context_->Submit(&request));
        Must(Write(efd, 5));
        EXPECT_EQ(static_cast<long>(context_->Wait().res), POLLIN);
        WaitUntil([&] { return EventfdCount(efd) >= 1; });
        EXPECT_EQ(Drain(efd), 1u) << "the poll has taken the write, and signals after that";
    }
}

TEST_F(AioSignal, GoesToNoDescriptorWithoutAccess) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    FileDescriptor efd = NewEventfd(1);
    std::string path = "/proc/self/fd/" + std::to_string(efd.get());
    FileDescriptor no_access(
        static_cast<int>(Must(SYSCALL(open, path.c_str(), O_PATH | O_CLOEXEC))));
    iocb request = AioPoll(efd, POLLIN);
    SignalWhenDone(&request, no_access);
    EXPECT_THAT(context_->Submit(&request), SyscallFailsWithErrno(EBADF));
}

TEST_F(AioSignal, IsNotAskedForByADescriptorAlone) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor source = NewEventfd(1);
    iocb request = AioPoll(source, POLLIN);
    request.aio_resfd = static_cast<uint32_t>(efd.get());
    EXPECT_EQ(Result(request), POLLIN);
    EXPECT_EQ(EventfdCount(efd), 0u);
}

class AioRead : public Aio {};

TEST_F(AioRead, OfAnEmptyNonblockingOneIsEagain) {
    FileDescriptor efd = NewEventfd(0, EFD_NONBLOCK);
    uint64_t value = 99;
    EXPECT_EQ(Result(ReadOf(efd, &value)), -EAGAIN);
    EXPECT_EQ(value, 99u);
}

TEST_F(AioRead, WithNowaitOfAnEmptyBlockingOneIsEagain) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 99;
    iocb request = ReadOf(efd, &value);
    request.aio_rw_flags = RWF_NOWAIT;
    EXPECT_EQ(Result(request), -EAGAIN);
    EXPECT_EQ(value, 99u);
    Must(Write(efd, 4));
    EXPECT_EQ(Result(request), 8);
    EXPECT_EQ(value, 4u);
}

TEST_F(AioRead, IgnoresTheOffset) {
    for (int64_t offset : {int64_t{0}, int64_t{8}, int64_t{4096}}) {
        FileDescriptor efd = NewEventfd(3);
        uint64_t value = 0;
        iocb request = ReadOf(efd, &value);
        request.aio_offset = offset;
        EXPECT_EQ(Result(request), 8) << offset;
        EXPECT_EQ(value, 3u);
    }
}

TEST_F(AioRead, SpreadsTheValueOverItsParts) {
    FileDescriptor efd = NewEventfdAt(0x600000005);
    std::array<uint32_t, 2> halves = {};
    iovec parts[2] = {{&halves[0], 4}, {&halves[1], 4}};
    NeedAbility(Ability::kAioRead);
    EXPECT_EQ(Result(AioRequest(IOCB_CMD_PREADV, efd, parts, 2)), 8);
    EXPECT_EQ(std::bit_cast<uint64_t>(halves), 0x600000005u);
    Must(Write(efd, 1));
    parts[1].iov_len = 3;
    EXPECT_EQ(Result(AioRequest(IOCB_CMD_PREADV, efd, parts, 2)), -EINVAL);
    EXPECT_EQ(EventfdCount(efd), 1u);
}

TEST_F(AioRead, HasNoSyncBesideIt) {
    NeedAbility(Ability::kAioRead);
    FileDescriptor efd = NewEventfd(1);
    for (int opcode : {int{IOCB_CMD_FSYNC}, int{IOCB_CMD_FDSYNC}}) {
        iocb request = AioRequest(opcode, efd, nullptr, 0);
        EXPECT_THAT(context_->Submit(&request), SyscallFailsWithErrno(EINVAL)) << opcode;
    }
}

/* The write it would have is refused, whatever there is room for: see AioWrite. */

class AioPollRequest : public Aio {};

TEST_F(AioPollRequest, SaysWhatIsReadyOfWhatItAsks) {
    struct {
        uint64_t count;
        uint32_t events;
        long result;
    } const cases[] = {
        {0, POLLOUT, POLLOUT},
        {0, POLLIN | POLLOUT, POLLOUT},
        {1, POLLIN, POLLIN},
        {1, POLLIN | POLLOUT, POLLIN | POLLOUT},
        {kFull, POLLIN | POLLOUT, POLLIN},
    };
    for (const auto& c : cases) {
        FileDescriptor efd = NewEventfdAt(c.count);
        EXPECT_EQ(Result(AioPoll(efd, c.events)), c.result) << c.count << " " << c.events;
        EXPECT_EQ(EventfdCount(efd), c.count);
    }
}

TEST_F(AioPollRequest, SaysTheOverflowUnasked) {
    FileDescriptor efd = NewEventfdAt(kFull);
    context_->Signal(efd);
    EXPECT_EQ(Result(AioPoll(efd, POLLOUT)), POLLERR);
    EXPECT_EQ(Result(AioPoll(efd, POLLIN | POLLOUT)), POLLIN | POLLERR);
}

TEST_F(AioPollRequest, WaitsForAWrite) {
    FileDescriptor efd = NewEventfd();
    iocb request = AioPoll(efd, POLLIN);
    Must(context_->Submit(&request));
    ExpectNoCompletion();
    Must(Write(efd, 3));
    EXPECT_EQ(static_cast<long>(context_->Wait().res), POLLIN);
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST_F(AioPollRequest, WaitsForARead) {
    FileDescriptor efd = NewEventfdAt(kFull);
    iocb request = AioPoll(efd, POLLOUT);
    Must(context_->Submit(&request));
    ExpectNoCompletion();
    Must(Write(efd, 0));
    ExpectNoCompletion();
    EXPECT_EQ(Drain(efd), kFull);
    EXPECT_EQ(static_cast<long>(context_->Wait().res), POLLOUT);
}

TEST_F(AioPollRequest, IsCancelledWithoutATrace) {
    FileDescriptor efd = NewEventfd();
    iocb request = AioPoll(efd, POLLIN);
    Must(context_->Submit(&request));
    EXPECT_THAT(context_->Cancel(&request), SyscallFailsWithErrno(EINPROGRESS));
    EXPECT_EQ(static_cast<long>(context_->Wait().res), 0);
    Must(Write(efd, 2));
    ExpectNoCompletion();
    EXPECT_EQ(EventfdCount(efd), 2u);
}

TEST_F(AioPollRequest, GoesWithItsContext) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor signalled = NewEventfd();
    long id = EventfdId(signalled);
    {
        AioContext context;
        iocb request = AioPoll(efd, POLLIN);
        SignalWhenDone(&request, signalled);
        Must(context.Submit(&request));
        signalled.Reset();
        EXPECT_FALSE(EventfdIdIsFree(id));
    }
    WaitUntil([&] { return EventfdIdIsFree(id); });
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 1u);
}

} /* namespace */
} /* namespace suite */
