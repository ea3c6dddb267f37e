// SPDX-License-Identifier: GPL-2.0
#include "support/transport.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <ostream>
#include <stdexcept>

#include "support/memory.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

[[noreturn]] void CannotWrite() { throw std::logic_error("this transport cannot write"); }

/* What sleeps in a call of a task of its own: a thread, or a process. */
class TaskOperation : public Operation {
  public:
    explicit TaskOperation(long call) : call_(call) {}
    void WaitUntilWaiting() override { task()->WaitUntilBlockedIn(call_); }

  protected:
    virtual Task* task() = 0;

  private:
    long call_;
};

class ThreadOperation : public TaskOperation {
  public:
    ThreadOperation(long call, std::function<SyscallResult()> body)
        : TaskOperation(call), thread_([this, body = std::move(body)] { result_ = body(); }) {}

    SyscallResult Finish() override {
        thread_.Join();
        return result_;
    }

  protected:
    Task* task() override { return &thread_; }

  private:
    SyscallResult result_ = {};
    ScopedThread thread_;
};

/* A transport that is a call: it ends when the operation has ended. */
class CallTransport : public Transport {
  public:
    CallTransport(int fd, long read_call, long write_call)
        : fd_(fd), read_call_(read_call), write_call_(write_call) {}

    SyscallResult Read(void* buffer, size_t length) override {
        return CallRead(fd_, buffer, length);
    }
    SyscallResult Write(const void* buffer, size_t length) override {
        return CallWrite(fd_, buffer, length);
    }
    std::unique_ptr<Operation> StartRead(void* buffer, size_t length) override {
        return std::make_unique<ThreadOperation>(read_call_,
                                                 [=, this] { return Read(buffer, length); });
    }
    std::unique_ptr<Operation> StartWrite(const void* buffer, size_t length) override {
        return std::make_unique<ThreadOperation>(write_call_,
                                                 [=, this] { return Write(buffer, length); });
    }

  protected:
    virtual SyscallResult CallRead(int fd, void* buffer, size_t length) = 0;
    virtual SyscallResult CallWrite(int fd, const void* buffer, size_t length) = 0;

  private:
    int fd_;
    long read_call_;
    long write_call_;
};

/* read(2) and write(2), of a descriptor that may be its own. */
class ReadWrite : public CallTransport {
  public:
    explicit ReadWrite(int fd) : CallTransport(fd, SYS_read, SYS_write) {}
    explicit ReadWrite(FileDescriptor own)
        : CallTransport(own, SYS_read, SYS_write), own_(std::move(own)) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length) override {
        return suite::Read(fd, buffer, length);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length) override {
        return suite::Write(fd, buffer, length);
    }

  private:
    FileDescriptor own_;
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
    SyscallResult CallRead(int fd, void* buffer, size_t length) override {
        return Readv(fd, Halves(buffer, length));
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length) override {
        return Writev(fd, {{const_cast<void*>(buffer), length}});
    }
};

class Vector2 : public CallTransport {
  public:
    explicit Vector2(int fd) : CallTransport(fd, SYS_preadv2, SYS_pwritev2) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length) override {
        std::vector<iovec> parts = Halves(buffer, length);
        return SYSCALL(preadv2, fd, parts.data(), 2, off_t{-1}, 0);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length) override {
        iovec part = {const_cast<void*>(buffer), length};
        return SYSCALL(pwritev2, fd, &part, 1, off_t{-1}, 0);
    }
};

/* io_submit(2) itself sleeps where the file makes it wait. */
class Aio : public CallTransport {
  public:
    explicit Aio(int fd) : CallTransport(fd, SYS_io_submit, -1) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length) override {
        iocb request = AioRequest(IOCB_CMD_PREAD, fd, buffer, length);
        SyscallResult submitted = context_.Submit(&request);
        if (!submitted.ok()) return submitted;
        return FromNegativeErrno("aio: PREAD", static_cast<long>(context_.Wait().res));
    }
    SyscallResult CallWrite(int, const void*, size_t) override { CannotWrite(); }

  private:
    AioContext context_;
};

class Compat : public CallTransport {
  public:
    explicit Compat(int fd) : CallTransport(fd, kCompatRead, kCompatWrite) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length) override {
        return CompatCall(kCompatRead, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(buffer), length);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length) override {
        return CompatCall(kCompatWrite, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(buffer), length);
    }
};

class CompatVector : public CallTransport {
  public:
    explicit CompatVector(int fd)
        : CallTransport(fd, kCompatReadv, kCompatWritev),
          parts_(PageSize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | kLowMemory) {}

  protected:
    SyscallResult CallRead(int fd, void* buffer, size_t length) override {
        size_t half = length / 2;
        SetPart(0, buffer, half);
        SetPart(1, static_cast<char*>(buffer) + half, length - half);
        return CompatCall(kCompatReadv, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(parts_.data()), 2);
    }
    SyscallResult CallWrite(int fd, const void* buffer, size_t length) override {
        SetPart(0, buffer, length);
        return CompatCall(kCompatWritev, static_cast<uintptr_t>(fd),
                          reinterpret_cast<uintptr_t>(parts_.data()), 1);
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

/* Each operation has a process of its own, forked for it. */
class ChildOperation : public TaskOperation {
  public:
    ChildOperation(long call, const std::function<SyscallResult()>& body)
        : TaskOperation(call), child_([&] {
              SyscallResult result = body();
              outcome_->value = result.value;
              outcome_->error = result.error;
          }) {}

    SyscallResult Finish() override {
        child_.ExpectSuccess();
        return {outcome_->value, outcome_->error, "a child's read or write"};
    }

  protected:
    Task* task() override { return &child_; }

  private:
    struct Outcome {
        long value = 0;
        int error = 0;
    };

    Shared<Outcome> outcome_;
    ChildProcess child_;
};

class Child : public Transport {
  public:
    explicit Child(int fd) : fd_(fd) {}

    std::unique_ptr<Operation> StartRead(void* buffer, size_t length) override {
        return std::make_unique<ChildOperation>(
            SYS_read, [=, this] { return suite::Read(fd_, buffer, length); });
    }
    std::unique_ptr<Operation> StartWrite(const void* buffer, size_t length) override {
        return std::make_unique<ChildOperation>(
            SYS_write, [=, this] { return suite::Write(fd_, buffer, length); });
    }

  private:
    int fd_;
};

/* A request in a ring: submitting it never sleeps. */
class RingOperation : public Operation {
  public:
    RingOperation(IoUring* ring, std::string call) : ring_(ring), call_(std::move(call)) {
        ring_->Submit();
    }

    void WaitUntilWaiting() override { ring_->ExpectNoCompletion(); }

    SyscallResult Finish() override { return FromNegativeErrno(call_, ring_->Wait().result); }

  private:
    IoUring* ring_;
    std::string call_;
};

class Ring : public Transport {
  public:
    Ring(TransportKind kind, int fd, TransportMemory memory) : kind_(kind), fd_(fd) {
        if (kind != TransportKind::kIoUringFixed) return;
        iovec buffer = {memory.start, memory.length};
        int result = io_uring_register_buffers(ring_.get(), &buffer, 1);
        Must(FromNegativeErrno("io_uring_register_buffers()", result));
    }

    std::unique_ptr<Operation> StartRead(void* buffer, size_t length) override {
        io_uring_sqe* entry = ring_.Entry();
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
            &ring_, TransportName(kind_) + " read of " + std::to_string(length));
    }

    std::unique_ptr<Operation> StartWrite(const void* buffer, size_t length) override {
        io_uring_sqe* entry = ring_.Entry();
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
            &ring_, TransportName(kind_) + " write of " + std::to_string(length));
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
    MultishotOperation(int fd, void* buffer, size_t length) {
        constexpr int kGroup = 1;
        io_uring_prep_provide_buffers(ring_.Entry(), buffer, static_cast<int>(length), 1,
                                      kGroup, 0);
        ring_.Submit();
        Must(FromNegativeErrno("io_uring: PROVIDE_BUFFERS", ring_.Wait().result));
        ring_.EnterMultishotRead(fd, kGroup, kRead);
        operation_ = std::make_unique<RingOperation>(&ring_, "io_uring: READ_MULTISHOT");
    }

    void WaitUntilWaiting() override { operation_->WaitUntilWaiting(); }

    SyscallResult Finish() override {
        Completion first = ring_.Wait();
        if (first.flags & IORING_CQE_F_MORE) {
            io_uring_prep_cancel64(ring_.Entry(), kRead, 0);
            ring_.Submit();
            while (ring_.Wait().data != kRead)
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

    std::unique_ptr<Operation> StartRead(void* buffer, size_t length) override {
        return std::make_unique<MultishotOperation>(fd_, buffer, length);
    }
    std::unique_ptr<Operation> StartWrite(const void*, size_t) override { CannotWrite(); }

  private:
    int fd_;
};

FileDescriptor OverASocket(int fd) {
    SocketPair sockets = NewSocketPair();
    SendDescriptor(sockets.sender, fd);
    return ReceiveDescriptor(sockets.receiver);
}

FileDescriptor FromAProcess(int fd) {
    FileDescriptor process(static_cast<int>(Must(RAW_SYSCALL(pidfd_open, getpid(), 0))));
    return FileDescriptor(static_cast<int>(Must(RAW_SYSCALL(pidfd_getfd, process, fd, 0))));
}

std::string WhyNotMultishot() {
    IoUring ring;
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
        case TransportKind::kDup:
            return "Dup";
        case TransportKind::kPassed:
            return "Passed";
        case TransportKind::kFetched:
            return "Fetched";
        case TransportKind::kChild:
            return "Child";
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
             TransportKind::kDup,
             TransportKind::kPassed,
             TransportKind::kFetched,
             TransportKind::kChild,
             TransportKind::kCompat,
             TransportKind::kCompatVector,
         })
        if (!predicate || predicate(kind)) kinds.push_back(kind);
    return kinds;
}

std::string WhyNotTransport(TransportKind kind) {
    switch (kind) {
        case TransportKind::kIoUring:
        case TransportKind::kIoUringVector:
        case TransportKind::kIoUringFixed:
            return IoUring().reason();
        case TransportKind::kIoUringMultishot:
            return WhyNotMultishot();
        case TransportKind::kAio:
            return AioContext().reason();
        case TransportKind::kFetched:
            return syscall(SYS_pidfd_getfd, -1, -1, 0) == -1 && errno == EBADF
                       ? ""
                       : "there is no pidfd_getfd() to be had here";
        case TransportKind::kCompat:
        case TransportKind::kCompatVector:
            return WhyNotCompat();
        default:
            return "";
    }
}

std::unique_ptr<Transport> Transport::Make(TransportKind kind, int eventfd,
                                           TransportMemory memory) {
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
            return std::make_unique<Ring>(kind, eventfd, memory);
        case TransportKind::kIoUringMultishot:
            return std::make_unique<Multishot>(eventfd);
        case TransportKind::kAio:
            return std::make_unique<Aio>(eventfd);
        case TransportKind::kDup:
            return std::make_unique<ReadWrite>(Dup(eventfd));
        case TransportKind::kPassed:
            return std::make_unique<ReadWrite>(OverASocket(eventfd));
        case TransportKind::kFetched:
            return std::make_unique<ReadWrite>(FromAProcess(eventfd));
        case TransportKind::kChild:
            return std::make_unique<Child>(eventfd);
        case TransportKind::kCompat:
            return std::make_unique<Compat>(eventfd);
        case TransportKind::kCompatVector:
            return std::make_unique<CompatVector>(eventfd);
    }
    throw std::logic_error("no such transport");
}

SyscallResult Transport::Read(void* buffer, size_t length) {
    return StartRead(buffer, length)->Finish();
}

SyscallResult Transport::Write(const void* buffer, size_t length) {
    return StartWrite(buffer, length)->Finish();
}

#ifdef __x86_64__

SyscallResult CompatCall(long number, uintptr_t first, uintptr_t second, uintptr_t third) {
    for (uintptr_t argument : {first, second, third})
        if (argument > UINT32_MAX) throw std::logic_error("an argument of more than 32 bits");
    long result;
    asm volatile("int $0x80"
                 : "=a"(result)
                 : "a"(number), "b"(first), "c"(second), "d"(third)
                 : "memory", "cc", "r8", "r9", "r10", "r11");
    return FromNegativeErrno("int $0x80, call " + std::to_string(number),
                             static_cast<int>(result));
}

std::string WhyNotCompat() {
    /* Without IA32_EMULATION this is a fault. */
    constexpr long kCompatGetpid = 20;
    pid_t child = static_cast<pid_t>(Must(SYSCALL(fork)));
    if (!child) {
        signal(SIGSEGV, SIG_DFL);
        _exit(CompatCall(kCompatGetpid, 0).value == getpid() ? 0 : 1);
    }
    int status = 0;
    Must(SYSCALL(waitpid, child, &status, 0));
    return status ? "this kernel runs no 32-bit system calls (IA32_EMULATION)" : "";
}

#else

SyscallResult CompatCall(long, uintptr_t, uintptr_t, uintptr_t) {
    throw std::logic_error("only x86_64 has these calls");
}

std::string WhyNotCompat() { return "only x86_64 has 32-bit calls beside its own"; }

#endif

} /* namespace suite */
