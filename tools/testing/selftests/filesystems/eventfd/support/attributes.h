/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test says about itself before it runs, next to its name:
 *
 *     TEST_WITH(Wakeups, OnePostRunsOneReader, FixedHere("stock wakes every blocked reader"),
 *               TimeLimit(40s)) {
 *
 * FixedHere: stock Linux is wrong here, and our eventfd is not. On our kernel it is a test like
 * any other. On a stock kernel the test still runs: it must fail (XFAIL), and a pass (XPASS) is
 * a failure of the run, because then the test shows nothing or the declaration is out of date.
 */
#ifndef EVENTFD_SUPPORT_ATTRIBUTES_H
#define EVENTFD_SUPPORT_ATTRIBUTES_H

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>

namespace suite {

using namespace std::chrono_literals;

struct Attributes {
    std::string fixed_here; /* empty: not declared */
    std::chrono::seconds time_limit = 20s;
};

struct Attribute {
    std::string fixed_here;
    std::chrono::seconds time_limit = 0s;
};

inline Attribute FixedHere(const char* reason) { return {reason, 0s}; }

/* Wrong on stock where a long has 32 bits only. */
inline Attribute FixedHereOn32Bit(const char* reason) {
    return {sizeof(long) == 4 ? reason : "", 0s};
}

/* For a test that needs more than the 20 s each test has. */
inline Attribute TimeLimit(std::chrono::seconds limit) { return {"", limit}; }

class AttributeRegistrar {
  public:
    AttributeRegistrar(const char* test, std::initializer_list<Attribute> attributes);
};

/* The attributes of a test, of whatever instance and parameter. */
Attributes AttributesOf(const testing::TestInfo& test);

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

} /* namespace suite */

#endif
