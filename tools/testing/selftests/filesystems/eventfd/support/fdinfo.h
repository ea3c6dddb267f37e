/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/fdinfo/N, as text and as its lines. */
#ifndef EVENTFD_SUPPORT_FDINFO_H
#define EVENTFD_SUPPORT_FDINFO_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/failure.h"

namespace suite {

class Fdinfo {
  public:
    /* Where there is none the test fails; without a /proc for it the test is skipped. */
    explicit Fdinfo(int fd, Where where = Where::current());

    const std::string& text() const { return text_; }
    /* The key and what follows its colon, in the file's order, each to the end of its line. */
    const std::vector<std::pair<std::string, std::string>>& lines() const { return lines_; }
    std::vector<std::string> Keys() const;
    /* The text from the line of this key on; empty where there is none. */
    std::string TextFrom(const std::string& key) const;
    /* A value without the blanks around it; empty where there is none. */
    std::string Value(const std::string& key) const;
    /* A value that is a number to this base; where there is none the test fails. */
    uint64_t Number(const std::string& key, int base, Where where = Where::current()) const;

  private:
    std::string text_;
    std::vector<std::pair<std::string, std::string>> lines_;
};

/* The whole of a file of /proc; empty where it cannot be read. */
std::string ReadWholeFile(const std::string& path);

uint64_t EventfdCount(int fd, Where where = Where::current());
long EventfdId(int fd, Where where = Where::current());

/*
 * Whether an id is nobody's, now: then a new eventfd gets it, or a lower one. Ids are the whole
 * system's, so what is free may be somebody else's the next moment; what is ours is not free.
 */
bool EventfdIdIsFree(long id, Where where = Where::current());

} /* namespace suite */

#endif
