/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a helper fails. It is a test that fails then, and a line of the test that says at what:
 * so each helper that can fail has one parameter more, the last one, which is the line that
 * called it. A helper that another one calls is handed that one's:
 *
 *     void Fill(int fd, Where where = Where::current()) { Must(Write(fd, kFull), where); }
 */
#ifndef EVENTFD_SUPPORT_FAILURE_H
#define EVENTFD_SUPPORT_FAILURE_H

#include <gtest/gtest.h>

#include <atomic>
#include <source_location>
#include <string>

namespace suite {

using Where = std::source_location;

/* Says what is wrong there, and ends the test, or the task of it that calls this. */
[[noreturn]] void FailTest(const std::string& message, Where where = Where::current());

/* The same of a test that is to go on. */
void AddFailure(const std::string& message, Where where = Where::current());

/* While in scope, what an EXPECT_*() of a helper says names this line beside its own. */
class CalledFrom {
  public:
    explicit CalledFrom(Where where)
        : trace_(where.file_name(), static_cast<int>(where.line()), "called from here") {}

  private:
    testing::ScopedTrace trace_;
};

/*
 * While in scope, a test that runs out of its time has waited at this line: whoever waits for
 * the test's process, and so shares this with it, can say so.
 */
class WaitsAt {
  public:
    explicit WaitsAt(Where where) : before_(Line().exchange(where)) {}
    WaitsAt(const WaitsAt&) = delete;
    WaitsAt& operator=(const WaitsAt&) = delete;
    ~WaitsAt() { Line() = before_; }

    /* Of the latest wait that has not ended; line 0 if there is none. */
    static std::atomic<Where>& Line();

  private:
    Where before_;
};

} /* namespace suite */

#endif
