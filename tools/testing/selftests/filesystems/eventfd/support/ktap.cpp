// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <sys/prctl.h>

#include <map>
#include <string>

#include "support/attributes.h"
#include "support/probes.h"
#include "support/runner.h"

/* Last: it defines macros that the C++ headers would trip over. */
#include "kselftest.h"

namespace suite {
namespace {

void PrintResult(const testing::TestInfo& test, const Outcome& outcome,
                 bool surprises_are_failures) {
    std::string name = FullName(test);
    std::string declared = WhyItMustFail(test);
    const std::string& text = outcome.text;
    bool ran = !outcome.skipped;

    if (ran && !outcome.passed)
        for (size_t at = 0; at < outcome.log.size();) {
            size_t end = outcome.log.find('\n', at);
            ksft_print_msg("%s\n", outcome.log.substr(at, end - at).c_str());
            at = end + 1;
        }
    if (outcome.skipped)
        ksft_test_result_code(KSFT_SKIP, name.c_str(), "%s", text.c_str());
    else if (outcome.passed && !declared.empty() && surprises_are_failures)
        ksft_test_result_code(KSFT_FAIL, name.c_str(), "XPASS passes, but %s",
                              declared.c_str());
    else if (outcome.passed)
        ksft_test_result_code(KSFT_PASS, name.c_str(), "%.3f s", outcome.seconds);
    else if (!declared.empty())
        ksft_test_result_code(KSFT_XFAIL, name.c_str(), "%s (%s, %.3f s)", declared.c_str(),
                              text.c_str(), outcome.seconds);
    else
        ksft_test_result_code(KSFT_FAIL, name.c_str(), "%s, %.3f s", text.c_str(),
                              outcome.seconds);
}

/* The one result of all tests that are not for this kernel, by what they need and it has not.
 */
void PrintSkips(const std::map<std::string, int>& skips) {
    for (const auto& [reason, tests] : skips) {
        std::string name = std::to_string(tests) + (tests == 1 ? " test" : " tests");
        ksft_test_result_code(KSFT_SKIP, name.c_str(), "%s", reason.c_str());
    }
}

} /* namespace */

int RunAsKtap(bool surprises_are_failures) {
    /*
     * Who says what the kernel has wants to know of each test. Anybody else is told once what
     * is missing, in a result that is known last: so the plan comes last, too.
     */
    const bool each = getenv("EVENTFD_CHANGES");
    std::map<std::string, int> skips;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    RunTests(
        [each](int tests) {
            ksft_print_header();
            if (!tests)
                ksft_exit_skip("no test matches %s\n", testing::FLAGS_gtest_filter.c_str());
            if (each) ksft_set_plan(static_cast<unsigned int>(tests));
        },
        [&](const testing::TestInfo& test, const Outcome& outcome) {
            if (!each && outcome.skipped && LacksAChange(outcome.text))
                skips[outcome.text]++;
            else
                PrintResult(test, outcome, surprises_are_failures);
        });
    PrintSkips(skips);
    if (!each) ksft_set_plan(ksft_test_num());
    ksft_print_cnts();
    return ksft_cnt.ksft_fail ? KSFT_FAIL : KSFT_PASS;
}

} /* namespace suite */
