/* SPDX-License-Identifier: GPL-2.0 */
/* What a run over all rows has found, and the two forms in which it is told: a page, and JSON.
 */
#ifndef EVENTFD_SUPPORT_REPORT_H
#define EVENTFD_SUPPORT_REPORT_H

#include <string>
#include <vector>

namespace suite {

enum class Status {
    kDiffers,
    kKnown,  /* differs, and is on the list of known differences */
    kMended, /* does not differ, and is on that list */
    kAsStock,
    kUnknown,
    kConformant,
};

/* "differs", "known", ..., as the report has it. */
const char* StatusName(Status status);

/* A test that failed: what was expected, and what was seen, the call as text. */
struct FailedTest {
    std::string test;
    std::string how; /* "failed", "timed out after 20 s" */
    std::string expected;
    std::string seen;
};

/* Of an outcome's log: its first failure, taken apart. */
FailedTest TakenApart(const std::string& test, const std::string& how, const std::string& log);

struct RowReport {
    std::string number;
    std::string text;
    Status status = Status::kUnknown;
    size_t tests = 0;
    size_t failed = 0;
    size_t skipped = 0;
    std::vector<std::string>
        reasons; /* why it is as stock or unknown, and why tests were skipped */
    std::vector<FailedTest> failures;
    std::string known; /* the reason that the list of known differences gives */

    std::string section() const { return number.substr(0, number.find('.')); }
};

struct RunReport {
    std::string judged_as;
    std::vector<RowReport> rows;
    int passed = 0, as_stock = 0, failed = 0, skipped = 0; /* tests */
    int untested = 0;                                      /* rows */
    long seconds = 0;
    std::string ended_early; /* why, if it was */

    int Count(Status status) const;
    /* 0 conformant, 1 differs, 2 it did not come to its end. */
    int ExitStatus() const;
};

/* The first line is what anybody sees first: what the system is. */
void PrintSystem(const RunReport& run);

/* One page; or, with every row in full, what takes several. */
void PrintPage(const RunReport& run, bool every_row);

void PrintJson(const RunReport& run);

/* A text in lines of a terminal's width; the first one is at its column, the others are
 * indented. */
void PrintWrapped(const std::string& text, size_t column, size_t indent);

} /* namespace suite */

#endif
