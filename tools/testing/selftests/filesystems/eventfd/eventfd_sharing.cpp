// SPDX-License-Identifier: GPL-2.0
// Many descriptors of one eventfd: dups, children, what was sent or fetched; and how long it
// lives.
#include <sched.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "support/abilities.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/skip.h"
#include "support/tasks.h"

namespace suite {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;

/* kcmp(2): 0 for two descriptors of one open file, an order of some sort for others. */
SyscallResult CompareFiles(pid_t one_pid, int one, pid_t other_pid, int other) {
    constexpr int kFile = 0;
    return RAW_SYSCALL(kcmp, one_pid, other_pid, kFile, one, other);
}

/* For tests that show more than that, and so go on where the kernel does not tell. */
void ExpectOneFile(pid_t one_pid, int one, pid_t other_pid, int other,
                   Where where = Where::current()) {
    CalledFrom test(where);
    SyscallResult same = CompareFiles(one_pid, one, other_pid, other);
    if (!same.ok() && (same.error == ENOSYS || same.error == EPERM)) return;
    EXPECT_THAT(same, SyscallSucceedsWithValue(0));
}

FileDescriptor OpenPidfd(pid_t pid, Where where = Where::current()) {
    NeedAbility(Ability::kPidfd);
    return FileDescriptor(static_cast<int>(Must(RAW_SYSCALL(pidfd_open, pid, 0u), where)));
}

TEST(Dups, OfEveryKindAreTheSameEventfd) {
    FileDescriptor efd = NewEventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int free_number = static_cast<int>(Must(SYSCALL(fcntl, efd, F_DUPFD, 100)));
    FileDescriptor at_least(free_number);
    struct {
        FileDescriptor dup;
        int flags;
    } dups[] = {
        {Dup(efd), 0},
        {FileDescriptor(static_cast<int>(Must(SYSCALL(dup2, efd, free_number + 1)))), 0},
        {FileDescriptor(static_cast<int>(Must(SYSCALL(dup3, efd, free_number + 2, O_CLOEXEC)))),
         FD_CLOEXEC},
        {FileDescriptor(static_cast<int>(Must(SYSCALL(fcntl, efd, F_DUPFD, 200)))), 0},
        {FileDescriptor(static_cast<int>(Must(SYSCALL(fcntl, efd, F_DUPFD_CLOEXEC, 200)))),
         FD_CLOEXEC},
    };
    EXPECT_GE(free_number, 100);
    for (auto& each : dups) {
        EXPECT_THAT(SYSCALL(fcntl, each.dup, F_GETFD), SyscallSucceedsWithValue(each.flags));
        EXPECT_EQ(Must(SYSCALL(fcntl, each.dup, F_GETFL)), O_RDWR | O_NONBLOCK);
        Must(Write(efd, 3));
        EXPECT_EQ(Drain(each.dup), 3u);
        Must(Write(each.dup, 4));
        EXPECT_EQ(Drain(efd), 4u);
    }
}

TEST(Dups, AreOneFileToKcmpAndOthersAreNot) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    FileDescriptor other = NewEventfd();
    SyscallResult same = CompareFiles(getpid(), efd, getpid(), dup);
    SKIP_UNLESS(same.error != ENOSYS && same.error != EPERM, same);
    EXPECT_THAT(same, SyscallSucceedsWithValue(0));
    EXPECT_THAT(CompareFiles(getpid(), efd, getpid(), other),
                SyscallSucceedsWithValue(AnyOf(1, 2)));
}

TEST(Dups, GoOnWhenTheFirstOneIsClosed) {
    FileDescriptor efd = NewEventfd(5, EFD_NONBLOCK);
    FileDescriptor dup = Dup(efd);
    efd.Reset();
    EXPECT_THAT(Poll(dup, POLLIN | POLLOUT), Revents(POLLIN | POLLOUT));
    EXPECT_THAT(Write(dup, 1), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(dup), 6u);
}

TEST(Dups, OfATableOfItsOwnAreItsOwn) {
    FileDescriptor efd = NewEventfd();
    int number = efd.get();
    std::string refused;
    ScopedThread thread([&] {
        SyscallResult apart = SYSCALL(unshare, CLONE_FILES);
        if (!apart.ok() && apart.error == EPERM) {
            refused = testing::PrintToString(apart);
            return;
        }
        Must(apart);
        Must(Write(number, 7));
        EXPECT_THAT(SYSCALL(close, number), SyscallSucceedsWithValue(0));
        EXPECT_THAT(Write(number, 7), SyscallFailsWithErrno(EBADF));
    });
    thread.Join();
    SKIP_UNLESS(refused.empty(), refused);
    EXPECT_EQ(Drain(efd), 7u);
}

TEST(Children, CloseOnlyTheirOwnDescriptor) {
    FileDescriptor efd = NewEventfd(5);
    ChildProcess child([&] { efd.Reset(); });
    child.ExpectSuccess();
    EXPECT_EQ(Drain(efd), 5u);
}

TEST(Children, SeeTheFlagThatTheirParentSetsLater) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor set = NewEventfd();
    ChildProcess child([&] {
        uint64_t value;
        Must(Read(set, &value));
        EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    });
    child.WaitUntilBlockedIn(SYS_read);
    Must(SYSCALL(fcntl, efd, F_SETFL, O_NONBLOCK));
    Must(Write(set, 1));
    child.ExpectSuccess();
}

TEST(Children, OfASemaphoreTakeEachUnitOnce) {
    constexpr int kChildren = 3;
    constexpr int kUnits = 100;
    FileDescriptor efd = NewEventfd(0, EFD_SEMAPHORE);
    Shared<std::atomic<int>> taken;
    std::vector<std::unique_ptr<ChildProcess>> children;
    for (int i = 0; i < kChildren; i++)
        children.push_back(NewChild([&] {
            uint64_t value = 0;
            for (int unit = 0; unit < kUnits; unit++) {
                if (read(efd, &value, sizeof(value)) != sizeof(value) || value != 1)
                    FailTest("a read was to take 1: " + ErrnoText(errno));
                (*taken)++;
            }
        }));
    for (int i = 0; i < kUnits; i++) Must(Write(efd, kChildren));
    for (auto& child : children) child->ExpectSuccess();
    EXPECT_EQ(*taken, kChildren * kUnits);
    EXPECT_EQ(EventfdCount(efd), 0u);
}

TEST(SentDescriptor, KeepsTheCountThoughTheSenderClosedHis) {
    SocketPair sockets = NewSocketPair();
    FileDescriptor efd = NewEventfd(42, EFD_SEMAPHORE | EFD_NONBLOCK);
    SendDescriptor(sockets.sender, efd);
    efd.Reset();
    FileDescriptor received = ReceiveDescriptor(sockets.receiver);
    EXPECT_EQ(EventfdCount(received), 42u);
    EXPECT_EQ(Fdinfo(received).Value("eventfd-semaphore"), "1");
    EXPECT_EQ(Must(SYSCALL(fcntl, received, F_GETFL)), O_RDWR | O_NONBLOCK);
    EXPECT_EQ(Drain(received), 1u);
}

TEST(SentDescriptor, IsTheSameEventfdInTheOtherProcess) {
    SocketPair sockets = NewSocketPair();
    Shared<std::atomic<int>> senders_number;
    FileDescriptor efd; /* made after the fork: the child has no other way to it */
    pid_t sender = getpid();
    ChildProcess child([&] {
        FileDescriptor received = ReceiveDescriptor(sockets.receiver);
        EXPECT_THAT(SYSCALL(fcntl, received, F_GETFD), SyscallSucceedsWithValue(FD_CLOEXEC));
        ExpectOneFile(sender, *senders_number, getpid(), received);
        uint64_t value = 0;
        EXPECT_THAT(Read(received, &value), SyscallSucceedsWithValue(8));
        EXPECT_EQ(value, 12u);
        EXPECT_THAT(Write(received, 13), SyscallSucceedsWithValue(8));
    });
    efd = NewEventfd(12);
    *senders_number = efd.get();
    SendDescriptor(sockets.sender, efd);
    child.ExpectSuccess();
    EXPECT_EQ(Drain(efd), 13u);
}

TEST(SentDescriptor, OnItsWayIsAsOpenAsAnyOther) {
    SocketPair sockets = NewSocketPair();
    FileDescriptor efd = NewEventfd(1);
    FileDescriptor epoll = NewEpoll();
    int number = efd.get();
    EpollAdd(epoll, efd, EPOLLIN);
    SendDescriptor(sockets.sender, efd);
    efd.Reset();
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(number, EPOLLIN)));
    ReceiveDescriptor(sockets.receiver).Reset();
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

TEST(FetchedDescriptor, IsTheOwnersEventfd) {
    struct State {
        std::atomic<int> number{-1};
    };
    Shared<State> state;
    FileDescriptor go_on = NewEventfd();
    ChildProcess owner([&] {
        FileDescriptor efd = NewEventfd(7);
        uint64_t value = 0;
        state->number = efd.get();
        Must(Read(go_on, &value));
        EXPECT_EQ(Drain(efd), 9u);
    });
    WaitUntil([&] { return state->number >= 0 || owner.finished(); });
    FileDescriptor pidfd = OpenPidfd(owner.tid());
    NeedAbility(Ability::kPidfdGetfd);
    SyscallResult got = RAW_SYSCALL(pidfd_getfd, pidfd, state->number.load(), 0u);
    if (!got.ok() && (got.error == ENOSYS || got.error == EPERM)) {
        owner.Signal(SIGKILL);
        GTEST_SKIP() << got;
    }
    FileDescriptor fetched(static_cast<int>(Must(got)));
    EXPECT_THAT(SYSCALL(fcntl, fetched, F_GETFD), SyscallSucceedsWithValue(FD_CLOEXEC));
    ExpectOneFile(getpid(), fetched, owner.tid(), state->number);
    EXPECT_EQ(Drain(fetched), 7u);
    Must(Write(fetched, 9));
    Must(Write(go_on, 1));
    owner.ExpectSuccess();
}

/*
 * The id of an eventfd is given back with the last that holds its file. Others in the system
 * may take it before we look: then with another eventfd.
 */
void ExpectIdIsFreedBy(const std::function<long()>& live_and_end,
                       Where where = Where::current()) {
    for (int attempt = 0; attempt < 20; attempt++) {
        long id = live_and_end();
        for (int look = 0; look < 50; look++) {
            if (EventfdIdIsFree(id, where)) return;
            PauseBetweenLooks();
        }
    }
    ADD_FAILURE() << "the id of none of 20 eventfds was free after its end";
}

TEST(Lifetime, OfTheIdIsThatOfTheLastDup) {
    ExpectIdIsFreedBy([] {
        FileDescriptor efd = NewEventfd();
        FileDescriptor dup = Dup(efd);
        long id = EventfdId(efd);
        efd.Reset();
        EXPECT_FALSE(EventfdIdIsFree(id));
        return id;
    });
}

TEST(Lifetime, OfTheIdIsThatOfTheLastProcess) {
    ExpectIdIsFreedBy([] {
        FileDescriptor efd = NewEventfd();
        FileDescriptor end = NewEventfd();
        long id = EventfdId(efd);
        ChildProcess child([&] {
            uint64_t value;
            Must(Read(end, &value));
        });
        efd.Reset();
        EXPECT_FALSE(EventfdIdIsFree(id));
        Must(Write(end, 1));
        child.ExpectSuccess();
        return id;
    });
}

TEST(Lifetime, OfTheIdIsThatOfAMessageOnItsWay) {
    ExpectIdIsFreedBy([] {
        SocketPair sockets = NewSocketPair();
        FileDescriptor efd = NewEventfd();
        long id = EventfdId(efd);
        SendDescriptor(sockets.sender, efd);
        efd.Reset();
        EXPECT_FALSE(EventfdIdIsFree(id));
        ReceiveDescriptor(sockets.receiver).Reset();
        return id;
    });
}

TEST(Lifetime, OfTheIdIsThatOfABlockedRead) {
    CountingHandler handler(SIGUSR1, 0);
    ExpectIdIsFreedBy([] {
        FileDescriptor efd = NewEventfd();
        int number = efd.get();
        long id = EventfdId(efd);
        ScopedThread reader([&] {
            uint64_t value;
            EXPECT_THAT(Read(number, &value), SyscallFailsWithErrno(EINTR));
        });
        reader.WaitUntilBlockedIn(SYS_read);
        efd.Reset();
        EXPECT_FALSE(EventfdIdIsFree(id));
        reader.ExpectStillBlockedIn(SYS_read);
        reader.Signal(SIGUSR1);
        reader.Join();
        return id;
    });
}

TEST(Lifetime, OfTheIdIsNotThatOfAnEpoll) {
    FileDescriptor epoll = NewEpoll();
    ExpectIdIsFreedBy([&] {
        FileDescriptor efd = NewEventfd(1);
        EpollAdd(epoll, efd, EPOLLIN);
        return EventfdId(efd);
    });
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
}

} /* namespace */
} /* namespace suite */
