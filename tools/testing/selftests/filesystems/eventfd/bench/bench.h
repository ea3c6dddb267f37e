/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small benchmark harness with the habits of Google Benchmark: named cases, a filter, JSON of
 * the same shape. What is different is what it counts. In a guest whose clock is QEMU's count
 * of instructions, the time stamp counter says exactly how many an operation takes, and there
 * is nothing to estimate: no search for a number of iterations, no mean. Elsewhere it counts
 * nanoseconds.
 *
 *     const Case kWrite("write/eventfd", [](State& state) {
 *         FileDescriptor efd = NewEventfd();
 *         state.Measure([&](int) { Post(efd); });
 *     });
 */
#ifndef EVENTFD_BENCH_BENCH_H
#define EVENTFD_BENCH_BENCH_H

#include <stdint.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/* Instructions or nanoseconds, from anywhere. */
uint64_t Now();

/* Whether Now() counts instructions: found out by counting a loop whose length is known. */
bool CountsInstructions();

/* How often tasks of this process have gone to sleep, and how often one was preempted. */
struct Switches {
    long voluntary;
    long involuntary;
    static Switches SoFar();
};

/* For what has to be so in each operation; it ends the program, as the count would be wrong. */
[[noreturn]] void Broken(const char* what);
#define REQUIRE(condition)                          \
    do {                                            \
        if (!(condition)) [[unlikely]]              \
            ::bench::Broken("not so: " #condition); \
    } while (0)

/* What one case found out. */
class State {
  public:
    static constexpr int kOperations = 100;
    static constexpr int kBatches = 5;

    explicit State(int argument) : argument_(argument) {}

    /* The number at the end of the case's name. */
    int argument() const { return argument_; }

    /*
     * What operation(0), operation(1) ... cost each. There are several batches of them, with
     * prepare() before each, and the cheapest one counts: that which no timer's interrupt fell
     * into.
     */
    template <typename Operation, typename Prepare>
    double Cost(Operation operation, int operations, Prepare prepare) {
        uint64_t best = UINT64_MAX;
        iterations_ = switches_ = 0;
        /* The first one fills the caches of the allocators. */
        for (int batch = 0; batch <= kBatches; batch++) {
            prepare();
            Switches before = Switches::SoFar();
            uint64_t spent = Batch(operation, operations);
            Switches after = Switches::SoFar();
            if (batch == 0) continue;
            iterations_ += operations;
            switches_ += after.voluntary - before.voluntary;
            best = std::min(best, spent);
        }
        uint64_t empty = Batch([](int) { asm volatile("" ::: "memory"); }, operations);
        return static_cast<double>(best - std::min(best, empty)) / operations;
    }

    template <typename Operation>
    double Cost(Operation operation) {
        return Cost(std::move(operation), kOperations, [] {});
    }

    /* Reports that, and how often a task went to sleep in an operation. */
    template <typename... Arguments>
    void Measure(Arguments&&... arguments) {
        Report(Cost(std::forward<Arguments>(arguments)...));
        Set("context_switches",
            static_cast<double>(switches_) / static_cast<double>(iterations_));
    }

    /* For what does not fit into Measure(): the cost of one operation. */
    void Report(double cost);
    void SetIterations(long iterations) { iterations_ = iterations; }
    void Set(const std::string& counter, double value);

    /* For a case that this kernel cannot have; it is not reported then. */
    void Skip(const std::string& reason) { skipped_ = reason; }

  private:
    friend class Runner;

    template <typename Operation>
    static uint64_t Batch(Operation&& operation, int operations) {
        uint64_t start = Now();
        for (int i = 0; i < operations; i++) operation(i);
        return Now() - start;
    }

    struct Counter {
        std::string name;
        double value;
    };

    int argument_;
    long iterations_ = 0;
    long switches_ = 0;
    double cost_ = 0;
    std::vector<Counter> counters_;
    std::string skipped_;
};

/* Registers a case; one for each argument, "name/argument", where there are any. */
class Case {
  public:
    using Function = std::function<void(State&)>;
    Case(const std::string& name, Function function, const std::vector<int>& arguments = {});
};

} /* namespace bench */

#endif
