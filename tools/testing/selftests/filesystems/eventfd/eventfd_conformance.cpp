// SPDX-License-Identifier: GPL-2.0
/*
 * All tests in one program, for a kernel that is not this one: it runs them and says, behaviour
 * by behaviour (rows.txt, which is built in), what the running system does as Linux's eventfd
 * does.
 *
 * It needs nothing but itself: no root, no kernel source, no library, no io_uring. What the
 * system lacks is skipped, with the reason (support/abilities.h); a test that hangs is ended
 * when its time is up, and so is the run.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/abilities.h"
#include "support/attributes.h"
#include "support/environment.h"
#include "support/report.h"
#include "support/runner.h"
#include "support/show.h"
#include "support/stock.h"

namespace suite {
namespace {

/* What rows.awk makes of rows.txt. */
constexpr char kRowsText[] =
#include "rows.inc"
    ;

constexpr char kUsage[] =
    "Usage: eventfd_conformance [--rows | --all | --json | --ktap | --list]\n"
    "                           [--filter=PATTERN] [--expect FILE]\n"
    "       eventfd_conformance --show ROW\n"
    "\n"
    "Says what the running system's eventfd does as Linux's does, and what it does not.\n"
    "\n"
    "  --rows            one page: what differs in full, the rest in short (this is what it "
    "does\n"
    "                    if not told otherwise)\n"
    "  --all             every row in full\n"
    "  --json            the same for a machine to read; README says what is in it\n"
    "  --ktap            test by test, as KTAP\n"
    "  --list            the behaviours and their tests, without running any\n"
    "  --filter=PATTERN  only the rows and tests whose number or name match: 1b.*, Poll.*,\n"
    "                    several with : between them, and those that do not count after a -\n"
    "  --expect FILE     what is known to differ: on each line the number of a row and the "
    "reason;\n"
    "                    a line that starts with # is none\n"
    "  --show ROW        a program in C, of a few lines, that shows this row alone\n"
    "  --help            this\n"
    "\n"
    "A row is one of\n"
    "  conformant  all its tests pass\n"
    "  as stock    a test fails that needs a change of eventfd which this system has not: it "
    "does\n"
    "              what Linux 6.12 does, and the change is named\n"
    "  differs     a test fails\n"
    "  known       a test fails, and FILE says so\n"
    "  mended      FILE says that it differs, and it does not\n"
    "  unknown     all its tests were skipped; the reasons are given\n"
    "\n"
    "Exit status: 0 if no row differs but those of FILE, 1 if one does or is mended, 2 if the "
    "call\n"
    "is wrong, or there is no eventfd here, or the run was ended before its end.\n"
    "EVENTFD_RUN_TIMEOUT=N in the environment gives the run N seconds in place of 270, and "
    "0 all\n"
    "it takes; what is not run by then is unknown.\n"
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

/* The list of known differences: a row's number, and why it differs. */
using KnownDifferences = std::map<std::string, std::string>;

/* One that is bad ends the program with a line that says what is wrong with it. */
KnownDifferences ReadKnown(const std::string& path, const std::vector<Row>& rows) {
    std::ifstream file(path);
    KnownDifferences known;
    int number = 0;

    auto refuse = [&](const std::string& what) {
        printf("error: --expect %s: %s\n", path.c_str(), what.c_str());
        exit(kWrongCall);
    };
    if (!file) refuse("it cannot be read: " + ErrnoText(errno));
    for (std::string line; std::getline(file, line);) {
        std::istringstream in(line);
        std::string row, reason, at = "line " + std::to_string(++number) + ": ";
        if (!(in >> row) || row[0] == '#') continue;
        std::getline(in >> std::ws, reason);
        if (std::none_of(rows.begin(), rows.end(),
                         [&](const Row& one) { return one.number == row; }))
            refuse(at + "there is no row " + row + ": --list shows them");
        if (reason.empty()) refuse(at + "row " + row + " has no reason behind it");
        if (!known.emplace(row, reason).second) refuse(at + "row " + row + " is there twice");
    }
    return known;
}

/* Why there is nothing to be judged; empty where there is. */
std::string WhyItCannotRun() {
    int fd = eventfd(0, 0);
    if (fd < 0)
        return "this system has no eventfd to be judged: eventfd2(0, 0) = -1 " +
               ErrnoText(errno);
    close(fd);
    pid_t child = fork();
    if (child < 0) return "tests cannot have processes here: fork() = -1 " + ErrnoText(errno);
    if (!child) _exit(0);
    waitpid(child, nullptr, 0);
    return "";
}

std::string JudgedAs() {
    std::string changes;
    for (const ChangeInfo& info : kChanges)
        if (KernelHas(info.change))
            changes += std::string(changes.empty() ? "" : ", ") + info.name;
    return changes.empty() ? "a stock Linux: what that does wrong may be wrong here"
                           : "a Linux that has " + changes;
}

/* Runs each test once, when the first of its rows comes, and says what is to be said of rows.
 */
class Judge {
  public:
    Judge(const std::vector<Row>& rows, const KnownDifferences& known)
        : rows_(rows), known_(known) {}

    RunReport Run() {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        EndWithSignals();
        run_.judged_as = JudgedAs();
        for (const Row& row : rows_) {
            if (row.tests.empty())
                run_.untested++;
            else
                JudgeRow(row);
        }
        run_.seconds = Seconds();
        return std::move(run_);
    }

  private:
    enum class Verdict { kPasses, kIsSkipped, kIsAsStock, kFails };

    struct Judged {
        Verdict verdict = Verdict::kPasses;
        std::string reason;
        FailedTest failed;
    };

    /*
     * For the whole run, in which every test may hang. The first of them get their time, to be
     * sure that they do; the others show by then that they would not end in a second either.
     */
    static constexpr std::chrono::seconds kForHangs = 100s;
    static constexpr std::chrono::seconds kIfAllHang = 1s;

    long Seconds() const {
        return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(
                                     std::chrono::steady_clock::now() - start_)
                                     .count());
    }

    /* How long the run may take; 0 for all it takes. */
    static unsigned long RunLimit() {
        static const unsigned long limit = NumberFromEnvironment("EVENTFD_RUN_TIMEOUT", 270);
        return limit;
    }

    /* What a test has of its time at most, beside those that hang and the end of the run. */
    std::chrono::milliseconds MostTime(const testing::TestInfo& test) const {
        std::chrono::milliseconds most = hung_ >= kForHangs ? kIfAllHang : TimeLimitOf(test);
        if (!RunLimit()) return most;
        const std::chrono::milliseconds left =
            std::chrono::seconds(static_cast<long>(RunLimit()) - Seconds());
        return std::min(most, std::max(left, std::chrono::milliseconds(kIfAllHang)));
    }

    /* Why no more tests are run; empty while they are. */
    std::string WhyNoMore() {
        const unsigned long limit = RunLimit();
        if (int signal = SignalToEnd())
            return "not run: the run was ended by " + SignalText(signal);
        if (limit && Seconds() >= static_cast<long>(limit))
            return "not run: the run's " + std::to_string(limit) +
                   " s were up (EVENTFD_RUN_TIMEOUT)";
        return "";
    }

    Judged Skipped(const std::string& reason) { return {Verdict::kIsSkipped, reason, {}}; }

    Judged JudgeOutcome(const testing::TestInfo& test, const Outcome& outcome, bool cut_short) {
        if (outcome.passed) return {};
        if (outcome.skipped) return Skipped(outcome.text);
        if (outcome.failing == Failing::kTooSlow)
            return Skipped(outcome.text + ", and was at work all that time: too slow here");
        if (outcome.failing == Failing::kNotAsleep)
            return Skipped(outcome.text + ": a task that had to sleep was not seen to");
        if (outcome.failing == Failing::kTime && cut_short)
            return Skipped(outcome.text + ", which is all that was left for it");

        Judged fails = {Verdict::kFails, "",
                        TakenApart(FullName(test), outcome.text, outcome.log)};
        std::vector<Change> lacking = AttributesOf(test).needs;
        std::erase_if(lacking, KernelHas);
        bool in_the_way_of_stock =
            outcome.failing == Failing::kExpectation ||
            (outcome.failing == Failing::kTime && AttributesOf(test).hangs_without);
        if (lacking.empty() || !in_the_way_of_stock) return fails;

        std::string untold;
        for (Change change : lacking) {
            const StockAnswer& answer = BehavesAsStock(change);
            if (answer.kind == StockAnswer::kAsStock || answer.kind == StockAnswer::kNotAsked)
                return {Verdict::kIsAsStock, WhyItMustFail(test), {}};
            if (answer.kind == StockAnswer::kCannotTell)
                untold =
                    std::string("it needs ") + InfoOf(change).name +
                    ", and it cannot be told whether this system does as stock: " + answer.text;
        }
        return untold.empty() ? fails : Skipped(untold);
    }

    Judged RunAndJudge(const testing::TestInfo& test) {
        if (std::string why = WhyNoMore(); !why.empty()) {
            run_.ended_early = why;
            return Skipped(why);
        }
        const std::chrono::milliseconds most = MostTime(test);
        const bool cut_short = most < TimeLimitOf(test);
        Outcome outcome = RunTest(test, most);
        if (SignalToEnd()) {
            run_.ended_early = WhyNoMore();
            return Skipped(run_.ended_early);
        }
        if (outcome.failing == Failing::kTime || outcome.failing == Failing::kTooSlow ||
            outcome.failing == Failing::kNotAsleep)
            hung_ += std::chrono::milliseconds(static_cast<long>(outcome.seconds * 1000));
        return JudgeOutcome(test, outcome, cut_short);
    }

    const Judged& JudgeTest(const testing::TestInfo* test) {
        auto known = judged_.find(test);
        if (known != judged_.end()) return known->second;
        Judged judged = RunAndJudge(*test);
        /* Where no sleeper can be proved asleep, a test may be too early; but hardly twice. */
        if (judged.verdict == Verdict::kFails && !Has(Ability::kTaskState))
            judged = RunAndJudge(*test);
        (judged.verdict == Verdict::kPasses      ? run_.passed
         : judged.verdict == Verdict::kIsSkipped ? run_.skipped
         : judged.verdict == Verdict::kIsAsStock ? run_.as_stock
                                                 : run_.failed)++;
        return judged_[test] = judged;
    }

    void JudgeRow(const Row& row) {
        std::map<std::string, size_t> skipped; /* how many for each reason */
        std::set<std::string> as_stock;        /* the changes that are missing */
        RowReport report;

        report.number = row.number;
        report.text = row.text;
        report.tests = row.tests.size();
        for (const testing::TestInfo* test : row.tests) {
            const Judged& judged = JudgeTest(test);
            if (judged.verdict == Verdict::kIsSkipped) {
                skipped[judged.reason]++;
                report.skipped++;
            } else if (judged.verdict == Verdict::kIsAsStock) {
                as_stock.insert(judged.reason);
                report.failed++;
            } else if (judged.verdict == Verdict::kFails) {
                report.failures.push_back(judged.failed);
                report.failed++;
            }
        }
        const bool all = report.skipped == report.tests;
        report.status = !report.failures.empty() ? Status::kDiffers
                        : !as_stock.empty()      ? Status::kAsStock
                        : all                    ? Status::kUnknown
                                                 : Status::kConformant;
        for (const std::string& why : as_stock) report.reasons.push_back(why);
        for (const auto& [reason, count] : skipped)
            report.reasons.push_back((all ? "skipped: "
                                          : std::to_string(count) + " of " +
                                                std::to_string(report.tests) +
                                                " tests skipped: ") +
                                     reason);
        if (auto listed = known_.find(row.number); listed != known_.end()) {
            report.known = listed->second;
            /* Of a call that the system has not, one cannot say that it does as Linux does. */
            const bool lacks_a_call = std::any_of(
                skipped.begin(), skipped.end(),
                [](const auto& one) { return internal::IsForAMissingCall(one.first); });
            if (report.status == Status::kDiffers)
                report.status = Status::kKnown;
            else if (lacks_a_call)
                report.status = Status::kUnknown;
            else if (report.status != Status::kUnknown)
                report.status = Status::kMended;
        }
        /* Whoever is killed before the page has said this. */
        fprintf(stderr, "%s %s\n", row.number.c_str(), StatusName(report.status));
        run_.rows.push_back(std::move(report));
    }

    const std::vector<Row>& rows_;
    const KnownDifferences& known_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::chrono::milliseconds hung_{0};
    std::map<const testing::TestInfo*, Judged> judged_;
    RunReport run_;
};

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
    enum { kRows, kAll, kJson, kKtap, kList } what = kRows;
    std::string filter = "*", expect;

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
        } else if (word == "--all") {
            what = kAll;
        } else if (word == "--json") {
            what = kJson;
        } else if (word == "--expect" && i + 1 < argc && argv[i + 1][0]) {
            expect = argv[++i];
        } else if (!word.compare(0, 9, "--expect=") && word.size() > 9) {
            expect = word.substr(9);
        } else if (word == "--ktap") {
            what = kKtap;
        } else if (word == "--list") {
            what = kList;
        } else if (word == "--show" && i + 1 < argc) {
            return ShowRow(argv[i + 1]);
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
    KnownDifferences known;
    if (!expect.empty()) known = ReadKnown(expect, rows);
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
    if (std::string why = WhyItCannotRun(); !why.empty()) {
        printf("error: %s\n", why.c_str());
        return kWrongCall;
    }
    Judge judge(rows, known);
    AskForAbilities();
    if (what == kKtap) {
        testing::FLAGS_gtest_filter = FilterOf(rows);
        return RunAsKtap(false);
    }
    RunReport run = judge.Run();
    if (what == kJson)
        PrintJson(run);
    else
        PrintPage(run, what == kAll);
    return run.ExitStatus();
}

} /* namespace */
} /* namespace suite */

int main(int argc, char** argv) { return suite::Main(argc, argv); }
