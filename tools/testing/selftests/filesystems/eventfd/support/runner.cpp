// SPDX-License-Identifier: GPL-2.0
#include "support/runner.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/failure.h"
#include "support/fdinfo.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

using Clock = std::chrono::steady_clock;

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

} /* namespace */

std::string FullName(const testing::TestInfo& test) {
    return std::string(test.test_suite_name()) + "." + test.name();
}

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
        for (int j = 0; j < suite.total_test_count(); j++) {
            const testing::TestInfo* test = suite.GetTestInfo(j);
            std::string name = FullName(*test);
            bool disabled = !name.compare(0, 9, "DISABLED_") ||
                            name.find("/DISABLED_") != std::string::npos ||
                            name.find(".DISABLED_") != std::string::npos;
            if (!disabled || testing::FLAGS_gtest_also_run_disabled_tests)
                tests.push_back(test);
        }
    }
    return tests;
}

std::chrono::milliseconds TimeLimitOf(const testing::TestInfo& test) {
    const Attributes attributes = AttributesOf(test);
    const bool usual = attributes.time_limit == Attributes().time_limit;
    /* Where it is known that a test fails, by hanging perhaps, nobody waits as long to see it.
     */
    if (usual && !WhyItMustFail(test).empty()) return 5s;
    auto limit = std::chrono::milliseconds(attributes.time_limit);
    return limit * NumberFromEnvironment("EVENTFD_TEST_TIMEOUT", 20) / 20;
}

namespace {

std::vector<int> OpenDescriptors() {
    std::vector<int> open;
    DIR* directory = opendir("/proc/self/fd");

    if (!directory) {
        for (int fd = 0; fd < 1024; fd++)
            if (fcntl(fd, F_GETFD) != -1) open.push_back(fd);
        return open;
    }
    while (dirent* entry = readdir(directory)) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(directory)) open.push_back(fd);
    }
    closedir(directory);
    return open;
}

volatile sig_atomic_t signal_to_end = 0;

/* Those that end a run, and what they did before; empty where nobody asked for that. */
std::map<int, struct sigaction>& SignalsBefore() {
    static std::map<int, struct sigaction> before;
    return before;
}

/* In a test's process. */
void RestoreSignals() {
    for (const auto& [signal, action] : SignalsBefore()) sigaction(signal, &action, nullptr);
}

} /* namespace */

void EndWithSignals() {
    struct sigaction action = {};
    action.sa_handler = [](int signal) { signal_to_end = signal; };
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) {
        struct sigaction before = {};
        sigaction(signal, nullptr, &before);
        if (before.sa_handler == SIG_IGN) continue;
        SignalsBefore()[signal] = before;
        sigaction(signal, &action, nullptr);
    }
}

int SignalToEnd() { return signal_to_end; }

namespace {

/* How many that are, where the kernel says so (since Linux 6.2), or 0. */
size_t NumberOfOpenDescriptors() {
    struct stat status;
    return stat("/proc/self/fd", &status) ? 0 : static_cast<size_t>(status.st_size);
}

/* What a descriptor is open on: device and inode. */
using File = std::pair<dev_t, ino_t>;

File FileOf(int fd) {
    struct stat status = {};
    fstat(fd, &status);
    return {status.st_dev, status.st_ino};
}

/* What a test's process tells its parent: the outcome, and the reason for a skip. */
struct Report {
    char outcome = 0;     /* 'P', 'F', 'S'; 0: it never got there */
    bool at_once = false; /* by SkipTest(), which kills the test */
    char reason[500] = {};
};

/* In a test's process, and those it forks: where its report goes, and who leads its group. */
int report_fd = -1;
pid_t test_group = -1;

/* This is the process that forks the tests'; they inherit it, and have a report_fd. */
bool waits_for_tests = false;

/* In a test's process: what it had open when it started. */
std::map<int, File> open_before;

/* The descriptors that a test has opened and not closed. */
std::vector<int> LeftOpen() {
    auto is_as_before = [](const auto& open) { return FileOf(open.first) == open.second; };

    /* Nearly always; to go through all of the directory takes longer than many a test. */
    if (NumberOfOpenDescriptors() == open_before.size() &&
        std::all_of(open_before.begin(), open_before.end(), is_as_before))
        return {};

    std::vector<int> left;
    for (int fd : OpenDescriptors()) {
        auto before = open_before.find(fd);
        if (before == open_before.end() || !is_as_before(*before)) left.push_back(fd);
    }
    return left;
}

/* In a test's process, after all of the test: reports, and is the end of the process. */
[[noreturn]] void ReportAndExit(const testing::TestResult& result) {
    Report report;
    bool failed = result.Failed();

    for (int fd : LeftOpen()) {
        char link[256] = {};
        std::string name = "/proc/self/fd/" + std::to_string(fd);
        (void)!readlink(name.c_str(), link, sizeof(link) - 1);
        printf("left descriptor %d open: %s\n", fd, link);
        failed = true;
    }
    report.outcome = failed ? 'F' : 'P';
    if (!failed && result.Skipped()) {
        report.outcome = 'S';
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

/* A reason is part of one line, and must not look like a directive. */
std::string OneLine(std::string text) {
    while (!text.empty() && isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    for (char& c : text)
        if (c == '\n' || c == '#') c = ' ';
    return text;
}

/* How a message about a line begins. */
std::string AtLine(const char* file, int line) {
    const char* slash = file ? strrchr(file, '/') : nullptr;
    return std::string(slash  ? slash + 1
                       : file ? file
                              : "?") +
           ":" + std::to_string(line) + ": ";
}

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

/* Processes that not even SIGKILL has ended. No later test is to answer for them. */
std::set<pid_t>& Undying() {
    static std::set<pid_t> pids;
    return pids;
}

/*
 * The processes of a test: those of its group, and those whose parent has become ours. Without
 * /proc none are to be seen.
 */
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
        if (Undying().count(pid)) continue;
        if (its_group == group || parent == getpid()) processes.push_back(pid);
    }
    return processes;
}

void DescribeProcesses(pid_t group, Log* log) {
    for (pid_t pid : ProcessesOf(group))
        for (pid_t tid : NumbersIn("/proc/" + std::to_string(pid) + "/task"))
            log->Line(DescribeTask(tid));
}

/* Long enough for a process that can be killed, on any machine that can run tests at all. */
constexpr std::chrono::seconds kDeath = 5s;

/* Waits for a process that was killed; false if it does not end. */
bool WaitForDeath(pid_t pid, int* status) {
    Clock::time_point deadline = Clock::now() + kDeath;

    while (waitpid(pid, status, WNOHANG) == 0) {
        if (Clock::now() > deadline) {
            Undying().insert(pid);
            return false;
        }
        PauseBetweenLooks();
    }
    return true;
}

/*
 * Nobody to look for: none of the test's group, and no child. Whom a test forked and left
 * became our child (PR_SET_CHILD_SUBREAPER).
 */
bool NothingIsLeft(pid_t group) {
    return kill(-group, 0) == -1 && errno == ESRCH && waitpid(-1, nullptr, WNOHANG) == -1 &&
           errno == ECHILD;
}

/* Kills whatever the test has left, and says how many processes that was. */
int KillLeftovers(pid_t group) {
    /* Nearly always; to go through all of /proc takes longer than most tests. */
    if (NothingIsLeft(group)) return 0;

    std::vector<pid_t> left = ProcessesOf(group);
    Clock::time_point deadline = Clock::now() + kDeath;

    for (pid_t pid : left) kill(pid, SIGKILL);
    kill(-group, SIGKILL);
    /* They are ours by now (PR_SET_CHILD_SUBREAPER); wait until the last one is gone. */
    for (;;) {
        pid_t pid = waitpid(-1, nullptr, WNOHANG);
        if (pid == -1 && errno == ECHILD) break;
        if (pid > 0) {
            Undying().erase(pid);
            continue;
        }
        std::vector<pid_t> alive = ProcessesOf(group);
        if (alive.empty() && !Undying().empty()) break;
        if (Clock::now() > deadline) {
            Undying().insert(alive.begin(), alive.end());
            break;
        }
        for (pid_t process : alive) kill(process, SIGKILL);
        PauseBetweenLooks();
    }
    return static_cast<int>(left.size());
}

/* A test that runs in a process of its own, seen from the one that waits for it. */
class Run {
  public:
    /* The test's process inherits what is open here. */
    Run(const testing::TestInfo& test, const std::vector<int>& inherited,
        std::chrono::milliseconds most = std::chrono::hours(24))
        : limit_(std::min(TimeLimitOf(test), most)),
          inherited_(inherited),
          start_(Clock::now()) {}

    /* Returns in both processes: true in the test's. */
    bool Fork() {
        fflush(stdout);
        WaitsAt::Line() = Where();
        child_ = static_cast<pid_t>(Must(SYSCALL(fork)));
        if (!child_) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            setpgid(0, 0);
            dup2(output_.write_end, STDOUT_FILENO);
            dup2(output_.write_end, STDERR_FILENO);
            output_.read_end.Reset();
            output_.write_end.Reset();
            reports_.read_end.Reset();
            setvbuf(stdout, nullptr, _IOLBF, 0);
            report_fd = reports_.write_end.Release();
            RestoreSignals();
            test_group = getpid();
            for (int fd : inherited_) open_before[fd] = FileOf(fd);
            for (int fd : {STDOUT_FILENO, STDERR_FILENO, report_fd})
                open_before[fd] = FileOf(fd);
            return true;
        }
        setpgid(child_, child_);
        output_.write_end.Reset();
        reports_.write_end.Reset();
        /* What does not die keeps its ends open. */
        fcntl(output_.read_end, F_SETFL, O_NONBLOCK);
        fcntl(reports_.read_end, F_SETFL, O_NONBLOCK);
        return false;
    }

    /* To its end, or to that of its time. */
    Outcome Await();

  private:
    std::chrono::milliseconds limit_;
    const std::vector<int>& inherited_;
    Clock::time_point start_;
    Pipe output_ = NewPipe();
    Pipe reports_ = NewPipe();
    pid_t child_ = -1;
};

/* What the processors did for tests' processes that have ended. */
double SecondsOfTests() {
    rusage usage = {};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

Outcome Run::Await() {
    Clock::time_point deadline = start_ + limit_;
    const double worked_before = SecondsOfTests();
    Outcome outcome;
    Report report;
    Log log(start_);
    bool in_time = true, not_asleep = false;
    int status = 0;

    /* Where there are no pidfds, a look every few milliseconds. */
    FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, child_, 0)));
    char buffer[4096];
    for (;;) {
        pollfd waits[] = {{output_.read_end, POLLIN, 0}, {pidfd.get(), POLLIN, 0}};
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0 || SignalToEnd()) {
            in_time = false;
            Where line = WaitsAt::Line();
            not_asleep = line.line() != 0;
            if (not_asleep)
                log.Line(AtLine(line.file_name(), static_cast<int>(line.line())) +
                         "out of time, waiting for a task to sleep");
            log.Line("out of time; the test's tasks are:");
            DescribeProcesses(child_, &log);
            kill(-child_, SIGKILL);
            if (!WaitForDeath(child_, &status)) log.Line("it cannot be killed");
            break;
        }
        /* A signal may have come between the look for one and the sleep. */
        long longest = pidfd.get() < 0 ? 5 : SignalsBefore().empty() ? left.count() : 1000;
        int timeout = static_cast<int>(std::min<long>(left.count(), longest));
        poll(waits, 2, timeout);
        if (waits[0].revents) {
            ssize_t length = read(output_.read_end, buffer, sizeof(buffer));
            if (length > 0) {
                log.Append(buffer, static_cast<size_t>(length));
                continue;
            }
            if (length < 0 && errno == EAGAIN) continue;
            output_.read_end.Reset(); /* the test has closed its output; poll skips -1 */
        }
        if (waitpid(child_, &status, WNOHANG) == child_) break;
    }
    int left_behind = KillLeftovers(child_);
    outcome.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    if (output_.read_end.get() != -1) {
        ssize_t length;
        while ((length = read(output_.read_end, buffer, sizeof(buffer))) > 0)
            log.Append(buffer, static_cast<size_t>(length));
    }
    if (read(reports_.read_end, &report, sizeof(report)) != sizeof(report)) report = Report();

    if (report.at_once && report.outcome == 'F') {
        outcome.text = std::string("failed, and was then to be skipped: ") + report.reason;
        outcome.failing = Failing::kExpectation;
    } else if (report.at_once) {
        outcome.skipped = true;
        outcome.text = report.reason;
    } else if (!in_time) {
        double limit = std::chrono::duration<double>(limit_).count();
        char text[64];
        snprintf(text, sizeof(text), "timed out after %g s", limit);
        outcome.failing = SecondsOfTests() - worked_before > limit / 2 ? Failing::kTooSlow
                          : not_asleep                                 ? Failing::kNotAsleep
                                                                       : Failing::kTime;
        outcome.text = text;
    } else if (WIFSIGNALED(status)) {
        outcome.text = "killed by " + SignalText(WTERMSIG(status));
        outcome.failing = Failing::kOtherwise;
    } else if (left_behind) {
        outcome.text = "left " + std::to_string(left_behind) + " processes behind";
        outcome.failing = Failing::kOtherwise;
    } else if (report.outcome == 'P' && !WEXITSTATUS(status)) {
        outcome.passed = true;
    } else if (report.outcome == 'S' && !WEXITSTATUS(status)) {
        outcome.skipped = true;
        outcome.text = report.reason;
    } else {
        outcome.text = report.outcome ? "failed" : "ended before its end";
        outcome.failing = Failing::kExpectation;
    }
    outcome.text = OneLine(outcome.text);
    outcome.log = log.Take();
    return outcome;
}

/*
 * Between GoogleTest and a test: gives it a process of its own, unless this is one; prints
 * there what fails, where, and nothing else; and ends that process with the test.
 */
class TestProcess : public testing::EmptyTestEventListener {
  public:
    TestProcess(OnStart on_start, OnOutcome on_outcome)
        : on_start_(std::move(on_start)), on_outcome_(std::move(on_outcome)) {}

  private:
    void OnTestProgramStart(const testing::UnitTest& all) override {
        inherited_ = OpenDescriptors();
        if (on_start_)
            on_start_(all.test_to_run_count() * std::max(1, testing::FLAGS_gtest_repeat));
    }

    void OnTestStart(const testing::TestInfo& test) override {
        if (report_fd != -1) return;
        Run run(test, inherited_);
        if (!run.Fork()) {
            on_outcome_(test, run.Await());
            GTEST_SKIP() << "it has run, in a process of its own";
        }
    }

    void OnTestPartResult(const testing::TestPartResult& part) override {
        if (report_fd == -1 || part.passed() || part.skipped()) return;
        printf("%s%s\n", AtLine(part.file_name(), part.line_number()).c_str(), part.message());
        fflush(stdout);
    }

    void OnTestEnd(const testing::TestInfo& test) override {
        if (report_fd != -1) ReportAndExit(*test.result());
    }

    OnStart on_start_;
    OnOutcome on_outcome_;
    std::vector<int> inherited_;
};

void ReplaceListeners(testing::TestEventListener* listener) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();

    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
    listeners.Append(listener);
}

} /* namespace */

void SkipTest(const std::string& reason) {
    Report report;

    if (report_fd == -1) {
        /* With --no-fork; or in a fixture's constructor, which is not the place to skip. */
        printf("skipped: %s\n", reason.c_str());
        fflush(stdout);
        _exit(waits_for_tests ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    report.outcome = testing::Test::HasFailure() ? 'F' : 'S';
    report.at_once = true;
    snprintf(report.reason, sizeof(report.reason), "%s", reason.c_str());
    if (write(report_fd, &report, sizeof(report)) != sizeof(report)) _exit(EXIT_FAILURE);
    /* The test's other processes must not wait for this one. */
    if (getpgrp() == test_group) kill(0, SIGKILL);
    _exit(EXIT_FAILURE);
}

Outcome RunTest(const testing::TestInfo& test, std::chrono::milliseconds most) {
    const std::vector<int> inherited = OpenDescriptors();
    Run run(test, inherited, most);

    if (run.Fork()) {
        ReplaceListeners(new TestProcess({}, {}));
        testing::FLAGS_gtest_filter = FullName(test);
        (void)!RUN_ALL_TESTS();
        _exit(EXIT_FAILURE); /* not reached: the test's end is the end of the process */
    }
    return run.Await();
}

void RunTests(OnStart on_start, OnOutcome on_outcome) {
    waits_for_tests = true;
    ReplaceListeners(new TestProcess(std::move(on_start), std::move(on_outcome)));
    (void)!RUN_ALL_TESTS();
}

} /* namespace suite */
