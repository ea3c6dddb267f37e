// SPDX-License-Identifier: GPL-2.0
#include "support/descriptor.h"

#include <sys/epoll.h>

#include <algorithm>

namespace suite {

void FileDescriptor::Reset() {
    if (fd_ == -1) return;
    SyscallResult result = SYSCALL(close, fd_);
    fd_ = -1;
    if (!result.ok()) ADD_FAILURE() << result;
}

FileDescriptor NewEventfd(unsigned int initval, int flags) {
    return FileDescriptor(static_cast<int>(Must(Eventfd2(initval, flags))));
}

FileDescriptor NewEventfdAt(uint64_t count, int flags) {
    FileDescriptor efd = NewEventfd(0, flags);
    if (count) Must(Write(efd, std::min(count, kFull)));
    if (count == kOverflow) throw std::logic_error("only the kernel can overflow an eventfd");
    return efd;
}

FileDescriptor NewEpoll() {
    return FileDescriptor(static_cast<int>(Must(SYSCALL(epoll_create1, EPOLL_CLOEXEC))));
}

FileDescriptor Dup(int fd) { return FileDescriptor(static_cast<int>(Must(SYSCALL(dup, fd)))); }

Pipe NewPipe() {
    int ends[2];
    Must(SYSCALL(pipe2, &ends[0], O_CLOEXEC));
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

uint64_t Drain(int fd) {
    uint64_t value = 0;
    iovec vector = {&value, sizeof(value)};
    SyscallResult result = SYSCALL(preadv2, fd, &vector, 1, off_t{-1}, RWF_NOWAIT);
    if (!result.ok() && result.error == EAGAIN) return 0;
    Must(result);
    return value;
}

} /* namespace suite */
