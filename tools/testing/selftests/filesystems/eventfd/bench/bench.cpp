// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of what eventfd is used for, beside other ways to do the same.
 *
 * Usage: eventfd_bench [--benchmark_filter=REGEX] [--benchmark_list_tests]
 *                      [--benchmark_format=console|json] [--benchmark_out=FILE]
 */
#include "bench/bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#include <regex>

namespace bench {
namespace {

uint64_t Nanoseconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<uint64_t>(now.tv_nsec);
}

#if defined(__x86_64__) || defined(__i386__)
uint64_t InstructionsOfLoop(unsigned long rounds) {
    uint64_t start = __rdtsc();
    asm volatile(
        "1: dec %0\n"
        "jnz 1b"
        : "+r"(rounds)::"cc");
    return __rdtsc() - start;
}

/* Two instructions a round, to the last one, however long the loop. */
bool ClockCountsInstructions() {
    constexpr unsigned long kShort = 1000, kLong = 4000;
    for (int tries = 0; tries < 5; tries++) {
        uint64_t shorter = InstructionsOfLoop(kShort);
        if (InstructionsOfLoop(kLong) - shorter == 2 * (kLong - kShort)) return true;
    }
    return false;
}

const bool kCounts = ClockCountsInstructions();

#else
const bool kCounts = false;
uint64_t __rdtsc() { return 0; }
#endif

struct Registered {
    std::string name;
    Case::Function function;
    int argument;
};

/* Filled before main(); a function's, as the cases are in several files. */
std::vector<Registered>& Cases() {
    static std::vector<Registered> cases;
    return cases;
}

/* Numbers as they are: counts have to be comparable to the last digit. */
std::string Number(double value) {
    char text[40];
    snprintf(text, sizeof(text), "%.10g", value);
    return text;
}

std::string Quoted(const std::string& text) {
    std::string result = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

} /* namespace */

uint64_t Now() { return kCounts ? __rdtsc() : Nanoseconds(); }

bool CountsInstructions() { return kCounts; }

Switches Switches::SoFar() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return {usage.ru_nvcsw, usage.ru_nivcsw};
}

void Broken(const char* what) {
    fprintf(stderr, "eventfd_bench: %s: %s\n", what, strerror(errno));
    /* Threads may be asleep for good. */
    _exit(EXIT_FAILURE);
}

void State::Report(double cost) {
    cost_ = cost;
    Set(kCounts ? "instructions" : "nanoseconds", cost);
}

void State::Set(const std::string& counter, double value) {
    counters_.push_back({counter, value});
}

Case::Case(const std::string& name, Function function, const std::vector<int>& arguments) {
    if (arguments.empty()) Cases().push_back({name, function, 0});
    for (int argument : arguments)
        Cases().push_back({name + "/" + std::to_string(argument), function, argument});
}

/* What tasks do to each other can be counted only where one at a time runs. */
void StayOnOneProcessor() {
    cpu_set_t set;
    int processor = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(processor), &set);
    REQUIRE(processor >= 0 && sched_setaffinity(0, sizeof(set), &set) == 0);
}

class Runner {
  public:
    int Main(const std::vector<std::string>& arguments) {
        for (const std::string& argument : arguments) {
            if (argument == "--benchmark_list_tests" ||
                argument == "--benchmark_list_tests=true")
                list_ = true;
            else if (!Value(argument, "--benchmark_filter=", &filter_) &&
                     !Value(argument, "--benchmark_out=", &out_) &&
                     !(Value(argument, "--benchmark_format=", &format_) &&
                       (format_ == "json" || format_ == "console")))
                return Refuse("does not know " + argument +
                              ": it takes --benchmark_filter=REGEX, --benchmark_list_tests, "
                              "--benchmark_format=console|json and --benchmark_out=FILE");
        }
        std::vector<Registered> chosen;
        try {
            std::regex pattern(filter_);
            for (const Registered& one : Cases())
                if (std::regex_search(one.name, pattern)) chosen.push_back(one);
        } catch (const std::regex_error&) {
            return Refuse("--benchmark_filter=" + filter_ + " is no regular expression");
        }
        if (chosen.empty()) return Refuse("--benchmark_filter=" + filter_ + " matches no case");
        if (list_) {
            for (const Registered& one : chosen) puts(one.name.c_str());
            return EXIT_SUCCESS;
        }
        StayOnOneProcessor();
        std::string json = Context();
        std::vector<State> cheapest;
        for (const Registered& one : chosen) cheapest.emplace_back(one.argument);
        for (int round = 0; round < kRounds; round++) {
            for (size_t i = 0; i < chosen.size(); i++) {
                State state(chosen[i].argument);
                chosen[i].function(state);
                if (round == 0 || state.cost_ < cheapest[i].cost_) cheapest[i] = state;
            }
        }
        for (size_t i = 0; i < chosen.size(); i++) {
            if (format_ == "console") Print(chosen[i], cheapest[i]);
            if (cheapest[i].skipped_.empty()) json += Entry(chosen[i], cheapest[i]);
        }
        json += "\n  ]\n}\n";
        if (format_ == "json") fputs(json.c_str(), stdout);
        if (!out_.empty()) {
            FILE* file = fopen(out_.c_str(), "w");
            if (!file || fputs(json.c_str(), file) < 0 || fclose(file))
                return Refuse(out_ + " cannot be written: " + strerror(errno));
        }
        return EXIT_SUCCESS;
    }

  private:
    static int Refuse(const std::string& text) {
        fprintf(stderr, "error: eventfd_bench: %s\n", text.c_str());
        return 2;
    }

    static bool Value(const std::string& argument, std::string_view key, std::string* value) {
        if (!argument.starts_with(key)) return false;
        *value = argument.substr(key.size());
        return true;
    }

    static void Print(const Registered& one, const State& state) {
        printf("%-36s", one.name.c_str());
        if (!state.skipped_.empty()) printf(" skipped: %s", state.skipped_.c_str());
        for (const State::Counter& counter : state.counters_)
            printf(" %s=%s", counter.name.c_str(), Number(counter.value).c_str());
        puts("");
        fflush(stdout);
    }

    static std::string Context() {
        utsname name;
        uname(&name);
        return "{\n  \"context\": {\n    \"executable\": \"eventfd_bench\",\n    \"kernel\": " +
               Quoted(name.release) + ",\n    \"machine\": " + Quoted(name.machine) +
               ",\n    \"num_cpus\": " + std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) +
               ",\n    \"clock\": " + (kCounts ? "\"instructions\"" : "\"nanoseconds\"") +
               "\n  },\n  \"benchmarks\": [";
    }

    std::string Entry(const Registered& one, const State& state) {
        std::string cost = Number(state.cost_);
        std::string text = std::string(first_ ? "" : ",") +
                           "\n    {\"name\": " + Quoted(one.name) +
                           ", \"run_name\": " + Quoted(one.name) +
                           ", \"run_type\": \"iteration\", \"iterations\": " +
                           std::to_string(state.iterations_) + ", \"real_time\": " + cost +
                           ", \"cpu_time\": " + cost + ", \"time_unit\": \"ns\"";
        for (const State::Counter& counter : state.counters_)
            text += ", " + Quoted(counter.name) + ": " + Number(counter.value);
        first_ = false;
        return text + "}";
    }

    /*
     * A case costs the same in each of its batches, but not each time that it is set up: two
     * tasks in turns may take 16 instructions more, whatever they share. All cases come in
     * turn, so that none always follows the same one that has just cleaned up.
     */
    static constexpr int kRounds = 4;

    std::string filter_ = "";
    std::string format_ = "console";
    std::string out_;
    bool list_ = false;
    bool first_ = true;
};

} /* namespace bench */

int main(int argc, char** argv) { return bench::Runner().Main({argv + 1, argv + argc}); }
