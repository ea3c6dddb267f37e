// SPDX-License-Identifier: GPL-2.0
#include "support/fdinfo.h"

#include <poll.h>
#include <stdlib.h>

#include <sstream>

#include "support/abilities.h"
#include "support/descriptor.h"
#include "support/skip.h"
#include "support/watchers.h"

namespace suite {

std::string ReadWholeFile(const std::string& path) {
    std::string text;
    char buffer[4096];
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);

    if (fd < 0) return text;
    for (;;) {
        ssize_t length = read(fd, buffer, sizeof(buffer));
        if (length <= 0) break;
        text.append(buffer, static_cast<size_t>(length));
    }
    close(fd);
    return text;
}

Fdinfo::Fdinfo(int fd, Where where) {
    std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
    NeedAbility(Ability::kFdinfo);
    if (access("/proc/self/fdinfo", X_OK)) SkipTest("there is no /proc/self/fdinfo");
    Must(SYSCALL(access, path.c_str(), R_OK), where);
    text_ = ReadWholeFile(path);

    std::istringstream in(text_);
    for (std::string line; std::getline(in, line);) {
        size_t colon = line.find(':');
        if (colon == std::string::npos)
            lines_.emplace_back(line, "");
        else
            lines_.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
}

namespace {

/* What is asked for is what this system's text may not have. */
void NeedKey(const std::string& key) {
    if (key == "eventfd-count") NeedAbility(Ability::kFdinfoCount);
    if (key == "eventfd-id") NeedAbility(Ability::kFdinfoId);
}

} /* namespace */

std::vector<std::string> Fdinfo::Keys() const {
    for (const char* key : {"eventfd-count", "eventfd-id"}) NeedKey(key);
    std::vector<std::string> keys;
    for (const auto& line : lines_) keys.push_back(line.first);
    return keys;
}

std::string Fdinfo::TextFrom(const std::string& key) const {
    NeedKey(key);
    size_t at = ("\n" + text_).find("\n" + key + ":");
    return at == std::string::npos ? "" : text_.substr(at);
}

std::string Fdinfo::Value(const std::string& key) const {
    NeedKey(key);
    for (const auto& [name, value] : lines_) {
        if (name != key) continue;
        size_t first = value.find_first_not_of(" \t");
        return first == std::string::npos ? "" : value.substr(first);
    }
    /* The one key that is there or not on a Linux is no loss. */
    if (MayBeNoLinux() && key != "eventfd-autoreset")
        SkipTest("no " + key + " in /proc/self/fdinfo here");
    return "";
}

uint64_t Fdinfo::Number(const std::string& key, int base, Where where) const {
    std::string value = Value(key);
    char* end = nullptr;
    errno = 0;
    uint64_t number = strtoull(value.c_str(), &end, base);
    if (value.empty() || *end || errno)
        FailTest("fdinfo was to have \"" + key + ":\" and a number to base " +
                     std::to_string(base) + ", and is:\n" + text_,
                 where);
    return number;
}

namespace {

/*
 * The count of an eventfd of a system that does not say it: all that can be read, which is
 * written back then. Where somebody could notice, or where that does not give back what was
 * there, it is not known.
 */
uint64_t CountByReading(int fd, Where where) {
    constexpr int kMostOfASemaphore = 1000;
    const std::string why_not = WhyNot(Ability::kFdinfoCount);
    if (Watcher::IsThere())
        SkipTest(why_not + "; and who waits for it would notice a read that counts");

    uint64_t count = 0;
    for (int reads = 0;; reads++) {
        pollfd look = {fd, POLLIN, 0};
        uint64_t value = 0;
        if (!Must(SYSCALL(poll, &look, 1, 0), where)) break;
        if (reads == kMostOfASemaphore || look.revents & POLLERR)
            SkipTest(why_not + "; and it is too high to be read");
        Must(Read(fd, &value), where);
        count += value;
    }
    if (count) Must(Write(fd, count), where);
    return count;
}

} /* namespace */

uint64_t EventfdCount(int fd, Where where) {
    if (!Has(Ability::kFdinfoCount)) return CountByReading(fd, where);
    return Fdinfo(fd, where).Number("eventfd-count", 16, where);
}

long EventfdId(int fd, Where where) {
    return static_cast<long>(Fdinfo(fd, where).Number("eventfd-id", 10, where));
}

bool EventfdIdIsFree(long id, Where where) {
    /* All that are lower have to be taken before this one is given out. */
    std::vector<FileDescriptor> taken;
    for (;;) {
        taken.push_back(NewEventfd(0, 0, where));
        long next = EventfdId(taken.back(), where);
        if (next >= id) return next == id;
    }
}

} /* namespace suite */
