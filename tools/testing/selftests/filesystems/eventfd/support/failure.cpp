// SPDX-License-Identifier: GPL-2.0
#include "support/failure.h"

namespace suite {

void FailTest(const std::string& message, Where where) {
    const char* file = where.file_name();
    const int line = static_cast<int>(where.line());
    [&] { GTEST_FAIL_AT(file, line) << message; }();
    /* What GoogleTest catches and takes for reported. */
    throw testing::AssertionException(testing::TestPartResult(
        testing::TestPartResult::kFatalFailure, file, line, message.c_str()));
}

void AddFailure(const std::string& message, Where where) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << message;
}

} /* namespace suite */
