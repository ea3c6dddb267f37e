// SPDX-License-Identifier: GPL-2.0
#include "support/show.h"

#include <stdio.h>

#include <sstream>
#include <string>

namespace suite {
namespace {

struct Shown {
    const char* number;
    const char* program;
};

constexpr Shown kShown[] = {
#include "shown.inc"
};

/* Lines of a row's number, a blank and why no program shows it; others begin with a #. */
constexpr char kUnshown[] =
#include "unshown.inc"
    ;

} /* namespace */

int ShowRow(const std::string& number) {
    for (const Shown& shown : kShown)
        if (number == shown.number) {
            printf("%s", shown.program);
            return 0;
        }
    std::istringstream in(kUnshown);
    for (std::string line; std::getline(in, line);)
        if (!number.empty() && number[0] != '#' &&
            !line.compare(0, number.size() + 1, number + " ")) {
            printf("row %s has no program: %s\n", number.c_str(),
                   line.substr(number.size() + 1).c_str());
            return 0;
        }
    printf("error: there is no row \"%s\": --list says which there are\n", number.c_str());
    return 2;
}

} /* namespace suite */
