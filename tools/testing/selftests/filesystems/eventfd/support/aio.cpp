// SPDX-License-Identifier: GPL-2.0
#include "support/aio.h"

#include <sys/mman.h>

#include "support/abilities.h"
#include "support/watchers.h"

namespace suite {

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
    : reason_(Has(Ability::kAio) ? Refusal(RAW_SYSCALL(io_setup, events, &context_), where)
                                 : WhyNot(Ability::kAio)) {}

AioContext::~AioContext() {
    if (!refused()) syscall(SYS_io_destroy, context_);
}

SyscallResult AioContext::Submit(iocb* request) {
    if (request->aio_lio_opcode == IOCB_CMD_POLL) {
        NeedAbility(Ability::kAioPoll);
        Watcher::Stays();
    }
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
