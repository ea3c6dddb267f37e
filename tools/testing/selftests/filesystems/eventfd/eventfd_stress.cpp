// SPDX-License-Identifier: GPL-2.0
/*
 * Threads of several processes do everything at once to a few eventfds, and a checker keeps the
 * books. Not part of the ordinary run: "make stress" runs it.
 *
 * Use: eventfd_stress SECONDS SEED
 *      eventfd_stress --schedule STEPS SEED
 *
 * What each worker does, and with what, comes from the seed alone: the same seed gives each the
 * same schedule of operations, of which --schedule prints the first few. Once in a while all of
 * them are stopped, between two operations or asleep in one, and then:
 *
 *     of a plain or a semaphore eventfd, what was written is what was read and what is left;
 *     nobody sleeps in a read of an eventfd that has a count, nor in a write that would fit.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/probes.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kProcesses = 3;
constexpr int kThreads = 4;
constexpr int kWorkers = kProcesses * kThreads;

enum Kind { kPlain, kFilled, kSemaphore, kAutoreset, kKinds };
constexpr const char* kKindNames[kKinds] = {"plain", "filled", "semaphore", "autoreset"};

/* One operation: which, on which eventfd, and two numbers that it may use. */
struct Step {
    uint64_t choice;
    int kind;
    uint64_t amount;
    uint64_t spins;
};

/* A worker's operations, in their order. How they end changes nothing of what follows. */
class Schedule {
  public:
    Schedule(uint64_t seed, int number)
        : random_(seed * 1000 + static_cast<uint64_t>(number)) {}

    Step Next() {
        const uint64_t choice = Below(100);
        const int kind = static_cast<int>(Below(kKinds));
        const uint64_t amount = Below(5), spins = Below(100000);
        return {choice, kind, amount, spins};
    }

  private:
    uint64_t Below(uint64_t limit) { return random_() % limit; }

    std::mt19937_64 random_;
};

/* What a worker is at, for the checker. */
struct Worker {
    std::atomic<pid_t> tid{0};
    std::atomic<bool> parked{false};
    std::atomic<int> reads{-1};  /* the eventfd that it may sleep on in read(2) */
    std::atomic<int> writes{-1}; /* the one that it may sleep on in write(2) */
    std::atomic<uint64_t> adds{0};
    std::atomic<uint64_t> operations{0};
    uint64_t buffer = 0; /* what a child of its reads */
};

/* Sums are modulo 2^64, as one that was filled and read twice is beyond that. */
struct State {
    std::atomic<bool> pause{false};
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> written[kKinds] = {};
    std::atomic<uint64_t> taken[kKinds] = {};
    std::atomic<uint64_t> unexpected{0};
    Worker workers[kWorkers + 1]; /* the last one is the checker's own */
};

/* One of those who do everything. */
class Hand {
  public:
    Hand(State* state, const int* efds, int number, uint64_t seed)
        : state_(state), me_(&state->workers[number]), efds_(efds), schedule_(seed, number) {
        for (int kind = 0; kind < kKinds; kind++) {
            epoll_event event = {};
            event.events = EPOLLIN | (kind & 1 ? static_cast<uint32_t>(EPOLLET) : 0u);
            event.data.fd = efds[kind];
            epoll_ctl(epoll_, EPOLL_CTL_ADD, efds[kind], &event);
        }
    }

    void Run() {
        me_->tid = static_cast<pid_t>(syscall(SYS_gettid));
        while (!state_->stop) {
            if (state_->pause) {
                me_->parked = true;
                usleep(200);
                continue;
            }
            me_->parked = false;
            /* Seen by a checker that has not seen this one parked, or not at all. */
            if (state_->pause) continue;
            Operate(schedule_.Next());
            me_->operations++;
        }
        me_->parked = true;
    }

  private:
    void Unexpected(const char* what, ssize_t result) {
        int error = errno;
        fprintf(stderr, "unexpected: %s = %zd, %s\n", what, result, ErrnoText(error).c_str());
        state_->unexpected++;
    }

    void WriteTo(int kind, uint64_t value) {
        me_->adds = value;
        me_->writes = kind;
        ssize_t result = write(efds_[kind], &value, sizeof(value));
        if (result == sizeof(value))
            state_->written[kind] += value;
        else if (errno != EINTR)
            Unexpected("write", result);
        me_->writes = -1;
    }

    void ReadFrom(int kind) {
        uint64_t value = 0;
        me_->reads = kind;
        ssize_t result = read(efds_[kind], &value, sizeof(value));
        if (result == sizeof(value))
            state_->taken[kind] += value;
        else if (errno != EINTR)
            Unexpected("read", result);
        me_->reads = -1;
    }

    void TryRead(int kind, void* buffer) {
        iovec vector = {buffer, 8};
        ssize_t result = preadv2(efds_[kind], &vector, 1, -1, RWF_NOWAIT);
        if (result == 8)
            state_->taken[kind] += *static_cast<uint64_t*>(buffer);
        else if (errno != EAGAIN && errno != EINTR && (buffer || errno != EFAULT))
            Unexpected("preadv2", result);
    }

    void PollAll(int timeout, short events) {
        pollfd entries[kKinds];
        for (int kind = 0; kind < kKinds; kind++) entries[kind] = {efds_[kind], events, 0};
        int result = poll(entries, kKinds, timeout);
        if (result < 0 && errno != EINTR) Unexpected("poll", result);
    }

    void SelectAll() {
        fd_set readable;
        FD_ZERO(&readable);
        for (int kind = 0; kind < kKinds; kind++) FD_SET(efds_[kind], &readable);
        timeval limit = {0, 1000};
        int result = select(FD_SETSIZE, &readable, nullptr, nullptr, &limit);
        if (result < 0 && errno != EINTR) Unexpected("select", result);
    }

    /* A child that writes and ends, or reads until it is killed; its parent does its books. */
    void Fork(int kind, bool reads, uint64_t spins) {
        me_->buffer = 0;
        pid_t child = fork();
        if (!child) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (!reads) {
                const uint64_t one = 1;
                _exit(write(efds_[kind], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
            }
            if (read(efds_[kind], &me_->buffer, 8) == 8) pause();
            _exit(1);
        }
        if (child < 0) {
            Unexpected("fork", child);
            return;
        }
        int status = 0;
        for (uint64_t i = 0; reads && i < spins; i++) asm volatile("" ::: "memory");
        if (reads) kill(child, SIGKILL);
        while (waitpid(child, &status, 0) == -1 && errno == EINTR)
            ;
        if (reads)
            state_->taken[kind] += me_->buffer;
        else if (WIFEXITED(status) && !WEXITSTATUS(status))
            state_->written[kind] += 1;
        else
            Unexpected("a child's write", status);
    }

    void KernelSignal(int kind) {
        if (ring_.refused()) return;
        ring_.RegisterEventfd(efds_[kind]);
        state_->written[kind] += 1;
        ring_.CompleteNops(1);
        ring_.UnregisterEventfd();
    }

    void RingPoll(int kind) {
        if (ring_.refused()) return;
        io_uring_prep_poll_add(ring_.Entry(1), efds_[kind], POLLIN);
        ring_.Submit();
        bool polls = true, removes = false;
        Completion completion;
        if (ring_.Peek(&completion)) return;
        /*
         * A removal that finds the poll being looked at is refused with EALREADY, and where
         * there is nothing any more, the poll waits on: so it is tried again.
         */
        while (polls || removes) {
            if (polls && !removes) {
                io_uring_prep_poll_remove(ring_.Entry(2), 1);
                ring_.Submit();
                removes = true;
            }
            (ring_.Wait().data == 1 ? polls : removes) = false;
        }
    }

    void Operate(const Step& step) {
        const auto [choice, kind, amount, spins] = step;
        uint64_t value = 0;
        epoll_event events[kKinds];

        if (choice < 22)
            WriteTo(kind, amount);
        else if (choice < 40)
            ReadFrom(kind);
        else if (choice < 48)
            TryRead(kind, &value);
        else if (choice < 52)
            TryRead(kind, gives_back_ ? nullptr : &value);
        else if (choice < 60)
            PollAll(static_cast<int>(amount / 2), POLLIN);
        else if (choice < 63)
            PollAll(0, POLLOUT);
        else if (choice < 68)
            SelectAll();
        else if (choice < 76)
            epoll_wait(epoll_, events, kKinds, static_cast<int>(amount / 2));
        else if (choice < 80)
            WriteTo(kFilled, kFull - 1 - amount);
        else if (choice < 84)
            KernelSignal(kSemaphore);
        else if (choice < 88)
            RingPoll(kind);
        else if (choice < 90)
            Fork(kind == kFilled ? kPlain : kind, false, 0);
        else if (choice < 93)
            Fork(kind, true, spins);
        else if (choice < 96)
            close(dup(efds_[kind]));
        else
            syscall(SYS_tkill, state_->workers[spins % kWorkers].tid.load(), SIGUSR1);
    }

    State* state_;
    Worker* me_;
    const int* efds_;
    Schedule schedule_;
    /* That a kernel without loses what a read cannot deliver is known, and no news. */
    const bool gives_back_ = KernelHas(Change::kReadFaultsKeep);
    FileDescriptor epoll_ = NewEpoll();
    IoUring ring_;
};

class Checker {
  public:
    Checker(State* state, const int* efds) : state_(state), efds_(efds) {}

    /* Keeps those going that wait for space. */
    void TakeFromEach() {
        for (int kind = 0; kind < kKinds; kind++) {
            uint64_t value = 0;
            iovec vector = {&value, 8};
            if (preadv2(efds_[kind], &vector, 1, -1, RWF_NOWAIT) == 8)
                state_->taken[kind] += value;
        }
    }

    /* Keeps those going that wait for something to read, until all is over; may sleep. */
    void PostToEach(const std::atomic<bool>& over) {
        Worker& me = state_->workers[kWorkers];
        const uint64_t one = 1;
        me.adds = one;
        me.tid = static_cast<pid_t>(syscall(SYS_gettid));
        while (!over) {
            me.parked = true;
            usleep(2000);
            if (state_->pause) continue;
            me.parked = false;
            for (int kind = 0; kind < kKinds && !state_->pause; kind++) {
                me.writes = kind;
                if (write(efds_[kind], &one, sizeof(one)) == sizeof(one))
                    state_->written[kind] += one;
                me.writes = -1;
            }
        }
        me.parked = true;
    }

    /* Stops all, looks, and lets them go on. */
    bool Check() {
        state_->pause = true;
        /* Twice the same, and in between, at one time, none of them ran. */
        std::vector<unsigned long> last, now;
        do {
            last = now;
            now.clear();
            for (Worker& worker : state_->workers) {
                WaitUntilSettled(worker);
                now.push_back(worker.parked ? 0 : 1 + VoluntarySwitches(worker.tid));
            }
        } while (now != last);
        bool good = true;
        for (int kind = 0; kind < kKinds; kind++) good &= CheckKind(kind);
        state_->pause = false;
        return good && !state_->unexpected;
    }

  private:
    /* Between two operations, or asleep in one, which the kernel says. */
    bool Settled(const Worker& worker) const {
        if (worker.parked) return true;
        TaskState task = LookAtTask(worker.tid);
        /* One that is on its way to another processor is in no state, and in its call. */
        if (task.state != 'S') return false;
        return (worker.reads >= 0 && task.call == SYS_read) ||
               (worker.writes >= 0 && task.call == SYS_write);
    }

    /* Says what all are at where it takes too long. */
    void WaitUntilSettled(const Worker& worker) const {
        auto late = Clock::now() + std::chrono::seconds(20);
        WaitUntil([&] {
            if (Clock::now() > late) {
                for (int kind = 0; kind < kKinds; kind++)
                    printf("# %s: count %" PRIu64 "\n", kKindNames[kind],
                           EventfdCount(efds_[kind]));
                for (const Worker& each : state_->workers)
                    printf("# %s, parked %d, reads %d, writes %d\n",
                           DescribeTask(each.tid).c_str(), each.parked.load(),
                           each.reads.load(), each.writes.load());
                fflush(stdout);
                late = Clock::now() + std::chrono::seconds(20);
            }
            return Settled(worker);
        });
    }

    bool CheckKind(int kind) const {
        const uint64_t left = EventfdCount(efds_[kind]);
        const uint64_t written = state_->written[kind], taken = state_->taken[kind];
        bool good = true;
        if (kind != kAutoreset && written != taken + left) {
            printf("# %s: %" PRIu64 " written, %" PRIu64 " taken, %" PRIu64 " left\n",
                   kKindNames[kind], written, taken, left);
            good = false;
        }
        for (const Worker& worker : state_->workers) {
            if (worker.parked) continue;
            bool reader = worker.reads == kind && left;
            bool writer = worker.writes == kind && worker.adds < kOverflow - left;
            if (!reader && !writer) continue;
            printf("# %s: a %s sleeps with a count of %" PRIu64 "\n", kKindNames[kind],
                   reader ? "reader" : "writer", left);
            good = false;
        }
        return good;
    }

    State* state_;
    const int* efds_;
};

int Stress(long seconds, uint64_t seed) {
    FileDescriptor owned[kKinds];
    int efds[kKinds];
    Shared<State> state;

    for (int kind = 0; kind < kKinds; kind++) {
        int flags = kind == kSemaphore                             ? EFD_SEMAPHORE
                    : kind == kAutoreset && KernelKnowsAutoreset() ? EFD_AUTORESET
                                                                   : 0;
        owned[kind] = NewEventfd(0, flags);
        efds[kind] = owned[kind];
    }
    CountingHandler handler(SIGUSR1, 0);
    std::vector<pid_t> processes;
    for (int process = 0; process < kProcesses; process++) {
        pid_t child = fork();
        if (!child) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            std::vector<std::thread> threads;
            for (int thread = 0; thread < kThreads; thread++)
                threads.emplace_back([&, number = process * kThreads + thread] {
                    Hand(&*state, efds, number, seed).Run();
                });
            for (std::thread& thread : threads) thread.join();
            _exit(0);
        }
        processes.push_back(child);
    }
    WaitUntil([&] {
        for (int i = 0; i < kWorkers; i++)
            if (!state->workers[i].tid) return false;
        return true;
    });

    Checker checker(&*state, efds);
    std::atomic<bool> over{false};
    std::thread poster([&] { checker.PostToEach(over); });
    WaitUntil([&] { return state->workers[kWorkers].tid.load() != 0; });
    const auto end = Clock::now() + std::chrono::seconds(seconds);
    auto next_check = Clock::now(), next_word = next_check;
    long checks = 0;
    bool good = true;
    auto operations = [&] {
        uint64_t sum = 0;
        for (Worker& worker : state->workers) sum += worker.operations;
        return sum;
    };
    while (good && Clock::now() < end) {
        usleep(2000);
        checker.TakeFromEach();
        if (Clock::now() < next_check) continue;
        good = checker.Check();
        checks++;
        next_check = Clock::now() + std::chrono::milliseconds(100);
        if (Clock::now() < next_word) continue;
        next_word = Clock::now() + std::chrono::seconds(10);
        printf("# %" PRIu64 " operations, %ld checks\n", operations(), checks);
        fflush(stdout);
    }
    state->stop = true;
    if (!good)
        for (pid_t process : processes) kill(process, SIGKILL);
    for (pid_t process : processes)
        WaitUntil([&] {
            checker.TakeFromEach();
            return waitpid(process, nullptr, WNOHANG) == process;
        });
    over = true;
    while (!state->workers[kWorkers].parked) checker.TakeFromEach();
    poster.join();
    printf("# %" PRIu64 " operations, %ld checks\n", operations(), checks);
    printf("%s 1 Stress.KeepsTheBooks # seed %" PRIu64 "\n", good ? "ok" : "not ok", seed);
    return good ? 0 : 1;
}

/* A line for each worker: its first steps. */
void PrintSchedule(long steps, uint64_t seed) {
    for (int number = 0; number < kWorkers; number++) {
        Schedule schedule(seed, number);
        printf("worker %d:", number);
        for (long i = 0; i < steps; i++) {
            Step step = schedule.Next();
            printf(" %" PRIu64 "/%s/%" PRIu64 "/%" PRIu64, step.choice, kKindNames[step.kind],
                   step.amount, step.spins);
        }
        printf("\n");
    }
}

} /* namespace */
} /* namespace suite */

int main(int argc, char** argv) {
    suite::ReadChanges();
    char* end[2];
    const bool only_schedule = argc == 4 && !strcmp(argv[1], "--schedule");
    if (argc == 3 || only_schedule) {
        long amount = strtol(argv[argc - 2], &end[0], 10);
        uint64_t seed = strtoull(argv[argc - 1], &end[1], 10);
        if (!*end[0] && !*end[1] && amount > 0) {
            if (only_schedule) {
                suite::PrintSchedule(amount, seed);
                return 0;
            }
            printf("TAP version 13\n1..1\n# eventfd_stress %ld %" PRIu64 "\n", amount, seed);
            fflush(stdout);
            return suite::Stress(amount, seed);
        }
    }
    fprintf(stderr,
            "use: eventfd_stress SECONDS SEED\n     eventfd_stress --schedule STEPS SEED\n");
    return 2;
}
