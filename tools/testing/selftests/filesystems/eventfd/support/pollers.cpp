// SPDX-License-Identifier: GPL-2.0
#include "support/pollers.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <algorithm>
#include <ostream>

#include "support/abilities.h"
#include "support/aio.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/uring.h"

namespace suite {
namespace {

/* No tests' matchers here: these run hundreds of thousands of times. */
[[noreturn]] void Fail(const char* call, long result, Where where) {
    FailTest(std::string(call) + " was to return how many files it reports, and returned " +
                 std::to_string(result) + (result == -1 ? " " + ErrnoText(errno) : ""),
             where);
}

[[noreturn]] void FailEvents(const char* call, uint32_t events, Where where) {
    FailTest(std::string(call) + " was to report POLLIN, and reports " + MaskText(events),
             where);
}

/* True for input and nothing else, false for nothing at all. */
bool IsInput(const char* call, uint32_t events, Where where) {
    if (events & ~uint32_t{POLLIN}) FailEvents(call, events, where);
    return events == POLLIN;
}

class PollPoller : public Poller {
  public:
    PollPoller(int eventfd, int stop, bool ppoll)
        : fds_{{eventfd, POLLIN, 0}, {stop, POLLIN, 0}}, ppoll_(ppoll) {}

    Report Wait(Where where) override {
        int count = ppoll_ ? ppoll(fds_, 2, nullptr, nullptr) : poll(fds_, 2, -1);
        Report report = {IsInput("poll", static_cast<uint32_t>(fds_[0].revents), where),
                         IsInput("poll", static_cast<uint32_t>(fds_[1].revents), where)};
        if (count < 1 || count != report.input + report.stop) Fail("poll", count, where);
        return report;
    }

  private:
    pollfd fds_[2];
    bool ppoll_;
};

class SelectPoller : public Poller {
  public:
    SelectPoller(int eventfd, int stop, bool pselect)
        : eventfd_(eventfd), stop_(stop), pselect_(pselect) {}

    Report Wait(Where where) override {
        fd_set readable;
        int size = std::max(eventfd_, stop_) + 1;
        FD_ZERO(&readable);
        FD_SET(eventfd_, &readable);
        if (stop_ >= 0) FD_SET(stop_, &readable);
        int count = pselect_ ? pselect(size, &readable, nullptr, nullptr, nullptr, nullptr)
                             : select(size, &readable, nullptr, nullptr, nullptr);
        if (count < 1) Fail("select", count, where);
        Report report = {FD_ISSET(eventfd_, &readable) != 0,
                         stop_ >= 0 && FD_ISSET(stop_, &readable) != 0};
        if (count != report.input + report.stop) Fail("select", count, where);
        return report;
    }

  private:
    int eventfd_;
    int stop_;
    bool pselect_;
};

class EpollPoller : public Poller {
  public:
    EpollPoller(int eventfd, int stop, uint32_t events, bool pwait2, Where where)
        : eventfd_(eventfd), events_(events), pwait2_(pwait2), epoll_(NewEpoll(where)) {
        EpollAdd(epoll_, eventfd, events, where);
        if (stop >= 0) EpollAdd(epoll_, stop, EPOLLIN, where);
    }

    Report Wait(Where where) override {
        if (disarmed_) EpollModify(epoll_, eventfd_, events_, where);
        disarmed_ = false;

        epoll_event events[2];
        int count = pwait2_ ? epoll_pwait2(epoll_, events, 2, nullptr, nullptr)
                            : epoll_wait(epoll_, events, 2, -1);
        if (count < 1) Fail("epoll_wait", count, where);
        Report report;
        for (int i = 0; i < count; i++) {
            epoll_event event = events[i]; /* packed, so no references into it */
            if (!IsInput("epoll_wait", uint32_t{event.events}, where))
                FailEvents("epoll_wait", 0, where);
            (int{event.data.fd} == eventfd_ ? report.input : report.stop) = true;
        }
        disarmed_ = report.input && (events_ & EPOLLONESHOT);
        return report;
    }

  private:
    int eventfd_;
    uint32_t events_;
    bool pwait2_;
    FileDescriptor epoll_;
    bool disarmed_ = false;
};

class IoUringPoller : public Poller {
  public:
    IoUringPoller(int eventfd, int stop, bool multishot, Where where)
        : eventfd_(eventfd), multishot_(multishot), ring_(8, 0, where) {
        if (ring_.refused()) FailTest("an io_uring was to be had: " + ring_.reason(), where);
        if (stop < 0) return;
        io_uring_sqe* entry = ring_.Entry(0, where);
        io_uring_prep_poll_add(entry, stop, POLLIN);
        io_uring_sqe_set_data64(entry, kStop);
    }

    Report Wait(Where where) override {
        if (!armed_) {
            io_uring_sqe* entry = ring_.Entry(0, where);
            if (multishot_)
                io_uring_prep_poll_multishot(entry, eventfd_, POLLIN);
            else
                io_uring_prep_poll_add(entry, eventfd_, POLLIN);
            io_uring_sqe_set_data64(entry, kEventfd);
            armed_ = true;
            ring_.Submit(where);
        }
        Completion completion = ring_.Wait(where);
        if (completion.result < 0) {
            errno = -completion.result;
            Fail("io_uring: poll", -1, where);
        }
        if (!IsInput("io_uring: poll", static_cast<uint32_t>(completion.result), where))
            FailEvents("io_uring: poll", 0, where);
        if (completion.data == kStop) return {false, true};
        armed_ = completion.flags & IORING_CQE_F_MORE;
        if (armed_ && !multishot_)
            FailTest("a one-shot poll by io_uring was to end, and has IORING_CQE_F_MORE",
                     where);
        return {true, false};
    }

  private:
    static constexpr uint64_t kEventfd = 1;
    static constexpr uint64_t kStop = 2;

    int eventfd_;
    bool multishot_;
    IoUring ring_;
    bool armed_ = false;
};

class AioPoller : public Poller {
  public:
    AioPoller(int eventfd, int stop, Where where)
        : context_(8, where), input_(AioPoll(eventfd, POLLIN)), stop_(AioPoll(stop, POLLIN)) {
        if (context_.refused())
            FailTest("an aio context was to be had: " + context_.reason(), where);
        if (stop >= 0) Must(context_.Submit(&stop_), where);
    }

    Report Wait(Where where) override {
        if (!armed_) Must(context_.Submit(&input_), where);
        armed_ = true;
        io_event event = context_.Wait(where);
        if (!IsInput("aio: poll", static_cast<uint32_t>(event.res), where))
            FailEvents("aio: poll", 0, where);
        if (event.obj == reinterpret_cast<uintptr_t>(&stop_)) return {false, true};
        armed_ = false;
        return {true, false};
    }

  private:
    AioContext context_;
    iocb input_;
    iocb stop_;
    bool armed_ = false;
};

} /* namespace */

std::string PollerName(PollerKind kind) {
    switch (kind) {
        case PollerKind::kPoll:
            return "Poll";
        case PollerKind::kPpoll:
            return "Ppoll";
        case PollerKind::kSelect:
            return "Select";
        case PollerKind::kPselect:
            return "Pselect";
        case PollerKind::kEpollLevel:
            return "EpollLevel";
        case PollerKind::kEpollEdge:
            return "EpollEdge";
        case PollerKind::kEpollOneShot:
            return "EpollOneShot";
        case PollerKind::kEpollExclusive:
            return "EpollExclusive";
        case PollerKind::kEpollPwait2:
            return "EpollPwait2";
        case PollerKind::kIoUringPoll:
            return "IoUringPoll";
        case PollerKind::kIoUringMultishot:
            return "IoUringMultishot";
        case PollerKind::kAioPoll:
            return "AioPoll";
    }
    return "?";
}

std::ostream& operator<<(std::ostream& out, PollerKind kind) { return out << PollerName(kind); }

const std::vector<PollerKind>& EveryPoller() {
    static const std::vector<PollerKind> kinds = {
        PollerKind::kPoll,
        PollerKind::kPpoll,
        PollerKind::kSelect,
        PollerKind::kPselect,
        PollerKind::kEpollLevel,
        PollerKind::kEpollEdge,
        PollerKind::kEpollOneShot,
        PollerKind::kEpollExclusive,
        PollerKind::kEpollPwait2,
        PollerKind::kIoUringPoll,
        PollerKind::kIoUringMultishot,
        PollerKind::kAioPoll,
    };
    return kinds;
}

std::string WhyNotPoller(PollerKind kind, Where where) {
    switch (kind) {
        case PollerKind::kIoUringPoll:
        case PollerKind::kIoUringMultishot:
            return IoUring(8, 0, where).reason();
        case PollerKind::kAioPoll:
            return Has(Ability::kAioPoll) ? AioContext(8, where).reason()
                                          : WhyNot(Ability::kAioPoll);
        case PollerKind::kEpollPwait2: {
            if (!Has(Ability::kEpollPwait2)) return WhyNot(Ability::kEpollPwait2);
            epoll_event event;
            return epoll_pwait2(-1, &event, 1, nullptr, nullptr) == -1 && errno == ENOSYS
                       ? "this kernel has no epoll_pwait2()"
                       : "";
        }
        default:
            return "";
    }
}

std::unique_ptr<Poller> Poller::Make(PollerKind kind, int eventfd, int stop, Where where) {
    switch (kind) {
        case PollerKind::kPoll:
        case PollerKind::kPpoll:
            return std::make_unique<PollPoller>(eventfd, stop, kind == PollerKind::kPpoll);
        case PollerKind::kSelect:
        case PollerKind::kPselect:
            return std::make_unique<SelectPoller>(eventfd, stop, kind == PollerKind::kPselect);
        case PollerKind::kEpollLevel:
        case PollerKind::kEpollPwait2:
            return std::make_unique<EpollPoller>(eventfd, stop, EPOLLIN,
                                                 kind == PollerKind::kEpollPwait2, where);
        case PollerKind::kEpollEdge:
            return std::make_unique<EpollPoller>(eventfd, stop, EPOLLIN | EPOLLET, false,
                                                 where);
        case PollerKind::kEpollOneShot:
            return std::make_unique<EpollPoller>(eventfd, stop, EPOLLIN | EPOLLONESHOT, false,
                                                 where);
        case PollerKind::kEpollExclusive:
            return std::make_unique<EpollPoller>(eventfd, stop, EPOLLIN | EPOLLEXCLUSIVE, false,
                                                 where);
        case PollerKind::kIoUringPoll:
        case PollerKind::kIoUringMultishot:
            return std::make_unique<IoUringPoller>(
                eventfd, stop, kind == PollerKind::kIoUringMultishot, where);
        case PollerKind::kAioPoll:
            return std::make_unique<AioPoller>(eventfd, stop, where);
    }
    FailTest("there is no such poller", where);
}

} /* namespace suite */
