/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways in which the kernel can be told to read or write an eventfd, behind one interface,
 * so that a test of what comes of it is written once and run over all of them:
 *
 *     auto transport = Transport::Make(kind, efd, memory);
 *     EXPECT_THAT(transport->Read(buffer, 8), SyscallSucceedsWithValue(8));
 *
 * A result is as that of read(2) or write(2), whatever form it came in: io_uring's and aio's
 * negative errno is -1 with errno here.
 */
#ifndef EVENTFD_SUPPORT_TRANSPORT_H
#define EVENTFD_SUPPORT_TRANSPORT_H

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "support/descriptor.h"

namespace suite {

enum class TransportKind {
    kReadWrite,
    kVector,  /* readv, writev */
    kVector2, /* preadv2, pwritev2 */
    kIoUring,
    kIoUringVector,
    kIoUringFixed,     /* READ_FIXED and WRITE_FIXED, with a registered buffer */
    kIoUringMultishot, /* READ_MULTISHOT, with a provided buffer; cannot write */
    kAio,              /* IOCB_CMD_PREAD; cannot write */
    kCompat,           /* the calls of a 32-bit process */
    kCompatVector,
};

/* "IoUringFixed"; for the names of parameterized tests, too. */
std::string TransportName(TransportKind kind);
std::ostream& operator<<(std::ostream& out, TransportKind kind);

/* What is known to differ between them; each of these is asserted somewhere. */
bool CanWrite(TransportKind kind);
/* A nonblocking eventfd makes it wait, and not fail with EAGAIN. */
bool WaitsAlsoIfNonblocking(TransportKind kind);
/* It refuses a buffer outside of the memory it was made with, before it reads. */
bool KnowsItsBuffers(TransportKind kind);

/* All that the predicate, if there is one, holds for. */
std::vector<TransportKind> Transports(bool (*predicate)(TransportKind) = nullptr);

/* Why this kernel does not let us use it; empty where it does. */
std::string WhyNotTransport(TransportKind kind, Where where = Where::current());

/* A read or a write under way. It has to end before it goes out of scope. */
class Operation {
  public:
    virtual ~Operation() = default;
    /* Returns once it waits in the kernel; the test fails if it does not. */
    virtual void WaitUntilWaiting(Where where = Where::current()) = 0;
    /* Its result, waited for. */
    virtual SyscallResult Finish(Where where = Where::current()) = 0;
};

/* What a transport may use for buffers; 32 bits can address it. */
struct TransportMemory {
    char* start;
    size_t length;
};

class Transport {
  public:
    static std::unique_ptr<Transport> Make(TransportKind kind, int eventfd,
                                           TransportMemory memory,
                                           Where where = Where::current());
    virtual ~Transport() = default;

    /* Either from start to end. */
    virtual SyscallResult Read(void* buffer, size_t length, Where where = Where::current());
    virtual SyscallResult Write(const void* buffer, size_t length,
                                Where where = Where::current());

    /* One that is expected to wait. */
    virtual std::unique_ptr<Operation> StartRead(void* buffer, size_t length,
                                                 Where where = Where::current()) = 0;
    virtual std::unique_ptr<Operation> StartWrite(const void* buffer, size_t length,
                                                  Where where = Where::current()) = 0;
};

/*
 * System calls of a 32-bit process, made by a 64-bit one (int $0x80). Arguments that are
 * addresses have to fit.
 */
inline constexpr long kCompatRead = 3;
inline constexpr long kCompatWrite = 4;
inline constexpr long kCompatReadv = 145;
inline constexpr long kCompatWritev = 146;
inline constexpr long kCompatEventfd = 323;
inline constexpr long kCompatEventfd2 = 328;

SyscallResult CompatCall(long number, uintptr_t first, uintptr_t second = 0,
                         uintptr_t third = 0, Where where = Where::current());

/* Why there are none; empty where there are. */
std::string WhyNotCompat(Where where = Where::current());

} /* namespace suite */

#endif
