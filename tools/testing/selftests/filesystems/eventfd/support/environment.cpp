// SPDX-License-Identifier: GPL-2.0
#include "support/environment.h"

#include <stdlib.h>

namespace suite {

unsigned long NumberFromEnvironment(const char* name, unsigned long otherwise) {
    const char* text = getenv(name);
    char* end = nullptr;
    if (!text || !*text) return otherwise;
    unsigned long number = strtoul(text, &end, 10);
    return *end ? otherwise : number;
}

} /* namespace suite */
