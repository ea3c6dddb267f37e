// SPDX-License-Identifier: GPL-2.0
/* What an eventfd takes of the kernel's memory. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/bench.h"
#include "support/descriptor.h"

namespace bench {
namespace {

using namespace suite;

constexpr int kEventfds = 100'000;

/* A line of /proc/meminfo, in bytes. */
double Memory(const char* name) {
    FILE* file = fopen("/proc/meminfo", "r");
    REQUIRE(file);
    char line[100];
    double value = -1;
    while (fgets(line, sizeof(line), file)) {
        char* colon = strchr(line, ':');
        if (!colon) continue;
        *colon = 0;
        if (!strcmp(line, name)) value = strtod(colon + 1, nullptr) * 1024;
    }
    fclose(file);
    REQUIRE(value >= 0);
    return value;
}

/*
 * The open file is part of it, the table of descriptors is not: it is made large enough first.
 * The cost of opening and closing one is counted on the way.
 */
const Case kMemory("open_close/eventfd", [](State& state) {
    rlimit limit = {kEventfds + 100, kEventfds + 100};
    if (setrlimit(RLIMIT_NOFILE, &limit)) return state.Skip("may not open 100,000 files");
    {
        FileDescriptor first = NewEventfd();
        FileDescriptor last(fcntl(first, F_DUPFD_CLOEXEC, kEventfds + 50));
        REQUIRE(last.get() >= 0);
    }
    double slab = Memory("Slab"), available = Memory("MemAvailable");
    {
        std::vector<FileDescriptor> eventfds;
        eventfds.reserve(kEventfds);
        for (int i = 0; i < kEventfds; i++) eventfds.push_back(NewEventfd());
        slab = Memory("Slab") - slab;
        available -= Memory("MemAvailable");
    }
    state.Measure([](int) { close(eventfd(0, 0)); });
    state.Set("slab_bytes", slab / kEventfds);
    state.Set("available_bytes", available / kEventfds);
});

} /* namespace */
} /* namespace bench */
