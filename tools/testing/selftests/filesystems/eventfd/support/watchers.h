/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may notice that an eventfd is read and written back: tasks of the test, epolls, rings. A
 * system that does not say the count is asked for it in that way, and only where nobody does.
 */
#ifndef EVENTFD_SUPPORT_WATCHERS_H
#define EVENTFD_SUPPORT_WATCHERS_H

#include <atomic>

namespace suite {

/* One of them, for as long as it lives or until it is told that it has ended. */
class Watcher {
  public:
    Watcher() { Alive()++; }
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher() { End(); }

    void End() {
        if (alive_) Alive()--;
        alive_ = false;
    }
    /* One that is there to the end of the test. */
    static void Stays() { Alive()++; }
    static bool IsThere() { return Alive() > 0; }

  private:
    static std::atomic<int>& Alive() {
        static std::atomic<int> alive{0};
        return alive;
    }

    bool alive_ = true;
};

} /* namespace suite */

#endif
