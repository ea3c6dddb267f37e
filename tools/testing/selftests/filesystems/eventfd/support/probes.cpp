// SPDX-License-Identifier: GPL-2.0
#include "support/probes.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace suite {

bool KernelKnowsAutoreset() {
    long fd = syscall(SYS_eventfd2, 0, 1 << 6);
    if (fd < 0) return false;
    close(static_cast<int>(fd));
    return true;
}

} /* namespace suite */
