/* SPDX-License-Identifier: GPL-2.0 */
/* A group of the memory controller, cgroup version 1, on a mount of the test's own. */
#ifndef EVENTFD_SUPPORT_CGROUP_H
#define EVENTFD_SUPPORT_CGROUP_H

#include <string>

#include "support/descriptor.h"

namespace suite {

class MemoryGroup {
  public:
    explicit MemoryGroup(Where where = Where::current());
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    ~MemoryGroup();

    /* For SKIP_IF_REFUSED(). */
    bool refused() const { return !reason_.empty(); }
    const std::string& reason() const { return reason_; }

    FileDescriptor Open(const std::string& name, int flags = O_RDONLY,
                        Where where = Where::current());
    void Set(const std::string& name, const std::string& text, Where where = Where::current());
    /* The process that calls this becomes a member. */
    void Enter(Where where = Where::current()) { Set("cgroup.procs", "0", where); }

    /* Writes to cgroup.event_control. */
    SyscallResult Listen(int efd, int file, const std::string& arguments,
                         Where where = Where::current());
    /* An event when the group, which is empty, uses an exabyte. */
    SyscallResult ListenForTooMuch(int efd, Where where = Where::current());

    void Remove();

  private:
    std::string reason_;
    std::string folder_;
    std::string group_;
    bool mounted_ = false;
};

} /* namespace suite */

#endif
