/* SPDX-License-Identifier: GPL-2.0 */
/* File descriptors that close themselves, and how tests get them. */
#ifndef EVENTFD_SUPPORT_DESCRIPTOR_H
#define EVENTFD_SUPPORT_DESCRIPTOR_H

#include <utility>

#include "support/syscall.h"

namespace suite {

/*
 * Owns one descriptor. Moves, never copies; a close(2) that fails is a failure of the test, in
 * the line that made the descriptor where no line closes it.
 */
class FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd, Where made = Where::current()) : fd_(fd), made_(made) {}
    FileDescriptor(FileDescriptor&& other) noexcept
        : fd_(other.Release()), made_(other.made_) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        if (this != &other) {
            Reset(made_);
            fd_ = other.Release();
            made_ = other.made_;
        }
        return *this;
    }
    ~FileDescriptor() { Reset(made_); }

    int get() const { return fd_; }
    /* A descriptor goes wherever a system call wants its number, but is no truth value. */
    operator int() const& { return fd_; }
    operator int() const&& = delete;
    explicit operator bool() const = delete;

    int Release() { return std::exchange(fd_, -1); }
    void Reset(Where where = Where::current());

  private:
    int fd_ = -1;
    Where made_;
};

/* Each of these ends the test, as failed, where the kernel refuses. */
FileDescriptor NewEventfd(unsigned int initval = 0, int flags = 0,
                          Where where = Where::current());
FileDescriptor NewEventfdAt(uint64_t count, int flags = 0, Where where = Where::current());
FileDescriptor NewEpoll(Where where = Where::current());
FileDescriptor Dup(int fd, Where where = Where::current());

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Pipe NewPipe(Where where = Where::current());

/* Two connected sockets of AF_UNIX, over which descriptors can be sent (SCM_RIGHTS). */
struct SocketPair {
    FileDescriptor sender;
    FileDescriptor receiver;
};

SocketPair NewSocketPair(Where where = Where::current());
void SendDescriptor(int socket, int fd, Where where = Where::current());
FileDescriptor ReceiveDescriptor(int socket, Where where = Where::current());

/* Takes what is there without blocking, and leaves the file's flags as they were. */
uint64_t Drain(int fd, Where where = Where::current());

} /* namespace suite */

#endif
