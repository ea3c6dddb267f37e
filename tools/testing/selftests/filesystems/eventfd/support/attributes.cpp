// SPDX-License-Identifier: GPL-2.0
#include "support/attributes.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace suite {
namespace {

/* Filled before main() and only read afterwards. */
std::map<std::string, Attribute>& Registry() {
    static std::map<std::string, Attribute> registry;
    return registry;
}

} /* namespace */

AttributeRegistrar::AttributeRegistrar(const char* test,
                                       std::initializer_list<Attribute> attributes) {
    Attribute& entry = Registry()[test];
    for (const Attribute& attribute : attributes) {
        entry.needs.insert(entry.needs.end(), attribute.needs.begin(), attribute.needs.end());
        if (attribute.time_limit != 0s) entry.time_limit = attribute.time_limit;
        if (attribute.hangs_without) entry.hangs_without = true;
    }
}

Attributes AttributesOf(const testing::TestInfo& test) {
    /* A parameterized test is Instance/Suite.Name/Parameter. */
    std::string suite = test.test_suite_name();
    std::string name = test.name();
    std::string parameter;
    if (size_t slash = suite.find('/'); slash != std::string::npos) suite.erase(0, slash + 1);
    if (size_t slash = name.find('/'); slash != std::string::npos) {
        parameter = name.substr(slash + 1);
        name.erase(slash);
    }
    Attributes attributes;
    auto found = Registry().find(suite + "." + name);
    if (found == Registry().end()) return attributes;
    for (const Need& need : found->second.needs)
        if (InfoOf(need.change).shows &&
            (need.parameter.empty() || need.parameter == parameter))
            attributes.needs.push_back(need.change);
    attributes.hangs_without = found->second.hangs_without;
    if (found->second.time_limit != 0s) attributes.time_limit = found->second.time_limit;
    return attributes;
}

std::string WhyItMustFail(const testing::TestInfo& test) {
    std::vector<Change> lacking = AttributesOf(test).needs;
    std::erase_if(lacking, KernelHas);
    return lacking.empty() ? "" : Lacking(lacking);
}

std::string Lacking(const std::vector<Change>& changes) { return "needs " + Describe(changes); }

bool LacksAChange(const std::string& reason) {
    return std::any_of(std::begin(kChanges), std::end(kChanges), [&](const ChangeInfo& info) {
        return reason.starts_with(std::string("needs ") + info.name + ": ");
    });
}

} /* namespace suite */
