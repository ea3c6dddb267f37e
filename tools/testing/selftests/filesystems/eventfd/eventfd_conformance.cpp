// SPDX-License-Identifier: GPL-2.0
/*
 * All tests in one program, for a kernel that is not this one: it runs them and says, behaviour
 * by behaviour (rows.txt, which is built in), what the running system does as Linux's eventfd
 * does.
 *
 * It needs nothing but itself: no root, no kernel source, no library, no io_uring. What the
 * system lacks is skipped, with the reason; a test that hangs is ended when its time is up.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/attributes.h"
#include "support/probes.h"
#include "support/runner.h"

namespace suite {
namespace {

/* What rows.awk makes of rows.txt. */
constexpr char kRowsText[] =
#include "rows.inc"
    ;

constexpr char kUsage[] =
    "Usage: eventfd_conformance [--rows | --ktap | --list] [--filter=PATTERN]\n"
    "\n"
    "Says what the running system's eventfd does as Linux's does, and what it does not.\n"
    "\n"
    "  --rows            behaviour by behaviour (this is what it does if not told otherwise)\n"
    "  --ktap            test by test, as KTAP\n"
    "  --list            the behaviours and their tests, without running any\n"
    "  --filter=PATTERN  only the rows and tests whose number or name match: 1b.*, Poll.*,\n"
    "                    several with : between them, and those that do not count after a -\n"
    "  --help            this\n"
    "\n"
    "A row is one of\n"
    "  conformant  all its tests pass\n"
    "  as stock    a test fails that needs a change of eventfd which this system has not: it "
    "does\n"
    "              what Linux 6.12 does, and the change is named\n"
    "  differs     a test fails\n"
    "  unknown     all its tests were skipped; the reasons are given\n"
    "\n"
    "Exit status: 0 if no row differs, 1 if one does, 2 if the call is wrong.\n"
    "EVENTFD_TEST_TIMEOUT=N in the environment gives a test N seconds in place of 20.\n";

/* The call is wrong, or the program: one line, and the exit status for it. */
constexpr int kWrongCall = 2;

struct Row {
    std::string number;
    std::string text;
    std::vector<std::string> patterns;
    std::vector<const testing::TestInfo*> tests;
    std::string not_tested; /* why there are none */
};

/* From what rows.awk makes of rows.txt, which says the form. */
std::vector<Row> RowsOf(const std::string& text) {
    std::istringstream in(text);
    std::vector<Row> rows;

    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string kind, value;
        std::getline(fields, kind, '\t');
        std::getline(fields, value, '\t');
        if (kind == "row") {
            std::string place, behaviour;
            std::getline(fields, place, '\t');
            std::getline(fields, behaviour);
            rows.push_back({value, behaviour, {}, {}, ""});
        } else if (kind == "test") {
            rows.back().patterns.push_back(value);
        } else if (kind == "reason") {
            rows.back().not_tested = value;
        } else if (kind == "kunit") {
            rows.back().not_tested = "only the kernel itself can: KUnit tests it";
        }
    }
    return rows;
}

/* The rows with their tests, and a last one for the tests that no row names. */
std::vector<Row> AllRows() {
    std::vector<Row> rows = RowsOf(kRowsText);
    Row others = {"-", "what else the suite tests", {}, {}, ""};

    for (const testing::TestInfo* test : AllTests()) {
        bool named = false;
        for (Row& row : rows)
            for (const std::string& pattern : row.patterns)
                if (!fnmatch(pattern.c_str(), FullName(*test).c_str(), 0)) {
                    row.tests.push_back(test);
                    named = true;
                    break;
                }
        if (!named) others.tests.push_back(test);
    }
    rows.push_back(others);
    return rows;
}

/* What of the rows the filter leaves: whole rows by their number, or some of their tests. */
void Filter(std::vector<Row>* rows, const std::string& filter) {
    for (Row& row : *rows) {
        if (MatchesFilter(row.number, filter)) continue;
        std::erase_if(row.tests, [&](const testing::TestInfo* test) {
            return !MatchesFilter(FullName(*test), filter);
        });
        row.not_tested.clear();
    }
    std::erase_if(*rows,
                  [](const Row& row) { return row.tests.empty() && row.not_tested.empty(); });
}

/* For GoogleTest: the tests of the rows, by their names. */
std::string FilterOf(const std::vector<Row>& rows) {
    std::string filter;

    for (const Row& row : rows)
        for (const testing::TestInfo* test : row.tests) filter += FullName(*test) + ":";
    return filter;
}

/* A text in lines of a terminal's width; the first one is at its column, the others are
 * indented. */
void PrintWrapped(const std::string& text, size_t column, size_t indent) {
    constexpr size_t kWidth = 100;
    std::istringstream in(text);
    const char* separator = "";

    for (std::string word; in >> word;) {
        if (*separator && column + 1 + word.size() > kWidth) {
            printf("\n%*s", static_cast<int>(indent), "");
            column = indent;
            separator = "";
        }
        printf("%s%s", separator, word.c_str());
        column += strlen(separator) + word.size();
        separator = " ";
    }
    printf("\n");
}

constexpr size_t kTextColumn = 20;

void PrintRow(const char* status, const Row& row) {
    printf("%-11s %-7s ", status, row.number.c_str());
    PrintWrapped(row.text, kTextColumn, kTextColumn);
}

void PrintNote(const std::string& note) {
    printf("%*s", static_cast<int>(kTextColumn + 4), "");
    PrintWrapped(note, kTextColumn + 4, kTextColumn + 6);
}

void PrintLog(const std::string& log) {
    std::istringstream in(log);
    for (std::string line; std::getline(in, line);)
        printf("%*s%s\n", static_cast<int>(kTextColumn + 6), "", line.c_str());
}

/* Runs each test once, when the first of its rows comes, and keeps count. */
class Report {
  public:
    explicit Report(const std::vector<Row>& rows) : rows_(rows) {}

    int Run() {
        timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        for (const Row& row : rows_) {
            Judge(row);
            fflush(stdout);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("\ntests: %d passed, %d failed as stock does, %d failed, %d skipped; %ld s\n",
               passed_, declared_, failed_, skipped_,
               static_cast<long>(end.tv_sec - start.tv_sec));
        printf(
            "rows: %d conformant, %d as stock, %d differ, %d unknown; %d more have no test "
            "that user space can run\n",
            conformant_, as_stock_, differing_, unknown_, untested_);
        return differing_ ? 1 : 0;
    }

  private:
    const Outcome& OutcomeOf(const testing::TestInfo* test) {
        auto known = outcomes_.find(test);
        if (known != outcomes_.end()) return known->second;
        Outcome outcome = RunTest(*test);
        bool declared = !outcome.passed && !outcome.skipped && !WhyItMustFail(*test).empty();
        (outcome.skipped  ? skipped_
         : outcome.passed ? passed_
         : declared       ? declared_
                          : failed_)++;
        return outcomes_[test] = outcome;
    }

    void Judge(const Row& row) {
        std::map<std::string, size_t> skipped; /* how many for each reason */
        std::set<std::string> declared;        /* the changes that are missing */
        std::vector<const testing::TestInfo*> failed;
        size_t skips = 0;

        if (row.tests.empty()) {
            untested_++;
            return;
        }
        for (const testing::TestInfo* test : row.tests) {
            const Outcome& outcome = OutcomeOf(test);
            if (outcome.passed) continue;
            if (outcome.skipped) {
                skipped[outcome.text]++;
                skips++;
            } else if (std::string why = WhyItMustFail(*test); !why.empty()) {
                declared.insert(why);
            } else {
                failed.push_back(test);
            }
        }
        bool all = skips == row.tests.size();
        if (!failed.empty()) {
            differing_++;
            PrintRow("differs", row);
        } else if (!declared.empty()) {
            as_stock_++;
            PrintRow("as stock", row);
        } else if (all) {
            unknown_++;
            PrintRow("unknown", row);
        } else {
            conformant_++;
            PrintRow("conformant", row);
        }
        for (const testing::TestInfo* test : failed) {
            PrintNote(FullName(*test) + ": " + OutcomeOf(test).text);
            PrintLog(OutcomeOf(test).log);
        }
        for (const std::string& why : declared) PrintNote(why);
        for (const auto& [reason, count] : skipped)
            PrintNote((all ? "skipped: "
                           : std::to_string(count) + " of " + std::to_string(row.tests.size()) +
                                 " tests skipped: ") +
                      reason);
    }

    const std::vector<Row>& rows_;
    std::map<const testing::TestInfo*, Outcome> outcomes_;
    int passed_ = 0, declared_ = 0, failed_ = 0, skipped_ = 0;
    int conformant_ = 0, as_stock_ = 0, differing_ = 0, unknown_ = 0, untested_ = 0;
};

void PrintHead() {
    utsname name = {};
    uname(&name);
    printf("eventfd on %s %s, %s, %s\n", name.sysname, name.release, name.machine,
           KernelKnowsAutoreset() ? "which knows EFD_AUTORESET"
                                  : "which does not know EFD_AUTORESET");
    std::string changes;
    for (const ChangeInfo& info : kChanges)
        if (KernelHas(info.change))
            changes += std::string(changes.empty() ? "" : ", ") + info.name;
    if (changes.empty())
        printf("judged as a stock Linux: what that does wrong may be wrong here\n\n");
    else
        printf("judged as a Linux that has %s\n\n", changes.c_str());
}

void List(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        printf("%-7s ", row.number.c_str());
        PrintWrapped(row.text, 8, 8);
        for (const testing::TestInfo* test : row.tests)
            printf("            %s\n", FullName(*test).c_str());
        if (row.tests.empty()) printf("            not tested: %s\n", row.not_tested.c_str());
    }
}

/* Two tests of one name could not be told apart; the filter that runs one would run both. */
bool NamesAreUnique() {
    std::set<std::string> names;
    for (const testing::TestInfo* test : AllTests())
        if (!names.insert(FullName(*test)).second) {
            printf("error: this program has two tests %s: give one another name\n",
                   FullName(*test).c_str());
            return false;
        }
    return true;
}

int Main(int argc, char** argv) {
    enum { kRows, kKtap, kList } what = kRows;
    std::string filter = "*";

    ReadChanges();
    /* A test of execve(2) runs this program anew, with options of GoogleTest's. */
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--no-fork")) {
            testing::InitGoogleMock(&argc, argv);
            return RUN_ALL_TESTS();
        }
    for (int i = 1; i < argc; i++) {
        std::string word = argv[i];
        if (word == "--help" || word == "-h") {
            printf("%s", kUsage);
            return 0;
        } else if (word == "--rows") {
            what = kRows;
        } else if (word == "--ktap") {
            what = kKtap;
        } else if (word == "--list") {
            what = kList;
        } else if (!word.compare(0, 9, "--filter=") && word.size() > 9) {
            filter = word.substr(9);
        } else {
            printf("error: unknown argument \"%s\": --help says what there is\n", argv[i]);
            return kWrongCall;
        }
    }
    int none = 1;
    testing::InitGoogleMock(&none, argv);
    if (!NamesAreUnique()) return kWrongCall;
    std::vector<Row> rows = AllRows();
    Filter(&rows, filter);
    if (rows.empty()) {
        printf("error: --filter=%s matches no row and no test: --list shows them\n",
               filter.c_str());
        return kWrongCall;
    }
    if (what == kList) {
        List(rows);
        return 0;
    }
    if (what == kKtap) {
        testing::FLAGS_gtest_filter = FilterOf(rows);
        return RunAsKtap(false);
    }
    PrintHead();
    return Report(rows).Run();
}

} /* namespace */
} /* namespace suite */

int main(int argc, char** argv) { return suite::Main(argc, argv); }
