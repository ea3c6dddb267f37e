// SPDX-License-Identifier: GPL-2.0
#include "support/descriptor.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

#include "support/abilities.h"
#include "support/watchers.h"

namespace suite {

void FileDescriptor::Reset(Where where) {
    if (fd_ == -1) return;
    SyscallResult result = SYSCALL(close, fd_);
    fd_ = -1;
    if (!result.ok())
        AddFailure("a descriptor that had to close: " + testing::PrintToString(result), where);
}

FileDescriptor NewEventfd(unsigned int initval, int flags, Where where) {
    return FileDescriptor(static_cast<int>(Must(Eventfd2(initval, flags), where)), where);
}

FileDescriptor NewEventfdAt(uint64_t count, int flags, Where where) {
    FileDescriptor efd = NewEventfd(0, flags, where);
    if (count) Must(Write(efd, std::min(count, kFull)), where);
    if (count == kOverflow) FailTest("only the kernel can overflow an eventfd", where);
    return efd;
}

FileDescriptor NewEpoll(Where where) {
    Watcher::Stays();
    return FileDescriptor(static_cast<int>(Must(SYSCALL(epoll_create1, EPOLL_CLOEXEC), where)),
                          where);
}

FileDescriptor Dup(int fd, Where where) {
    return FileDescriptor(static_cast<int>(Must(SYSCALL(dup, fd), where)), where);
}

Pipe NewPipe(Where where) {
    int ends[2];
    Must(SYSCALL(pipe2, &ends[0], O_CLOEXEC), where);
    return {FileDescriptor(ends[0], where), FileDescriptor(ends[1], where)};
}

SocketPair NewSocketPair(Where where) {
    int ends[2];
    Must(SYSCALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, &ends[0]), where);
    return {FileDescriptor(ends[0], where), FileDescriptor(ends[1], where)};
}

namespace {

/* A message of one byte, with room for one descriptor beside it. */
struct DescriptorMessage {
    DescriptorMessage() {
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
    }

    char byte = 0;
    iovec vector = {&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header = {};
};

} /* namespace */

void SendDescriptor(int socket, int fd, Where where) {
    NeedAbility(Ability::kScmRights);
    DescriptorMessage message;
    cmsghdr* part = CMSG_FIRSTHDR(&message.header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &fd, sizeof(fd));
    Must(SYSCALL(sendmsg, socket, &message.header, 0), where);
}

FileDescriptor ReceiveDescriptor(int socket, Where where) {
    DescriptorMessage message;
    Must(SYSCALL(recvmsg, socket, &message.header, MSG_CMSG_CLOEXEC), where);
    cmsghdr* part = CMSG_FIRSTHDR(&message.header);
    if (!part || part->cmsg_type != SCM_RIGHTS)
        FailTest("a message came without the descriptor that was sent with it", where);
    int fd;
    memcpy(&fd, CMSG_DATA(part), sizeof(fd));
    return FileDescriptor(fd, where);
}

uint64_t Drain(int fd, Where where) {
    uint64_t value = 0;
    iovec vector = {&value, sizeof(value)};
    SyscallResult result = {-1, EOPNOTSUPP, ""};
    if (Has(Ability::kNowait)) result = SYSCALL(preadv2, fd, &vector, 1, off_t{-1}, RWF_NOWAIT);
    if (!result.ok() && result.error == EAGAIN) return 0;
    if (!result.ok() && (result.error == EOPNOTSUPP || result.error == ENOSYS)) {
        /* A system without that call, or that flag of it. */
        pollfd look = {fd, POLLIN, 0};
        if (!Must(SYSCALL(poll, &look, 1, 0), where)) return 0;
        result = Read(fd, &value);
    }
    Must(result, where);
    return value;
}

} /* namespace suite */
