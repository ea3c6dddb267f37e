/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The changes of eventfd since Linux 6.12 that tests can tell: a test names those that it needs
 * (Needs, in attributes.h), and what must come of it depends on which of them a kernel has.
 * That real-time tasks are served first is none: where all are woken the scheduler sees to it,
 * and a kernel that wakes one has to.
 *
 * EVENTFD_CHANGES says which these are, by the names below with commas between them; empty, it
 * is a stock Linux. Where it is unset a kernel that accepts EFD_AUTORESET is taken to have all
 * of them, and any other one none.
 */
#ifndef EVENTFD_SUPPORT_CHANGES_H
#define EVENTFD_SUPPORT_CHANGES_H

#include <stddef.h>

#include <iterator>
#include <string>
#include <vector>

namespace suite {

enum class Change {
    kUntornPoll,
    kReadFaultsKeep,
    kWakeFittingWriters,
    kIrqfdWakesWriters,
    kWakeOne,
    kAutoreset,
    kAutoresetWakesOne,
};

struct ChangeInfo {
    Change change;
    const char* name;
    const char* without; /* what a kernel without it does */
    bool shows = true;   /* on a machine like this one */
};

/* The one place where the names are: the harness reads them here, too. */
inline constexpr ChangeInfo kChanges[] = {
    {Change::kUntornPoll, "untorn_poll",
     "a poll reads the two halves of the counter one after the other", sizeof(long) == 4},
    {Change::kReadFaultsKeep, "read_faults_keep",
     "a read takes the count before it knows whether it can deliver it"},
    {Change::kWakeFittingWriters, "wake_fitting_writers",
     "a read wakes every blocked writer, or none behind an exclusive poller"},
    {Change::kIrqfdWakesWriters, "irqfd_wakes_writers",
     "an irqfd that takes the count leaves the blocked writers asleep"},
    {Change::kWakeOne, "wake_one",
     "a post wakes every blocked reader, or none behind an exclusive poller"},
    {Change::kAutoreset, "autoreset", "there is no EFD_AUTORESET"},
    {Change::kAutoresetWakesOne, "autoreset_wakes_one",
     "an event that one poller can claim wakes all who poll"},
};

constexpr const ChangeInfo& InfoOf(Change change) {
    return kChanges[static_cast<size_t>(change)];
}

constexpr bool AreInOrder() {
    for (size_t i = 0; i < std::size(kChanges); i++)
        if (kChanges[i].change != static_cast<Change>(i)) return false;
    return true;
}
static_assert(AreInOrder());

/*
 * What EVENTFD_CHANGES says, for main() to call first: a name in it that is none ends the
 * program with a line that says so and status 2.
 */
void ReadChanges();

bool KernelHas(Change change);

/* "wake_one: a post wakes every blocked reader; ...", for people to read. */
std::string Describe(const std::vector<Change>& changes);

} /* namespace suite */

#endif
