// SPDX-License-Identifier: GPL-2.0
#include "support/skip.h"

namespace suite {

std::string Refusal(const SyscallResult& result, Where where) {
    if (result.ok()) return "";
    if (result.error != ENOSYS && result.error != EPERM && result.error != EACCES)
        Must(result, where);
    return testing::PrintToString(result) +
           (result.error == ENOSYS ? ": not in this kernel" : ": not allowed here");
}

} /* namespace suite */
