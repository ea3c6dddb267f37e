// SPDX-License-Identifier: GPL-2.0
/* What tasks do to each other: who is woken, how often, and what that costs. */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <memory>
#include <semaphore>

#include "bench/bench.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/probes.h"
#include "support/tasks.h"

namespace bench {
namespace {

using namespace suite;

/*
 * A task of this class runs, as soon as it is woken, until it sleeps again. So all that an
 * operation of the measuring task wakes has come to rest when the operation returns.
 */
void RunAtOnce() {
    sched_param parameters = {.sched_priority = 1};
    REQUIRE(pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0);
}

/* Tasks that each do the same over and over, most of it asleep. A signal ends them. */
class Herd {
  public:
    /* once() is false where a signal interrupted it. */
    Herd(int size, long call, std::function<bool()> once) {
        for (int i = 0; i < size; i++) {
            tasks_.push_back(std::make_unique<ScopedThread>([this, once] {
                RunAtOnce();
                while (once()) REQUIRE(!stop_);
                REQUIRE(stop_);
            }));
            tasks_.back()->WaitUntilBlockedIn(call);
        }
    }
    ~Herd() {
        stop_ = true;
        for (auto& task : tasks_) task->Signal(SIGUSR1);
    }

  private:
    CountingHandler interrupt_{SIGUSR1, 0};
    std::atomic<bool> stop_{false};
    std::vector<std::unique_ptr<ScopedThread>> tasks_;
};

bool TryPost(int fd, uint64_t value = 1) {
    return write(fd, &value, sizeof(value)) == sizeof(value);
}

bool TryTake(int fd) {
    uint64_t value;
    return read(fd, &value, sizeof(value)) == sizeof(value);
}

const std::vector<int> kHerds = {1, 4, 16, 64, 256, 1024};

/* On stock a large herd costs millions of instructions a post: one falls between two ticks. */
int PostsFor(int herd) { return herd > 64 ? 1 : 20; }

void Readers(State& state, int flags) {
    FileDescriptor efd = NewEventfd(0, flags);
    std::atomic<long> served{0};
    Herd readers(state.argument(), SYS_read, [&] { return TryTake(efd.get()) && ++served; });
    long posted = 0;
    state.Measure(
        [&](int) {
            REQUIRE(TryPost(efd.get()));
            REQUIRE(served == ++posted);
        },
        PostsFor(state.argument()), [] {});
}

const Case kReaders(
    "readers/eventfd", [](State& state) { Readers(state, 0); }, kHerds);
const Case kSemaphoreReaders(
    "readers/semaphore", [](State& state) { Readers(state, EFD_SEMAPHORE); }, kHerds);

/*
 * As many posts as there are readers, before any of them can run. What is left of those that
 * were woken must not be in the way of the next post.
 */
const Case kBurst("burst/semaphore",
                  [](State& state) {
                      const int size = state.argument();
                      FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE),
                                     all_served = NewEventfd();
                      CountingHandler interrupt(SIGUSR1, 0);
                      std::atomic<bool> stop{false};
                      std::atomic<long> served{0};
                      std::vector<std::unique_ptr<ScopedThread>> readers;
                      for (int i = 0; i < size; i++) {
                          readers.push_back(std::make_unique<ScopedThread>([&] {
                              while (TryTake(efd.get()))
                                  if (++served % size == 0) REQUIRE(TryPost(all_served.get()));
                              REQUIRE(stop);
                          }));
                          readers.back()->WaitUntilBlockedIn(SYS_read);
                      }
                      sched_param usual = {};
                      RunAtOnce();
                      state.Measure(
                          [&](int) {
                              for (int i = 0; i < size; i++) REQUIRE(TryPost(efd.get()));
                              REQUIRE(TryTake(all_served.get()));
                          },
                          2, [] {});
                      REQUIRE(pthread_setschedparam(pthread_self(), SCHED_OTHER, &usual) == 0);
                      /* A signal ends a read, but not one that is yet to be called. */
                      for (auto& reader : readers) reader->WaitUntilBlockedIn(SYS_read);
                      stop = true;
                      for (auto& reader : readers) reader->Signal(SIGUSR1);
                  },
                  {1000});

/* The counter is full; each read of one unit makes space for one writer's. */
const Case kWriters(
    "writers/semaphore",
    [](State& state) {
        FileDescriptor efd = NewEventfdAt(kFull, EFD_SEMAPHORE);
        std::atomic<long> landed{0};
        Herd writers(state.argument(), SYS_write,
                     [&] { return TryPost(efd.get()) && ++landed; });
        long taken = 0;
        state.Measure(
            [&](int) {
                REQUIRE(TryTake(efd.get()));
                REQUIRE(landed == ++taken);
            },
            PostsFor(state.argument()), [] {});
    },
    kHerds);

/* Tasks that wait in a way of their own; the first that is told of a post takes it. */
void Pollers(State& state, FileDescriptor efd, long call, std::function<bool(int fd)> wait,
             bool takes) {
    std::atomic<long> taken{0};
    Herd pollers(state.argument(), call, [&] {
        if (!wait(efd.get())) return false;
        if (!takes || TryTake(efd.get())) taken++;
        return true;
    });
    long posted = 0;
    state.Measure(
        [&](int) {
            REQUIRE(TryPost(efd.get()));
            REQUIRE(taken == ++posted);
        },
        PostsFor(state.argument()), [] {});
}

bool PollOnce(int fd) {
    pollfd one = {fd, POLLIN, 0};
    return poll(&one, 1, -1) == 1;
}

bool SelectOnce(int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, nullptr, nullptr, nullptr) == 1;
}

bool EpollOnce(int epoll) {
    epoll_event event;
    return epoll_wait(epoll, &event, 1, -1) == 1;
}

void AutoresetPollers(State& state, long call, std::function<bool(int fd)> wait) {
    if (!KernelKnowsAutoreset()) return state.Skip("this kernel has no EFD_AUTORESET");
    Pollers(state, NewAutoreset(), call, std::move(wait), false);
}

/* Tasks that share one epoll, level-triggered unless more is asked for. */
void EpollSharers(State& state, FileDescriptor efd, uint32_t more, bool takes) {
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLIN | more);
    Pollers(
        state, std::move(efd), kEpollWaitCall, [&](int) { return EpollOnce(epoll.get()); },
        takes);
}

const Case kPollers(
    "pollers/eventfd",
    [](State& state) {
        Pollers(state, NewEventfd(0, EFD_NONBLOCK), kPollCall, PollOnce, true);
    },
    kHerds);
const Case kAutoresetPollers(
    "pollers/autoreset", [](State& state) { AutoresetPollers(state, kPollCall, PollOnce); },
    kHerds);
const Case kAutoresetSelecters(
    "selecters/autoreset", [](State& state) { AutoresetPollers(state, kAnyCall, SelectOnce); },
    kHerds);

/* One of them alone is a loop that blocks. */
const Case kSharers(
    "epoll_edge_sharers/eventfd",
    [](State& state) { EpollSharers(state, NewEventfd(), EPOLLET, false); }, kHerds);
const Case kAutoresetSharers(
    "epoll_sharers/autoreset",
    [](State& state) {
        if (!KernelKnowsAutoreset()) return state.Skip("this kernel has no EFD_AUTORESET");
        EpollSharers(state, NewAutoreset(), 0, false);
    },
    kHerds);

/* --- two tasks in turns --- */

/* Both of one class, so that each runs until it sleeps. */
void PingPong(State& state, std::function<void()> ping, std::function<void()> pong) {
    std::atomic<bool> stop{false};
    sched_param usual = {};
    {
        ScopedThread partner([&] {
            RunAtOnce();
            while (!stop) pong();
        });
        partner.WaitUntilBlockedIn(kAnyCall);
        RunAtOnce();
        state.Measure([&](int) { ping(); });
        REQUIRE(pthread_setschedparam(pthread_self(), SCHED_OTHER, &usual) == 0);
        stop = true;
        ping();
    }
}

void DescriptorPingPong(State& state, int there_in, int there_out, int back_in, int back_out) {
    PingPong(
        state,
        [=] {
            REQUIRE(TryPost(there_out));
            REQUIRE(TryTake(back_in));
        },
        [=] {
            REQUIRE(TryTake(there_in));
            REQUIRE(TryPost(back_out));
        });
}

const Case kEventfdPingPong("ping_pong/eventfd", [](State& state) {
    FileDescriptor there = NewEventfd(), back = NewEventfd();
    DescriptorPingPong(state, there.get(), there.get(), back.get(), back.get());
});
const Case kSemaphorePingPong("ping_pong/semaphore", [](State& state) {
    FileDescriptor there = NewEventfd(0, EFD_SEMAPHORE), back = NewEventfd(0, EFD_SEMAPHORE);
    DescriptorPingPong(state, there.get(), there.get(), back.get(), back.get());
});
const Case kPipePingPong("ping_pong/pipe", [](State& state) {
    Pipe there = NewPipe(), back = NewPipe();
    DescriptorPingPong(state, there.read_end.get(), there.write_end.get(), back.read_end.get(),
                       back.write_end.get());
});

/* A semaphore of user space over a futex that always goes to the kernel, as an eventfd does. */
struct FutexFlag {
    std::atomic<int> value{0};
    void Post() {
        value = 1;
        syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
    void Take() {
        while (!value.exchange(0))
            syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
};

const Case kFutexPingPong("ping_pong/futex", [](State& state) {
    FutexFlag there, back;
    PingPong(
        state,
        [&] {
            there.Post();
            back.Take();
        },
        [&] {
            there.Take();
            back.Post();
        });
});

/* --- a mutex --- */

/* What is done under it: nothing much, or a task gives way and the others run into the lock. */
enum class Inside { kLittle, kYield };

template <typename Lock, typename Unlock>
void Mutex(State& state, Inside inside, Lock lock, Unlock unlock) {
    int size = state.argument();
    /*
     * Where a task does not give way, only a timer's interrupt makes the others run into the
     * lock: there have to be some.
     */
    const int rounds_each = (inside == Inside::kLittle ? 64000 : 8000) / size;
    std::atomic<bool> go{false};
    std::atomic<uint64_t> end{0};
    std::atomic<int> owners{0};
    uint64_t start;
    Switches before;
    {
        std::vector<std::unique_ptr<ScopedThread>> tasks;
        for (int i = 0; i < size; i++) {
            tasks.push_back(std::make_unique<ScopedThread>([&] {
                go.wait(false);
                for (int round = 0; round < rounds_each; round++) {
                    lock();
                    REQUIRE(owners.fetch_add(1) == 0);
                    if (inside == Inside::kYield) sched_yield();
                    owners.fetch_sub(1);
                    unlock();
                }
                end = Now();
            }));
            tasks.back()->WaitUntilBlockedIn(SYS_futex);
        }
        before = Switches::SoFar();
        start = Now();
        go = true;
        go.notify_all();
    }
    Switches after = Switches::SoFar();
    double rounds = static_cast<double>(rounds_each) * size;
    state.SetIterations(static_cast<long>(rounds));
    state.Report(static_cast<double>(end - start) / rounds);
    state.Set("context_switches", static_cast<double>(after.voluntary - before.voluntary +
                                                      after.involuntary - before.involuntary) /
                                      rounds);
}

void SemaphoreMutex(State& state, Inside inside) {
    FileDescriptor efd = NewEventfd(1, EFD_SEMAPHORE);
    Mutex(
        state, inside, [&] { REQUIRE(TryTake(efd.get())); },
        [&] { REQUIRE(TryPost(efd.get())); });
}

const std::vector<int> kOwners = {2, 4, 8};

const Case kMutex(
    "mutex/semaphore", [](State& state) { SemaphoreMutex(state, Inside::kLittle); }, kOwners);
const Case kBusyMutex(
    "mutex_yield/semaphore", [](State& state) { SemaphoreMutex(state, Inside::kYield); },
    kOwners);
const Case kPthreadMutex(
    "mutex_yield/pthread",
    [](State& state) {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        Mutex(
            state, Inside::kYield, [&] { pthread_mutex_lock(&mutex); },
            [&] { pthread_mutex_unlock(&mutex); });
    },
    kOwners);

} /* namespace */
} /* namespace bench */
