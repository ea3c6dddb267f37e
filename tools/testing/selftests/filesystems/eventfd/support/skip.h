/* SPDX-License-Identifier: GPL-2.0 */
/* For what a kernel may lack or refuse: the test is skipped, which is no failure. */
#ifndef EVENTFD_SUPPORT_SKIP_H
#define EVENTFD_SUPPORT_SKIP_H

#include <gtest/gtest.h>

#include <string>

#include "support/syscall.h"

namespace suite {

/* For what the kernel may lack; ends the test. */
#define SKIP_UNLESS(condition, reason) \
    if (condition)                     \
        ;                              \
    else                               \
        GTEST_SKIP() << reason

/*
 * The same from a function that tests call, in any of a test's threads and processes: the test
 * ends here and now, with all its processes.
 */
[[noreturn]] void SkipTest(const std::string& reason);

/*
 * For what says itself whether it was to be had:
 *     IoUring ring;
 *     SKIP_IF_REFUSED(ring);
 */
#define SKIP_IF_REFUSED(what) SKIP_UNLESS(!(what).refused(), (what).reason())

/* Why the kernel says no; what is no refusal but an error fails the test. */
std::string Refusal(const SyscallResult& result, Where where = Where::current());

} /* namespace suite */

#endif
