/* SPDX-License-Identifier: GPL-2.0 */
/* A page that is not there until the test makes it (userfaultfd): who touches it sleeps that
 * long. */
#ifndef EVENTFD_SUPPORT_USERFAULT_H
#define EVENTFD_SUPPORT_USERFAULT_H

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include "support/abilities.h"
#include "support/descriptor.h"
#include "support/memory.h"
#include "support/skip.h"

namespace suite {

class PageToBeMade {
  public:
    explicit PageToBeMade(Where where = Where::current())
        : mapping_(PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE, where) {
        NeedAbility(Ability::kUserfaultfd);
        SyscallResult opened = RAW_SYSCALL(userfaultfd, O_CLOEXEC);
        if (!opened.ok()) SkipTest("no userfaultfd: " + ErrnoText(opened.error));
        faults_ = FileDescriptor(static_cast<int>(opened.value), where);
        uffdio_api api = {UFFD_API, 0, 0};
        Must(SYSCALL(ioctl, faults_, UFFDIO_API, &api), where);
        uffdio_register missing = {Range(), UFFDIO_REGISTER_MODE_MISSING, 0};
        Must(SYSCALL(ioctl, faults_, UFFDIO_REGISTER, &missing), where);
    }

    char* data() const { return mapping_.data(); }

    void WaitForTouch(Where where = Where::current()) {
        uffd_msg message;
        Must(SYSCALL(read, faults_, &message, sizeof(message)), where);
        if (message.event != UFFD_EVENT_PAGEFAULT)
            AddFailure("userfaultfd was to tell of a page fault, and tells of event " +
                           std::to_string(message.event),
                       where);
    }

    void Make(Where where = Where::current()) {
        uffdio_zeropage zeroes = {Range(), 0, 0};
        Must(SYSCALL(ioctl, faults_, UFFDIO_ZEROPAGE, &zeroes), where);
    }

  private:
    uffdio_range Range() const {
        return {reinterpret_cast<uintptr_t>(mapping_.data()), PageSize()};
    }

    Mapping mapping_;
    FileDescriptor faults_;
};

} /* namespace suite */

#endif
