// SPDX-License-Identifier: GPL-2.0
#include "support/events.h"

#include <stdio.h>
#include <sys/select.h>

#include <ostream>

#include "support/abilities.h"

namespace suite {

std::string MaskText(uint32_t mask) {
    static constexpr struct {
        uint32_t bit;
        const char* name;
    } kNames[] = {
        {POLLIN, "POLLIN"},
        {POLLPRI, "POLLPRI"},
        {POLLOUT, "POLLOUT"},
        {POLLERR, "POLLERR"},
        {POLLHUP, "POLLHUP"},
        {POLLNVAL, "POLLNVAL"},
        {POLLRDNORM, "POLLRDNORM"},
        {POLLRDBAND, "POLLRDBAND"},
        {POLLWRNORM, "POLLWRNORM"},
        {POLLWRBAND, "POLLWRBAND"},
        {POLLRDHUP, "POLLRDHUP"},
        {EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
        {EPOLLONESHOT, "EPOLLONESHOT"},
        {EPOLLET, "EPOLLET"},
    };
    std::string text;

    if (!mask) return "0";
    for (const auto& known : kNames)
        if (mask & known.bit) text += (text.empty() ? "" : "|") + std::string(known.name);
    char number[16];
    snprintf(number, sizeof(number), "0x%x", mask);
    return text.empty() ? number : text + " (" + number + ")";
}

std::ostream& operator<<(std::ostream& out, const PollResult& result) {
    return out << result.call << ", revents "
               << MaskText(static_cast<unsigned short>(result.revents));
}

namespace {

/*
 * A system that says POLLRDNORM where it says POLLIN, or POLLWRNORM with POLLOUT, differs in
 * that, which Poll.NeverReportsNormalOrBandData shows, and not in all that is polled for.
 */
uint32_t WithoutOtherNames(uint32_t events) {
    if (!MayBeNoLinux()) return events;
    if (events & POLLIN) events &= ~uint32_t{POLLRDNORM};
    if (events & POLLOUT) events &= ~uint32_t{POLLWRNORM};
    return events;
}

} /* namespace */

PollResult Poll(int fd, short events, std::chrono::milliseconds timeout) {
    pollfd entry = {fd, events, 0};
    int milliseconds = static_cast<int>(timeout.count());
    SyscallResult call = SYSCALL(poll, &entry, 1, milliseconds);

    call.call = "poll({" + std::to_string(fd) + ", " +
                MaskText(static_cast<unsigned short>(events)) + "}, 1, " +
                std::to_string(milliseconds) + ")";
    return {call,
            static_cast<short>(WithoutOtherNames(static_cast<unsigned short>(entry.revents)))};
}

std::ostream& operator<<(std::ostream& out, const SelectResult& result) {
    return out << result.call << (result.readable ? ", readable" : "")
               << (result.writable ? ", writable" : "")
               << (result.exceptional ? ", exceptional" : "");
}

SelectResult Select(int fd) {
    fd_set readable, writable, exceptional;
    timeval at_once = {0, 0};

    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&exceptional);
    FD_SET(fd, &readable);
    FD_SET(fd, &writable);
    FD_SET(fd, &exceptional);
    SyscallResult call = SYSCALL(select, fd + 1, &readable, &writable, &exceptional, &at_once);
    return {call, call.ok() && FD_ISSET(fd, &readable), call.ok() && FD_ISSET(fd, &writable),
            call.ok() && FD_ISSET(fd, &exceptional)};
}

std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << "{fd " << event.fd << ": " << MaskText(event.events) << "}";
}

SyscallResult EpollControl(int epoll, int operation, int fd, uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    SyscallResult result = SYSCALL(epoll_ctl, epoll, operation, fd, &event);
    result.call += " [" + MaskText(events) + "]";
    return result;
}

void EpollAdd(int epoll, int fd, uint32_t events, Where where) {
    Must(EpollControl(epoll, EPOLL_CTL_ADD, fd, events), where);
}

void EpollModify(int epoll, int fd, uint32_t events, Where where) {
    Must(EpollControl(epoll, EPOLL_CTL_MOD, fd, events), where);
}

std::vector<Event> EpollWait(int epoll, std::chrono::milliseconds timeout, Where where) {
    epoll_event events[64];
    int milliseconds = static_cast<int>(timeout.count());
    long count = Must(SYSCALL(epoll_wait, epoll, &events[0], 64, milliseconds), where);
    std::vector<Event> result;

    for (long i = 0; i < count; i++) {
        epoll_event event = events[i]; /* packed, so no references into it */
        result.push_back(Event(int{event.data.fd}, WithoutOtherNames(event.events)));
    }
    return result;
}

} /* namespace suite */
