// SPDX-License-Identifier: GPL-2.0
#include "support/probes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace suite {

bool KernelKnowsAutoreset() {
    long fd = syscall(SYS_eventfd2, 0, 1 << 6);
    if (fd < 0) return false;
    close(static_cast<int>(fd));
    return true;
}

bool KernelIsOurs() {
    const char* kernel = getenv("EVENTFD_KERNEL");
    if (kernel && !strcmp(kernel, "ours")) return true;
    if (kernel && !strcmp(kernel, "stock")) return false;
    return KernelKnowsAutoreset();
}

} /* namespace suite */
