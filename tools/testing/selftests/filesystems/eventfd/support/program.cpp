// SPDX-License-Identifier: GPL-2.0
#include "support/program.h"

#include <stdio.h>
#include <stdlib.h>

namespace suite {
namespace {

const std::set<std::string>& Known() {
    static const std::set<std::string> known = {"one processor", "fault injection"};
    return known;
}

/* A function's, as programs of several files are made of them. */
std::set<std::string>& Declared() {
    static std::set<std::string> declared;
    return declared;
}

} /* namespace */

ProgramNeeds::ProgramNeeds(std::initializer_list<const char*> needs) {
    for (const char* need : needs) {
        if (!Known().contains(need)) {
            fprintf(stderr,
                    "error: a program needs \"%s\", which support/program.h does not know\n",
                    need);
            exit(2);
        }
        Declared().insert(need);
    }
}

const std::set<std::string>& ProgramNeeds::All() { return Declared(); }

} /* namespace suite */
