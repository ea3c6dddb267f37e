// SPDX-License-Identifier: GPL-2.0
#include "support/uring.h"

#include <string.h>
#include <sys/mman.h>

#include <ostream>

namespace suite {
namespace {

/* Why the kernel says no; what is no refusal but an error fails the test. */
std::string Refusal(const SyscallResult& result, Where where) {
    if (result.ok()) return "";
    if (result.error != ENOSYS && result.error != EPERM && result.error != EACCES)
        Must(result, where);
    return testing::PrintToString(result) +
           (result.error == ENOSYS ? ": not in this kernel" : ": not allowed here");
}

} /* namespace */

SyscallResult FromNegativeErrno(std::string call, long result) {
    return {result < 0 ? -1 : result, result < 0 ? static_cast<int>(-result) : 0,
            std::move(call)};
}

std::ostream& operator<<(std::ostream& out, const Completion& completion) {
    out << "completion {data " << completion.data << ", result " << completion.result;
    if (completion.result < 0) out << " " << ErrnoText(-completion.result);
    return out << ", flags " << completion.flags << "}";
}

IoUring::IoUring(unsigned int entries, unsigned int flags, Where where) {
    SyscallResult made =
        FromNegativeErrno("io_uring_queue_init()", io_uring_queue_init(entries, &ring_, flags));
    if (flags && made.error == EINVAL)
        reason_ = "this kernel has no io_uring of that kind";
    else
        reason_ = Refusal(made, where);
}

IoUring::~IoUring() {
    if (!refused()) io_uring_queue_exit(&ring_);
}

bool IoUring::Knows(int operation) {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    bool known = probe && io_uring_opcode_supported(probe, operation);
    io_uring_free_probe(probe);
    return known;
}

io_uring_sqe* IoUring::Entry(uint64_t data, Where where) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (!entry) FailTest("the submission queue was to have an entry more, and is full", where);
    io_uring_prep_nop(entry);
    io_uring_sqe_set_data64(entry, data);
    return entry;
}

void IoUring::EnterMultishotRead(int fd, uint16_t group, uint64_t data, Where where) {
    io_uring_sqe* entry = Entry(0, where);
    io_uring_prep_rw(kOpReadMultishot, entry, fd, nullptr, 0, 0);
    io_uring_sqe_set_data64(entry, data);
    io_uring_sqe_set_flags(entry, IOSQE_BUFFER_SELECT);
    entry->buf_group = group;
}

void IoUring::ArmPoll(int fd, uint32_t events, bool multishot, uint64_t data, Where where) {
    io_uring_sqe* entry = Entry(0, where);
    if (multishot)
        io_uring_prep_poll_multishot(entry, fd, 0);
    else
        io_uring_prep_poll_add(entry, fd, 0);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    events = events << 16 | events >> 16;
#endif
    entry->poll32_events = events;
    io_uring_sqe_set_data64(entry, data);
    Submit(where);
}

void IoUring::Submit(Where where) {
    Must(FromNegativeErrno("io_uring_submit()", io_uring_submit(&ring_)), where);
}

Completion IoUring::Wait(Where where) {
    io_uring_cqe* entry = nullptr;
    int result;

    do {
        result = io_uring_wait_cqe(&ring_, &entry);
    } while (result == -EINTR);
    Must(FromNegativeErrno("io_uring_wait_cqe()", result), where);
    Completion completion = {entry->user_data, entry->res, entry->flags};
    io_uring_cqe_seen(&ring_, entry);
    return completion;
}

bool IoUring::Peek(Completion* completion) {
    io_uring_cqe* entry = nullptr;
    if (io_uring_peek_cqe(&ring_, &entry)) return false;
    *completion = {entry->user_data, entry->res, entry->flags};
    io_uring_cqe_seen(&ring_, entry);
    return true;
}

void IoUring::ExpectNoCompletion(Where where) {
    /* All that was submitted before it has been looked at, and what is ready has completed. */
    constexpr uint64_t kFence = UINT64_MAX;
    Entry(kFence, where);
    Submit(where);
    Completion completion = Wait(where);
    if (completion.data != kFence)
        FailTest(
            "no request was to complete, and one has: " + testing::PrintToString(completion),
            where);
}

void IoUring::RegisterEventfd(int fd, Where where) {
    Must(
        FromNegativeErrno("io_uring_register_eventfd()", io_uring_register_eventfd(&ring_, fd)),
        where);
}

void IoUring::UnregisterEventfd(Where where) {
    Must(
        FromNegativeErrno("io_uring_unregister_eventfd()", io_uring_unregister_eventfd(&ring_)),
        where);
}

void IoUring::CompleteNops(unsigned int count, Where where) {
    for (unsigned int i = 0; i < count; i++) Entry(i, where);
    Submit(where);
    for (unsigned int i = 0; i < count; i++) Wait(where);
}

iocb AioRequest(int opcode, int fd, const void* buffer_or_parts, uint64_t length_or_number) {
    iocb request = {};
    request.aio_fildes = static_cast<uint32_t>(fd);
    request.aio_lio_opcode = static_cast<uint16_t>(opcode);
    request.aio_buf = reinterpret_cast<uintptr_t>(buffer_or_parts);
    request.aio_nbytes = length_or_number;
    return request;
}

iocb AioPoll(int fd, uint32_t events) {
    iocb request = AioRequest(IOCB_CMD_POLL, fd, nullptr, 0);
    request.aio_buf = events;
    return request;
}

void SignalWhenDone(iocb* request, int eventfd) {
    request->aio_flags |= IOCB_FLAG_RESFD;
    request->aio_resfd = static_cast<uint32_t>(eventfd);
}

AioContext::AioContext(unsigned int events, Where where)
    : reason_(Refusal(RAW_SYSCALL(io_setup, events, &context_), where)) {}

AioContext::~AioContext() {
    if (!refused()) syscall(SYS_io_destroy, context_);
}

SyscallResult AioContext::Submit(iocb* request) {
    return RAW_SYSCALL(io_submit, context_, 1L, &request);
}

SyscallResult AioContext::Cancel(iocb* request) {
    io_event unused;
    return RAW_SYSCALL(io_cancel, context_, request, &unused);
}

io_event AioContext::Wait(Where where) {
    io_event event = {};
    Must(RAW_SYSCALL(io_getevents, context_, 1L, 1L, &event, nullptr), where);
    return event;
}

SyscallResult AioContext::Look(io_event* event, timespec* timeout) {
    return RAW_SYSCALL(io_getevents, context_, 1L, 1L, event, timeout);
}

void AioContext::Signal(int eventfd, Where where) {
    FileDescriptor file(
        static_cast<int>(Must(SYSCALL(memfd_create, "aio", MFD_CLOEXEC), where)), where);
    char buffer[8] = {};
    iocb request = AioRequest(IOCB_CMD_PWRITE, file, buffer, sizeof(buffer));
    SignalWhenDone(&request, eventfd);
    Must(Submit(&request), where);
    if (io_event event = Wait(where); event.res != sizeof(buffer))
        FailTest("aio was to write 8 bytes, and the event says " + std::to_string(event.res),
                 where);
}

} /* namespace suite */
