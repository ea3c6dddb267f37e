// SPDX-License-Identifier: GPL-2.0
#include "support/transport.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <ostream>

#include "support/abilities.h"
#include "support/aio.h"
#include "support/memory.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

[[noreturn]] void CannotWrite(Where where) { FailTest("this transport cannot write", where); }

/* What sleeps in a call of a thread of its own. */
class ThreadOperation : public Operation {
  public:
    ThreadOperation(long call, std::function<SyscallResult()> body, Where where)
        : call_(call), thread_([this, body = std::move(body)] { result_ = body(); }, where) {}

    void WaitUntilWaiting(Where where) override { thread_.WaitUntilBlockedIn(call_, where); }

    SyscallResult Finish(Where) override {
        thread_.Join();
        return result_;
    }

  private:
    long call_;
    SyscallResult result_ = {};
    ScopedThread thread_;
};

/* A transport that is a call: it ends when the operation has ended. */
class CallTransport : public Transport {
  public:
    CallTransport(int fd, long read_call, long write_call)
        : fd_(fd), read_call_(read_call), write_call_(write_call) {}

    SyscallResult Read(void* buffer, size_t length, Where where) override {
        return CallRead(fd_, buffer, length, where);
    }
    SyscallResult Write(const void* buffer, size_t length, Where where) override {
        return CallWrite(fd_, buffer, length, where);
    }
    std::unique_ptr<Operation> StartRead(void* buffer, size_t length, Where where) override {
        return std::make_unique<ThreadOperation>(
            read_call_, [=, this] { return Read(buffer, length, where); }, where);
    }
    std::unique_ptr<Operation> StartWrite(const void* buffer, size_t length,
                                          Where where) override {
        return std::make_unique<ThreadOperation>(
            write_call_, [=, this] { return Write(buffer, length, where); }, where);
    }

  protected:
    virtual SyscallResult CallRead(int fd, void* buffer, size_t length, Where where) = 0;
    virtual SyscallResult CallWrite(int fd, const void* buffer, size_t length, Where where) = 0;

  private:
    int fd_;
    long read_call_;
    long write_call_;
};

/* read(2) and write(2), of a descriptor that may be its own. */
class ReadWrite : public CallTransport {
  public:
    explicit ReadWrite(int fd) : CallTransport(fd, SYS_read, SYS_write) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length, Where) override {
        return suite::Read(fd, buffer, length);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length, Where) override {
        return suite::Write(fd, buffer, length);
    }
};

/* A read is gathered, so it may come in parts; each part of a write is a write. */
std::vector<iovec> Halves(void* buffer, size_t length) {
    char* start = static_cast<char*>(buffer);
    return {{start, length / 2}, {start + length / 2, length - length / 2}};
}

class Vector : public CallTransport {
  public:
    explicit Vector(int fd) : CallTransport(fd, SYS_readv, SYS_writev) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length, Where) override {
        return Readv(fd, Halves(buffer, length));
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length, Where) override {
        return Writev(fd, {{const_cast<void*>(buffer), length}});
    }
};

class Vector2 : public CallTransport {
  public:
    explicit Vector2(int fd) : CallTransport(fd, SYS_preadv2, SYS_pwritev2) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length, Where) override {
        std::vector<iovec> parts = Halves(buffer, length);
        return SYSCALL(preadv2, fd, parts.data(), 2, off_t{-1}, 0);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length, Where) override {
        iovec part = {const_cast<void*>(buffer), length};
        return SYSCALL(pwritev2, fd, &part, 1, off_t{-1}, 0);
    }
};

/* io_submit(2) itself sleeps where the file makes it wait. */
class Aio : public CallTransport {
  public:
    Aio(int fd, Where where) : CallTransport(fd, SYS_io_submit, -1), context_(8, where) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length, Where where) override {
        iocb request = AioRequest(IOCB_CMD_PREAD, fd, buffer, length);
        SyscallResult submitted = context_.Submit(&request);
        if (!submitted.ok()) return submitted;
        return FromNegativeErrno("aio: PREAD", static_cast<long>(context_.Wait(where).res));
    }
    SyscallResult CallWrite(int, const void*, size_t, Where where) override {
        CannotWrite(where);
    }

  private:
    AioContext context_;
};

class Compat : public CallTransport {
  public:
    explicit Compat(int fd) : CallTransport(fd, kCompatRead, kCompatWrite) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length, Where where) override {
        return CompatCall(kCompatRead, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(buffer), length, where);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length, Where where) override {
        return CompatCall(kCompatWrite, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(buffer), length, where);
    }
};

class CompatVector : public CallTransport {
  public:
    CompatVector(int fd, Where where)
        : CallTransport(fd, kCompatReadv, kCompatWritev),
          parts_(PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | kLowMemory, where) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length, Where where) override {
        size_t half = length / 2;
        SetPart(0, buffer, half);
        SetPart(1, static_cast<char*>(buffer) + half, length - half);
        return CompatCall(kCompatReadv, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(parts_.data()), 2, where);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length, Where where) override {
        SetPart(0, buffer, length);
        return CompatCall(kCompatWritev, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(parts_.data()), 1, where);
    }

  private:
    /* An iovec as 32-bit processes have it. */
    void SetPart(int index, const void* buffer, size_t length) {
        uint32_t* part = reinterpret_cast<uint32_t*>(parts_.data()) + 2 * index;
        part[0] = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(buffer));
        part[1] = static_cast<uint32_t>(length);
    }

    Mapping parts_;
};

/* A request in a ring: submitting it never sleeps. */
class RingOperation : public Operation {
  public:
    RingOperation(IoUring* ring, std::string call, Where where)
        : ring_(ring), call_(std::move(call)) {
        ring_->Submit(where);
    }

    void WaitUntilWaiting(Where where) override { ring_->ExpectNoCompletion(where); }

    SyscallResult Finish(Where where) override {
        return FromNegativeErrno(call_, ring_->Wait(where).result);
    }

  private:
    IoUring* ring_;
    std::string call_;
};

class Ring : public Transport {
  public:
    Ring(TransportKind kind, int fd, TransportMemory memory, Where where)
        : kind_(kind), fd_(fd), ring_(8, 0, where) {
        if (kind != TransportKind::kIoUringFixed) return;
        iovec buffer = {memory.start, memory.length};
        int result = io_uring_register_buffers(ring_.get(), &buffer, 1);
        Must(FromNegativeErrno("io_uring_register_buffers()", result), where);
    }

    std::unique_ptr<Operation> StartRead(void* buffer, size_t length, Where where) override {
        io_uring_sqe* entry = ring_.Entry(0, where);
        unsigned int size = static_cast<unsigned int>(length);
        if (kind_ == TransportKind::kIoUringVector) {
            parts_ = Halves(buffer, length);
            io_uring_prep_readv(entry, fd_, parts_.data(), 2, 0);
        } else if (kind_ == TransportKind::kIoUringFixed) {
            io_uring_prep_read_fixed(entry, fd_, buffer, size, 0, 0);
        } else {
            io_uring_prep_read(entry, fd_, buffer, size, 0);
        }
        return std::make_unique<RingOperation>(
            &ring_, TransportName(kind_) + " read of " + std::to_string(length), where);
    }

    std::unique_ptr<Operation> StartWrite(const void* buffer, size_t length,
                                          Where where) override {
        io_uring_sqe* entry = ring_.Entry(0, where);
        unsigned int size = static_cast<unsigned int>(length);
        if (kind_ == TransportKind::kIoUringVector) {
            parts_ = {{const_cast<void*>(buffer), length}};
            io_uring_prep_writev(entry, fd_, parts_.data(), 1, 0);
        } else if (kind_ == TransportKind::kIoUringFixed) {
            io_uring_prep_write_fixed(entry, fd_, buffer, size, 0, 0);
        } else {
            io_uring_prep_write(entry, fd_, buffer, size, 0);
        }
        return std::make_unique<RingOperation>(
            &ring_, TransportName(kind_) + " write of " + std::to_string(length), where);
    }

  private:
    TransportKind kind_;
    int fd_;
    IoUring ring_;
    std::vector<iovec> parts_;
};

/*
 * The first completion of a multishot read that has one buffer to read into. What is left of it
 * then, it and its buffer, goes with the ring.
 */
class MultishotOperation : public Operation {
  public:
    MultishotOperation(int fd, void* buffer, size_t length, Where where) : ring_(8, 0, where) {
        constexpr int kGroup = 1;
        io_uring_prep_provide_buffers(ring_.Entry(0, where), buffer, static_cast<int>(length),
                                      1, kGroup, 0);
        ring_.Submit(where);
        Must(FromNegativeErrno("io_uring: PROVIDE_BUFFERS", ring_.Wait(where).result), where);
        ring_.EnterMultishotRead(fd, kGroup, kRead, where);
        operation_ = std::make_unique<RingOperation>(&ring_, "io_uring: READ_MULTISHOT", where);
    }

    void WaitUntilWaiting(Where where) override { operation_->WaitUntilWaiting(where); }

    SyscallResult Finish(Where where) override {
        Completion first = ring_.Wait(where);
        if (first.flags & IORING_CQE_F_MORE) {
            io_uring_prep_cancel64(ring_.Entry(0, where), kRead, 0);
            ring_.Submit(where);
            while (ring_.Wait(where).data != kRead)
                ;
        }
        return FromNegativeErrno("io_uring: READ_MULTISHOT", first.result);
    }

  private:
    static constexpr uint64_t kRead = 1;

    IoUring ring_;
    std::unique_ptr<RingOperation> operation_;
};

class Multishot : public Transport {
  public:
    explicit Multishot(int fd) : fd_(fd) {}

    std::unique_ptr<Operation> StartRead(void* buffer, size_t length, Where where) override {
        return std::make_unique<MultishotOperation>(fd_, buffer, length, where);
    }
    std::unique_ptr<Operation> StartWrite(const void*, size_t, Where where) override {
        CannotWrite(where);
    }

  private:
    int fd_;
};

std::string WhyNotMultishot(Where where) {
    IoUring ring(8, 0, where);
    if (ring.refused()) return ring.reason();
    return ring.Knows(kOpReadMultishot) ? "" : "this kernel's io_uring has no READ_MULTISHOT";
}

} /* namespace */

std::string TransportName(TransportKind kind) {
    switch (kind) {
        case TransportKind::kReadWrite:
            return "ReadWrite";
        case TransportKind::kVector:
            return "Vector";
        case TransportKind::kVector2:
            return "Vector2";
        case TransportKind::kIoUring:
            return "IoUring";
        case TransportKind::kIoUringVector:
            return "IoUringVector";
        case TransportKind::kIoUringFixed:
            return "IoUringFixed";
        case TransportKind::kIoUringMultishot:
            return "IoUringMultishot";
        case TransportKind::kAio:
            return "Aio";
        case TransportKind::kCompat:
            return "Compat";
        case TransportKind::kCompatVector:
            return "CompatVector";
    }
    return "?";
}

std::ostream& operator<<(std::ostream& out, TransportKind kind) {
    return out << TransportName(kind);
}

bool CanWrite(TransportKind kind) {
    return kind != TransportKind::kIoUringMultishot && kind != TransportKind::kAio;
}

bool WaitsAlsoIfNonblocking(TransportKind kind) {
    return kind == TransportKind::kIoUring || kind == TransportKind::kIoUringVector ||
           kind == TransportKind::kIoUringFixed || kind == TransportKind::kIoUringMultishot;
}

bool KnowsItsBuffers(TransportKind kind) { return kind == TransportKind::kIoUringFixed; }

std::vector<TransportKind> Transports(bool (*predicate)(TransportKind)) {
    std::vector<TransportKind> kinds;

    for (TransportKind kind : {
             TransportKind::kReadWrite,
             TransportKind::kVector,
             TransportKind::kVector2,
             TransportKind::kIoUring,
             TransportKind::kIoUringVector,
             TransportKind::kIoUringFixed,
             TransportKind::kIoUringMultishot,
             TransportKind::kAio,
             TransportKind::kCompat,
             TransportKind::kCompatVector,
         })
        if (!predicate || predicate(kind)) kinds.push_back(kind);
    return kinds;
}

std::string WhyNotTransport(TransportKind kind, Where where) {
    switch (kind) {
        case TransportKind::kIoUring:
        case TransportKind::kIoUringVector:
        case TransportKind::kIoUringFixed:
            return IoUring(8, 0, where).reason();
        case TransportKind::kIoUringMultishot:
            return WhyNotMultishot(where);
        case TransportKind::kAio:
            return Has(Ability::kAioRead) ? AioContext(8, where).reason()
                                          : WhyNot(Ability::kAioRead);
        case TransportKind::kVector2:
            return WhyNot(Ability::kPreadv2);
        case TransportKind::kCompat:
        case TransportKind::kCompatVector:
            return WhyNotCompat(where);
        default:
            return "";
    }
}

std::unique_ptr<Transport> Transport::Make(TransportKind kind, int eventfd,
                                           TransportMemory memory, Where where) {
    switch (kind) {
        case TransportKind::kReadWrite:
            return std::make_unique<ReadWrite>(eventfd);
        case TransportKind::kVector:
            return std::make_unique<Vector>(eventfd);
        case TransportKind::kVector2:
            return std::make_unique<Vector2>(eventfd);
        case TransportKind::kIoUring:
        case TransportKind::kIoUringVector:
        case TransportKind::kIoUringFixed:
            return std::make_unique<Ring>(kind, eventfd, memory, where);
        case TransportKind::kIoUringMultishot:
            return std::make_unique<Multishot>(eventfd);
        case TransportKind::kAio:
            return std::make_unique<Aio>(eventfd, where);
        case TransportKind::kCompat:
            return std::make_unique<Compat>(eventfd);
        case TransportKind::kCompatVector:
            return std::make_unique<CompatVector>(eventfd, where);
    }
    FailTest("there is no such transport", where);
}

SyscallResult Transport::Read(void* buffer, size_t length, Where where) {
    return StartRead(buffer, length, where)->Finish(where);
}

SyscallResult Transport::Write(const void* buffer, size_t length, Where where) {
    return StartWrite(buffer, length, where)->Finish(where);
}

#ifdef __x86_64__

SyscallResult CompatCall(long number, uintptr_t first, uintptr_t second, uintptr_t third,
                         Where where) {
    for (uintptr_t argument : {first, second, third})
        if (argument > UINT32_MAX)
            FailTest("an argument was to have 32 bits, and is " + std::to_string(argument),
                     where);
    long result;
    asm volatile("int $0x80"
                 : "=a"(result)
                 : "a"(number), "b"(first), "c"(second), "d"(third)
                 : "memory", "cc", "r8", "r9", "r10", "r11");
    return FromNegativeErrno("int $0x80, call " + std::to_string(number),
                             static_cast<int>(result));
}

std::string WhyNotCompat(Where where) {
    /* Without IA32_EMULATION this is a fault. */
    constexpr long kCompatGetpid = 20;
    pid_t child = static_cast<pid_t>(Must(SYSCALL(fork), where));
    if (!child) {
        signal(SIGSEGV, SIG_DFL);
        _exit(CompatCall(kCompatGetpid, 0).value == getpid() ? 0 : 1);
    }
    int status = 0;
    Must(SYSCALL(waitpid, child, &status, 0), where);
    return status ? "this kernel runs no 32-bit system calls (IA32_EMULATION)" : "";
}

#else

SyscallResult CompatCall(long, uintptr_t, uintptr_t, uintptr_t, Where where) {
    FailTest("only x86_64 has these calls", where);
}

std::string WhyNotCompat(Where) { return "only x86_64 has 32-bit calls beside its own"; }

#endif

} /* namespace suite */
