/* SPDX-License-Identifier: GPL-2.0 */
/* A plain aio context that ends with its scope, and requests for it. */
#ifndef EVENTFD_SUPPORT_AIO_H
#define EVENTFD_SUPPORT_AIO_H

#include <linux/aio_abi.h>

#include <string>

#include "support/descriptor.h"
#include "support/skip.h"

namespace suite {

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
