/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads and child processes that prove that they sleep. Where a test needs a task to be
 * blocked, the task's own state in /proc says so; no test takes a while for a proof.
 *
 * The proof is /proc/TID/syscall. The kernel fills it in only for a task that is off the
 * processor and stays so while it looks ("running" otherwise), so a system call number there
 * means: asleep in that call, its wait entered. Whoever wakes a task makes it runnable before
 * his own call returns; so after a write(2) has returned, a task that the file shows asleep has
 * either not been woken by it, or has run and gone to sleep again, which its count of context
 * switches tells.
 *
 * Where that file cannot be read, or has another system's numbers, a task whose state is S and
 * whose count of context switches stands still over several looks is taken to be asleep. Where
 * /proc says nothing at all of tasks, one that has not ended over many looks is; that is no
 * proof, and whoever reports the outcome says so (abilities.h).
 */
#ifndef EVENTFD_SUPPORT_TASKS_H
#define EVENTFD_SUPPORT_TASKS_H

#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "support/syscall.h"
#include "support/watchers.h"

namespace suite {

/* The calls behind libc's poll() and epoll_wait(); newer architectures have no others. */
#ifdef SYS_poll
inline constexpr long kPollCall = SYS_poll;
#else
inline constexpr long kPollCall = SYS_ppoll;
#endif
#ifdef SYS_epoll_wait
inline constexpr long kEpollWaitCall = SYS_epoll_wait;
#else
inline constexpr long kEpollWaitCall = SYS_epoll_pwait;
#endif

/* Any call: a task asleep in the kernel, wherever. */
inline constexpr long kAnyCall = -1;

/* What /proc says of a task, thread or process, now. */
struct TaskState {
    char state = '?';           /* as in /proc/TID/stat; '?' where there is no such task */
    long call = -1;             /* the number of the call it sleeps in */
    bool call_known = false;    /* false: running, or the file cannot be read */
    bool call_readable = false; /* the file can be read */
    unsigned long switches = 0; /* voluntary context switches */
};

TaskState LookAtTask(pid_t tid);

/* How often the task has gone to sleep so far. */
unsigned long VoluntarySwitches(pid_t tid);

/* One line on what a task is doing, for the log. */
std::string DescribeTask(pid_t tid);

/* A pause between two looks; decides nothing. */
void PauseBetweenLooks();

/* Calls the function until it is true. The test's time limit ends it if it never is. */
void WaitUntil(const std::function<bool()>& condition);

/* A task of the test, in whose sleep the test is interested. */
class Task {
  public:
    virtual ~Task() = default;
    pid_t tid() const { return tid_; }
    virtual bool finished() = 0;

    /* Returns once the task sleeps in the call; the test fails if it ends instead. */
    void WaitUntilBlockedIn(long call, Where where = Where::current());
    /* The same for what must still be asleep after something was done to it. */
    void ExpectStillBlockedIn(long call, Where where = Where::current()) {
        WaitUntilBlockedIn(call, where);
    }
    /* Once it sleeps in the call: true; once it has ended: false. */
    bool SleepsIn(long call, Where where = Where::current());
    unsigned long switches() const { return VoluntarySwitches(tid_); }

  protected:
    pid_t tid_ = 0;
    Watcher watches_; /* until it is known to have ended */
};

/*
 * A thread that is joined where it goes out of scope. If the test has failed by then and the
 * thread still sleeps a second later, nothing will wake it: the test's process ends, as failed.
 */
class ScopedThread : public Task {
  public:
    explicit ScopedThread(std::function<void()> body, Where where = Where::current());
    ScopedThread(const ScopedThread&) = delete;
    ScopedThread& operator=(const ScopedThread&) = delete;
    ~ScopedThread() override;

    bool finished() override { return finished_.load(std::memory_order_acquire); }
    void Join();
    void Signal(int signal, Where where = Where::current());

  private:
    std::atomic<pid_t> announced_{0};
    std::atomic<bool> finished_{false};
    std::thread thread_;
};

/*
 * A forked child that runs the body and exits with 0, or with 1 if an assertion failed in it;
 * what had failed before the fork is its parent's. It is killed, if need be, where it goes out
 * of scope. Fork before starting threads.
 */
class ChildProcess : public Task {
  public:
    explicit ChildProcess(const std::function<void()>& body, Where where = Where::current());
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess() override;

    bool finished() override;
    /* Its status as wait(2) gives it, once it has ended. */
    int Wait();
    void ExpectSuccess(Where where = Where::current());
    void Signal(int signal, Where where = Where::current());

  private:
    bool reaped_ = false;
    int status_ = 0;
};

/* One of many: what std::make_unique() makes has its line in std::make_unique(). */
std::unique_ptr<ScopedThread> NewThread(std::function<void()> body,
                                        Where where = Where::current());
std::unique_ptr<ChildProcess> NewChild(const std::function<void()>& body,
                                       Where where = Where::current());

/*
 * Waits until a count that the tasks work on reaches what it has to, or until it cannot any
 * more, since all of them sleep in the call: then false. Each task counts before it sleeps
 * again.
 */
bool Reaches(const std::function<long()>& count, long expected, const std::vector<Task*>& tasks,
             long call);

/*
 * Two tasks that meet in each round. Where both run they leave it at one time; where the other
 * one has to wait for a processor, this one sleeps and does not keep it from it.
 */
class Meeting {
  public:
    /* In rounds 0, 1, 2 and so on, by both. */
    void Arrive(int round) {
        int everybody = 2 * (round + 1);
        if (arrived_.fetch_add(1) + 1 == everybody) {
            std::lock_guard<std::mutex> nobody_is_about_to_sleep(mutex_);
            complete_.notify_one();
            return;
        }
        for (int i = 0; i < 2000; i++)
            if (arrived_.load() >= everybody) return;
        std::unique_lock<std::mutex> lock(mutex_);
        complete_.wait(lock, [&] { return arrived_.load() >= everybody; });
    }

  private:
    std::atomic<int> arrived_{0};
    std::mutex mutex_;
    std::condition_variable complete_;
};

/*
 * Waits until each of the tasks sleeps in the call or has ended, all at one time; the tasks are
 * to end of themselves once they have made their call. Returns those that sleep.
 */
std::vector<Task*> WaitUntilAllSleepOrEnd(std::vector<Task*> tasks, long call);

/* Keeps this thread, and those that it starts from here on, to one processor while in scope. */
class OneProcessor {
  public:
    explicit OneProcessor(Where where = Where::current());
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;
    ~OneProcessor();

  private:
    cpu_set_t old_;
};

/* Those that the calling thread may run on. */
std::vector<int> Processors(Where where = Where::current());

/* Keeps the calling thread to one of them, for as long as it lives. */
void KeepToProcessor(int processor, Where where = Where::current());

/* Makes the calling thread a real-time task, for as long as it lives. */
void BecomeRealTime(int priority, Where where = Where::current());

/*
 * While in scope, nobody on this thread's processor runs but this thread, until it sleeps: what
 * it wakes stays about to run. Wants a OneProcessor around it, and the right to a real-time
 * policy; refused() says that it was not given that. Real-time tasks of a higher priority run.
 */
class Undisturbed {
  public:
    explicit Undisturbed(int priority = 1);
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;
    ~Undisturbed();

    bool refused() const { return refused_; }
    static const char* reason() { return "no right to a real-time policy"; }

  private:
    bool refused_;
};

/*
 * While in scope, a real-time task spins on a processor that this thread must not be on: a task
 * kept to that processor, with a lower priority, is woken and yet does not run. Make that one a
 * real-time task, too: the kernel lets other tasks have a little of each second.
 */
class OccupiedProcessor {
  public:
    static constexpr int kPriority = 10;

    explicit OccupiedProcessor(int processor, Where where = Where::current());
    OccupiedProcessor(const OccupiedProcessor&) = delete;
    OccupiedProcessor& operator=(const OccupiedProcessor&) = delete;
    ~OccupiedProcessor() { stop_ = true; }

  private:
    std::atomic<bool> stop_{false};
    std::atomic<bool> spins_{false};
    ScopedThread spinner_;
};

/* A handler that only counts, in place while in scope. */
class CountingHandler {
  public:
    CountingHandler(int signal, int flags, Where where = Where::current());
    CountingHandler(const CountingHandler&) = delete;
    CountingHandler& operator=(const CountingHandler&) = delete;
    ~CountingHandler();

    int count() const;

  private:
    int signal_;
    struct sigaction old_;
};

} /* namespace suite */

#endif
