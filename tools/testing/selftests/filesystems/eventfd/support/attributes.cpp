// SPDX-License-Identifier: GPL-2.0
#include "support/attributes.h"

#include <map>

namespace suite {
namespace {

/* Filled before main() and only read afterwards. */
std::map<std::string, Attributes>& Registry() {
    static std::map<std::string, Attributes> registry;
    return registry;
}

} /* namespace */

AttributeRegistrar::AttributeRegistrar(const char* test,
                                       std::initializer_list<Attribute> attributes) {
    Attributes& entry = Registry()[test];
    for (const Attribute& attribute : attributes) {
        if (!attribute.fixed_here.empty()) entry.fixed_here = attribute.fixed_here;
        if (attribute.time_limit != 0s) entry.time_limit = attribute.time_limit;
    }
}

Attributes AttributesOf(const testing::TestInfo& test) {
    /* A parameterized test is Instance/Suite.Name/Parameter. */
    std::string suite = test.test_suite_name();
    std::string name = test.name();
    if (size_t slash = suite.find('/'); slash != std::string::npos) suite.erase(0, slash + 1);
    if (size_t slash = name.find('/'); slash != std::string::npos) name.erase(slash);
    auto found = Registry().find(suite + "." + name);
    return found == Registry().end() ? Attributes() : found->second;
}

} /* namespace suite */
