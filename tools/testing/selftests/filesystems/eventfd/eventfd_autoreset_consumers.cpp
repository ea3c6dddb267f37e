// SPDX-License-Identifier: GPL-2.0
// EFD_AUTORESET and the rest of the kernel: what signals such an eventfd, and what listens to
// it.
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <memory>
#include <string>

#if __has_include(<linux/kvm.h>)
#include <linux/kvm.h>
#endif

#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/pollers.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/* The eventfd that a ring signals when something completes in it. */
class IoUringEventfd : public AutoresetTest {
  protected:
    IoUring ring_;
};

TEST_F(IoUringEventfd, IsReportedOnceForEachBatch) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewAutoreset();
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN);
    ring_.RegisterEventfd(efd);
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
    for (unsigned int batch : {1, 5, 1}) {
        ring_.CompleteNops(batch);
        EXPECT_EQ(EventfdCount(efd), 1u);
        EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLIN)));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(EpollWait(epoll), IsEmpty());
    }
}

TEST_F(IoUringEventfd, WakesABlockedPoll) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewAutoreset();
    ring_.RegisterEventfd(efd);
    ScopedThread poller([&] { EXPECT_THAT(Poll(efd, POLLIN, -1ms), Revents(POLLIN)); });
    poller.WaitUntilBlockedIn(kPollCall);
    ring_.CompleteNops(1);
    poller.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST_F(IoUringEventfd, RegisteringItLeavesThePendingEvent) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewAutoreset(3);
    ring_.RegisterEventfd(efd);
    EXPECT_EQ(EventfdCount(efd), 3u);
    ring_.UnregisterEventfd();
    EXPECT_EQ(EventfdCount(efd), 3u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
}

/* A multishot poll that a ring woke ends with that event, on any eventfd; it is armed again. */
TEST_F(IoUringEventfd, IsClaimedByAPollOfAnotherRing) {
    SKIP_IF_REFUSED(ring_);
    for (bool multishot : {false, true}) {
        FileDescriptor efd = NewAutoreset();
        IoUring other;
        bool armed = false;
        ring_.RegisterEventfd(efd);
        for (int i = 0; i < 5; i++) {
            if (!armed) {
                io_uring_sqe* entry = other.Entry();
                if (multishot)
                    io_uring_prep_poll_multishot(entry, efd, POLLIN);
                else
                    io_uring_prep_poll_add(entry, efd, POLLIN);
                other.Submit();
            }
            ring_.CompleteNops(1);
            Completion completion = other.Wait();
            EXPECT_EQ(completion.result, POLLIN);
            EXPECT_EQ(EventfdCount(efd), 0u);
            armed = completion.flags & IORING_CQE_F_MORE;
            EXPECT_FALSE(other.Peek(&completion)) << completion;
        }
        ring_.UnregisterEventfd();
    }
}

/* A ring whose completions wake its own poll: that one comes to an end, and nothing spins. */
TEST_F(IoUringEventfd, PolledByItsOwnRingEnds) {
    SKIP_IF_REFUSED(ring_);
    FileDescriptor efd = NewAutoreset();
    ring_.RegisterEventfd(efd);
    io_uring_prep_poll_multishot(ring_.Entry(1), efd, POLLIN);
    io_uring_prep_nop(ring_.Entry(2));
    ring_.Submit();
    int polls = 0;
    bool more = true;
    Completion completion = {};
    while (polls < 100) {
        io_uring_get_events(ring_.get());
        if (!ring_.Peek(&completion)) break;
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
    iocb request = {};
    request.aio_fildes = static_cast<uint32_t>(polled.get());
    request.aio_lio_opcode = IOCB_CMD_POLL;
    request.aio_buf = POLLIN;
    request.aio_flags = IOCB_FLAG_RESFD;
    request.aio_resfd = static_cast<uint32_t>(signalled.get());
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

#ifdef KVM_IRQFD

/* A virtual machine without a guest, or with one of a few bytes. */
class Kvm : public AutoresetTest {
  protected:
    void SetUp() override {
        AutoresetTest::SetUp();
        if (IsSkipped()) return;
        SyscallResult opened = SYSCALL(open, "/dev/kvm", O_RDWR | O_CLOEXEC);
        SKIP_UNLESS(opened.ok(), opened);
        kvm_ = FileDescriptor(static_cast<int>(opened.value));
        SyscallResult made = SYSCALL(ioctl, kvm_, KVM_CREATE_VM, 0);
        SKIP_UNLESS(made.ok(), made);
        vm_ = FileDescriptor(static_cast<int>(made.value));
    }

    void CreateInterruptControllers() {
        SyscallResult made = SYSCALL(ioctl, vm_, KVM_CREATE_IRQCHIP, 0);
        SKIP_UNLESS(made.ok(), made);
    }

    SyscallResult Irqfd(int fd, uint32_t flags = 0) {
        kvm_irqfd request = {};
        request.fd = static_cast<uint32_t>(fd);
        request.gsi = 5;
        request.flags = flags;
        return SYSCALL(ioctl, vm_, KVM_IRQFD, &request);
    }

    FileDescriptor kvm_;
    FileDescriptor vm_;
};

class KvmIrqfd : public Kvm {
  protected:
    void SetUp() override {
        Kvm::SetUp();
        if (!IsSkipped()) CreateInterruptControllers();
    }
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

#if defined(KVM_IOEVENTFD) && (defined(__x86_64__) || defined(__i386__))

/* A guest that writes to a port each time it runs, and then halts. */
class KvmIoeventfd : public Kvm {
  protected:
    static constexpr uint64_t kPort = 0x10;
    static constexpr uint64_t kStart = 0x1000;

    void SetUp() override {
        Kvm::SetUp();
        if (IsSkipped()) return;
        /* A processor that can run no guest may let it be made all the same, and then hangs. */
        std::string cpu = ReadWholeFile("/proc/cpuinfo");
        SKIP_UNLESS(
            cpu.find(" svm") != std::string::npos || cpu.find(" vmx") != std::string::npos,
            "this processor shows neither svm nor vmx");

        static const uint8_t kCode[] = {
            0xba, kPort, 0x00, /* mov dx, port */
            0xb0, 0x01,        /* mov al, 1 */
            0xee,              /* out dx, al */
            0xf4,              /* hlt */
            0xeb, 0xfc,        /* jmp to the out */
        };
        memory_ = std::make_unique<Mapping>(PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED);
        memcpy(memory_->data(), kCode, sizeof(kCode));
        kvm_userspace_memory_region region = {};
        region.guest_phys_addr = kStart;
        region.memory_size = PageSize();
        region.userspace_addr = reinterpret_cast<uintptr_t>(memory_->data());
        Must(SYSCALL(ioctl, vm_, KVM_SET_USER_MEMORY_REGION, &region));

        vcpu_ = FileDescriptor(static_cast<int>(Must(SYSCALL(ioctl, vm_, KVM_CREATE_VCPU, 0))));
        run_size_ = static_cast<size_t>(Must(SYSCALL(ioctl, kvm_, KVM_GET_VCPU_MMAP_SIZE, 0)));
        void* run = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_, 0);
        if (run == MAP_FAILED) throw std::runtime_error("mmap: " + ErrnoText(errno));
        run_ = static_cast<kvm_run*>(run);

        kvm_sregs segments = {};
        Must(SYSCALL(ioctl, vcpu_, KVM_GET_SREGS, &segments));
        segments.cs.base = 0;
        segments.cs.selector = 0;
        Must(SYSCALL(ioctl, vcpu_, KVM_SET_SREGS, &segments));
        kvm_regs registers = {};
        registers.rip = kStart;
        registers.rflags = 2;
        Must(SYSCALL(ioctl, vcpu_, KVM_SET_REGS, &registers));
    }

    ~KvmIoeventfd() override {
        if (run_) munmap(run_, run_size_);
    }

    SyscallResult Ioeventfd(int fd, uint32_t flags = 0) {
        kvm_ioeventfd request = {};
        request.addr = kPort;
        request.len = 1;
        request.fd = fd;
        request.flags = KVM_IOEVENTFD_FLAG_PIO | flags;
        return SYSCALL(ioctl, vm_, KVM_IOEVENTFD, &request);
    }

    /* Lets the guest go on until it halts: one write to the port. */
    void RunGuest() {
        SyscallResult ran;
        do {
            ran = SYSCALL(ioctl, vcpu_, KVM_RUN, 0);
        } while (ran.error == EINTR);
        Must(ran);
        if (run_->exit_reason != KVM_EXIT_HLT)
            throw std::runtime_error("the guest ended with exit reason " +
                                     std::to_string(run_->exit_reason));
    }

  private:
    std::unique_ptr<Mapping> memory_;
    FileDescriptor vcpu_;
    kvm_run* run_ = nullptr;
    size_t run_size_ = 0;
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
#endif

/* cgroup.event_control of the memory controller, version 1, on a mount of the test's own. */
class CgroupEventControl : public AutoresetTest {
  protected:
    void SetUp() override {
        AutoresetTest::SetUp();
        if (IsSkipped()) return;
        SyscallResult alone = SYSCALL(unshare, CLONE_NEWNS);
        SKIP_UNLESS(alone.ok(), alone);
        SyscallResult made = SYSCALL(mount, "none", "/", nullptr,
                                     static_cast<unsigned long>(MS_REC | MS_PRIVATE), nullptr);
        SKIP_UNLESS(made.ok(), made);
        char folder[] = "/tmp/eventfd-cgroup-XXXXXX";
        if (!mkdtemp(folder)) throw std::runtime_error("mkdtemp: " + ErrnoText(errno));
        folder_ = folder;
        SyscallResult mounted =
            SYSCALL(mount, "none", folder_.c_str(), "cgroup", 0ul, "memory");
        SKIP_UNLESS(mounted.ok(), mounted << ": no memory controller of cgroup v1 to be had");
        mounted_ = true;
        group_ = folder_ + "/eventfd-" + std::to_string(getpid());
        Must(SYSCALL(mkdir, group_.c_str(), 0755u));
        SyscallResult opened = Open("cgroup.event_control", O_WRONLY);
        SKIP_UNLESS(opened.ok(), opened);
        control_ = FileDescriptor(static_cast<int>(opened.value));
        usage_ =
            FileDescriptor(static_cast<int>(Must(Open("memory.usage_in_bytes", O_RDONLY))));
    }

    ~CgroupEventControl() override {
        RemoveGroup();
        if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
        if (!folder_.empty()) rmdir(folder_.c_str());
    }

    SyscallResult Open(const char* name, int flags) {
        std::string path = group_ + "/" + name;
        return SYSCALL(open, path.c_str(), flags | O_CLOEXEC);
    }

    /* An event when the group, which is empty, uses an exabyte. */
    SyscallResult Listen(int efd) {
        std::string line =
            std::to_string(efd) + " " + std::to_string(usage_.get()) + " 1152921504606846976";
        return Write(control_, line.c_str(), line.size());
    }

    void RemoveGroup() {
        usage_.Reset();
        control_.Reset();
        if (!group_.empty()) rmdir(group_.c_str());
        group_.clear();
    }

  private:
    std::string folder_;
    std::string group_;
    bool mounted_ = false;
    FileDescriptor control_;
    FileDescriptor usage_;
};

TEST_F(CgroupEventControl, LooksAtThePendingEventAndLeavesIt) {
    FileDescriptor efd = NewAutoreset(1);
    EXPECT_THAT(Listen(efd), SyscallSucceeds());
    EXPECT_EQ(EventfdCount(efd), 1u);
    EXPECT_THAT(Poll(efd, POLLIN), Revents(POLLIN));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
}

TEST_F(CgroupEventControl, EndOfTheGroupIsReportedOnce) {
    FileDescriptor efd = NewAutoreset();
    Must(Listen(efd));
    EXPECT_THAT(Poll(efd, POLLIN), Revents(0));
    RemoveGroup();
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

} /* namespace */
} /* namespace suite */
