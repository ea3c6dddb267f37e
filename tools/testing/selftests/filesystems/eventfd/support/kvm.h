/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual machine, as small as it can be, and what KVM does with eventfds: a write to one is
 * an interrupt (irqfd), and a guest's write to a port is a signal (ioeventfd).
 */
#ifndef EVENTFD_SUPPORT_KVM_H
#define EVENTFD_SUPPORT_KVM_H

#if __has_include(<linux/kvm.h>)
#define EVENTFD_HAS_KVM

#include <linux/kvm.h>

#include <memory>
#include <string>

#include "support/descriptor.h"
#include "support/memory.h"

namespace suite {

class KvmMachine {
  public:
    /* The line that irqfds are for, and the port that ioeventfds are for. */
    static constexpr uint32_t kInterrupt = 5;
    static constexpr uint16_t kPort = 0x10;

    enum InterruptControllers { kWithout, kWith };

    /* Refused on what is no x86: it has neither such lines nor such ports. */
    explicit KvmMachine(InterruptControllers controllers);

    /* For SKIP_IF_REFUSED(). */
    bool refused() const { return !reason_.empty(); }
    const std::string& reason() const { return reason_; }

    SyscallResult Irqfd(int fd, uint32_t flags = 0, int resample_fd = 0);
    SyscallResult Ioeventfd(int fd, uint32_t flags = 0, uint64_t data = 0);
    SyscallResult Call(unsigned long request, void* argument);
    int kvm() const { return kvm_; }

  private:
    FileDescriptor kvm_;
    FileDescriptor vm_;
    std::string reason_;
};

/* A processor with a few bytes of code. */
class KvmGuest {
  public:
    enum Code {
        /* Writes 1 to kPort, halts, and does it again. */
        kWritesAndHalts,
        /*
         * Writes to kReadyPort when it is ready for interrupts, and halts. An interrupt has it
         * say that it is over, write to kPort, and halt again.
         */
        kTakesInterrupts,
    };
    static constexpr uint16_t kReadyPort = 0x11;

    KvmGuest(KvmMachine* machine, Code code, Where where = Where::current());
    KvmGuest(const KvmGuest&) = delete;
    KvmGuest& operator=(const KvmGuest&) = delete;
    ~KvmGuest();

    /* As for a machine: where there is one, its processor may still be unable to run a guest.
     */
    static std::string WhyNot();

    /* Lets it go on until KVM has no answer to what it does: KVM_EXIT_*. */
    uint32_t Run(Where where = Where::current());
    /* The port of the last KVM_EXIT_IO. */
    uint16_t port() const { return run_->io.port; }

  private:
    std::unique_ptr<Mapping> memory_;
    FileDescriptor vcpu_;
    kvm_run* run_ = nullptr;
    size_t run_size_ = 0;
};

} /* namespace suite */

#endif
#endif
