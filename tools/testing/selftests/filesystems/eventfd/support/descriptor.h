/* SPDX-License-Identifier: GPL-2.0 */
/* File descriptors that close themselves, and how tests get them. */
#ifndef EVENTFD_SUPPORT_DESCRIPTOR_H
#define EVENTFD_SUPPORT_DESCRIPTOR_H

#include <utility>

#include "support/syscall.h"

namespace suite {

/* Owns one descriptor. Moves, never copies; a close(2) that fails is a failure of the test. */
class FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.Release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        if (this != &other) {
            Reset();
            fd_ = other.Release();
        }
        return *this;
    }
    ~FileDescriptor() { Reset(); }

    int get() const { return fd_; }
    /* A descriptor goes wherever a system call wants its number, but is no truth value. */
    operator int() const& { return fd_; }
    operator int() const&& = delete;
    explicit operator bool() const = delete;

    int Release() { return std::exchange(fd_, -1); }
    void Reset();

  private:
    int fd_ = -1;
};

/* Each of these throws SyscallError, which fails the test, where the kernel refuses. */
FileDescriptor NewEventfd(unsigned int initval = 0, int flags = 0);
FileDescriptor NewEventfdAt(uint64_t count, int flags = 0);
FileDescriptor NewEpoll();
FileDescriptor Dup(int fd);

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Pipe NewPipe();

/* Two connected sockets of AF_UNIX, over which descriptors can be sent (SCM_RIGHTS). */
struct SocketPair {
    FileDescriptor sender;
    FileDescriptor receiver;
};

SocketPair NewSocketPair();
void SendDescriptor(int socket, int fd);
FileDescriptor ReceiveDescriptor(int socket);

/* Takes what is there without blocking, and leaves the file's flags as they were. */
uint64_t Drain(int fd);

} /* namespace suite */

#endif
