// SPDX-License-Identifier: GPL-2.0
// An eventfd as a file: what all the other calls say of it, and what it is in /proc.
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include <string>
#include <vector>

#include "support/abilities.h"
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

using testing::AnyOf;
using testing::Each;

std::string ProcPath(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

FileDescriptor Open(const std::string& path, int flags, Where where = Where::current()) {
    return FileDescriptor(static_cast<int>(Must(SYSCALL(open, path.c_str(), flags), where)));
}

/* A regular file with something in it, at its start. */
FileDescriptor NewRegularFile(Where where = Where::current()) {
    FileDescriptor file(
        static_cast<int>(Must(SYSCALL(memfd_create, "file", MFD_CLOEXEC), where)));
    Must(SYSCALL(write, file, "some text", 9), where);
    Must(SYSCALL(lseek, file, off_t{0}, SEEK_SET), where);
    return file;
}

bool KernelIsAtLeast(int major, int minor) {
    utsname name;
    int its_major = 0, its_minor = 0;
    if (uname(&name) || sscanf(name.release, "%d.%d", &its_major, &its_minor) != 2)
        return false;
    return std::make_pair(its_major, its_minor) >= std::make_pair(major, minor);
}

TEST(Seek, AnywhereReturnsZeroAndMovesNothing) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    for (int whence : {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE})
        for (off_t offset : {off_t{0}, off_t{16}, off_t{-1}}) {
            EXPECT_THAT(SYSCALL(lseek, efd, offset, whence), SyscallSucceedsWithValue(0));
            EXPECT_EQ(Fdinfo(efd).Value("pos"), "0");
        }
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Seek, FromAnUnknownPlaceIsEinval) {
    FileDescriptor efd = NewEventfd();
    for (int whence : {-1, SEEK_HOLE + 1, 99})
        EXPECT_THAT(SYSCALL(lseek, efd, off_t{0}, whence), SyscallFailsWithErrno(EINVAL));
}

/* mmap(2) as a call like others: it returns -1 in the form of a pointer. */
SyscallResult Map(int fd, int protection, int flags) {
    errno = 0;
    void* address = mmap(nullptr, PageSize(), protection, flags, fd, 0);
    int error = address == MAP_FAILED ? errno : 0;
    if (!error) munmap(address, PageSize());
    return {error ? -1 : 0, error,
            "mmap(" + std::to_string(fd) + ", " + std::to_string(protection) + ", " +
                std::to_string(flags) + ")"};
}

TEST(Mmap, IsEnodevSharedAndPrivate) {
    FileDescriptor efd = NewEventfd(4);
    for (int flags : {MAP_SHARED, MAP_PRIVATE})
        for (int protection : {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE})
            EXPECT_THAT(Map(efd, protection, flags), SyscallFailsWithErrno(ENODEV));
}

/* PIDFD_GET_INFO, where the headers do not have it: of what it fills in, 64 bytes are enough.
 */
struct PidfdInfo {
    uint64_t words[8];
};
constexpr unsigned long kPidfdGetInfo = _IOWR(0xff, 11, PidfdInfo);

TEST(Ioctl, OfOtherKindsOfFileIsEnotty) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    union {
        int on = 1;
        char room[256];
        PidfdInfo info;
    } argument;
    for (unsigned long request :
         {static_cast<unsigned long>(FIONREAD), static_cast<unsigned long>(TCGETS),
          static_cast<unsigned long>(TIOCGWINSZ), static_cast<unsigned long>(FIOQSIZE),
          static_cast<unsigned long>(FIOASYNC), kPidfdGetInfo, 0UL, 0xdeadbeefUL})
        EXPECT_THAT(SYSCALL(ioctl, efd, request, &argument), SyscallFailsWithErrno(ENOTTY));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Ioctl, FionbioSetsAndClearsNonblock) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    int on = 1, off = 0;
    EXPECT_THAT(SYSCALL(ioctl, efd, FIONBIO, &on), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR | O_NONBLOCK);
    EXPECT_THAT(Read(efd, &value), SyscallFailsWithErrno(EAGAIN));
    EXPECT_THAT(SYSCALL(ioctl, efd, FIONBIO, &off), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR);
}

TEST(Ioctl, FioclexSetsAndFionclexClearsCloexec) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(SYSCALL(ioctl, efd, FIOCLEX), SyscallSucceedsWithValue(0));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(FD_CLOEXEC));
    EXPECT_THAT(SYSCALL(ioctl, efd, FIONCLEX), SyscallSucceedsWithValue(0));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETFD), SyscallSucceedsWithValue(0));
}

TEST(Ioctl, CloningToOrFromARegularFileFails) {
    constexpr unsigned long kFiclone = _IOW(0x94, 9, int);
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    FileDescriptor file = NewRegularFile();
    auto fails = SyscallFailsWithErrno(AnyOf(EINVAL, EXDEV, EBADF, EOPNOTSUPP));
    SyscallResult of_files = SYSCALL(ioctl, file, kFiclone, NewRegularFile().get());
    SKIP_UNLESS(!MayBeNoLinux() || of_files.error != ENOTTY, "no FICLONE here: " << of_files);
    EXPECT_THAT(SYSCALL(ioctl, efd, kFiclone, file.get()), fails);
    EXPECT_THAT(SYSCALL(ioctl, file, kFiclone, efd.get()), fails);
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Storage, ThereIsNoneToSyncCutOrReserve) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    EXPECT_THAT(SYSCALL(fsync, efd), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(fdatasync, efd), SyscallFailsWithErrno(EINVAL));
    for (off_t length : {off_t{0}, off_t{8}})
        EXPECT_THAT(SYSCALL(ftruncate, efd, length), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(fallocate, efd, 0, off_t{0}, off_t{8}), SyscallFailsWithErrno(ENODEV));
    EXPECT_THAT(SYSCALL(sync_file_range, efd, off_t{0}, off_t{8}, 0u),
                SyscallFailsWithErrno(ESPIPE));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Storage, NoneCanBeReserved) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    for (off_t length : {off_t{1}, off_t{8}, off_t{4096}})
        EXPECT_THAT(SYSCALL(fallocate, efd, 0, off_t{0}, length),
                    SyscallFailsWithErrno(ENODEV));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Storage, ThereIsNoneToReadAheadOrToCache) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    EXPECT_THAT(SYSCALL(readahead, efd, off_t{0}, 4096), SyscallFailsWithErrno(EINVAL));
    /* This one returns its error. */
    for (int advice : {POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                       POSIX_FADV_NOREUSE, POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED})
        EXPECT_EQ(posix_fadvise(efd, 0, 0, advice), 0) << advice;
    EXPECT_EQ(posix_fadvise(efd, 0, 0, 99), EINVAL);
    EXPECT_EQ(Drain(efd), 4u);
}

/* By number: the headers may be older than the call. */
TEST(Storage, CachestatSaysThatNothingIsCached) {
    constexpr long kCachestat = 451;
    FileDescriptor efd = NewEventfd(4);
    uint64_t range[2] = {0, 0}; /* all of it */
    uint64_t pages[5] = {9, 9, 9, 9, 9};
    SyscallResult result = SYSCALL(syscall, kCachestat, efd, &range[0], &pages[0], 0u);
    SKIP_UNLESS(result.error != ENOSYS, "this kernel has no cachestat(2)");
    EXPECT_THAT(result, SyscallSucceedsWithValue(0));
    EXPECT_THAT(pages, Each(0));
}

/* What data can be moved to and from otherwise; empty where it cannot. */
struct Partner {
    std::string name;
    FileDescriptor readable;
    FileDescriptor writable;
};

std::vector<Partner> Partners() {
    std::vector<Partner> partners;
    auto add = [&](std::string name, FileDescriptor readable, FileDescriptor writable) {
        partners.push_back({std::move(name), std::move(readable), std::move(writable)});
    };
    auto add_one = [&](std::string name, FileDescriptor file) {
        FileDescriptor dup = Dup(file);
        add(std::move(name), std::move(file), std::move(dup));
    };

    Pipe pipe = NewPipe();
    Must(SYSCALL(write, pipe.write_end, "12345678", 8));
    add("pipe", std::move(pipe.read_end), std::move(pipe.write_end));
    SocketPair sockets = NewSocketPair();
    Must(SYSCALL(write, sockets.sender, "12345678", 8));
    add("socket", std::move(sockets.receiver), std::move(sockets.sender));
    add_one("regular file", NewRegularFile());
    add_one("eventfd", NewEventfd(5));
    add_one("epoll", NewEpoll());
    if (Has(Ability::kDevNull)) add_one("/dev/null", Open("/dev/null", O_RDWR | O_CLOEXEC));
    if (Has(Ability::kDevZero)) add_one("/dev/zero", Open("/dev/zero", O_RDWR | O_CLOEXEC));
    if (Has(Ability::kProc))
        add("/proc/self/stat", Open("/proc/self/stat", O_RDONLY | O_CLOEXEC), {});
    add("directory", Open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), {});
    if (!Has(Ability::kPidfd)) return partners;
    add("pidfd",
        FileDescriptor(static_cast<int>(Must(SYSCALL(syscall, SYS_pidfd_open, getpid(), 0)))),
        {});
    return partners;
}

TEST(Splice, ToAndFromAnyOtherFileIsEinval) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    for (int flags : {0, int{EFD_NONBLOCK}}) {
        FileDescriptor efd = NewEventfd(4, flags);
        for (const Partner& partner : Partners()) {
            if (partner.readable.get() >= 0) {
                EXPECT_THAT(SYSCALL(splice, partner.readable, nullptr, efd, nullptr, 8, 0u),
                            SyscallFailsWithErrno(EINVAL))
                    << "from " << partner.name;
            }
            if (partner.writable.get() >= 0) {
                EXPECT_THAT(SYSCALL(splice, efd, nullptr, partner.writable, nullptr, 8, 0u),
                            SyscallFailsWithErrno(EINVAL))
                    << "to " << partner.name;
            }
        }
        EXPECT_EQ(Drain(efd), 4u);
    }
}

TEST(Splice, NeitherDoItsKinMoveAnything) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    FileDescriptor file = NewRegularFile();
    Pipe pipe = NewPipe();
    Must(SYSCALL(write, pipe.write_end, "12345678", 8));
    EXPECT_THAT(SYSCALL(sendfile, efd, file, nullptr, 8), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(sendfile, file, efd, nullptr, 8), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(copy_file_range, efd, nullptr, file, nullptr, 8, 0u),
                SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(copy_file_range, file, nullptr, efd, nullptr, 8, 0u),
                SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(tee, efd, pipe.write_end, 8, 0u), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(tee, pipe.read_end, efd, 8, 0u), SyscallFailsWithErrno(EINVAL));
    uint64_t value = 1;
    iovec vector = {&value, sizeof(value)};
    EXPECT_THAT(SYSCALL(vmsplice, efd, &vector, 1, 0u), SyscallFailsWithErrno(EBADF));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Setfl, OfAsyncIsIgnored) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, O_ASYNC), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR);
}

TEST(Setfl, OfDirectIsEinval) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, O_DIRECT), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR);
}

TEST(Setfl, OfAppendIsKeptAndChangesNothing) {
    FileDescriptor efd = NewEventfd(3);
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, O_APPEND), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR | O_APPEND);
    EXPECT_THAT(Write(efd, 4), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 7u);
}

TEST(Setfl, CannotChangeHowItIsOpen) {
    FileDescriptor efd = NewEventfd(3);
    for (int mode : {O_RDONLY, O_WRONLY})
        EXPECT_THAT(SYSCALL(fcntl, efd, F_SETFL, mode), SyscallSucceedsWithValue(0));
    EXPECT_EQ(Must(SYSCALL(fcntl, efd, F_GETFL)), O_RDWR);
    EXPECT_THAT(Write(efd, 4), SyscallSucceedsWithValue(8));
    EXPECT_EQ(Drain(efd), 7u);
}

TEST(Fcntl, OfOtherKindsOfFileFails) {
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETPIPE_SZ), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_SETPIPE_SZ, 4096), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GET_SEALS), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(fcntl, efd, F_ADD_SEALS, F_SEAL_WRITE), SyscallFailsWithErrno(EINVAL));
    /* EINVAL where the kernel has no F_NOTIFY at all. */
    EXPECT_THAT(SYSCALL(fcntl, efd, F_NOTIFY, DN_MODIFY),
                SyscallFailsWithErrno(AnyOf(ENOTDIR, EINVAL)));
}

TEST(Fcntl, ThereIsNoLeaseToBeHad) {
    FileDescriptor efd = NewEventfd();
    /* Its inode is root's, and others are told that first. */
    int expected = geteuid() ? EACCES : EINVAL;
    for (int type : {F_RDLCK, F_WRLCK})
        EXPECT_THAT(SYSCALL(fcntl, efd, F_SETLEASE, type), SyscallFailsWithErrno(expected));
    FileDescriptor file = NewRegularFile();
    SyscallResult of_file = SYSCALL(fcntl, file, F_GETLEASE);
    SKIP_UNLESS(!MayBeNoLinux() || of_file.ok(), "no leases here: " << of_file);
    EXPECT_THAT(SYSCALL(fcntl, efd, F_GETLEASE), SyscallSucceedsWithValue(F_UNLCK));
}

/* Locks go by the inode, which all eventfds share: each process has bytes of its own. */
struct flock LockOf(short type) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = off_t{16} * getpid();
    lock.l_len = 1;
    return lock;
}

TEST(Locks, OfRecordsAreTakenAndGivenBack) {
    FileDescriptor efd = NewEventfd();
    for (int command : {F_SETLK, F_OFD_SETLK})
        for (short type : {short{F_WRLCK}, short{F_RDLCK}, short{F_UNLCK}}) {
            struct flock lock = LockOf(type);
            EXPECT_THAT(SYSCALL(fcntl, efd, command, &lock), SyscallSucceedsWithValue(0));
        }
}

TEST(Locks, OfTheWholeFileAreTakenAndGivenBack) {
    FileDescriptor efd = NewEventfd();
    for (int operation : {LOCK_SH | LOCK_NB, int{LOCK_UN}})
        EXPECT_THAT(SYSCALL(flock, efd, operation), SyscallSucceedsWithValue(0));
}

TEST(Locks, OfOneEventfdAreThoseOfEveryOther) {
    FileDescriptor mine = NewEventfd();
    FileDescriptor theirs = NewEventfd();
    struct flock lock = LockOf(F_WRLCK);
    EXPECT_THAT(SYSCALL(fcntl, mine, F_SETLK, &lock), SyscallSucceedsWithValue(0));
    ChildProcess child([&] {
        struct flock same = lock;
        EXPECT_THAT(SYSCALL(fcntl, theirs, F_SETLK, &same),
                    SyscallFailsWithErrno(AnyOf(EAGAIN, EACCES)));
        same.l_start++;
        EXPECT_THAT(SYSCALL(fcntl, theirs, F_SETLK, &same), SyscallSucceedsWithValue(0));
    });
    child.ExpectSuccess();
}

TEST(WrongKind, OfADirectoryIsEnotdir) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    char room[256];
    struct stat status;
    EXPECT_THAT(RAW_SYSCALL(getdents64, efd, &room[0], sizeof(room)),
                SyscallFailsWithErrno(ENOTDIR));
    EXPECT_THAT(SYSCALL(fchdir, efd), SyscallFailsWithErrno(ENOTDIR));
    EXPECT_THAT(SYSCALL(openat, efd, "name", O_RDONLY), SyscallFailsWithErrno(ENOTDIR));
    EXPECT_THAT(SYSCALL(fstatat, efd, "name", &status, 0), SyscallFailsWithErrno(ENOTDIR));
    EXPECT_THAT(SYSCALL(unlinkat, efd, "name", 0), SyscallFailsWithErrno(ENOTDIR));
    EXPECT_EQ(Drain(efd), 4u);
}

/* By number: the calls came with 6.17, and headers may be older. */
TEST(WrongKind, OfADirectoryWithFileAttributesIsEnotdir) {
    constexpr long kCalls[] = {468, 469}; /* file_getattr, file_setattr */
    FileDescriptor efd = NewEventfd();
    uint64_t attributes[3] = {};
    for (long call : kCalls) {
        SyscallResult probe =
            SYSCALL(syscall, call, AT_FDCWD, "", &attributes[0], sizeof(attributes), 0u);
        EXPECT_THAT(SYSCALL(syscall, call, efd, "name", &attributes[0], sizeof(attributes), 0u),
                    SyscallFailsWithErrno(probe.error == ENOSYS ? ENOSYS : ENOTDIR));
    }
}

TEST(WrongKind, OfASocketIsEnotsock) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    sockaddr_storage room = {};
    sockaddr* address = reinterpret_cast<sockaddr*>(&room);
    socklen_t length = sizeof(room);
    char byte = 0;
    room.ss_family = AF_UNIX;
    EXPECT_THAT(SYSCALL(accept, efd, nullptr, nullptr), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(connect, efd, address, 8u), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(bind, efd, address, 8u), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(listen, efd, 1), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(getsockname, efd, address, &length), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(shutdown, efd, SHUT_RDWR), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(send, efd, &byte, 1, 0), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_THAT(SYSCALL(recv, efd, &byte, 1, 0), SyscallFailsWithErrno(ENOTSOCK));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(WrongKind, OfAnEpollIsEinval) {
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    FileDescriptor other = NewEventfd();
    epoll_event event = {};
    for (int operation : {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL})
        EXPECT_THAT(EpollControl(efd, operation, other, EPOLLIN),
                    SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(SYSCALL(epoll_wait, efd, &event, 1, 0), SyscallFailsWithErrno(EINVAL));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(WrongKind, OfAProgramIsEacces) {
    FileDescriptor efd = NewEventfd();
    char* empty[] = {nullptr};
    NeedAbility(Ability::kExecveat);
    EXPECT_THAT(RAW_SYSCALL(execveat, efd, "", &empty[0], &empty[0], AT_EMPTY_PATH),
                SyscallFailsWithErrno(EACCES));
}

TEST(Inode, HasNoHandle) {
    FileDescriptor efd = NewEventfd();
    char room[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
    file_handle* handle = reinterpret_cast<file_handle*>(room);
    int mount = 0;
    handle->handle_bytes = MAX_HANDLE_SZ;
    EXPECT_THAT(SYSCALL(name_to_handle_at, efd, "", handle, &mount, AT_EMPTY_PATH),
                SyscallFailsWithErrno(EOPNOTSUPP));
}

TEST(Inode, HasNoExtendedAttributes) {
    FileDescriptor efd = NewEventfd();
    char room[16];
    EXPECT_THAT(SYSCALL(fsetxattr, efd, "user.name", "1", 1, 0), SyscallFailsWithErrno(EPERM));
    EXPECT_THAT(SYSCALL(fgetxattr, efd, "user.name", &room[0], sizeof(room)),
                SyscallFailsWithErrno(ENODATA));
}

/*
 * Before 6.16 these change the one inode that all anonymous files share. What is set here is
 * what it has anyway.
 */
TEST(Inode, CannotBeChangedSince616) {
    FileDescriptor efd = NewEventfd();
    timespec leave[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    const SyscallResult results[] = {
        SYSCALL(fchmod, efd, 0600u),
        SYSCALL(fchown, efd, static_cast<uid_t>(geteuid()), static_cast<gid_t>(-1)),
        SYSCALL(futimens, efd, &leave[0]),
    };
    for (const SyscallResult& result : results) {
        if (KernelIsAtLeast(6, 16))
            EXPECT_THAT(result, SyscallFailsWithErrno(EOPNOTSUPP));
        else if (geteuid())
            EXPECT_THAT(result, SyscallFailsWithErrno(AnyOf(EPERM, EACCES, EOPNOTSUPP)));
        else
            EXPECT_THAT(result, SyscallSucceedsWithValue(0));
    }
}

TEST(Inode, IsOneForAllWithoutTypeOrSize) {
    FileDescriptor efd = NewEventfd(4);
    FileDescriptor other = NewEventfd(0, EFD_SEMAPHORE);
    struct stat status = {}, others = {};
    EXPECT_THAT(SYSCALL(fstat, efd, &status), SyscallSucceedsWithValue(0));
    EXPECT_THAT(SYSCALL(fstat, other, &others), SyscallSucceedsWithValue(0));
    EXPECT_EQ(status.st_mode, 0600u);
    EXPECT_EQ(status.st_size, 0);
    EXPECT_EQ(status.st_blocks, 0);
    EXPECT_EQ(status.st_nlink, 1u);
    EXPECT_EQ(status.st_ino, others.st_ino);
    EXPECT_EQ(status.st_dev, others.st_dev);
    EXPECT_EQ(std::stoull(Fdinfo(efd).Value("ino")), status.st_ino);
}

TEST(Inode, IsInTheFileSystemOfAnonymousOnes) {
    FileDescriptor efd = NewEventfd();
    struct statfs status = {};
    EXPECT_THAT(SYSCALL(fstatfs, efd, &status), SyscallSucceedsWithValue(0));
    EXPECT_EQ(static_cast<unsigned long>(status.f_type), 0x09041934ul);
}

TEST(Proc, ListsItAndNamesItsKind) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    FileDescriptor efd = NewEventfd();
    DIR* directory = opendir("/proc/self/fd");
    ASSERT_NE(directory, nullptr);
    int found = 0;
    while (dirent* entry = readdir(directory)) found += entry->d_name == std::to_string(efd);
    closedir(directory);
    EXPECT_EQ(found, 1);
    char link[64] = {};
    EXPECT_THAT(SYSCALL(readlink, ProcPath(efd).c_str(), &link[0], sizeof(link)),
                SyscallSucceedsWithValue(20));
    EXPECT_STREQ(link, "anon_inode:[eventfd]");
}

TEST(Proc, OpeningItAgainIsEnxio) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    FileDescriptor efd = NewEventfd(4);
    std::string path = ProcPath(efd);
    for (int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_NONBLOCK})
        EXPECT_THAT(
            SYSCALL(open, path.c_str(), flags | O_CLOEXEC),
            SyscallFailsWithErrno(geteuid() ? AnyOf(ENXIO, EACCES) : AnyOf(ENXIO, ENXIO)));
    EXPECT_THAT(SYSCALL(open, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                SyscallFailsWithErrno(ENOTDIR));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Proc, OpeningItAsADirectoryIsEnotdir) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    FileDescriptor efd = NewEventfd(4);
    std::string path = ProcPath(efd);
    EXPECT_THAT(SYSCALL(open, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                SyscallFailsWithErrno(ENOTDIR));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(Proc, NothingCanBeMountedOnIt) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    FileDescriptor efd = NewEventfd(4);
    std::string path = ProcPath(efd);
    SyscallResult result = SYSCALL(mount, "none", path.c_str(), "tmpfs", 0ul, nullptr);
    SKIP_UNLESS(result.error != EPERM, "only root may try to mount");
    EXPECT_THAT(result, SyscallFailsWithErrno(AnyOf(EINVAL, ENOENT)));
    EXPECT_EQ(Drain(efd), 4u);
}

TEST(PathDescriptor, NamesItAndDoesNothingElse) {
    SKIP_UNLESS(!access("/proc/self/fd", X_OK), "there is no /proc/self/fd");
    FileDescriptor efd = NewEventfd(4, EFD_NONBLOCK);
    FileDescriptor path = Open(ProcPath(efd), O_PATH | O_CLOEXEC);
    FileDescriptor epoll = NewEpoll();
    uint64_t value = 1;
    struct stat status = {}, its = {};
    EXPECT_THAT(Read(path, &value), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(Write(path, value), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(Poll(path, POLLIN | POLLOUT), Revents(POLLNVAL));
    EXPECT_THAT(EpollControl(epoll, EPOLL_CTL_ADD, path, EPOLLIN),
                SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(SYSCALL(ioctl, path, FIONBIO, &value), SyscallFailsWithErrno(EBADF));
    Must(SYSCALL(fstat, efd, &status));
    EXPECT_THAT(SYSCALL(fstat, path, &its), SyscallSucceedsWithValue(0));
    EXPECT_EQ(status.st_ino, its.st_ino);
    EXPECT_EQ(Drain(efd), 4u);
}

} /* namespace */
} /* namespace suite */
