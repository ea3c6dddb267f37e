// SPDX-License-Identifier: GPL-2.0
/*
 * main() of every test program: each test in a process of its own, and KTAP on stdout.
 *
 * A result line has one form for all outcomes, "[not ]ok NUMBER Suite.Name # WHAT":
 *
 *     ok 1 Read.ReturnsEight #  0.001 s
 *     not ok 2 Read.ReturnsEight #  failed, 0.001 s
 *     not ok 3 Read.ReturnsEight #  timed out after 20 s
 *     ok 4 Read.ReturnsEight # SKIP why
 *     ok 5 Read.ReturnsEight # XFAIL why stock is wrong (attributes.h)
 *     not ok 6 Read.ReturnsEight #  XPASS passes, but is declared: why stock is wrong
 *
 * The plan comes first, so a run that dies half way shows. What a test prints is shown only if
 * it did not pass, in "# " lines before its result, each with the seconds since the test
 * started.
 *
 * A test fails, too, where it leaves descriptors open or processes behind, dies of a signal, or
 * runs out of time: 20 s unless it declares another limit; EVENTFD_TEST_TIMEOUT=N makes that N
 * and stretches the declared ones in proportion. EVENTFD_RACE_ROUNDS, EVENTFD_DEATH_ROUNDS,
 * EVENTFD_TORN_POLLS and EVENTFD_AUTORESET_ROUNDS change how often the tests of races try.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/fdinfo.h"
#include "support/tasks.h"

/* Last: it defines macros that the C++ headers would trip over. */
#include "kselftest.h"

namespace suite {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kUsage[] =
    "Options besides GoogleTest's own:\n"
    "  --list-declared   print the tests that stock Linux must fail, and why\n"
    "  --no-fork         run in one process, under a debugger say, with GoogleTest's output\n";

std::string FullName(const testing::TestInfo& test) {
    return std::string(test.test_suite_name()) + "." + test.name();
}

/* A shell-like pattern of GoogleTest's --gtest_filter: * and ? only. */
bool MatchesPattern(std::string_view name, std::string_view pattern) {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*')
        return MatchesPattern(name, pattern.substr(1)) ||
               (!name.empty() && MatchesPattern(name.substr(1), pattern));
    return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
           MatchesPattern(name.substr(1), pattern.substr(1));
}

bool MatchesAny(std::string_view name, std::string_view patterns) {
    for (;;) {
        size_t colon = patterns.find(':');
        if (MatchesPattern(name, patterns.substr(0, colon))) return true;
        if (colon == std::string_view::npos) return false;
        patterns.remove_prefix(colon + 1);
    }
}

/* "A*:B*-C*": some of A, B and none of C. */
bool MatchesFilter(const std::string& name, std::string_view filter) {
    size_t dash = filter.find('-');
    std::string_view wanted = filter.substr(0, dash);
    if (dash == 0) wanted = "*";
    return MatchesAny(name, wanted) &&
           (dash == std::string_view::npos || !MatchesAny(name, filter.substr(dash + 1)));
}

std::vector<const testing::TestInfo*> AllTests() {
    const testing::UnitTest& unit_test = *testing::UnitTest::GetInstance();
    std::vector<const testing::TestInfo*> tests;

    for (int i = 0; i < unit_test.total_test_suite_count(); i++) {
        const testing::TestSuite& suite = *unit_test.GetTestSuite(i);
        for (int j = 0; j < suite.total_test_count(); j++)
            tests.push_back(suite.GetTestInfo(j));
    }
    return tests;
}

bool IsSelected(const testing::TestInfo& test) {
    std::string name = FullName(test);
    bool disabled = !name.compare(0, 9, "DISABLED_") ||
                    name.find("/DISABLED_") != std::string::npos ||
                    name.find(".DISABLED_") != std::string::npos;
    return (!disabled || testing::FLAGS_gtest_also_run_disabled_tests) &&
           MatchesFilter(name, testing::FLAGS_gtest_filter);
}

std::chrono::milliseconds TimeLimitOf(const testing::TestInfo& test) {
    auto limit = std::chrono::milliseconds(AttributesOf(test).time_limit);
    return limit * NumberFromEnvironment("EVENTFD_TEST_TIMEOUT", 20) / 20;
}

/* In the test's process: prints what fails, where, and nothing else. */
class FailurePrinter : public testing::EmptyTestEventListener {
    void OnTestPartResult(const testing::TestPartResult& part) override {
        if (part.passed() || part.skipped()) return;
        const char* file = part.file_name() ? strrchr(part.file_name(), '/') : nullptr;
        printf("%s:%d: %s\n",
               file               ? file + 1
               : part.file_name() ? part.file_name()
                                  : "?",
               part.line_number(), part.message());
        fflush(stdout);
    }
};

using Descriptors = std::map<int, std::string>;

Descriptors OpenDescriptors() {
    Descriptors open;
    DIR* directory = opendir("/proc/self/fd");

    if (!directory) return open;
    while (dirent* entry = readdir(directory)) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(directory)) continue;
        char link[256];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link));
        open[fd] = std::string(link, length > 0 ? static_cast<size_t>(length) : 0);
    }
    closedir(directory);
    return open;
}

/* What a test's process tells its parent: the outcome, and the reason for a skip. */
struct Report {
    char outcome = 0; /* 'P', 'F', 'S'; 0: it never got there */
    char reason[500] = {};
};

[[noreturn]] void RunInThisProcess(const testing::TestInfo& test, int report_fd) {
    Report report;

    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter);
    testing::FLAGS_gtest_filter = FullName(test);
    testing::FLAGS_gtest_output = "";

    Descriptors before = OpenDescriptors();
    bool failed = RUN_ALL_TESTS() != 0;
    Descriptors after = OpenDescriptors();

    for (const auto& [fd, link] : after) {
        auto same = before.find(fd);
        if (same != before.end() && same->second == link) continue;
        printf("left descriptor %d open: %s\n", fd, link.c_str());
        failed = true;
    }
    report.outcome = failed ? 'F' : 'P';
    if (!failed && test.result()->Skipped()) {
        report.outcome = 'S';
        const testing::TestResult& result = *test.result();
        for (int i = 0; i < result.total_part_count(); i++) {
            const testing::TestPartResult& part = result.GetTestPartResult(i);
            if (part.skipped())
                snprintf(report.reason, sizeof(report.reason), "%s", part.message());
        }
    }
    fflush(stdout);
    if (write(report_fd, &report, sizeof(report)) != sizeof(report)) _exit(EXIT_FAILURE);
    _exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* What came of a test. */
struct Outcome {
    bool passed = false;
    bool skipped = false;
    std::string text; /* why skipped, or how failed */
    std::string log;
    double seconds = 0;
};

/* Makes lines of what comes out of a test, each with the time at which it was complete. */
class Log {
  public:
    explicit Log(Clock::time_point start) : start_(start) {}

    void Append(const char* data, size_t length) {
        for (size_t i = 0; i < length; i++) {
            if (data[i] == '\n')
                EndLine();
            else
                line_ += data[i];
        }
    }

    void Line(const std::string& line) {
        if (!line_.empty()) EndLine();
        line_ = line;
        EndLine();
    }

    std::string Take() {
        if (!line_.empty()) EndLine();
        if (lines_ > kMostLines)
            text_ += "and " + std::to_string(lines_ - kMostLines) + " lines more\n";
        return std::move(text_);
    }

  private:
    static constexpr int kMostLines = 300;

    void EndLine() {
        char time[32];
        std::chrono::duration<double> elapsed = Clock::now() - start_;
        snprintf(time, sizeof(time), "%7.3f  ", elapsed.count());
        if (++lines_ <= kMostLines) text_ += time + line_ + "\n";
        line_.clear();
    }

    Clock::time_point start_;
    std::string text_;
    std::string line_;
    int lines_ = 0;
};

/* The numbers that are the names in a directory of /proc. */
std::vector<pid_t> NumbersIn(const std::string& path) {
    std::vector<pid_t> numbers;
    DIR* directory = opendir(path.c_str());

    if (!directory) return numbers;
    while (dirent* entry = readdir(directory))
        if (int number = atoi(entry->d_name); number > 0) numbers.push_back(number);
    closedir(directory);
    return numbers;
}

/* The processes of a test: those of its group, and those whose parent has become ours. */
std::vector<pid_t> ProcessesOf(pid_t group) {
    std::vector<pid_t> processes;

    for (pid_t pid : NumbersIn("/proc")) {
        std::string stat = ReadWholeFile("/proc/" + std::to_string(pid) + "/stat");
        size_t name_end = stat.rfind(')');
        char state;
        int parent, its_group;
        if (name_end == std::string::npos ||
            sscanf(stat.c_str() + name_end + 1, " %c %d %d", &state, &parent, &its_group) != 3)
            continue;
        if (state == 'Z' || state == 'X' || pid == getpid()) continue;
        if (its_group == group || parent == getpid()) processes.push_back(pid);
    }
    return processes;
}

void DescribeProcesses(pid_t group, Log* log) {
    for (pid_t pid : ProcessesOf(group))
        for (pid_t tid : NumbersIn("/proc/" + std::to_string(pid) + "/task"))
            log->Line(DescribeTask(tid));
}

/* Kills whatever the test has left, and says how many processes that was. */
int KillLeftovers(pid_t group) {
    std::vector<pid_t> left = ProcessesOf(group);

    for (pid_t pid : left) kill(pid, SIGKILL);
    kill(-group, SIGKILL);
    /* They are ours by now (PR_SET_CHILD_SUBREAPER); wait until the last one is gone. */
    for (;;) {
        pid_t pid = waitpid(-1, nullptr, WNOHANG);
        if (pid == -1 && errno == ECHILD) break;
        if (pid <= 0) {
            for (pid_t process : ProcessesOf(group)) kill(process, SIGKILL);
            PauseBetweenLooks();
        }
    }
    return static_cast<int>(left.size());
}

Outcome RunTest(const testing::TestInfo& test) {
    Clock::time_point start = Clock::now();
    Clock::time_point deadline = start + TimeLimitOf(test);
    Outcome outcome;
    Report report;
    Log log(start);
    Pipe output = NewPipe();
    Pipe reports = NewPipe();
    bool in_time = true;
    int status = 0;

    fflush(stdout);
    pid_t child = static_cast<pid_t>(Must(SYSCALL(fork)));
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        dup2(output.write_end, STDOUT_FILENO);
        dup2(output.write_end, STDERR_FILENO);
        output.read_end.Reset();
        output.write_end.Reset();
        reports.read_end.Reset();
        setvbuf(stdout, nullptr, _IOLBF, 0);
        RunInThisProcess(test, reports.write_end);
    }
    setpgid(child, child);
    output.write_end.Reset();
    reports.write_end.Reset();

    /* Where there are no pidfds, a look every few milliseconds. */
    FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    char buffer[4096];
    for (;;) {
        pollfd waits[] = {{output.read_end, POLLIN, 0}, {pidfd.get(), POLLIN, 0}};
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            in_time = false;
            log.Line("out of time; the test's tasks are:");
            DescribeProcesses(child, &log);
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        int timeout =
            static_cast<int>(pidfd.get() < 0 ? std::min<long>(left.count(), 5) : left.count());
        poll(waits, 2, timeout);
        if (waits[0].revents) {
            ssize_t length = read(output.read_end, buffer, sizeof(buffer));
            if (length > 0) {
                log.Append(buffer, static_cast<size_t>(length));
                continue;
            }
            output.read_end.Reset(); /* the test has closed its output; poll skips -1 */
        }
        if (waitpid(child, &status, WNOHANG) == child) break;
    }
    int left_behind = KillLeftovers(child);
    outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (output.read_end.get() != -1) {
        ssize_t length;
        while ((length = read(output.read_end, buffer, sizeof(buffer))) > 0)
            log.Append(buffer, static_cast<size_t>(length));
    }
    if (read(reports.read_end, &report, sizeof(report)) != sizeof(report)) report = Report();

    if (!in_time) {
        auto limit = std::chrono::duration<double>(TimeLimitOf(test)).count();
        char text[64];
        snprintf(text, sizeof(text), "timed out after %g s", limit);
        outcome.text = text;
    } else if (WIFSIGNALED(status)) {
        outcome.text = "killed by " + SignalText(WTERMSIG(status));
    } else if (left_behind) {
        outcome.text = "left " + std::to_string(left_behind) + " processes behind";
    } else if (report.outcome == 'P' && !WEXITSTATUS(status)) {
        outcome.passed = true;
    } else if (report.outcome == 'S' && !WEXITSTATUS(status)) {
        outcome.skipped = true;
        outcome.text = report.reason;
    } else {
        outcome.text = report.outcome ? "failed" : "ended before its end";
    }
    outcome.log = log.Take();
    return outcome;
}

/* A reason is part of one line, and must not look like a directive. */
std::string OneLine(std::string text) {
    while (!text.empty() && isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    for (char& c : text)
        if (c == '\n' || c == '#') c = ' ';
    return text;
}

void PrintResult(const testing::TestInfo& test, const Outcome& outcome) {
    std::string name = FullName(test);
    std::string declared = KernelIsOurs() ? "" : OneLine(AttributesOf(test).fixed_here);
    std::string text = OneLine(outcome.text);
    bool ran = !outcome.skipped;

    if (ran && !outcome.passed)
        for (size_t at = 0; at < outcome.log.size();) {
            size_t end = outcome.log.find('\n', at);
            ksft_print_msg("%s\n", outcome.log.substr(at, end - at).c_str());
            at = end + 1;
        }
    if (outcome.skipped)
        ksft_test_result_code(KSFT_SKIP, name.c_str(), "%s", text.c_str());
    else if (outcome.passed && !declared.empty())
        ksft_test_result_code(KSFT_FAIL, name.c_str(), "XPASS passes, but is declared: %s",
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

int Main(int argc, char** argv) {
    bool list_declared = false;
    bool no_fork = false;

    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) printf("%s\n", kUsage);
    testing::InitGoogleMock(&argc, argv);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--list-declared")) {
            list_declared = true;
        } else if (!strcmp(argv[i], "--no-fork")) {
            no_fork = true;
        } else {
            fprintf(stderr, "%s: unknown option '%s'\n%s", argv[0], argv[i], kUsage);
            return 2;
        }
    }

    if (list_declared) {
        for (const testing::TestInfo* test : AllTests())
            if (Attributes attributes = AttributesOf(*test); !attributes.fixed_here.empty())
                printf("%s\t%s\n", FullName(*test).c_str(), attributes.fixed_here.c_str());
        return 0;
    }
    if (no_fork || testing::FLAGS_gtest_list_tests) return RUN_ALL_TESTS();

    std::vector<const testing::TestInfo*> tests;
    for (const testing::TestInfo* test : AllTests())
        if (IsSelected(*test)) tests.push_back(test);

    ksft_print_header();
    if (tests.empty())
        ksft_exit_skip("no test matches %s\n", testing::FLAGS_gtest_filter.c_str());
    ksft_set_plan(static_cast<unsigned int>(tests.size()));
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const testing::TestInfo* test : tests) PrintResult(*test, RunTest(*test));
    ksft_finished();
}

} /* namespace */
} /* namespace suite */

int main(int argc, char** argv) { return suite::Main(argc, argv); }
