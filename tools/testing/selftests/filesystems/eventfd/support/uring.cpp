// SPDX-License-Identifier: GPL-2.0
#include "support/uring.h"

#include <ostream>

#include "support/abilities.h"

namespace suite {

std::ostream& operator<<(std::ostream& out, const Completion& completion) {
    out << "completion {data " << completion.data << ", result " << completion.result;
    if (completion.result < 0) out << " " << ErrnoText(-completion.result);
    return out << ", flags " << completion.flags << "}";
}

IoUring::IoUring(unsigned int entries, unsigned int flags, Where where) {
    if (!Has(Ability::kIoUring)) {
        reason_ = WhyNot(Ability::kIoUring);
        return;
    }
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

} /* namespace suite */
