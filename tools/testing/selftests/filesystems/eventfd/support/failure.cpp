// SPDX-License-Identifier: GPL-2.0
#include "support/failure.h"

#include <sys/mman.h>

#include <new>

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

std::atomic<Where>& WaitsAt::Line() {
    static auto* line = [] {
        void* shared = mmap(nullptr, sizeof(std::atomic<Where>), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return shared == MAP_FAILED ? new std::atomic<Where> : new (shared) std::atomic<Where>;
    }();
    return *line;
}

} /* namespace suite */
