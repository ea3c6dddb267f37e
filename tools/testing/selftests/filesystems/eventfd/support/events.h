/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What poll, select and epoll say, in a form that is asserted whole:
 *
 *     EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLOUT));
 *     EXPECT_THAT(EpollWait(ep), ElementsAre(Event(efd, EPOLLIN)));
 */
#ifndef EVENTFD_SUPPORT_EVENTS_H
#define EVENTFD_SUPPORT_EVENTS_H

#include <poll.h>
#include <sys/epoll.h>

#include <chrono>
#include <vector>

#include "support/descriptor.h"

namespace suite {

using namespace std::chrono_literals;

/* A timeout for what must come: far beyond any machine's slowness, short of the test's limit.
 */
inline constexpr std::chrono::milliseconds kSoon = 10s;

/* Every event bit that poll(2) knows of. */
inline constexpr short kEveryPollEvent = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP |
                                         POLLNVAL | POLLRDNORM | POLLRDBAND | POLLWRNORM |
                                         POLLWRBAND | POLLRDHUP;

/* What an eventfd can be ready for, to epoll. */
inline constexpr uint32_t kInOut = EPOLLIN | EPOLLOUT;

/* "POLLIN|POLLOUT (0x5)", "0"; poll's and epoll's bits are the same. */
std::string MaskText(uint32_t mask);

struct PollResult {
    SyscallResult call;
    short revents;
};

std::ostream& operator<<(std::ostream& out, const PollResult& result);

PollResult Poll(int fd, short events, std::chrono::milliseconds timeout = 0ms);

/* poll(2) of one descriptor returned exactly these; none: it returned 0. */
MATCHER_P(Revents, mask, "has revents " + MaskText(static_cast<unsigned short>(mask))) {
    return arg.revents == mask && arg.call.value == (mask ? 1 : 0);
}

struct SelectResult {
    SyscallResult call;
    bool readable;
    bool writable;
    bool exceptional;
};

std::ostream& operator<<(std::ostream& out, const SelectResult& result);

/* select(2) with the descriptor in all three sets, without waiting. */
SelectResult Select(int fd);

enum SelectSets { kNone = 0, kReadable = 1, kWritable = 2, kExceptional = 4 };

/* select(2) put the descriptor into exactly these sets. */
MATCHER_P(Selected, sets, "is in the sets " + std::to_string(sets)) {
    int seen =
        arg.readable * kReadable + arg.writable * kWritable + arg.exceptional * kExceptional;
    return seen == sets && arg.call.value == arg.readable + arg.writable + arg.exceptional;
}

struct Event {
    Event(int fd_, uint32_t events_) : fd(fd_), events(events_) {}
    int fd;
    uint32_t events;

    bool operator==(const Event&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Event& event);

/* epoll_ctl(2), with the descriptor's number as data. */
SyscallResult EpollControl(int epoll, int operation, int fd, uint32_t events);
void EpollAdd(int epoll, int fd, uint32_t events, Where where = Where::current());
void EpollModify(int epoll, int fd, uint32_t events, Where where = Where::current());

/* What epoll_wait(2) delivers, in its order; where it fails the test does. */
std::vector<Event> EpollWait(int epoll, std::chrono::milliseconds timeout = 0ms,
                             Where where = Where::current());

} /* namespace suite */

#endif
