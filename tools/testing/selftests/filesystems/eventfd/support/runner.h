/* SPDX-License-Identifier: GPL-2.0 */
/* Runs tests, each in a process of its own, and ends each of them, whatever it does. */
#ifndef EVENTFD_SUPPORT_RUNNER_H
#define EVENTFD_SUPPORT_RUNNER_H

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace suite {

/* "Suite.Name", "Instance/Suite.Name/Parameter" */
std::string FullName(const testing::TestInfo& test);

/* As --gtest_filter has it: "A*:B?-C*" is some of A and B, and none of C. */
bool MatchesFilter(const std::string& name, std::string_view filter);

/* All tests that are not disabled, or that --gtest_also_run_disabled_tests asks for. */
std::vector<const testing::TestInfo*> AllTests();

/* How a test failed, if it did. */
enum class Failing {
    kNot,
    kExpectation, /* an assertion that does not hold */
    kTime,        /* its tasks slept until its time was up */
    kTooSlow,     /* they worked until then */
    kNotAsleep,   /* one that had to sleep was not seen to until then */
    kOtherwise,   /* it died, or has left something behind */
};

/* What came of a test. */
struct Outcome {
    bool passed = false;
    bool skipped = false;
    Failing failing = Failing::kNot;
    std::string text; /* why skipped, or how failed; one line */
    std::string log;  /* what it printed, in lines */
    double seconds = 0;
};

/*
 * Runs a test to its end or to that of its time, or of as much as it is given here. It fails,
 * too, where it leaves descriptors open or processes behind, or dies of a signal.
 */
Outcome RunTest(const testing::TestInfo& test,
                std::chrono::milliseconds most = std::chrono::hours(24));

/* What a test has at most. */
std::chrono::milliseconds TimeLimitOf(const testing::TestInfo& test);

/* SIGTERM, SIGINT and SIGHUP end the test that runs, and no more. */
void EndWithSignals();

/* Which of them came; 0 if none did. */
int SignalToEnd();

using OnStart = std::function<void(int tests)>;
using OnOutcome = std::function<void(const testing::TestInfo& test, const Outcome& outcome)>;

/*
 * Runs all tests that --gtest_filter leaves in that way, and much faster: GoogleTest goes
 * through the names of all tests, and writes to each to start anew, but once and not in each
 * process. Each fixture is constructed here, too, and destroyed.
 */
void RunTests(OnStart on_start, OnOutcome on_outcome);

/* The same with KTAP on stdout; returns an exit status. */
int RunAsKtap(bool surprises_are_failures);

} /* namespace suite */

#endif
