// SPDX-License-Identifier: GPL-2.0
#include "support/syscall.h"

#include <signal.h>
#include <string.h>

#include <set>

#include <ostream>

#include "support/abilities.h"
#include "support/skip.h"

namespace suite {

std::string ErrnoText(int error) {
    if (!error) return "0";
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    const char* name = strerrorname_np(error);
#else
    const char* name = strerror(error);
#endif
    return std::string(name ? name : "unknown error") + " (" + std::to_string(error) + ")";
}

std::string SignalText(int signal) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    const char* name = sigabbrev_np(signal);
#else
    const char* name = nullptr;
#endif
    return (name ? "SIG" + std::string(name) : "signal") + " (" + std::to_string(signal) + ")";
}

std::ostream& operator<<(std::ostream& out, const SyscallResult& result) {
    out << result.call << " = " << result.value;
    if (!result.ok()) out << " " << ErrnoText(result.error);
    return out;
}

long Must(const SyscallResult& result, Where where) {
    if (!result.ok())
        FailTest("a call that had to succeed: " + testing::PrintToString(result), where);
    return result.value;
}

namespace internal {
namespace {

/* The next argument of a macro's argument list, up to a comma outside of all brackets. */
std::string NextSource(const char** rest) {
    std::string source;
    int depth = 0;

    while (**rest == ' ') ++*rest;
    for (; **rest; ++*rest) {
        char c = **rest;
        if (c == ',' && !depth) {
            ++*rest;
            break;
        }
        if (strchr("([{", c)) depth++;
        if (strchr(")]}", c)) depth--;
        source += c;
    }
    return source;
}

bool IsLiteral(const std::string& source) {
    return source == "nullptr" || strchr("-0123456789\"", source[0]);
}

/* No ability is called so. */
constexpr char kMissing[] = "() here: ";

} /* namespace */

void HandleMissingCall(const char* name, const SyscallResult& result) {
    static const std::set<std::string> others = {
        "eventfd2", "read", "write",
        "close",                            /* what is judged: it is wrong without them */
        "syscall",  "kcmp", "epoll_pwait2", /* whoever calls these knows that they may lack */
    };
    if (!MayBeNoLinux() || others.contains(name)) return;
    SkipTest(std::string("no ") + name + kMissing + ErrnoText(result.error));
}

bool IsForAMissingCall(const std::string& skipped) {
    return skipped.find(kMissing) != std::string::npos;
}

std::string CallText(const char* name, const char* sources,
                     std::initializer_list<std::string> values) {
    std::string text = std::string(name) + "(";
    const char* separator = "";

    for (const std::string& value : values) {
        std::string source = NextSource(&sources);
        text += separator;
        if (!source.empty() && !IsLiteral(source)) text += source + " = ";
        text += value;
        separator = ", ";
    }
    return text + ")";
}

} /* namespace internal */

SyscallResult Eventfd2(unsigned int initval, int flags) {
    return RAW_SYSCALL(eventfd2, initval, flags);
}

SyscallResult Read(int fd, void* buffer, size_t length) {
    return SYSCALL(read, fd, buffer, length);
}

SyscallResult Read(int fd, uint64_t* value) {
    SyscallResult result = SYSCALL(read, fd, value, sizeof(*value));
    result.call = "read(" + std::to_string(fd) + ", " +
                  (result.ok() ? "{" + std::to_string(*value) + "}" : "&value") + ", 8)";
    return result;
}

SyscallResult Write(int fd, const void* buffer, size_t length) {
    return SYSCALL(write, fd, buffer, length);
}

SyscallResult Write(int fd, uint64_t value) {
    SyscallResult result = SYSCALL(write, fd, &value, sizeof(value));
    result.call = "write(" + std::to_string(fd) + ", {" + std::to_string(value) + "}, 8)";
    return result;
}

SyscallResult Readv(int fd, std::vector<iovec> vectors) {
    return SYSCALL(readv, fd, vectors.data(), static_cast<int>(vectors.size()));
}

SyscallResult Writev(int fd, std::vector<iovec> vectors) {
    return SYSCALL(writev, fd, vectors.data(), static_cast<int>(vectors.size()));
}

SyscallResult Preadv2(int fd, void* buffer, size_t length, off_t offset, int flags) {
    NeedAbility(Ability::kPreadv2);
    if (flags & RWF_NOWAIT) NeedAbility(Ability::kNowait);
    iovec vector = {buffer, length};
    SyscallResult result = SYSCALL(preadv2, fd, &vector, 1, offset, flags);
    return result;
}

SyscallResult FromNegativeErrno(std::string call, long result) {
    return {result < 0 ? -1 : result, result < 0 ? static_cast<int>(-result) : 0,
            std::move(call)};
}

bool SyscallMatcher::MatchAndExplain(const SyscallResult& result,
                                     std::ostream* explanation) const {
    if (succeeds_ != result.ok()) {
        if (explanation) *explanation << (succeeds_ ? "which failed" : "which succeeded");
        return false;
    }
    return matcher_.Matches(succeeds_ ? result.value : result.error);
}

void SyscallMatcher::Describe(std::ostream* out, bool negated) const {
    *out << (negated ? "does not " : "") << (succeeds_ ? "succeed" : "fail")
         << (negated ? "" : "s");
    *out << (succeeds_ ? " with a value that " : " with an errno that ");
    matcher_.DescribeTo(out);
    if (succeeds_) return;
    /* The matcher knows a number only; name the errno it wants. */
    for (int error = 1; error < 134; error++)
        if (matcher_.Matches(error) && !matcher_.Matches(error == 1 ? 2 : 1))
            *out << ", " << ErrnoText(error);
}

} /* namespace suite */
