// SPDX-License-Identifier: GPL-2.0
#include "support/kvm.h"

#ifdef EVENTFD_HAS_KVM

#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <vector>

#include "support/fdinfo.h"
#include "support/watchers.h"

namespace suite {
namespace {

constexpr uint16_t kStart = 0x1000;
constexpr uint16_t kHandler = 0x1080;
[[maybe_unused]] constexpr uint16_t kStack = 0x0f00;
constexpr uint8_t kFirstVector = 0x20;

constexpr uint8_t kWritesAndHaltsCode[] = {
    0xba, KvmMachine::kPort,
    0x00,       /* mov dx, port */
    0xb0, 0x01, /* mov al, 1 */
    0xee,       /* out dx, al */
    0xf4,       /* hlt */
    0xeb, 0xfc, /* jmp to the out */
};

/* The first of the two interrupt controllers is told where its vectors are and what to mask. */
constexpr uint8_t kTakesInterruptsCode[] = {
    0xfa, /* cli */
    0xb0, 0x11,
    0xe6, 0x20, /* mov al, 0x11; out 0x20, al */
    0xb0, kFirstVector,
    0xe6, 0x21, /* its first vector */
    0xb0, 0x04,
    0xe6, 0x21, /* the other one is at line 2 */
    0xb0, 0x01,
    0xe6, 0x21, /* 8086 mode */
    0xb0, 0xff ^ (1 << KvmMachine::kInterrupt),
    0xe6, 0x21,                 /* all masked but one */
    0xe6, KvmGuest::kReadyPort, /* out ready, al */
    0xfb,                       /* sti */
    0xf4,                       /* hlt */
    0xeb, 0xfd,                 /* jmp to the hlt */
};

constexpr uint8_t kHandlerCode[] = {
    0xb0, 0x20,
    0xe6, 0x20,              /* mov al, 0x20; out 0x20, al: it is over */
    0xe6, KvmMachine::kPort, /* out port, al */
    0xcf,                    /* iret */
};

} /* namespace */

#if defined(__x86_64__) || defined(__i386__)

KvmMachine::KvmMachine(InterruptControllers controllers) {
    SyscallResult made = SYSCALL(open, "/dev/kvm", O_RDWR | O_CLOEXEC);
    if (made.ok()) {
        kvm_ = FileDescriptor(static_cast<int>(made.value));
        made = SYSCALL(ioctl, kvm_, KVM_CREATE_VM, 0);
    }
    if (made.ok()) {
        vm_ = FileDescriptor(static_cast<int>(made.value));
        if (controllers == kWith) made = SYSCALL(ioctl, vm_, KVM_CREATE_IRQCHIP, 0);
    }
    if (!made.ok()) reason_ = testing::PrintToString(made);
}

/* Where its first instruction and its stack are, with the segments at address 0. */
static void SetRegisters(int vcpu, Where where) {
    kvm_sregs segments = {};
    Must(SYSCALL(ioctl, vcpu, KVM_GET_SREGS, &segments), where);
    segments.cs.base = 0;
    segments.cs.selector = 0;
    Must(SYSCALL(ioctl, vcpu, KVM_SET_SREGS, &segments), where);
    kvm_regs registers = {};
    registers.rip = kStart;
    registers.rsp = kStack;
    registers.rflags = 2;
    Must(SYSCALL(ioctl, vcpu, KVM_SET_REGS, &registers), where);
}

#else

KvmMachine::KvmMachine(InterruptControllers)
    : reason_("the machines and guests of these tests are x86's") {}

static void SetRegisters(int, Where where) { FailTest("only x86 has these registers", where); }

#endif

SyscallResult KvmMachine::Call(unsigned long request, void* argument) {
    return SYSCALL(ioctl, vm_, request, argument);
}

SyscallResult KvmMachine::Irqfd(int fd, uint32_t flags, int resample_fd) {
    kvm_irqfd request = {};
    request.fd = static_cast<uint32_t>(fd);
    request.gsi = kInterrupt;
    request.flags = flags;
    request.resamplefd = static_cast<uint32_t>(resample_fd);
    Watcher::Stays();
    return SYSCALL(ioctl, vm_, KVM_IRQFD, &request);
}

SyscallResult KvmMachine::Ioeventfd(int fd, uint32_t flags, uint64_t data) {
    kvm_ioeventfd request = {};
    request.addr = kPort;
    request.len = 1;
    request.fd = fd;
    request.flags = KVM_IOEVENTFD_FLAG_PIO | flags;
    request.datamatch = data;
    return SYSCALL(ioctl, vm_, KVM_IOEVENTFD, &request);
}

std::string KvmGuest::WhyNot() {
    /* A processor that can run no guest may let it be made all the same, and then hangs. */
    std::string cpu = ReadWholeFile("/proc/cpuinfo");
    return cpu.find(" svm") == std::string::npos && cpu.find(" vmx") == std::string::npos
               ? "this processor shows neither svm nor vmx"
               : "";
}

KvmGuest::KvmGuest(KvmMachine* machine, Code code, Where where)
    : memory_(std::make_unique<Mapping>(2 * PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED,
                                        where)) {
    char* memory = memory_->data();
    if (code == kWritesAndHalts) {
        memcpy(memory + kStart, kWritesAndHaltsCode, sizeof(kWritesAndHaltsCode));
    } else {
        memcpy(memory + kStart, kTakesInterruptsCode, sizeof(kTakesInterruptsCode));
        memcpy(memory + kHandler, kHandlerCode, sizeof(kHandlerCode));
        /* Offset and segment; the table is at address 0. */
        const uint16_t vector[2] = {kHandler, 0};
        memcpy(memory + 4 * (kFirstVector + KvmMachine::kInterrupt), vector, sizeof(vector));
    }
    kvm_userspace_memory_region region = {};
    region.memory_size = 2 * PageSize();
    region.userspace_addr = reinterpret_cast<uintptr_t>(memory);
    Must(machine->Call(KVM_SET_USER_MEMORY_REGION, &region), where);

    vcpu_ = FileDescriptor(
        static_cast<int>(Must(machine->Call(KVM_CREATE_VCPU, nullptr), where)), where);
    run_size_ = static_cast<size_t>(
        Must(SYSCALL(ioctl, machine->kvm(), KVM_GET_VCPU_MMAP_SIZE, 0), where));
    void* run = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_, 0);
    if (run == MAP_FAILED)
        FailTest("mmap of a processor's kvm_run: " + ErrnoText(errno), where);
    run_ = static_cast<kvm_run*>(run);
    SetRegisters(vcpu_, where);
}

KvmGuest::~KvmGuest() {
    if (run_) munmap(run_, run_size_);
}

uint32_t KvmGuest::Run(Where where) {
    SyscallResult ran;
    do {
        ran = SYSCALL(ioctl, vcpu_, KVM_RUN, 0);
    } while (ran.error == EINTR);
    Must(ran, where);
    return run_->exit_reason;
}

} /* namespace suite */

#endif
