// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET and the rest of the kernel: what signals such an eventfd, and what listens to
// it.
#include <memory>
#include <optional>
#include <string>

#include "support/aio.h"
#include "support/autoreset.h"
#include "support/cgroup.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/kvm.h"
#include "support/pollers.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::ElementsAre;
using testing::IsEmpty;

/* The eventfd that a ring signals when something completes in it. */
class IoUringEventfd : public AutoresetTest {
  protected:
    void SetUp() override {
        AutoresetTest::SetUp();
        if (IsSkipped()) return;
        ring_.emplace(8, 0, Where::current());
        SKIP_IF_REFUSED(*ring_);
    }

    std::optional<IoUring> ring_;
};

TEST_F(IoUringEventfd, IsReportedOnceForEachBatch) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    ring_->RegisterEventfd(efd);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
    for (unsigned int batch : {1, 5, 1}) {
        ring_->CompleteNops(batch);
        EXPECT_EQ(EventfdCount(efd), 1u);
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
    }
}

TEST_F(IoUringEventfd, WakesABlockedPoll) {
    FileDescriptor efd = NewAutoreset();
    ring_->RegisterEventfd(efd);
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    ring_->CompleteNops(1);
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(IoUringEventfd, RegisteringItLeavesThePendingEvent) {
    FileDescriptor efd = NewAutoreset(3);
    ring_->RegisterEventfd(efd);
    EXPECT_EQ(EventfdCount(efd), 3u);
    ring_->UnregisterEventfd();
    EXPECT_EQ(EventfdCount(efd), 3u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

/* A multishot poll that a ring woke ends with that event, on any eventfd; it is armed again. */
TEST_F(IoUringEventfd, IsClaimedByAPollOfAnotherRing) {
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        IoUring other;
        bool armed = false;
        ring_->RegisterEventfd(efd);
        for (int i = 0; i < 5; i++) {
            if (!armed) {
                io_uring_sqe* entry = other.Entry();
                if (multishot)
                    io_uring_prep_poll_multishot(entry, efd, POLLIN);
                else
                    io_uring_prep_poll_add(entry, efd, POLLIN);
                other.Submit();
            }
            ring_->CompleteNops(1);
            Completion completion = other.Wait();
            EXPECT_EQ(completion.result, POLLIN);
            EXPECT_EQ(EventfdCount(efd), 0u);
            armed = completion.flags & IORING_CQE_F_MORE;
            EXPECT_FALSE(other.Peek(&completion)) << completion;
        }
        ring_->UnregisterEventfd();
    }
}

/* A ring whose completions wake its own poll: that one comes to an end, and nothing spins. */
TEST_F(IoUringEventfd, PolledByItsOwnRingEnds) {
    FileDescriptor efd = NewAutoreset();
    ring_->RegisterEventfd(efd);
    io_uring_prep_poll_multishot(ring_->Entry(1), efd, POLLIN);
    io_uring_prep_nop(ring_->Entry(2));
    ring_->Submit();
    int polls = 0;
    bool more = true;
    Completion completion = {};
    while (polls < 100) {
        io_uring_get_events(ring_->get());
        if (!ring_->Peek(&completion)) break;
        if (completion.data != 1) continue;
        EXPECT_EQ(completion.result, POLLIN);
        more = completion.flags & IORING_CQE_F_MORE;
        polls++;
    }
    EXPECT_LT(polls, 10);
    EXPECT_FALSE(more && polls > 1) << polls << " completions, and it goes on";
}

/* IOCB_FLAG_RESFD: the eventfd that an aio request signals when it is done. */
class AioEventfd : public AutoresetTest {};

TEST_F(AioEventfd, IsReportedOnceForEachRequest) {
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    for (int i = 0; i < 5; i++) {
        aio.Signal(efd);
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
    aio.Signal(efd);
    aio.Signal(efd);
    EXPECT_EQ(EventfdCount(efd), 2u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

/* An aio poll of one autoreset eventfd signals another one. */
TEST_F(AioEventfd, IsSignalledByAnAioPollThatClaims) {
    AioContext aio;
    SKIP_IF_REFUSED(aio);
    FileDescriptor polled = NewAutoreset();
    FileDescriptor signalled = NewAutoreset();
    iocb request = AioPoll(polled, POLLIN);
    SignalWhenDone(&request, signalled);
    for (int i = 0; i < 5; i++) {
        Must(aio.Submit(&request));
        EXPECT_THAT(Poll(signalled, POLLIN), Revents(0));
        Must(Write(polled, 1));
        EXPECT_THAT(Poll(signalled, POLLIN, kSoon), Revents(POLLIN));
        EXPECT_EQ(aio.Wait().res, POLLIN);
        EXPECT_EQ(EventfdCount(polled), 0u);
        EXPECT_EQ(EventfdCount(signalled), 0u);
    }
}

#ifdef EVENTFD_HAS_KVM

/* A virtual machine with interrupt controllers, and without a guest. */
class KvmIrqfd : public AutoresetTest {
  protected:
    void SetUp() override {
        AutoresetTest::SetUp();
        if (IsSkipped()) return;
        machine_.emplace(KvmMachine::kWith);
        SKIP_IF_REFUSED(*machine_);
    }

    SyscallResult Irqfd(int fd, uint32_t flags = 0) { return machine_->Irqfd(fd, flags); }

  private:
    std::optional<KvmMachine> machine_;
};

TEST_F(KvmIrqfd, AssigningLooksAtThePendingEventAndLeavesIt) {
    FileDescriptor efd = NewAutoreset(3);
    Must(Irqfd(efd));
    EXPECT_EQ(EventfdCount(efd), 3u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
    Must(Irqfd(efd, KVM_IRQFD_FLAG_DEASSIGN));
}

TEST_F(KvmIrqfd, WriteIsTheGuestsAndNotAPollers) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    Must(Irqfd(efd));
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 5));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLOUT));
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
    }
    Must(Irqfd(efd, KVM_IRQFD_FLAG_DEASSIGN));
}

TEST_F(KvmIrqfd, BlockedPollerSleepsUntilItIsDeassigned) {
    FileDescriptor efd = NewAutoreset();
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    Must(Irqfd(efd));
    Must(Write(efd, 1));
    poller.ExpectStillBlockedIn(kPollCall);
    Must(Irqfd(efd, KVM_IRQFD_FLAG_DEASSIGN));
    poller.ExpectStillBlockedIn(kPollCall);
    Must(Write(efd, 1));
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(KvmIrqfd, DeassigningTakesWhatIsPendingAsOnAnyEventfd) {
    FileDescriptor efd = NewAutoreset(2);
    Must(Irqfd(efd));
    EXPECT_EQ(EventfdCount(efd), 2u);
    Must(Irqfd(efd, KVM_IRQFD_FLAG_DEASSIGN));
    EXPECT_EQ(EventfdCount(efd), 0u);
    Must(Write(efd, 1));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

/* A guest that writes to a port each time it runs, and then halts. */
class KvmIoeventfd : public AutoresetTest {
  protected:
    void SetUp() override {
        AutoresetTest::SetUp();
        if (IsSkipped()) return;
        machine_.emplace(KvmMachine::kWithout);
        SKIP_IF_REFUSED(*machine_);
        std::string why_not = KvmGuest::WhyNot();
        SKIP_UNLESS(why_not.empty(), why_not);
        guest_ =
            std::make_unique<KvmGuest>(&*machine_, KvmGuest::kWritesAndHalts, Where::current());
    }

    SyscallResult Ioeventfd(int fd, uint32_t flags = 0) {
        return machine_->Ioeventfd(fd, flags);
    }

    /* Lets the guest go on until it halts: one write to the port. */
    void RunGuest(Where where = Where::current()) {
        CalledFrom test(where);
        EXPECT_EQ(guest_->Run(where), uint32_t{KVM_EXIT_HLT});
    }

  private:
    std::optional<KvmMachine> machine_;
    std::unique_ptr<KvmGuest> guest_;
};

TEST_F(KvmIoeventfd, GuestsWriteIsReportedOnce) {
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    Must(Ioeventfd(efd));
    for (int i = 0; i < 5; i++) {
        RunGuest();
        EXPECT_EQ(EventfdCount(efd), 1u);
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
    Must(Ioeventfd(efd, KVM_IOEVENTFD_FLAG_DEASSIGN));
}

TEST_F(KvmIoeventfd, WakesABlockedPoll) {
    FileDescriptor efd = NewAutoreset(1);
    Must(Ioeventfd(efd));
    EXPECT_EQ(EventfdCount(efd), 1u) << "the kernel only signals it";
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    RunGuest();
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

#endif

/* cgroup.event_control of the memory controller, version 1. */
class CgroupEventControl : public AutoresetTest {
  protected:
    void SetUp() override {
        AutoresetTest::SetUp();
        if (IsSkipped()) return;
        group_.emplace(Where::current());
        SKIP_IF_REFUSED(*group_);
    }

    std::optional<MemoryGroup> group_;
};

TEST_F(CgroupEventControl, LooksAtThePendingEventAndLeavesIt) {
    FileDescriptor efd = NewAutoreset(1);
    EXPECT_THAT(group_->ListenForTooMuch(efd), SyscallSucceeds());
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST_F(CgroupEventControl, EndOfTheGroupIsReportedOnce) {
    FileDescriptor efd = NewAutoreset();
    Must(group_->ListenForTooMuch(efd));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
    group_->Remove();
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

} /* namespace */
} /* namespace suite */
