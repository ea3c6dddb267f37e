// SPDX-License-Identifier: GPL-2.0
#include "support/cgroup.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "support/tasks.h"

namespace suite {

MemoryGroup::MemoryGroup() {
    char folder[] = "/tmp/eventfd-cgroup-XXXXXX";
    SyscallResult done = SYSCALL(unshare, CLONE_NEWNS);
    if (done.ok())
        done = SYSCALL(mount, "none", "/", nullptr,
                       static_cast<unsigned long>(MS_REC | MS_PRIVATE), nullptr);
    if (!done.ok()) {
        reason_ = testing::PrintToString(done);
        return;
    }
    if (!mkdtemp(folder)) throw std::runtime_error("mkdtemp: " + ErrnoText(errno));
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

FileDescriptor MemoryGroup::Open(const std::string& name, int flags) {
    std::string path = group_ + "/" + name;
    return FileDescriptor(
        static_cast<int>(Must(SYSCALL(open, path.c_str(), flags | O_CLOEXEC))));
}

void MemoryGroup::Set(const std::string& name, const std::string& text) {
    FileDescriptor file = Open(name, O_WRONLY);
    Must(Write(file, text.c_str(), text.size()));
}

SyscallResult MemoryGroup::Listen(int efd, int file, const std::string& arguments) {
    FileDescriptor control = Open("cgroup.event_control", O_WRONLY);
    std::string line =
        std::to_string(efd) + " " + std::to_string(file) + (arguments.empty() ? "" : " ");
    line += arguments;
    return Write(control, line.c_str(), line.size());
}

SyscallResult MemoryGroup::ListenForTooMuch(int efd) {
    FileDescriptor usage = Open("memory.usage_in_bytes");
    return Listen(efd, usage, "1152921504606846976");
}

void MemoryGroup::Remove() {
    if (group_.empty()) return;
    /* A member that has ended may still be counted for a moment. */
    WaitUntil([&] { return !rmdir(group_.c_str()) || errno != EBUSY; });
    group_.clear();
}

} /* namespace suite */
