/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EFD_AUTORESET: the flag, where the headers do not know it yet, and what its tests share.
 *
 * A poll that reports an autoreset eventfd readable takes the whole counter in the same step:
 * it claims the event, and of several only one can.
 */
#ifndef EVENTFD_SUPPORT_AUTORESET_H
#define EVENTFD_SUPPORT_AUTORESET_H

#include <chrono>

#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/probes.h"
#include "support/skip.h"

#ifndef EFD_AUTORESET
#define EFD_AUTORESET (1 << 6)
#endif

namespace suite {

/* For a fixture of any kind: skips its tests where the kernel does not know the flag. */
#define SKIP_UNLESS_AUTORESET() SKIP_WITHOUT(Change::kAutoreset)
/* The same for a test of eventfds with these flags. */
#define SKIP_UNLESS_KNOWN(flags)                                           \
    SKIP_UNLESS(!((flags)&EFD_AUTORESET) || KernelHas(Change::kAutoreset), \
                Lacking({Change::kAutoreset}))

class AutoresetTest : public testing::Test {
  protected:
    void SetUp() override { SKIP_UNLESS_AUTORESET(); }
};

inline FileDescriptor NewAutoreset(uint64_t count = 0, int flags = 0,
                                   Where where = Where::current()) {
    return NewEventfdAt(count, EFD_AUTORESET | flags, where);
}

/* How many rounds each poller runs in the tests that repeat: EVENTFD_AUTORESET_ROUNDS. */
inline unsigned long AutoresetRounds() {
    return NumberFromEnvironment("EVENTFD_AUTORESET_ROUNDS", 200);
}

/* A limit that leaves each of them 5 ms. */
inline std::chrono::seconds AutoresetTimeLimit() {
    return std::chrono::seconds(20 + AutoresetRounds() / 200);
}

} /* namespace suite */

#endif
