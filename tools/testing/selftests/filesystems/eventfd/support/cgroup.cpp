// SPDX-License-Identifier: GPL-2.0
#include "support/cgroup.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "support/abilities.h"
#include "support/tasks.h"
#include "support/watchers.h"

namespace suite {

MemoryGroup::MemoryGroup(Where where) {
    char folder[] = "/tmp/eventfd-cgroup-XXXXXX";
    if (!Has(Ability::kMemoryGroup)) {
        reason_ = WhyNot(Ability::kMemoryGroup);
        return;
    }
    SyscallResult done = SYSCALL(unshare, CLONE_NEWNS);
    if (done.ok())
        done = SYSCALL(mount, "none", "/", nullptr,
                       static_cast<unsigned long>(MS_REC | MS_PRIVATE), nullptr);
    if (!done.ok()) {
        reason_ = testing::PrintToString(done);
        return;
    }
    if (!mkdtemp(folder))
        FailTest("mkdtemp(" + std::string(folder) + "): " + ErrnoText(errno), where);
    folder_ = folder;
    done = SYSCALL(mount, "none", folder_.c_str(), "cgroup", 0ul, "memory");
    mounted_ = done.ok();
    if (mounted_) {
        std::string group = folder_ + "/eventfd-" + std::to_string(getpid());
        done = SYSCALL(mkdir, group.c_str(), 0755u);
        if (done.ok()) {
            group_ = group;
            std::string control = group_ + "/cgroup.event_control";
            done = SYSCALL(access, control.c_str(), W_OK);
        }
    }
    if (!done.ok())
        reason_ = testing::PrintToString(done) + ": no memory controller of cgroup v1";
}

MemoryGroup::~MemoryGroup() {
    Remove();
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
    if (!folder_.empty()) rmdir(folder_.c_str());
}

FileDescriptor MemoryGroup::Open(const std::string& name, int flags, Where where) {
    std::string path = group_ + "/" + name;
    return FileDescriptor(
        static_cast<int>(Must(SYSCALL(open, path.c_str(), flags | O_CLOEXEC), where)), where);
}

void MemoryGroup::Set(const std::string& name, const std::string& text, Where where) {
    FileDescriptor file = Open(name, O_WRONLY, where);
    Must(Write(file, text.c_str(), text.size()), where);
}

SyscallResult MemoryGroup::Listen(int efd, int file, const std::string& arguments,
                                  Where where) {
    Watcher::Stays();
    FileDescriptor control = Open("cgroup.event_control", O_WRONLY, where);
    std::string line =
        std::to_string(efd) + " " + std::to_string(file) + (arguments.empty() ? "" : " ");
    line += arguments;
    return Write(control, line.c_str(), line.size());
}

SyscallResult MemoryGroup::ListenForTooMuch(int efd, Where where) {
    FileDescriptor usage = Open("memory.usage_in_bytes", O_RDONLY, where);
    return Listen(efd, usage, "1152921504606846976", where);
}

void MemoryGroup::Remove() {
    if (group_.empty()) return;
    /* A member that has ended may still be counted for a moment. */
    WaitUntil([&] { return !rmdir(group_.c_str()) || errno != EBUSY; });
    group_.clear();
}

} /* namespace suite */
