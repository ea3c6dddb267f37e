/* SPDX-License-Identifier: GPL-2.0 */
/* An io_uring that ends with its scope. */
#ifndef EVENTFD_SUPPORT_URING_H
#define EVENTFD_SUPPORT_URING_H

#include <liburing.h>

#include <string>

#include "support/descriptor.h"
#include "support/skip.h"
#include "support/watchers.h"

namespace suite {

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
    Watcher watches_;
};

} /* namespace suite */

#endif
