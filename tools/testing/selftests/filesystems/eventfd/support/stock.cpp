// SPDX-License-Identifier: GPL-2.0
#include "support/stock.h"

#include <poll.h>

#include <array>
#include <functional>
#include <optional>

#include "support/abilities.h"
#include "support/descriptor.h"
#include "support/probes.h"
#include "support/tasks.h"

namespace suite {
namespace {

/* What a probe says where the system does something else than stock. */
constexpr char kOther[] = "not as stock";

/* Every read that fails has taken the count. */
std::string ReadTakesBeforeItFails() {
    FileDescriptor efd = NewEventfd(5);
    SyscallResult result = Read(efd, nullptr, 8);
    pollfd look = {efd, POLLIN, 0};
    if (result.error != EFAULT) return kOther;
    return poll(&look, 1, 0) == 0 ? "" : kOther;
}

/*
 * Two tasks that sleep in a call, of which what is done then is to wake one or none: whether
 * both have been awake. The one that is to go on sleeping is only woken in vain, and so its
 * count of context switches shows that.
 */
std::string WakesAll(long call, const std::function<void()>& sleep,
                     const std::function<void()>& wake) {
    auto* first = new ScopedThread(sleep);
    auto* second = new ScopedThread(sleep);
    std::vector<unsigned long> before;
    for (Task* task : {first, second}) {
        task->WaitUntilBlockedIn(call);
        before.push_back(task->switches());
    }
    wake();
    size_t awake = 0;
    for (Task* task : {first, second}) {
        bool sleeps = task->SleepsIn(call);
        awake += !sleeps || task->switches() != before[awake];
    }
    return awake == 2 ? "" : kOther;
}

std::string PostWakesAllReaders() {
    auto* efd = new FileDescriptor(NewEventfd());
    return WakesAll(
        SYS_read,
        [efd] {
            uint64_t value;
            (void)!read(*efd, &value, sizeof(value));
        },
        [efd] { Must(Write(*efd, 1)); });
}

std::string ReadWakesAllWriters() {
    auto* efd = new FileDescriptor(NewEventfdAt(kFull, EFD_SEMAPHORE));
    return WakesAll(
        SYS_write,
        [efd] {
            const uint64_t value = 10; /* there is to be space for 1 */
            (void)!write(*efd, &value, sizeof(value));
        },
        [efd] {
            uint64_t value;
            Must(Read(*efd, &value));
        });
}

std::string KnowsNoAutoreset() { return KernelKnowsAutoreset() ? kOther : ""; }

/* By the process that the probe has for itself. */
std::string (*ProbeOf(Change change))() {
    switch (change) {
        case Change::kReadFaultsKeep:
            return ReadTakesBeforeItFails;
        case Change::kWakeFittingWriters:
            return ReadWakesAllWriters;
        case Change::kWakeOne:
            return PostWakesAllReaders;
        case Change::kAutoreset:
            return KnowsNoAutoreset;
        default:
            return nullptr;
    }
}

StockAnswer Ask(Change change) {
    std::string (*probe)() = ProbeOf(change);
    const bool wakes = change == Change::kWakeFittingWriters || change == Change::kWakeOne;

    if (!probe) return {StockAnswer::kNotAsked, ""};
    for (Ability ability : {Ability::kTaskState, Ability::kTaskSwitches})
        if (wakes && !Has(ability)) return {StockAnswer::kCannotTell, WhyNot(ability)};
    std::string said = AskInAProcess(probe, "it does not return");
    if (said.empty()) return {StockAnswer::kAsStock, ""};
    if (said == kOther) return {StockAnswer::kNotAsStock, ""};
    return {StockAnswer::kCannotTell, said};
}

} /* namespace */

const StockAnswer& BehavesAsStock(Change change) {
    static std::array<std::optional<StockAnswer>, std::size(kChanges)> answers;
    std::optional<StockAnswer>& answer = answers[static_cast<size_t>(change)];
    if (!answer) answer = Ask(change);
    return *answer;
}

} /* namespace suite */
