// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET with polls by io_uring and aio: who claims, what with, and who must not.
#include <vector>

#include "support/aio.h"
#include "support/autoreset.h"
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

class AutoresetIoUring : public AutoresetTest {
  protected:
    /* Completions there are now, and no more: all is done in this thread's own calls. */
    static std::vector<int> Results(IoUring* ring) {
        std::vector<int> results;
        Completion completion;
        io_uring_get_events(ring->get());
        while (ring->Peek(&completion)) results.push_back(completion.result);
        return results;
    }
};

TEST_F(AutoresetIoUring, PollOfAReadyOneClaims) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset(3);
        ring.ArmPoll(efd, POLLIN, multishot);
        Completion completion = ring.Wait();
        EXPECT_EQ(completion.result, POLLIN);
        EXPECT_EQ(completion.flags & IORING_CQE_F_MORE, multishot ? IORING_CQE_F_MORE : 0u);
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Results(&ring), IsEmpty());
    }
}

TEST_F(AutoresetIoUring, ResultIsOfWhatWasAsked) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    struct {
        uint64_t count;
        uint32_t asked;
        int result;
        bool claims;
    } cases[] = {
        {0, kInOut, POLLOUT, false},         {5, POLLOUT, POLLOUT, false},
        {5, kInOut, POLLIN | POLLOUT, true}, {kFull, kInOut, POLLIN | POLLOUT, true},
        {kFull, POLLIN, POLLIN, true},       {5, POLLIN | POLLPRI | POLLRDNORM, POLLIN, true},
    };
    for (const auto& each : cases) {
        FileDescriptor efd = NewAutoreset(each.count);
        ring.ArmPoll(efd, each.asked);
        EXPECT_EQ(ring.Wait().result, each.result) << each.count << " " << MaskText(each.asked);
        EXPECT_EQ(EventfdCount(efd), each.claims ? 0 : each.count);
    }
}

TEST_F(AutoresetIoUring, MultishotReportsEachWriteAndResets) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
        ring.ArmPoll(efd, POLLIN | trigger, true, trigger);
        for (int i = 0; i < 50; i++) {
            Must(Write(efd, 1));
            Completion completion = ring.Wait();
            EXPECT_EQ(completion.result, POLLIN);
            EXPECT_TRUE(completion.flags & IORING_CQE_F_MORE);
            EXPECT_EQ(EventfdCount(efd), 0u) << i;
            EXPECT_THAT(Results(&ring), IsEmpty());
        }
        io_uring_prep_poll_remove(ring.Entry(99), trigger);
        ring.Submit();
        EXPECT_THAT(Results(&ring), testing::UnorderedElementsAre(0, -ECANCELED));
    }
}

TEST_F(AutoresetIoUring, WriteOfZeroCompletesNothing) {
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        ring.ArmPoll(efd, POLLIN, multishot);
        Must(Write(efd, 0));
        EXPECT_THAT(Results(&ring), IsEmpty());
        Must(Write(efd, 0));
        EXPECT_THAT(Results(&ring), IsEmpty());
        Must(Write(efd, 1));
        EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

TEST_F(AutoresetIoUring, OfThreePollsOneGetsEachWrite) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring, other;
    SKIP_IF_REFUSED(ring);
    ring.ArmPoll(efd, POLLIN);
    ring.ArmPoll(efd, POLLIN);
    other.ArmPoll(efd, POLLIN);
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        EXPECT_EQ(Results(&ring).size() + Results(&other).size(), 1u) << i;
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
    Must(Write(efd, 1));
    EXPECT_EQ(Results(&ring).size() + Results(&other).size(), 0u);
    EXPECT_EQ(EventfdCount(efd), 1u) << "nobody is left who polls";
}

/* A write of zero to a full one is a wake-up for those who read, and none for space. */
TEST_F(AutoresetIoUring, WakeUpForWhatWasNotAskedDisturbsNobody) {
    FileDescriptor efd = NewEventfdAt(kFull, EFD_AUTORESET);
    ScopedThread waiter([&] {
        IoUring ring;
        io_uring_prep_poll_add(ring.Entry(), efd, POLLOUT);
        ring.Submit();
        EXPECT_EQ(ring.Wait().result, POLLOUT);
    });
    waiter.WaitUntilBlockedIn(SYS_io_uring_enter);
    const unsigned long before = waiter.switches();
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 0));
        waiter.WaitUntilBlockedIn(SYS_io_uring_enter);
        EXPECT_EQ(waiter.switches(), before) << "after write number " << i + 1;
    }
    EXPECT_EQ(Drain(efd), kFull);
    waiter.Join();
}

/* With DEFER_TASKRUN a wake-up is looked at only when the ring's task says so. */
TEST_F(AutoresetIoUring, PollThatLosesTheClaimStaysArmed) {
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        SKIP_IF_REFUSED(ring);
        ring.ArmPoll(efd, POLLIN, multishot);
        for (int i = 0; i < 3; i++) {
            Must(Write(efd, 1));
            EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
            EXPECT_THAT(Results(&ring), IsEmpty()) << i;
        }
        Must(Write(efd, 1));
        EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
}

/* It is refused as the poll is about to be looked at. That of a plain eventfd waits on, too. */
TEST_F(AutoresetIoUring, PollWhoseRemovalIsRefusedReportsTheNextWrite) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    SKIP_IF_REFUSED(ring);
    ring.ArmPoll(efd, POLLIN, false, 7);
    EXPECT_THAT(Results(&ring), IsEmpty());
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    io_uring_prep_poll_remove(ring.Entry(8), 7);
    ring.Submit();
    EXPECT_THAT(Results(&ring), ElementsAre(-EALREADY));
    Must(Write(efd, 1));
    EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetIoUring, WritesBeforeTheTaskLooksAreOneEvent) {
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        SKIP_IF_REFUSED(ring);
        ring.ArmPoll(efd, POLLIN, multishot);
        for (int i = 0; i < 3; i++) Must(Write(efd, 1));
        EXPECT_THAT(Results(&ring), ElementsAre(POLLIN));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Results(&ring), IsEmpty());
    }
}

TEST_F(AutoresetIoUring, RemovedPollClaimsNothing) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    ring.ArmPoll(efd, POLLIN, false, 7);
    io_uring_prep_poll_remove(ring.Entry(8), 7);
    ring.Submit();
    EXPECT_THAT(Results(&ring), testing::UnorderedElementsAre(-ECANCELED, 0));
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

TEST_F(AutoresetIoUring, PollUpdatedToInputClaims) {
    FileDescriptor efd = NewAutoreset(4);
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    ring.ArmPoll(efd, POLLPRI, false, 7);
    EXPECT_THAT(Results(&ring), IsEmpty());
    EXPECT_EQ(EventfdCount(efd), 4u);
    io_uring_prep_poll_update(ring.Entry(8), 7, 0, POLLIN, IORING_POLL_UPDATE_EVENTS);
    ring.Submit();
    EXPECT_THAT(Results(&ring), testing::UnorderedElementsAre(0, POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(AutoresetIoUring, EndOfARingWithAnArmedPollLosesNothing) {
    FileDescriptor efd = NewAutoreset();
    {
        IoUring ring;
        SKIP_IF_REFUSED(ring);
        ring.ArmPoll(efd, POLLIN);
        ring.ArmPoll(efd, POLLIN, true);
    }
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

TEST_F(AutoresetIoUring, ReadTakesTheCountAndItsPollNothing) {
    FileDescriptor efd = NewAutoreset(0, EFD_NONBLOCK);
    IoUring ring;
    SKIP_IF_REFUSED(ring);
    for (uint64_t i = 1; i <= 10; i++) {
        uint64_t value = 0;
        io_uring_prep_read(ring.Entry(), efd, &value, sizeof(value), 0);
        ring.Submit();
        EXPECT_THAT(Results(&ring), IsEmpty());
        Must(Write(efd, i));
        EXPECT_THAT(Results(&ring), ElementsAre(8));
        EXPECT_EQ(value, i);
    }
}

TEST_F(AutoresetIoUring, ReadThatLosesToAPollWaitsForTheNextWrite) {
    FileDescriptor efd = NewAutoreset();
    IoUring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    SKIP_IF_REFUSED(ring);
    uint64_t value = 0;
    io_uring_prep_read(ring.Entry(), efd, &value, sizeof(value), 0);
    ring.Submit();
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
        EXPECT_THAT(Results(&ring), IsEmpty());
    }
    Must(Write(efd, 5));
    EXPECT_THAT(Results(&ring), ElementsAre(8));
    EXPECT_EQ(value, 5u);
}

class AutoresetAio : public AutoresetTest {};

TEST_F(AutoresetAio, ResultIsOfWhatWasAsked) {
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    struct {
        uint64_t count;
        uint32_t asked;
        uint32_t result;
        bool claims;
    } cases[] = {
        {0, kInOut, POLLOUT, false},   {5, POLLOUT, POLLOUT, false},
        {5, POLLIN, POLLIN, true},     {5, kInOut, POLLIN | POLLOUT, true},
        {kFull, POLLIN, POLLIN, true}, {kFull, kInOut, POLLIN | POLLOUT, true},
    };
    for (const auto& each : cases) {
        FileDescriptor efd = NewAutoreset(each.count);
        iocb request = AioPoll(efd, each.asked);
        Must(aio.Submit(&request));
        EXPECT_EQ(aio.Wait().res, each.result) << each.count << " " << MaskText(each.asked);
        EXPECT_EQ(EventfdCount(efd), each.claims ? 0 : each.count);
    }
}

TEST_F(AutoresetAio, OfThreePollsOneGetsEachWrite) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb requests[] = {AioPoll(efd, POLLIN), AioPoll(efd, POLLIN), AioPoll(efd, POLLIN)};
    for (iocb& request : requests) Must(aio.Submit(&request));
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        EXPECT_EQ(aio.Wait().res, POLLIN) << i;
        EXPECT_EQ(EventfdCount(efd), 0u) << i;
    }
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN)) << "nobody else is left who polls";
}

TEST_F(AutoresetAio, WriteOfZeroCompletesNothing) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    for (int i = 0; i < 20; i++) {
        iocb request = AioPoll(efd, POLLIN);
        Must(aio.Submit(&request));
        Must(Write(efd, 0));
        Must(Write(efd, 1));
        EXPECT_EQ(aio.Wait().res, POLLIN);
        /* Had it completed for the first write, the second one's count would still be there. */
        ASSERT_EQ(EventfdCount(efd), 0u) << i;
    }
}

TEST_F(AutoresetAio, CancelledPollClaimsNothing) {
    FileDescriptor efd = NewAutoreset();
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    iocb request = AioPoll(efd, POLLIN);
    Must(aio.Submit(&request));
    EXPECT_THAT(aio.Cancel(&request), SyscallFailsWithErrno(EINPROGRESS));
    EXPECT_EQ(aio.Wait().res, 0);
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

} /* namespace */
} /* namespace suite */
