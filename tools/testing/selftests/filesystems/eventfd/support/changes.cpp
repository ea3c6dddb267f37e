// SPDX-License-Identifier: GPL-2.0
#include "support/changes.h"

#include <stdio.h>
#include <stdlib.h>

#include <bitset>
#include <string_view>

#include "support/probes.h"

namespace suite {
namespace {

using Changes = std::bitset<std::size(kChanges)>;

[[noreturn]] void RefuseName(std::string_view name) {
    std::string names;
    for (const ChangeInfo& info : kChanges)
        names += std::string(names.empty() ? "" : ", ") + info.name;
    fprintf(stderr, "error: EVENTFD_CHANGES names a change \"%.*s\", and there are only %s\n",
            static_cast<int>(name.size()), name.data(), names.c_str());
    exit(2);
}

Change ChangeOf(std::string_view name) {
    for (const ChangeInfo& info : kChanges)
        if (name == info.name) return info.change;
    RefuseName(name);
}

Changes ChangesOfTheKernel() {
    const char* text = getenv("EVENTFD_CHANGES");
    Changes changes;

    if (!text) return KernelKnowsAutoreset() ? changes.set() : changes;
    if (!*text) return changes;
    for (std::string_view rest = text;;) {
        size_t comma = rest.find(',');
        changes.set(static_cast<size_t>(ChangeOf(rest.substr(0, comma))));
        if (comma == std::string_view::npos) return changes;
        rest.remove_prefix(comma + 1);
    }
}

const Changes& KnownChanges() {
    static const Changes changes = ChangesOfTheKernel();
    return changes;
}

} /* namespace */

void ReadChanges() { KnownChanges(); }

bool KernelHas(Change change) { return KnownChanges()[static_cast<size_t>(change)]; }

std::string Describe(const std::vector<Change>& changes) {
    std::string text;
    for (Change change : changes)
        text += std::string(text.empty() ? "" : "; ") + InfoOf(change).name + ": " +
                InfoOf(change).without;
    return text;
}

} /* namespace suite */
