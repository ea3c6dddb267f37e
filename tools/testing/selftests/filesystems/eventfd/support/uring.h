/* SPDX-License-Identifier: GPL-2.0 */
/* An io_uring that ends with its scope, and a plain aio context that does. */
#ifndef EVENTFD_SUPPORT_URING_H
#define EVENTFD_SUPPORT_URING_H

#include <liburing.h>
#include <linux/aio_abi.h>

#include <string>
#include <vector>

#include "support/descriptor.h"

namespace suite {

/*
 * For either: a kernel without it, or that does not let us, is no failure.
 *     IoUring ring;
 *     SKIP_IF_REFUSED(ring);
 */
#define SKIP_IF_REFUSED(what) SKIP_UNLESS(!(what).refused(), (what).reason())

/* liburing, completions and aio's events have errno negated. */
SyscallResult FromNegativeErrno(std::string call, long result);

struct Completion {
    uint64_t data;
    int result;
    uint32_t flags;
};

std::ostream& operator<<(std::ostream& out, const Completion& completion);

/* Newer than the liburing of some systems. */
inline constexpr int kOpReadMultishot = 49;

class IoUring {
  public:
    explicit IoUring(unsigned int entries = 8, unsigned int flags = 0,
                     Where where = Where::current());
    IoUring(const IoUring&) = delete;
    IoUring& operator=(const IoUring&) = delete;
    ~IoUring();

    bool refused() const { return !reason_.empty(); }
    const std::string& reason() const { return reason_; }
    io_uring* get() { return &ring_; }
    /* Whether the kernel has this operation. */
    bool Knows(int operation);

    /* An entry to fill in, by liburing's io_uring_prep_*(). */
    io_uring_sqe* Entry(uint64_t data = 0, Where where = Where::current());
    /* One that is filled in: a READ_MULTISHOT into the provided buffers of a group. */
    void EnterMultishotRead(int fd, uint16_t group, uint64_t data = 0,
                            Where where = Where::current());
    /* Arms a poll, in whose entry these bits are whole. */
    void ArmPoll(int fd, uint32_t events, bool multishot = false, uint64_t data = 0,
                 Where where = Where::current());
    void Submit(Where where = Where::current());
    /* The next completion, waited for. */
    Completion Wait(Where where = Where::current());
    /* The next completion if there is one now. */
    bool Peek(Completion* completion);
    /* The test fails if a request has completed; on every kind of ring, SQPOLL's too. */
    void ExpectNoCompletion(Where where = Where::current());

    void RegisterEventfd(int fd, Where where = Where::current());
    void UnregisterEventfd(Where where = Where::current());
    /* Submits this many NOPs at once and takes their completions. */
    void CompleteNops(unsigned int count, Where where = Where::current());

  private:
    io_uring ring_;
    std::string reason_;
};

/* What io_submit(2) takes. Parts, for the opcodes with a V, are so many iovecs. */
iocb AioRequest(int opcode, int fd, const void* buffer_or_parts, uint64_t length_or_number);
iocb AioPoll(int fd, uint32_t events);
/* The request signals the eventfd when it is done. */
void SignalWhenDone(iocb* request, int eventfd);

class AioContext {
  public:
    explicit AioContext(unsigned int events = 8, Where where = Where::current());
    AioContext(const AioContext&) = delete;
    AioContext& operator=(const AioContext&) = delete;
    ~AioContext();

    bool refused() const { return !reason_.empty(); }
    const std::string& reason() const { return reason_; }

    SyscallResult Submit(iocb* request);
    SyscallResult Cancel(iocb* request);
    io_event Wait(Where where = Where::current());
    /* The next event if it comes in time. */
    SyscallResult Look(io_event* event, timespec* timeout);
    /* Completes one request of 8 bytes, on a file of its own, that signals the eventfd. */
    void Signal(int eventfd, Where where = Where::current());

  private:
    aio_context_t context_ = 0;
    std::string reason_;
};

} /* namespace suite */

#endif
