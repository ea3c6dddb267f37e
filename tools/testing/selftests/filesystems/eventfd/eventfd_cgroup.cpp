// SPDX-License-Identifier: GPL-2.0
// cgroup.event_control of cgroup version 1 and eventfds: what the memory controller signals,
// and when it lets go of one. Version 2 has nothing of the kind.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <optional>

#include "support/cgroup.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

constexpr size_t kMegabyte = 1 << 20;

class MemoryEvents : public testing::Test {
  protected:
    void SetUp() override {
        group_.emplace(Where::current());
        SKIP_IF_REFUSED(*group_);
    }

    /* A member that uses this much memory, and then sleeps until it is killed. */
    ChildProcess Member(size_t size, Where where = Where::current()) {
        return ChildProcess(
            [this, size, where] {
                group_->Enter(where);
                Mapping memory(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, where);
                memset(memory.data(), 1, size);
                for (;;) pause();
            },
            where);
    }

    /* Whoever goes beyond the limit sleeps there, and nobody is killed. */
    void SetLimit(size_t limit, Where where = Where::current()) {
        group_->Set("memory.oom_control", "1", where);
        group_->Set("memory.limit_in_bytes", std::to_string(limit), where);
    }

    std::optional<MemoryGroup> group_;
};

TEST_F(MemoryEvents, LookAtAPendingCountAndLeaveIt) {
    FileDescriptor efd = NewEventfd(3);
    EXPECT_THAT(group_->ListenForTooMuch(efd), SyscallSucceeds());
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST_F(MemoryEvents, SignalAThresholdOfUseThatIsCrossed) {
    FileDescriptor low = NewEventfd(), high = NewEventfd();
    FileDescriptor usage = group_->Open("memory.usage_in_bytes");
    Must(group_->Listen(low, usage, std::to_string(2 * kMegabyte)));
    Must(group_->Listen(high, usage, std::to_string(1024 * kMegabyte)));
    EXPECT_EQ(EventfdCount(low), 0u);
    ChildProcess member = Member(8 * kMegabyte);
    EXPECT_THAT(Poll(low, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(high), 0u);
}

TEST_F(MemoryEvents, SignalEachOfManyThresholdsThatOneEventfdIsFor) {
    constexpr uint64_t kThresholds = 16;
    FileDescriptor efd = NewEventfd();
    FileDescriptor usage = group_->Open("memory.usage_in_bytes");
    for (uint64_t i = 1; i <= kThresholds; i++)
        Must(group_->Listen(efd, usage, std::to_string(kMegabyte + i * kMegabyte / 8)));
    EXPECT_EQ(EventfdCount(efd), 0u);
    ChildProcess member = Member(8 * kMegabyte);
    WaitUntil([&] { return EventfdCount(efd) >= kThresholds; });
    member.WaitUntilBlockedIn(kAnyCall);
    EXPECT_EQ(Drain(efd), kThresholds);
}

TEST_F(MemoryEvents, SignalThatAMemberIsOutOfMemory) {
    FileDescriptor efd = NewEventfd(), late = NewEventfd();
    SetLimit(4 * kMegabyte);
    FileDescriptor oom = group_->Open("memory.oom_control");
    Must(group_->Listen(efd, oom, ""));
    EXPECT_EQ(EventfdCount(efd), 0u);
    ChildProcess member = Member(16 * kMegabyte);
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
    /* And one that comes while it is so, at once or with the next attempt. */
    Must(group_->Listen(late, oom, ""));
    EXPECT_THAT(Poll(late, POLLIN, kSoon), Revents(POLLIN));
}

TEST_F(MemoryEvents, SignalPressure) {
    FileDescriptor efd = NewEventfd();
    SetLimit(4 * kMegabyte);
    FileDescriptor pressure = group_->Open("memory.pressure_level");
    Must(group_->Listen(efd, pressure, "critical"));
    EXPECT_EQ(EventfdCount(efd), 0u);
    ChildProcess member = Member(16 * kMegabyte);
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
}

TEST_F(MemoryEvents, SignalTheEndOfTheGroup) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor blocking = NewEventfd();
    Must(group_->ListenForTooMuch(efd));
    Must(group_->ListenForTooMuch(blocking));
    uint64_t value = 0;
    ScopedThread reader(
        [&] { EXPECT_THAT(Read(blocking, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    EXPECT_EQ(EventfdCount(efd), 0u);
    group_->Remove();
    EXPECT_THAT(Poll(efd, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(efd), 1u);
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_F(MemoryEvents, LetGoOfAnEventfdThatIsClosed) {
    FileDescriptor efd = NewEventfd();
    long id = EventfdId(efd);
    Must(group_->ListenForTooMuch(efd));
    efd.Reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

/* The close takes all of its thresholds away at once, and then each of them by itself. */
TEST_F(MemoryEvents, LetGoOfAnEventfdWithManyThresholdsThatIsClosed) {
    FileDescriptor efd = NewEventfd(), other = NewEventfd();
    FileDescriptor usage = group_->Open("memory.usage_in_bytes");
    long id = EventfdId(efd);
    for (uint64_t i = 1; i <= 16; i++)
        Must(group_->Listen(efd, usage, std::to_string(i * kMegabyte)));
    Must(group_->Listen(other, usage, std::to_string(2 * kMegabyte)));
    efd.Reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
    EXPECT_EQ(EventfdCount(other), 0u);
    ChildProcess member = Member(8 * kMegabyte);
    EXPECT_THAT(Poll(other, POLLIN, kSoon), Revents(POLLIN));
}

TEST_F(MemoryEvents, LetGoOfAnEventfdThatIsSignalledAtTheEnd) {
    FileDescriptor efd = NewEventfd();
    long id = EventfdId(efd);
    Must(group_->ListenForTooMuch(efd));
    Must(group_->ListenForTooMuch(efd));
    group_->Remove();
    WaitUntil([&] { return EventfdCount(efd) == 2; });
    efd.Reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_F(MemoryEvents, NeedAnEventfdAndAFileThatHasEvents) {
    Pipe pipe = NewPipe();
    FileDescriptor efd = NewEventfd();
    FileDescriptor usage = group_->Open("memory.usage_in_bytes");
    FileDescriptor limit = group_->Open("memory.limit_in_bytes");
    FileDescriptor pressure = group_->Open("memory.pressure_level");
    EXPECT_THAT(group_->Listen(pipe.read_end, usage, "4096"), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(group_->Listen(9999, usage, "4096"), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(group_->Listen(efd, 9999, "4096"), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(group_->Listen(efd, pipe.read_end, "4096"), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(group_->Listen(efd, limit, "4096"), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(group_->Listen(efd, pressure, "some"), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/* What counts is which file it is, and not what it is called. */
TEST_F(MemoryEvents, AreNotThoseOfAFileOfAnotherGroupOrKind) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor parents = group_->Open("../memory.usage_in_bytes");
    EXPECT_THAT(group_->Listen(efd, parents, "4096"), SyscallFailsWithErrno(EINVAL));
    for (const char* name : {"memory.stat", "memory.max_usage_in_bytes", "cgroup.procs"}) {
        FileDescriptor other = group_->Open(name);
        EXPECT_THAT(group_->Listen(efd, other, "4096"), SyscallFailsWithErrno(EINVAL)) << name;
    }
    char folder[] = "/tmp/eventfd-file-XXXXXX";
    if (!mkdtemp(folder)) FailTest("mkdtemp(), which had to succeed: " + ErrnoText(errno));
    const std::string path = std::string(folder) + "/memory.usage_in_bytes";
    FileDescriptor namesake(static_cast<int>(
        Must(SYSCALL(open, path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600u))));
    unlink(path.c_str());
    rmdir(folder);
    EXPECT_THAT(group_->Listen(efd, namesake, "4096"), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(EventfdCount(efd), 0u);
}

} /* namespace */
} /* namespace suite */
