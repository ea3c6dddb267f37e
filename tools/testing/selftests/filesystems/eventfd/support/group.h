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

    void Start(const std::function<void()>& body) {
        if (tasks_ == Tasks::kThreads)
            members_.push_back(std::make_unique<ScopedThread>(body));
        else
            members_.push_back(std::make_unique<ChildProcess>(body));
    }

    void Finish() {
        for (auto& member : members_) {
            if (auto* child = dynamic_cast<ChildProcess*>(member.get()))
                child->ExpectSuccess();
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
    ~Stop() { Tell(); }
    void Tell() {
        if (!told_) Must(Write(fd_, 1));
        told_ = true;
    }
    int fd() const { return fd_; }

  private:
    FileDescriptor fd_ = NewEventfd();
    bool told_ = false;
};

inline void WriteOne(int fd) {
    const uint64_t one = 1;
    if (write(fd, &one, sizeof(one)) != sizeof(one))
        throw std::runtime_error("write: " + ErrnoText(errno));
}

} /* namespace suite */

#endif
