/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests use beside eventfd itself, and what a system that is no Linux may not offer. A
 * program that judges such a system asks for all of it once, by doing it in a process of its
 * own with a time limit; what is not there makes a test's outcome unknown, and no failure.
 *
 * Where nobody has asked, every system is taken to have all of this: in a Linux kernel what is
 * missing has to fail where it is used.
 */
#ifndef EVENTFD_SUPPORT_ABILITIES_H
#define EVENTFD_SUPPORT_ABILITIES_H

#include <stddef.h>

#include <iterator>
#include <string>

namespace suite {

enum class Ability {
    kProc,
    kFdinfo,
    kFdinfoCount,
    kFdinfoId,
    kTaskSyscall,
    kTaskState,
    kTaskSwitches,
    kPreadv2,
    kNowait,
    kExecOfItself,
    kExecveat,
    kAio,
    kAioRead,
    kAioPoll,
    kIoUring,
    kUserfaultfd,
    kScmRights,
    kPidfd,
    kPidfdGetfd,
    kEpollPwait2,
    kMemoryGroup,
    kGrowingStack,
    kDevNull,
    kDevZero,
    kThreadStorage,
};

struct AbilityInfo {
    Ability ability;
    const char* name;
};

inline constexpr AbilityInfo kAbilities[] = {
    {Ability::kProc, "/proc"},
    {Ability::kFdinfo, "fdinfo"},
    {Ability::kFdinfoCount, "fdinfo count"},
    {Ability::kFdinfoId, "fdinfo id"},
    {Ability::kTaskSyscall, "/proc/TID/syscall"},
    {Ability::kTaskState, "/proc/TID/stat"},
    {Ability::kTaskSwitches, "context switches"},
    {Ability::kPreadv2, "preadv2"},
    {Ability::kNowait, "RWF_NOWAIT"},
    {Ability::kExecOfItself, "execve of /proc/self/exe"},
    {Ability::kExecveat, "execveat"},
    {Ability::kAio, "AIO"},
    {Ability::kAioRead, "AIO read"},
    {Ability::kAioPoll, "AIO poll"},
    {Ability::kIoUring, "io_uring"},
    {Ability::kUserfaultfd, "userfaultfd"},
    {Ability::kScmRights, "SCM_RIGHTS"},
    {Ability::kPidfd, "pidfd"},
    {Ability::kPidfdGetfd, "pidfd_getfd"},
    {Ability::kEpollPwait2, "epoll_pwait2"},
    {Ability::kMemoryGroup, "cgroup v1"},
    {Ability::kGrowingStack, "MAP_GROWSDOWN"},
    {Ability::kDevNull, "/dev/null"},
    {Ability::kDevZero, "/dev/zero"},
    {Ability::kThreadStorage, "thread-local storage after a signal"},
};

constexpr const AbilityInfo& InfoOf(Ability ability) {
    return kAbilities[static_cast<size_t>(ability)];
}

constexpr bool AbilitiesAreInOrder() {
    for (size_t i = 0; i < std::size(kAbilities); i++)
        if (kAbilities[i].ability != static_cast<Ability>(i)) return false;
    return true;
}
static_assert(AbilitiesAreInOrder());

/*
 * Asks for all of them, once, for tests that are forked later. Before any thread is started,
 * and by a program whose children nobody else waits for.
 */
void AskForAbilities();

/* From then on: this system may be any. */
bool MayBeNoLinux();

bool Has(Ability ability);

/* What the system says instead, "ENOSYS (38)" say; empty where it has the ability. */
const std::string& WhatIsSaid(Ability ability);

/* For a skip: "no preadv2 here: ENOSYS (38)"; empty where the system has it. */
std::string WhyNot(Ability ability);

/* Ends the test, as skipped, where the system has it not. */
void NeedAbility(Ability ability);

/*
 * Calls the probe in a process of its own. What it returns is what is wrong, or nothing; and
 * "late" where it has to be killed.
 */
std::string AskInAProcess(std::string (*probe)(), const std::string& late);

/* How a sleeper is proved asleep here: one line for people. */
std::string HowSleepIsProved();

} /* namespace suite */

#endif
