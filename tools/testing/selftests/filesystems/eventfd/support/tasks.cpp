// SPDX-License-Identifier: GPL-2.0
#include "support/tasks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <set>

#include "support/abilities.h"
#include "support/fdinfo.h"
#include "support/skip.h"

namespace suite {
namespace {

std::string TaskFile(pid_t tid, const char* name) {
    return "/proc/" + std::to_string(tid) + "/" + name;
}

unsigned long NumberAfter(const std::string& text, const char* key) {
    size_t at = text.find(key);
    return at == std::string::npos ? 0 : strtoul(text.c_str() + at + strlen(key), nullptr, 10);
}

/* Assertions of this test that have failed; a fork's child has its parent's, too. */
int Failures() {
    const testing::UnitTest& all = *testing::UnitTest::GetInstance();
    const testing::TestInfo* test = all.current_test_info();
    const testing::TestResult& result = test ? *test->result() : all.ad_hoc_test_result();
    int failures = 0;
    for (int i = 0; i < result.total_part_count(); i++)
        failures += result.GetTestPartResult(i).failed();
    return failures;
}

/* In a child: how many of them are its parent's, which answers for them itself. */
int inherited_failures = 0;

bool HasOwnFailure() { return Failures() > inherited_failures; }

/* What is thrown by others than our helpers is a failure where the task was started. */
void RunBody(const std::function<void()>& body, Where where) {
    try {
        body();
    } catch (const testing::AssertionException&) {
        /* FailTest() has said it. */
    } catch (const std::exception& error) {
        AddFailure(error.what(), where);
    }
}

} /* namespace */

TaskState LookAtTask(pid_t tid) {
    TaskState task;
    std::string status = ReadWholeFile(TaskFile(tid, "status"));
    size_t state = status.find("\nState:");

    if (state == std::string::npos) return task;
    task.state = status[state + 8];
    task.switches = NumberAfter(status, "\nvoluntary_ctxt_switches:");
    if (!Has(Ability::kTaskSyscall)) return task;
    std::string call = ReadWholeFile(TaskFile(tid, "syscall"));
    task.call_readable = !call.empty();
    if (!call.empty() && call.compare(0, 7, "running")) {
        task.call = strtol(call.c_str(), nullptr, 10);
        task.call_known = true;
    }
    return task;
}

unsigned long VoluntarySwitches(pid_t tid) {
    constexpr char kKey[] = "\nvoluntary_ctxt_switches:";
    NeedAbility(Ability::kTaskSwitches);
    std::string status = ReadWholeFile(TaskFile(tid, "status"));
    if (!status.empty() && status.find(kKey) == std::string::npos)
        SkipTest("/proc does not say how often a task has gone to sleep");
    return NumberAfter(status, kKey);
}

std::string DescribeTask(pid_t tid) {
    auto line = [tid](const char* name) {
        std::string text = ReadWholeFile(TaskFile(tid, name));
        while (!text.empty() && text.back() == '\n') text.pop_back();
        return text.empty() ? std::string("?") : text;
    };
    std::string status = ReadWholeFile(TaskFile(tid, "status"));
    size_t state = status.find("\nState:");
    std::string call = line("syscall");

    return "task " + std::to_string(tid) + " (" + line("comm") + ") state " +
           (state == std::string::npos ? "?" : status.substr(state + 8, 1)) + ", wchan " +
           line("wchan") + ", syscall " + call.substr(0, call.find(" 0x", call.find("0x") + 1));
}

void PauseBetweenLooks() {
    timespec pause = {0, 200 * 1000};
    nanosleep(&pause, nullptr);
}

void WaitUntil(const std::function<bool()>& condition) {
    while (!condition()) PauseBetweenLooks();
}

namespace {

/*
 * The call that was asked for, or another way to make it: libc may have a newer one, and so may
 * an emulator that stands between us and the kernel.
 */
bool IsCall(long seen, long wanted) {
    static const std::vector<std::set<long>> families = {
        {kPollCall, SYS_ppoll},
        {kEpollWaitCall, SYS_epoll_pwait, SYS_epoll_pwait2},
#ifdef SYS_select
        {SYS_select, SYS_pselect6},
#endif
    };
    if (seen == wanted || wanted == kAnyCall) return true;
    for (const std::set<long>& family : families)
        if (family.count(wanted) && family.count(seen)) return true;
    return false;
}

/* How many looks in a row have to agree: ten where /proc shows the tasks, else many more. */
int LooksThatAgree() { return Has(Ability::kTaskState) ? 10 : 100; }

/* A live task's state, look after look; where /proc does not show it there is nothing to test.
 */
class Looks {
  public:
    TaskState At(Task* task) {
        if (!Has(Ability::kTaskState)) return {task->finished() ? '?' : 'S'};
        TaskState now = LookAtTask(task->tid());
        if (now.state == '?' && !task->finished() && ++unseen_ >= 50)
            SkipTest("/proc does not show whether a task sleeps");
        return now;
    }

  private:
    int unseen_ = 0;
};

} /* namespace */

bool Task::SleepsIn(long call, Where where) {
    WaitsAt line(where);
    Looks looks;
    int steady = 0;
    unsigned long switches = 0;

    for (;; PauseBetweenLooks()) {
        if (finished()) return false;
        TaskState now = looks.At(this);
        if (now.call_readable) {
            if (now.state == 'S' && now.call_known && IsCall(now.call, call)) return true;
            continue;
        }
        steady = now.state == 'S' && now.switches == switches ? steady + 1 : 0;
        switches = now.switches;
        if (steady >= LooksThatAgree()) return true;
    }
}

void Task::WaitUntilBlockedIn(long call, Where where) {
    if (SleepsIn(call, where)) return;
    std::string what = call == kAnyCall ? "a call" : "system call " + std::to_string(call);
    FailTest("task " + std::to_string(tid_) + " was to block in " + what + ", and has ended",
             where);
}

namespace {

/* The tasks' context switches, if all of them sleep in the call; else nothing. */
std::vector<unsigned long> SwitchesIfAsleep(const std::vector<Task*>& tasks, long call,
                                            Looks* looks) {
    std::vector<unsigned long> switches;
    for (Task* task : tasks) {
        TaskState now = looks->At(task);
        if (now.state != 'S' ||
            (now.call_readable && (!now.call_known || !IsCall(now.call, call))))
            return {};
        switches.push_back(now.switches);
    }
    return switches;
}

} /* namespace */

bool Reaches(const std::function<long()>& count, long expected, const std::vector<Task*>& tasks,
             long call) {
    /* Without the count of switches, two rounds that are alike prove too little. */
    const int alike =
        Has(Ability::kTaskSwitches) && Has(Ability::kTaskState) ? 1 : LooksThatAgree();
    Looks looks;
    for (;;) {
        for (int i = 0; i < 100; i++) {
            if (count() == expected) return true;
            sched_yield();
        }
        /*
         * A task seen asleep may be woken by the next one before that one sleeps. Only if none
         * has run between two rounds of looks were they all asleep at one time.
         */
        std::vector<unsigned long> first = SwitchesIfAsleep(tasks, call, &looks);
        if (first.empty()) continue;
        long counted = count();
        bool still = true;
        for (int i = 0; i < alike && still; i++) {
            if (alike > 1) PauseBetweenLooks();
            still = SwitchesIfAsleep(tasks, call, &looks) == first && count() == counted;
        }
        if (still) return count() == expected;
    }
}

std::vector<Task*> WaitUntilAllSleepOrEnd(std::vector<Task*> tasks, long call) {
    do {
        std::erase_if(tasks, [](Task* task) { return task->finished(); });
        auto one_has_ended = [&] {
            return long{std::any_of(tasks.begin(), tasks.end(),
                                    [](Task* task) { return task->finished(); })};
        };
        if (tasks.empty() || !Reaches(one_has_ended, 1, tasks, call)) return tasks;
    } while (true);
}

ScopedThread::ScopedThread(std::function<void()> body, Where where)
    : thread_([this, body = std::move(body), where] {
          announced_.store(static_cast<pid_t>(syscall(SYS_gettid)));
          announced_.notify_one();
          RunBody(body, where);
          finished_.store(true, std::memory_order_release);
      }) {
    announced_.wait(0);
    tid_ = announced_.load();
}

ScopedThread::~ScopedThread() {
    if (!thread_.joinable()) return;
    if (std::uncaught_exceptions() || HasOwnFailure()) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        while (!finished()) {
            if (std::chrono::steady_clock::now() > deadline) {
                printf("giving up on a thread that nothing wakes: %s\n",
                       DescribeTask(tid_).c_str());
                fflush(stdout);
                _exit(EXIT_FAILURE);
            }
            PauseBetweenLooks();
        }
    }
    Join();
}

void ScopedThread::Join() {
    if (thread_.joinable()) thread_.join();
    watches_.End();
}

void ScopedThread::Signal(int signal, Where where) {
    Must(RAW_SYSCALL(tgkill, getpid(), tid_, signal), where);
}

ChildProcess::ChildProcess(const std::function<void()>& body, Where where) {
    fflush(stdout);
    tid_ = static_cast<pid_t>(Must(SYSCALL(fork), where));
    if (tid_) return;
    inherited_failures = Failures();
    RunBody(body, where);
    fflush(stdout);
    _exit(HasOwnFailure() ? EXIT_FAILURE : EXIT_SUCCESS);
}

ChildProcess::~ChildProcess() {
    if (finished()) return;
    kill(tid_, SIGKILL);
    Wait();
}

bool ChildProcess::finished() {
    if (!reaped_ && waitpid(tid_, &status_, WNOHANG) == tid_) {
        reaped_ = true;
        watches_.End();
    }
    return reaped_;
}

int ChildProcess::Wait() {
    if (!reaped_) {
        while (waitpid(tid_, &status_, 0) == -1 && errno == EINTR)
            ;
        reaped_ = true;
        watches_.End();
    }
    return status_;
}

void ChildProcess::ExpectSuccess(Where where) {
    int status = Wait();
    if (WIFSIGNALED(status))
        AddFailure(
            "a child was to exit with 0, and was killed by " + SignalText(WTERMSIG(status)),
            where);
    else if (WEXITSTATUS(status) != EXIT_SUCCESS)
        AddFailure("a child was to exit with 0, and exited with " +
                       std::to_string(WEXITSTATUS(status)),
                   where);
}

void ChildProcess::Signal(int signal, Where where) { Must(SYSCALL(kill, tid_, signal), where); }

std::unique_ptr<ScopedThread> NewThread(std::function<void()> body, Where where) {
    return std::make_unique<ScopedThread>(std::move(body), where);
}

std::unique_ptr<ChildProcess> NewChild(const std::function<void()>& body, Where where) {
    return std::make_unique<ChildProcess>(body, where);
}

namespace {

/* A handler has nowhere else to count; a test has one process and puts it back. */
std::atomic<int> handled{0};

void CountSignal(int) { handled.fetch_add(1); }

} /* namespace */

std::vector<int> Processors(Where where) {
    cpu_set_t set;
    std::vector<int> processors;
    Must(SYSCALL(sched_getaffinity, 0, sizeof(set), &set), where);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
    return processors;
}

void KeepToProcessor(int processor, Where where) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    Must(SYSCALL(sched_setaffinity, 0, sizeof(one), &one), where);
}

void BecomeRealTime(int priority, Where where) {
    const sched_param parameters = {.sched_priority = priority};
    Must(SYSCALL(sched_setscheduler, 0, SCHED_FIFO, &parameters), where);
}

OneProcessor::OneProcessor(Where where) {
    Must(SYSCALL(sched_getaffinity, 0, sizeof(old_), &old_), where);
    KeepToProcessor(Processors(where).front(), where);
}

OneProcessor::~OneProcessor() { sched_setaffinity(0, sizeof(old_), &old_); }

Undisturbed::Undisturbed(int priority) {
    const sched_param first = {.sched_priority = priority};
    refused_ = sched_setscheduler(0, SCHED_FIFO, &first) != 0;
}

Undisturbed::~Undisturbed() {
    const sched_param other = {.sched_priority = 0};
    if (!refused_) sched_setscheduler(0, SCHED_OTHER, &other);
}

OccupiedProcessor::OccupiedProcessor(int processor, Where where)
    : spinner_(
          [this, processor, where] {
              KeepToProcessor(processor, where);
              BecomeRealTime(kPriority, where);
              spins_ = true;
              while (!stop_) asm volatile("" ::: "memory");
          },
          where) {
    WaitUntil([this] { return spins_ || spinner_.finished(); });
    if (!spins_)
        FailTest("no real-time task spins on processor " + std::to_string(processor), where);
}

CountingHandler::CountingHandler(int signal, int flags, Where where) : signal_(signal) {
    struct sigaction action = {};
    action.sa_handler = CountSignal;
    action.sa_flags = flags;
    handled = 0;
    Must(SYSCALL(sigaction, signal, &action, &old_), where);
}

CountingHandler::~CountingHandler() { sigaction(signal_, &old_, nullptr); }

int CountingHandler::count() const { return handled; }

} /* namespace suite */
