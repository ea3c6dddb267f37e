// SPDX-License-Identifier: GPL-2.0
#include "support/fdinfo.h"

#include <sstream>

#include "support/attributes.h"
#include "support/descriptor.h"

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

Fdinfo::Fdinfo(int fd) {
    std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
    if (access("/proc/self/fdinfo", X_OK)) SkipTest("there is no /proc/self/fdinfo");
    Must(SYSCALL(access, path.c_str(), R_OK));
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

std::vector<std::string> Fdinfo::Keys() const {
    std::vector<std::string> keys;
    for (const auto& line : lines_) keys.push_back(line.first);
    return keys;
}

std::string Fdinfo::TextFrom(const std::string& key) const {
    size_t at = ("\n" + text_).find("\n" + key + ":");
    return at == std::string::npos ? "" : text_.substr(at);
}

std::string Fdinfo::Value(const std::string& key) const {
    for (const auto& [name, value] : lines_) {
        if (name != key) continue;
        size_t first = value.find_first_not_of(" \t");
        return first == std::string::npos ? "" : value.substr(first);
    }
    return "";
}

uint64_t EventfdCount(int fd) {
    return std::stoull(Fdinfo(fd).Value("eventfd-count"), nullptr, 16);
}

long EventfdId(int fd) { return std::stol(Fdinfo(fd).Value("eventfd-id")); }

bool EventfdIdIsFree(long id) {
    /* All that are lower have to be taken before this one is given out. */
    std::vector<FileDescriptor> taken;
    for (;;) {
        taken.push_back(NewEventfd());
        long next = EventfdId(taken.back());
        if (next >= id) return next == id;
    }
}

} /* namespace suite */
