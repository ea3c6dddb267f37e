/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test says about itself before it runs, next to its name:
 *
 *     TEST_WITH(Wakeups, OnePostRunsOneReader, Needs(Change::kWakeOne), TimeLimit(40s)) {
 *
 * Needs: what this shows came with a change of eventfd (changes.h). On a kernel that has it, it
 * is a test like any other. On one without the test still runs: it must fail (XFAIL), and a
 * pass (XPASS) is a failure of the run, because then the test shows nothing or the declaration
 * is out of date. Where chance would decide, or a test cannot run at all, it says SKIP_WITHOUT.
 */
#ifndef EVENTFD_SUPPORT_ATTRIBUTES_H
#define EVENTFD_SUPPORT_ATTRIBUTES_H

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <vector>

#include "support/changes.h"
#include "support/skip.h"

namespace suite {

using namespace std::chrono_literals;

/* What the tests of all parameters need, or those of one, by its name. */
struct Need {
    Change change;
    std::string parameter; /* empty: all */
};

struct Attributes {
    std::vector<Change> needs; /* only what shows on this machine */
    bool hangs_without = false;
    std::chrono::seconds time_limit = 20s;
};

struct Attribute {
    std::vector<Need> needs;
    std::chrono::seconds time_limit = 0s;
    bool hangs_without = false;
};

/* Each of these changes, or else the test fails. */
inline Attribute Needs(std::initializer_list<Change> changes) {
    Attribute attribute;
    for (Change change : changes) attribute.needs.push_back({change, ""});
    return attribute;
}
inline Attribute Needs(Change change) { return Needs({change}); }

/* The same where the test runs with the parameter of this name. */
inline Attribute NeedsFor(const char* parameter, Change change) {
    return {{{change, parameter}}, 0s, false};
}

/* Without what it needs it does not fail but sleeps on. */
inline Attribute HangsWithout() { return {{}, 0s, true}; }

/* For a test that needs more than the 20 s each test has. */
inline Attribute TimeLimit(std::chrono::seconds limit) { return {{}, limit, false}; }

class AttributeRegistrar {
  public:
    AttributeRegistrar(const char* test, std::initializer_list<Attribute> attributes);
};

/* The attributes of a test, of whatever instance and parameter. */
Attributes AttributesOf(const testing::TestInfo& test);

/* What a test needs and this kernel has not, and what such a kernel does; or "". */
std::string WhyItMustFail(const testing::TestInfo& test);

/* How a result says that the kernel has not what a test needs. */
std::string Lacking(const std::vector<Change>& changes);

/* Whether that is why a test was skipped. */
bool LacksAChange(const std::string& reason);

#define SUITE_ATTRIBUTES(suite_name, test_name, ...)                                \
    static const ::suite::AttributeRegistrar suite_name##_##test_name##_attributes( \
        #suite_name "." #test_name, {__VA_ARGS__})

#define TEST_WITH(suite_name, test_name, ...)             \
    SUITE_ATTRIBUTES(suite_name, test_name, __VA_ARGS__); \
    TEST(suite_name, test_name)

#define TEST_F_WITH(fixture, test_name, ...)           \
    SUITE_ATTRIBUTES(fixture, test_name, __VA_ARGS__); \
    TEST_F(fixture, test_name)

#define TEST_P_WITH(fixture, test_name, ...)           \
    SUITE_ATTRIBUTES(fixture, test_name, __VA_ARGS__); \
    TEST_P(fixture, test_name)

/* For a change without which a test has nothing to show, or shows it by chance. */
#define SKIP_WITHOUT(change) SKIP_UNLESS(KernelHas(change), Lacking({change}))

} /* namespace suite */

#endif
