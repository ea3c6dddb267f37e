/* SPDX-License-Identifier: GPL-2.0 */
/* All the ways in which a task can wait for an eventfd without reading it, in one form. */
#ifndef EVENTFD_SUPPORT_POLLERS_H
#define EVENTFD_SUPPORT_POLLERS_H

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "support/failure.h"

namespace suite {

enum class PollerKind {
    kPoll,
    kPpoll,
    kSelect,
    kPselect,
    kEpollLevel,
    kEpollEdge,
    kEpollOneShot,
    kEpollExclusive,
    kEpollPwait2,
    kIoUringPoll,
    kIoUringMultishot,
    kAioPoll,
};

/* "Poll", "EpollEdge"; for the names of parameterized tests, too. */
std::string PollerName(PollerKind kind);
std::ostream& operator<<(std::ostream& out, PollerKind kind);

const std::vector<PollerKind>& EveryPoller();

/* Why this kernel does not let us use it; empty where it does. */
std::string WhyNotPoller(PollerKind kind, Where where = Where::current());

/*
 * One task's way to wait for input on an eventfd, and on a second file, if there is one, that
 * tells it to stop. Made, used and destroyed in the task that waits.
 *
 * All are strict: a result that is none, or bits that were not asked for, fail the test.
 */
class Poller {
  public:
    struct Report {
        bool input = false;
        bool stop = false;
    };

    static std::unique_ptr<Poller> Make(PollerKind kind, int eventfd, int stop = -1,
                                        Where where = Where::current());
    virtual ~Poller() = default;

    /* Sleeps until there is something to report. */
    virtual Report Wait(Where where = Where::current()) = 0;
};

} /* namespace suite */

#endif
