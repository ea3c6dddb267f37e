/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls as values. SYSCALL(read, fd, &value, 8) makes the call and keeps three things:
 * what it returned, errno, and the call as text with its arguments. The matchers below judge
 * such a result, and a failure prints all of it:
 *
 *     EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
 *     Actual: read(3, {5}, 8) = 8, which succeeded
 */
#ifndef EVENTFD_SUPPORT_SYSCALL_H
#define EVENTFD_SUPPORT_SYSCALL_H

#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <initializer_list>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <vector>

#include "support/failure.h"

namespace suite {

/* The largest value that write(2) can bring an eventfd to, and the one only the kernel can. */
inline constexpr uint64_t kFull = UINT64_MAX - 1;
inline constexpr uint64_t kOverflow = UINT64_MAX;

/* "EAGAIN (11)"; "0" for no error. */
std::string ErrnoText(int error);

/* "SIGKILL (9)" */
std::string SignalText(int signal);

struct SyscallResult {
    long value;
    int error; /* errno where value is -1, else 0 */
    std::string call;

    bool ok() const { return value != -1; }
};

std::ostream& operator<<(std::ostream& out, const SyscallResult& result);

/* For the calls that a test merely needs (not: tests): the value, or the end of the test. */
long Must(const SyscallResult& result, Where where = Where::current());

namespace internal {

template <typename T>
std::string ArgumentText(const T& argument) {
    if constexpr (std::is_same_v<T, std::nullptr_t>) {
        return "nullptr";
    } else if constexpr (std::is_same_v<T, const char*> || std::is_same_v<T, char*>) {
        return argument ? "\"" + std::string(argument) + "\"" : "nullptr";
    } else if constexpr (std::is_pointer_v<T>) {
        char text[32];
        snprintf(text, sizeof(text), "%p", reinterpret_cast<const void*>(argument));
        return text;
    } else if constexpr (std::is_convertible_v<T, int>) {
        return std::to_string(+argument);
    } else {
        return "?";
    }
}

/* "read", "fd, buffer, 8", {"3", "0x10", "8"} become "read(fd = 3, buffer = 0x10, 8)". */
std::string CallText(const char* name, const char* sources,
                     std::initializer_list<std::string> values);

/* Where the system may be any: the test is skipped for a call that there is not. */
void HandleMissingCall(const char* name, const SyscallResult& result);

/* Whether it is for that that a test was skipped. */
bool IsForAMissingCall(const std::string& skipped);

/* What a call takes for an argument: the number for a descriptor, a pointer for an array. */
template <typename T>
auto Plain(T& argument) {
    if constexpr (std::is_array_v<T>)
        return &argument[0];
    else if constexpr (std::is_class_v<T>)
        return static_cast<int>(argument);
    else
        return argument;
}

template <typename Function, typename... Arguments>
SyscallResult Call(const char* name, const char* sources, Function function,
                   Arguments&&... arguments) {
    SyscallResult result;
    errno = 0;
    result.value = static_cast<long>(function(Plain(arguments)...));
    result.error = result.value == -1 ? errno : 0;
    result.call = CallText(name, sources, {ArgumentText(Plain(arguments))...});
    if (result.error == ENOSYS) HandleMissingCall(name, result);
    return result;
}

} /* namespace internal */

/* Through libc's wrapper. Pass nullptr, never NULL or 0, for a pointer. */
#define SYSCALL(function, ...)                                               \
    ::suite::internal::Call(#function, #__VA_ARGS__, [](auto... arguments) { \
        return ::function(arguments...);                                     \
    } __VA_OPT__(, ) __VA_ARGS__)

/* Without a wrapper, by number: RAW_SYSCALL(eventfd2, 0u, 0). */
#define RAW_SYSCALL(name, ...)                                           \
    ::suite::internal::Call(#name, #__VA_ARGS__, [](auto... arguments) { \
        return ::syscall(SYS_##name, arguments...);                      \
    } __VA_OPT__(, ) __VA_ARGS__)

/* The calls that nearly every test makes. */
SyscallResult Eventfd2(unsigned int initval, int flags);
SyscallResult Read(int fd, void* buffer, size_t length);
SyscallResult Read(int fd, uint64_t* value);
SyscallResult Write(int fd, const void* buffer, size_t length);
SyscallResult Write(int fd, uint64_t value);
SyscallResult Readv(int fd, std::vector<iovec> vectors);
SyscallResult Writev(int fd, std::vector<iovec> vectors);
SyscallResult Preadv2(int fd, void* buffer, size_t length, off_t offset, int flags);

/* liburing, completions and aio's events have errno negated. */
SyscallResult FromNegativeErrno(std::string call, long result);

/* Judges one SyscallResult; made by the functions below. */
class SyscallMatcher {
  public:
    using is_gtest_matcher = void;

    SyscallMatcher(bool succeeds, testing::Matcher<long> matcher)
        : succeeds_(succeeds), matcher_(std::move(matcher)) {}

    bool MatchAndExplain(const SyscallResult& result, std::ostream* explanation) const;
    void DescribeTo(std::ostream* out) const { Describe(out, false); }
    void DescribeNegationTo(std::ostream* out) const { Describe(out, true); }

  private:
    void Describe(std::ostream* out, bool negated) const;

    bool succeeds_;
    testing::Matcher<long> matcher_;
};

inline SyscallMatcher SyscallSucceeds() { return SyscallMatcher(true, testing::_); }

inline SyscallMatcher SyscallSucceedsWithValue(testing::Matcher<long> value) {
    return SyscallMatcher(true, std::move(value));
}

inline SyscallMatcher SyscallFailsWithErrno(testing::Matcher<long> error) {
    return SyscallMatcher(false, std::move(error));
}

} /* namespace suite */

#endif
