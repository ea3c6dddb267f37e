/* SPDX-License-Identifier: GPL-2.0 */
/* Memory with edges, for what the kernel must not touch, and memory that processes share. */
#ifndef EVENTFD_SUPPORT_MEMORY_H
#define EVENTFD_SUPPORT_MEMORY_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <string>

#include "support/failure.h"

namespace suite {

class Mapping {
  public:
    Mapping(size_t length, int protection, int flags, Where where = Where::current())
        : length_(length),
          address_(mmap(nullptr, length, protection, flags | MAP_ANONYMOUS, -1, 0)) {
        if (address_ == MAP_FAILED)
            FailTest("mmap of " + std::to_string(length) + " bytes: " + strerror(errno), where);
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { munmap(address_, length_); }

    char* data() const { return static_cast<char*>(address_); }

  private:
    size_t length_;
    void* address_;
};

inline size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

/* For a mapping that a 32-bit call has to reach, too. */
#ifdef MAP_32BIT
inline constexpr int kLowMemory = MAP_32BIT;
#else
inline constexpr int kLowMemory = 0;
#endif

/* A page that can be used, and right after it one that cannot. */
class GuardedPage {
  public:
    explicit GuardedPage(int flags = MAP_PRIVATE, Where where = Where::current())
        : mapping_(2 * PageSize(), PROT_NONE, flags, where) {
        if (mprotect(mapping_.data(), PageSize(), PROT_READ | PROT_WRITE))
            FailTest("mprotect of a page: " + std::string(strerror(errno)), where);
    }

    char* start() const { return mapping_.data(); }
    char* end() const { return mapping_.data() + PageSize(); }

  private:
    Mapping mapping_;
};

/* A page of zeroes that can be read and not written. */
class ReadOnlyPage {
  public:
    explicit ReadOnlyPage(int flags = MAP_PRIVATE, Where where = Where::current())
        : mapping_(PageSize(), PROT_READ, flags, where) {}

    void* data() const { return mapping_.data(); }

  private:
    Mapping mapping_;
};

/* Two pages that can be used, the lower one not touched yet, and below them space for a stack.
 */
class GrowingStack {
  public:
    explicit GrowingStack(Where where = Where::current())
        : space_(kPages * PageSize(), PROT_NONE, MAP_PRIVATE | MAP_NORESERVE, where) {
        if (mmap(lowest(), 2 * PageSize(), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0) == MAP_FAILED)
            FailTest("mmap with MAP_GROWSDOWN: " + std::string(strerror(errno)), where);
        /* It grows into what nobody has. */
        munmap(space_.data(), (kPages - 2) * PageSize());
    }

    char* lowest() const { return space_.data() + (kPages - 2) * PageSize(); }

  private:
    /* The kernel leaves 256 pages free below a stack. */
    static constexpr size_t kPages = 512;

    Mapping space_;
};

/* One T that a test and the processes it forks all see. */
template <typename T>
class Shared {
  public:
    explicit Shared(Where where = Where::current())
        : mapping_(sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, where) {
        value_ = new (mapping_.data()) T();
    }

    T* operator->() const { return value_; }
    T& operator*() const { return *value_; }

  private:
    Mapping mapping_;
    T* value_;
};

} /* namespace suite */

#endif
