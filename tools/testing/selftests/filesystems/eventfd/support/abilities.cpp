// SPDX-License-Identifier: GPL-2.0
#include "support/abilities.h"

#include <fcntl.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <exception>

#include "support/descriptor.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/skip.h"
#include "support/syscall.h"

namespace suite {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/* A probe runs in a process that ends after it; it says what is wrong, or nothing. */
using Probe = std::string (*)();

/* Longer than any of them takes, on a machine that is emulated and busy. */
constexpr std::chrono::seconds kLimit = 3s;

std::string Error() { return ErrnoText(errno); }

int Counter(unsigned int initval) {
    return static_cast<int>(syscall(SYS_eventfd2, initval, 0));
}

std::string ProbeProc() {
    struct stat status;
    if (stat("/proc/self/fd", &status)) return "no /proc/self/fd";
    return ReadWholeFile("/proc/self/stat").empty() ? "no /proc/self/stat" : "";
}

std::string FdinfoText(int fd) {
    return ReadWholeFile("/proc/self/fdinfo/" + std::to_string(fd));
}

std::string ProbeFdinfo() {
    return FdinfoText(Counter(0)).empty() ? "there is no /proc/self/fdinfo" : "";
}

/* What the text says behind this key is nothing, or what it has to be. */
std::string ProbeKey(const std::string& key) {
    std::string text = "\n" + FdinfoText(Counter(42));
    return text.find("\n" + key + ":") == std::string::npos ? "/proc/self/fdinfo has no " + key
                                                            : "";
}

std::string ProbeFdinfoCount() { return ProbeKey("eventfd-count"); }
std::string ProbeFdinfoId() { return ProbeKey("eventfd-id"); }

/* A thread that sleeps in read(2), or one that never sleeps. */
struct Sleeper {
    int pipe[2];
    volatile bool spins = false;
    volatile pid_t tid = 0;
};

void* Sleep(void* argument) {
    auto* sleeper = static_cast<Sleeper*>(argument);
    char byte;
    sleeper->tid = static_cast<pid_t>(syscall(SYS_gettid));
    while (sleeper->spins)
        ;
    (void)!read(sleeper->pipe[0], &byte, 1);
    return nullptr;
}

/* Started; the process ends with it. */
pid_t StartSleeper(bool spins) {
    static Sleeper sleepers[2];
    Sleeper& sleeper = sleepers[spins];
    pthread_t thread;
    sleeper.spins = spins;
    if (pipe(sleeper.pipe) || pthread_create(&thread, nullptr, Sleep, &sleeper)) return 0;
    while (!sleeper.tid) sched_yield();
    return sleeper.tid;
}

std::string OfTask(pid_t tid, const char* file) {
    return ReadWholeFile("/proc/" + std::to_string(tid) + "/" + file);
}

char StateOf(pid_t tid) {
    std::string stat = OfTask(tid, "stat");
    size_t name_end = stat.rfind(')');
    return name_end == std::string::npos || name_end + 2 >= stat.size() ? '?'
                                                                        : stat[name_end + 2];
}

void LookAgain() {
    timespec pause = {0, 1000 * 1000};
    nanosleep(&pause, nullptr);
}

/* How often: until what is looked for is seen, or for a second. */
constexpr int kLooks = 500;

std::string ProbeTaskSyscall() {
    pid_t tid = StartSleeper(false);
    std::string text;
    for (int i = 0; i < kLooks; i++, LookAgain()) {
        text = OfTask(tid, "syscall");
        if (text.empty()) return "/proc/TID/syscall cannot be read";
        if (text.compare(0, 7, "running") && atol(text.c_str()) == SYS_read) return "";
    }
    if (!text.compare(0, 7, "running")) return "/proc/TID/syscall shows no sleeper asleep";
    return "/proc/TID/syscall shows read(2) as " + std::to_string(atol(text.c_str())) +
           ", and it is " + std::to_string(SYS_read);
}

std::string ProbeTaskState() {
    pid_t asleep = StartSleeper(false), awake = StartSleeper(true);
    int looks = 0;
    while (StateOf(asleep) != 'S' && ++looks < kLooks) LookAgain();
    char first = StateOf(asleep), second = StateOf(awake);
    if (first == '?') return "/proc/TID/stat cannot be read";
    if (first != 'S') return std::string("/proc/TID/stat shows a sleeper as ") + first;
    return second == 'R' ? "" : std::string("/proc/TID/stat shows who runs as ") + second;
}

std::string ProbeTaskSwitches() {
    const char* key = "\nvoluntary_ctxt_switches:";
    std::string status = OfTask(getpid(), "status");
    size_t at = status.find(key);
    if (at == std::string::npos) return "/proc/TID/status has no voluntary_ctxt_switches";
    unsigned long before = strtoul(status.c_str() + at + strlen(key), nullptr, 10);
    for (int i = 0; i < 5; i++) LookAgain();
    status = OfTask(getpid(), "status");
    at = status.find(key);
    unsigned long after =
        at == std::string::npos ? 0 : strtoul(status.c_str() + at + strlen(key), nullptr, 10);
    return after > before ? "" : "voluntary_ctxt_switches does not count";
}

/* By number, for libc does with preadv(2) what it can. */
long RawPreadv2(long number, int fd, const iovec* vector, int flags) {
    return syscall(number, fd, vector, 1L, -1L, -1L, flags);
}

std::string ProbePreadv2() {
    uint64_t value = 0;
    iovec vector = {&value, sizeof(value)};
    int efd = Counter(3);
    if (RawPreadv2(SYS_preadv2, efd, &vector, 0) != sizeof(value)) return Error();
    value = 1;
    return RawPreadv2(SYS_pwritev2, efd, &vector, 0) == sizeof(value) ? ""
                                                                      : "pwritev2: " + Error();
}

std::string ProbeNowait() {
    uint64_t value = 0;
    iovec vector = {&value, sizeof(value)};
    if (RawPreadv2(SYS_preadv2, Counter(3), &vector, RWF_NOWAIT) != sizeof(value))
        return Error();
    if (value != 3) return "of 3 it reads " + std::to_string(value);
    if (RawPreadv2(SYS_preadv2, Counter(0), &vector, RWF_NOWAIT) != -1) return "ignored";
    return errno == EAGAIN ? "" : Error();
}

/* Its status is the probe's: an emulator may know how to start this program, and yet not have
 * the kernel start it. */
std::string ProbeExecOfItself() {
    execl("/proc/self/exe", "eventfd_conformance", "--help", nullptr);
    return Error();
}

std::string ProbeExecveat() {
    char empty[] = "";
    char* none[] = {nullptr};
    int directory = open("/", O_RDONLY | O_DIRECTORY);
    /* A directory is nothing to execute. */
    syscall(SYS_execveat, directory, empty, none, none, AT_EMPTY_PATH);
    return errno == EACCES ? "" : Error();
}

int NewFile() { return static_cast<int>(syscall(SYS_memfd_create, "probe", 0)); }

/* Does one request; its result, or what is wrong. */
std::string Aio(iocb request, long expected) {
    aio_context_t context = 0;
    iocb* requests[] = {&request};
    io_event event = {};
    timespec limit = {1, 0};
    if (syscall(SYS_io_setup, 1, &context)) return Error();
    if (syscall(SYS_io_submit, context, 1L, requests) != 1) return Error();
    if (syscall(SYS_io_getevents, context, 1L, 1L, &event, &limit) != 1) return "no completion";
    if (event.res == expected) return "";
    return event.res < 0 ? ErrnoText(static_cast<int>(-event.res))
                         : "the result is " + std::to_string(event.res);
}

iocb Request(uint16_t opcode, int fd) {
    static char buffer[8];
    iocb request = {};
    request.aio_lio_opcode = opcode;
    request.aio_fildes = static_cast<uint32_t>(fd);
    request.aio_buf = reinterpret_cast<uintptr_t>(buffer);
    request.aio_nbytes = sizeof(buffer);
    return request;
}

std::string ProbeAio() {
    iocb request = Request(IOCB_CMD_PWRITE, NewFile());
    int efd = Counter(0);
    pollfd look = {efd, POLLIN, 0};
    request.aio_flags = IOCB_FLAG_RESFD;
    request.aio_resfd = static_cast<uint32_t>(efd);
    if (std::string wrong = Aio(request, 8); !wrong.empty()) return wrong;
    return poll(&look, 1, 1000) == 1 ? "" : "IOCB_FLAG_RESFD is ignored";
}

std::string ProbeAioRead() { return Aio(Request(IOCB_CMD_PREAD, Counter(3)), 8); }

std::string ProbeAioPoll() {
    iocb request = Request(IOCB_CMD_POLL, Counter(3));
    request.aio_buf = POLLIN;
    request.aio_nbytes = 0;
    return Aio(request, POLLIN);
}

std::string Uring(io_uring* ring, long expected) {
    io_uring_cqe* entry;
    __kernel_timespec limit = {1, 0};
    int result = io_uring_submit(ring);
    if (result < 0) return ErrnoText(-result);
    result = io_uring_wait_cqe_timeout(ring, &entry, &limit);
    if (result < 0) return ErrnoText(-result);
    result = entry->res;
    io_uring_cqe_seen(ring, entry);
    if (result == expected) return "";
    return result < 0 ? ErrnoText(-result) : "the result is " + std::to_string(result);
}

std::string ProbeIoUring() {
    io_uring ring;
    uint64_t value;
    int result = io_uring_queue_init(8, &ring, 0);
    if (result < 0) return ErrnoText(-result);
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    if (std::string wrong = Uring(&ring, 0); !wrong.empty()) return "NOP: " + wrong;
    io_uring_prep_poll_add(io_uring_get_sqe(&ring), Counter(3), POLLIN);
    if (std::string wrong = Uring(&ring, POLLIN); !wrong.empty()) return "POLL_ADD: " + wrong;
    io_uring_prep_read(io_uring_get_sqe(&ring), Counter(3), &value, sizeof(value), 0);
    if (std::string wrong = Uring(&ring, 8); !wrong.empty()) return "READ: " + wrong;
    return "";
}

std::string ProbeUserfaultfd() {
    int fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
    uffdio_api api = {UFFD_API, 0, 0};
    return fd < 0 || ioctl(fd, UFFDIO_API, &api) ? Error() : "";
}

std::string ProbeScmRights() {
    int ends[2], fd = Counter(3);
    char byte = 0;
    iovec vector = {&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &fd, sizeof(fd));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return Error();
    if (sendmsg(ends[0], &message, 0) != 1) return Error();
    message.msg_controllen = sizeof(control);
    if (recvmsg(ends[1], &message, 0) != 1) return Error();
    part = CMSG_FIRSTHDR(&message);
    return part && part->cmsg_type == SCM_RIGHTS ? "" : "the message comes without it";
}

std::string ProbePidfd() { return syscall(SYS_pidfd_open, getpid(), 0) < 0 ? Error() : ""; }

std::string ProbePidfdGetfd() {
    long process = syscall(SYS_pidfd_open, getpid(), 0);
    if (process < 0) return "pidfd_open: " + Error();
    return syscall(SYS_pidfd_getfd, process, Counter(3), 0) < 0 ? Error() : "";
}

std::string ProbeEpollPwait2() {
    epoll_event event;
    timespec none = {0, 0};
    return epoll_pwait2(epoll_create1(0), &event, 1, &none, nullptr) ? Error() : "";
}

std::string ProbeMemoryGroup() {
    char folder[] = "/tmp/eventfd-probe-XXXXXX";
    if (unshare(CLONE_NEWNS)) return "unshare: " + Error();
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) return "mount: " + Error();
    if (!mkdtemp(folder)) return "mkdtemp: " + Error();
    std::string why;
    if (mount("none", folder, "cgroup", 0, "memory"))
        why = "no memory controller of cgroup v1: " + Error();
    else
        umount2(folder, MNT_DETACH);
    rmdir(folder);
    return why;
}

/* For the kernel as for the program: what a read gives is as good a touch as any other. */
std::string ProbeGrowingStack() {
    GrowingStack stack;
    *static_cast<volatile char*>(stack.lowest() - 8) = 1;
    GrowingStack another;
    int ends[2];
    if (pipe(ends) || write(ends[1], "", 1) != 1) return Error();
    return read(ends[0], another.lowest() - 8, 1) == 1 ? "" : Error();
}

std::string ProbeDevice(const char* path) {
    struct stat status;
    if (stat(path, &status)) return Error();
    if (!S_ISCHR(status.st_mode)) return "it is no device";
    return open(path, O_RDWR) < 0 ? Error() : "";
}

std::string ProbeDevNull() { return ProbeDevice("/dev/null"); }
std::string ProbeDevZero() { return ProbeDevice("/dev/zero"); }

/* A thread that is not the last one made handles a signal in read(2): errno is its own then. */
struct Signalled {
    int ends[2];
    std::atomic<pid_t> tid{0};
    std::atomic<int> mine{0};
};

thread_local volatile int of_this_thread = 0;

void* BeSignalled(void* argument) {
    auto* signalled = static_cast<Signalled*>(argument);
    char byte;
    of_this_thread = 1;
    signalled->tid = static_cast<pid_t>(syscall(SYS_gettid));
    (void)!read(signalled->ends[0], &byte, 1);
    signalled->mine = of_this_thread ? 1 : -1;
    return nullptr;
}

std::string ProbeThreadStorage() {
    static Signalled signalled;
    pthread_t thread;
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    if (sigaction(SIGUSR1, &action, nullptr) || pipe(signalled.ends)) return Error();
    if (pthread_create(&thread, nullptr, BeSignalled, &signalled)) return "no threads";
    while (!signalled.tid) sched_yield();
    if (!StartSleeper(false)) return "no threads";
    for (int i = 0; i < kLooks && !signalled.mine; i++) {
        syscall(SYS_tgkill, getpid(), signalled.tid.load(), SIGUSR1);
        LookAgain();
    }
    if (!signalled.mine) return "a signal ends no read(2) of a thread";
    return signalled.mine > 0 ? "" : "it is that of the thread made last";
}

constexpr Probe kProbes[] = {
    ProbeProc,        ProbeFdinfo,       ProbeFdinfoCount, ProbeFdinfoId,   ProbeTaskSyscall,
    ProbeTaskState,   ProbeTaskSwitches, ProbePreadv2,     ProbeNowait,     ProbeExecOfItself,
    ProbeExecveat,    ProbeAio,          ProbeAioRead,     ProbeAioPoll,    ProbeIoUring,
    ProbeUserfaultfd, ProbeScmRights,    ProbePidfd,       ProbePidfdGetfd, ProbeEpollPwait2,
    ProbeMemoryGroup, ProbeGrowingStack, ProbeDevNull,     ProbeDevZero,    ProbeThreadStorage,
};
static_assert(std::size(kProbes) == std::size(kAbilities));

/* What is wrong with each; only after somebody asked. */
bool asked = false;
std::string& Answer(size_t index) {
    static std::string answers[std::size(kAbilities)];
    return answers[index];
}

} /* namespace */

std::string AskInAProcess(std::string (*probe)(), const std::string& late) {
    int answer[2];
    if (pipe(answer)) return "pipe: " + Error();
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) return "fork: " + Error();
    if (!child) {
        /* What GoogleTest prints of a probe that fails is nobody's. */
        int nobody[2];
        setpgid(0, 0);
        if (!pipe(nobody))
            for (int output : {STDOUT_FILENO, STDERR_FILENO}) dup2(nobody[1], output);
        errno = 0;
        std::string wrong;
        try {
            wrong = probe();
        } catch (const std::exception& error) {
            /* The line of ours that an assertion is in comes before what it says. */
            wrong = error.what();
            wrong.erase(0, wrong.rfind('\n') + 1);
        }
        (void)!write(answer[1], wrong.data(), wrong.size());
        _exit(wrong.empty() ? 0 : 1);
    }
    close(answer[1]);
    Clock::time_point deadline = Clock::now() + kLimit;
    int status = 0;
    bool ended = false;
    while (!(ended = waitpid(child, &status, WNOHANG) != 0) && Clock::now() < deadline) {
        timespec pause = {0, 500 * 1000};
        nanosleep(&pause, nullptr);
    }
    std::string text;
    if (!ended) {
        kill(child, SIGKILL);
        /* It may be one that nothing kills. */
        for (int i = 0; i < 1000 && !waitpid(child, &status, WNOHANG); i++) LookAgain();
        text = late;
    } else if (WIFSIGNALED(status)) {
        text = "killed by " + SignalText(WTERMSIG(status));
    } else if (status) {
        char buffer[300];
        ssize_t length = read(answer[0], buffer, sizeof(buffer));
        text.assign(buffer, length > 0 ? static_cast<size_t>(length) : 0);
        if (text.empty()) text = "it fails";
    }
    close(answer[0]);
    return text;
}

void AskForAbilities() {
    for (size_t i = 0; i < std::size(kAbilities); i++) {
        /* A read that sleeps where RWF_NOWAIT said not to: that is what "ignored" means. */
        bool nowait = kAbilities[i].ability == Ability::kNowait;
        Answer(i) = AskInAProcess(kProbes[i], nowait ? "ignored" : "it does not return");
    }
    asked = true;
}

bool MayBeNoLinux() { return asked; }

const std::string& WhatIsSaid(Ability ability) { return Answer(static_cast<size_t>(ability)); }

bool Has(Ability ability) { return WhatIsSaid(ability).empty(); }

std::string WhyNot(Ability ability) {
    const std::string& said = WhatIsSaid(ability);
    return said.empty() ? "" : std::string("no ") + InfoOf(ability).name + " here: " + said;
}

void NeedAbility(Ability ability) {
    if (!Has(ability)) SkipTest(WhyNot(ability));
}

std::string HowSleepIsProved() {
    if (Has(Ability::kTaskSyscall)) return "/proc/TID/syscall says so";
    if (Has(Ability::kTaskState))
        return Has(Ability::kTaskSwitches)
                   ? "/proc/TID/stat says so, and its count of context switches stands still"
                   : "/proc/TID/stat says so, look after look";
    return "it has not returned over many rounds of the scheduler, which is no proof";
}

} /* namespace suite */
