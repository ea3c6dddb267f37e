/* SPDX-License-Identifier: GPL-2.0 */
/* Threads or processes that do the same, and how they are told to end. */
#ifndef EVENTFD_SUPPORT_GROUP_H
#define EVENTFD_SUPPORT_GROUP_H

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/descriptor.h"
#include "support/tasks.h"

namespace suite {

enum class Tasks { kThreads, kProcesses };

inline const char* TasksName(Tasks tasks) {
    return tasks == Tasks::kThreads ? "Threads" : "Processes";
}

/* Tasks of either sort. */
class Group {
  public:
    explicit Group(Tasks tasks) : tasks_(tasks) {}

    void Start(const std::function<void()>& body, Where where = Where::current()) {
        if (tasks_ == Tasks::kThreads)
            members_.push_back(NewThread(body, where));
        else
            members_.push_back(NewChild(body, where));
    }

    void Finish(Where where = Where::current()) {
        for (auto& member : members_) {
            if (auto* child = dynamic_cast<ChildProcess*>(member.get()))
                child->ExpectSuccess(where);
            else
                static_cast<ScopedThread*>(member.get())->Join();
        }
    }

    const std::vector<std::unique_ptr<Task>>& members() const { return members_; }

    std::string Describe() const {
        std::string text;
        for (const auto& member : members_) text += "\n  " + DescribeTask(member->tid());
        return text;
    }

  private:
    Tasks tasks_;
    std::vector<std::unique_ptr<Task>> members_;
};

/* Tells the tasks to end, however the test ends; before they are joined. */
class Stop {
  public:
    explicit Stop(Where where = Where::current())
        : made_(where), fd_(NewEventfd(0, 0, where)) {}
    ~Stop() { Tell(made_); }
    void Tell(Where where = Where::current()) {
        if (!told_) Must(Write(fd_, 1), where);
        told_ = true;
    }
    int fd() const { return fd_; }

  private:
    Where made_;
    FileDescriptor fd_;
    bool told_ = false;
};

inline void WriteOne(int fd, Where where = Where::current()) {
    const uint64_t one = 1;
    if (write(fd, &one, sizeof(one)) != sizeof(one))
        FailTest("a write of 1 that had to succeed: " + ErrnoText(errno), where);
}

} /* namespace suite */

#endif
