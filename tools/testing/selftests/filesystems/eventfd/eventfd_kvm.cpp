// SPDX-License-Identifier: GPL-2.0
// KVM and eventfds: irqfd, which takes what is written to one, inside of the write, and
// ioeventfd, which signals one for a guest.
#include "support/attributes.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/kvm.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"

#ifdef EVENTFD_HAS_KVM

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint32_t kDeassign = KVM_IRQFD_FLAG_DEASSIGN;
constexpr uint32_t kResample = KVM_IRQFD_FLAG_RESAMPLE;

/* A virtual machine with interrupt controllers, and without a guest unless a test makes one. */
class Irqfd : public testing::Test {
  protected:
    void SetUp() override {
        machine_ = std::make_unique<KvmMachine>(KvmMachine::kWith);
        SKIP_IF_REFUSED(*machine_);
    }

    /* A guest that waits for interrupts. */
    std::unique_ptr<KvmGuest> StartGuest(Where where = Where::current()) {
        CalledFrom test(where);
        auto guest =
            std::make_unique<KvmGuest>(machine_.get(), KvmGuest::kTakesInterrupts, where);
        EXPECT_EQ(guest->Run(where), uint32_t{KVM_EXIT_IO});
        EXPECT_EQ(guest->port(), KvmGuest::kReadyPort);
        return guest;
    }

    /* Sleeps until the guest has had an interrupt. */
    void ExpectInterrupt(KvmGuest* guest, Where where = Where::current()) {
        CalledFrom test(where);
        EXPECT_EQ(guest->Run(where), uint32_t{KVM_EXIT_IO});
        EXPECT_EQ(guest->port(), KvmMachine::kPort);
    }

    std::unique_ptr<KvmMachine> machine_;
};

TEST_F(Irqfd, LooksAtAPendingCountAndLeavesIt) {
    FileDescriptor efd = NewEventfd(3);
    Must(machine_->Irqfd(efd));
    EXPECT_EQ(EventfdCount(efd), 3u);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLOUT));
}

TEST_F(Irqfd, TakesAWriteAndWhatWasThereBefore) {
    FileDescriptor efd = NewEventfd(3);
    Must(machine_->Irqfd(efd));
    for (int i = 0; i < 3; i++) {
        EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8));
        EXPECT_EQ(EventfdCount(efd), 0u);
        EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLOUT));
    }
}

TEST_F(Irqfd, TakesOneOfASemaphore) {
    FileDescriptor efd = NewEventfd(3, EFD_SEMAPHORE);
    Must(machine_->Irqfd(efd));
    Must(Write(efd, 5));
    EXPECT_EQ(EventfdCount(efd), 7u);
    Must(Write(efd, 1));
    EXPECT_EQ(EventfdCount(efd), 7u);
}

TEST_F(Irqfd, TakesAWriteBeforeABlockedReaderCan) {
    FileDescriptor efd = NewEventfd();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    Must(machine_->Irqfd(efd));
    Must(Write(efd, 5));
    reader.ExpectStillBlockedIn(SYS_read);
    Must(machine_->Irqfd(efd, kDeassign));
    Must(Write(efd, 6));
    reader.Join();
    EXPECT_EQ(value, 6u);
}

TEST_F(Irqfd, TakesAWriteThatHadToWait) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Must(machine_->Irqfd(efd));
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    EXPECT_EQ(Drain(efd), kFull);
    writer.Join();
    EXPECT_EQ(EventfdCount(efd), 0u);
}

/* The write of zero fits, and is the machine's to take, with all that is in the way. */
TEST_F_WITH(Irqfd, TakesAWriteAndLetsOneThatHadToWaitGoOn, Needs(Change::kIrqfdWakesWriters)) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Must(machine_->Irqfd(efd));
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    Must(Write(efd, 0));
    bool went_on = Reaches([&] { return long{writer.finished()}; }, 1, {&writer}, SYS_write);
    EXPECT_TRUE(went_on) << "a writer sleeps with a count of " << EventfdCount(efd);
    EXPECT_EQ(EventfdCount(efd), 0u);
    if (!went_on) {
        Must(machine_->Irqfd(efd, kDeassign));
        Must(Write(efd, 1));
    }
}

TEST_F(Irqfd, DeassigningTakesTheCount) {
    FileDescriptor efd = NewEventfd(3);
    FileDescriptor semaphore = NewEventfd(8, EFD_SEMAPHORE);
    Must(machine_->Irqfd(efd));
    Must(machine_->Irqfd(semaphore));
    EXPECT_THAT(machine_->Irqfd(efd, kDeassign), SyscallSucceedsWithValue(0));
    EXPECT_THAT(machine_->Irqfd(semaphore, kDeassign), SyscallSucceedsWithValue(0));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_EQ(EventfdCount(semaphore), 7u);
    Must(Write(efd, 4));
    Must(Write(semaphore, 4));
    EXPECT_EQ(EventfdCount(efd), 4u);
    EXPECT_EQ(EventfdCount(semaphore), 11u);
}

TEST_F(Irqfd, DeassigningLetsABlockedWriterGoOn) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Must(machine_->Irqfd(efd));
    ScopedThread writer([&] { EXPECT_THAT(Write(efd, 5), SyscallSucceedsWithValue(8)); });
    writer.WaitUntilBlockedIn(SYS_write);
    Must(machine_->Irqfd(efd, kDeassign));
    bool went_on = Reaches([&] { return long{writer.finished()}; }, 1, {&writer}, SYS_write);
    EXPECT_TRUE(went_on) << "a writer sleeps with a count of " << EventfdCount(efd);
    if (!went_on) {
        Must(Write(efd, 1));
        Drain(efd);
    }
    writer.Join();
    EXPECT_EQ(Drain(efd), 5u);
}

TEST_F(Irqfd, DeassigningIsAnEventForOutput) {
    FileDescriptor efd = NewEventfdAt(kFull);
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, efd, EPOLLOUT | EPOLLET);
    Must(machine_->Irqfd(efd));
    EXPECT_THAT(EpollWait(epoll), IsEmpty());
    Must(machine_->Irqfd(efd, kDeassign));
    EXPECT_THAT(EpollWait(epoll), ElementsAre(Event(efd, EPOLLOUT)));
}

TEST_F(Irqfd, OfOneEventfdTwiceIsEbusy) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor dup = Dup(efd);
    Must(machine_->Irqfd(efd));
    EXPECT_THAT(machine_->Irqfd(efd), SyscallFailsWithErrno(EBUSY));
    EXPECT_THAT(machine_->Irqfd(dup), SyscallFailsWithErrno(EBUSY));
    Must(machine_->Irqfd(dup, kDeassign));
    EXPECT_THAT(machine_->Irqfd(efd), SyscallSucceedsWithValue(0));
}

TEST_F(Irqfd, DeassigningTakesNothingFromAnEmptyOne) {
    FileDescriptor efd = NewEventfd();
    FileDescriptor semaphore = NewEventfd(0, EFD_SEMAPHORE);
    Must(machine_->Irqfd(efd));
    Must(machine_->Irqfd(semaphore));
    EXPECT_THAT(machine_->Irqfd(efd, kDeassign), SyscallSucceedsWithValue(0));
    EXPECT_THAT(machine_->Irqfd(semaphore, kDeassign), SyscallSucceedsWithValue(0));
    EXPECT_EQ(EventfdCount(efd), 0u);
    EXPECT_EQ(EventfdCount(semaphore), 0u);
}

TEST_F(Irqfd, DeassigningWhatIsNotAssignedIsNoErrorAndTakesNothing) {
    FileDescriptor efd = NewEventfd(3);
    EXPECT_THAT(machine_->Irqfd(efd, kDeassign), SyscallSucceedsWithValue(0));
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST_F(Irqfd, NeedsAnEventfd) {
    Pipe pipe = NewPipe();
    FileDescriptor efd = NewEventfd();
    EXPECT_THAT(machine_->Irqfd(pipe.read_end), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(machine_->Irqfd(9999), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(machine_->Irqfd(pipe.read_end, kDeassign), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(machine_->Irqfd(9999, kDeassign), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(machine_->Irqfd(efd, kResample, pipe.read_end), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(machine_->Irqfd(efd, kResample, 9999), SyscallFailsWithErrno(EBADF));
    EXPECT_THAT(machine_->Irqfd(efd, 1u << 31), SyscallFailsWithErrno(EINVAL));
    /* None of these has left anything behind. */
    EXPECT_THAT(machine_->Irqfd(efd), SyscallSucceedsWithValue(0));
}

TEST_F(Irqfd, LetsGoOfAnEventfdThatIsClosed) {
    FileDescriptor efd = NewEventfd();
    long id = EventfdId(efd);
    Must(machine_->Irqfd(efd));
    efd.Reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_F(Irqfd, LetsGoOfAnEventfdWhenTheMachineEnds) {
    FileDescriptor efd = NewEventfd();
    Must(machine_->Irqfd(efd));
    machine_.reset();
    Must(Write(efd, 3));
    EXPECT_EQ(EventfdCount(efd), 3u);
    long id = EventfdId(efd);
    efd.Reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

TEST_F(Irqfd, InterruptsTheGuestOnceForEachWrite) {
    std::string why_not = KvmGuest::WhyNot();
    SKIP_UNLESS(why_not.empty(), why_not);
    FileDescriptor efd = NewEventfd();
    std::unique_ptr<KvmGuest> guest = StartGuest();
    Must(machine_->Irqfd(efd));
    for (int i = 0; i < 3; i++) {
        Must(Write(efd, 1));
        ExpectInterrupt(guest.get());
    }
}

TEST_F(Irqfd, InterruptsTheGuestForWhatWasPendingWhenItWasAssigned) {
    std::string why_not = KvmGuest::WhyNot();
    SKIP_UNLESS(why_not.empty(), why_not);
    FileDescriptor efd = NewEventfd(3);
    std::unique_ptr<KvmGuest> guest = StartGuest();
    Must(machine_->Irqfd(efd));
    ExpectInterrupt(guest.get());
    EXPECT_EQ(EventfdCount(efd), 3u);
}

TEST_F(Irqfd, WakesAGuestThatHalted) {
    std::string why_not = KvmGuest::WhyNot();
    SKIP_UNLESS(why_not.empty(), why_not);
    FileDescriptor efd = NewEventfd();
    std::unique_ptr<KvmGuest> guest = StartGuest();
    Must(machine_->Irqfd(efd));
    ScopedThread processor([&] { ExpectInterrupt(guest.get()); });
    processor.WaitUntilBlockedIn(SYS_ioctl);
    Must(Write(efd, 1));
}

TEST_F(Irqfd, SignalsItsResamplerWhenTheGuestSaysTheInterruptIsOver) {
    std::string why_not = KvmGuest::WhyNot();
    SKIP_UNLESS(why_not.empty(), why_not);
    FileDescriptor efd = NewEventfd();
    FileDescriptor resampler = NewEventfd();
    std::unique_ptr<KvmGuest> guest = StartGuest();
    Must(machine_->Irqfd(efd, kResample, resampler));
    for (uint64_t i = 1; i <= 3; i++) {
        EXPECT_EQ(EventfdCount(resampler), i - 1);
        Must(Write(efd, 1));
        ExpectInterrupt(guest.get());
        EXPECT_EQ(EventfdCount(resampler), i);
        EXPECT_EQ(EventfdCount(efd), 0u);
    }
    EXPECT_THAT(Poll(resampler, POLLIN), Revents(POLLIN));
}

/* A guest that writes to a port each time it runs, and then halts. */
class Ioeventfd : public testing::Test {
  protected:
    void SetUp() override {
        machine_ = std::make_unique<KvmMachine>(KvmMachine::kWithout);
        SKIP_IF_REFUSED(*machine_);
        std::string why_not = KvmGuest::WhyNot();
        SKIP_UNLESS(why_not.empty(), why_not);
        guest_ = std::make_unique<KvmGuest>(machine_.get(), KvmGuest::kWritesAndHalts,
                                            Where::current());
    }

    void ExpectHaltedGuest(Where where = Where::current()) {
        CalledFrom test(where);
        EXPECT_EQ(guest_->Run(where), uint32_t{KVM_EXIT_HLT});
    }

    /* The write was nobody's: it is user space's to answer, and then the guest halts. */
    void ExpectUnheardGuest(Where where = Where::current()) {
        CalledFrom test(where);
        EXPECT_EQ(guest_->Run(where), uint32_t{KVM_EXIT_IO});
        EXPECT_EQ(guest_->port(), KvmMachine::kPort);
        ExpectHaltedGuest(where);
    }

    std::unique_ptr<KvmMachine> machine_;
    std::unique_ptr<KvmGuest> guest_;
};

TEST_F(Ioeventfd, GetsOneForEachWriteOfTheGuest) {
    FileDescriptor efd = NewEventfd();
    ExpectUnheardGuest();
    Must(machine_->Ioeventfd(efd));
    for (uint64_t i = 1; i <= 5; i++) {
        ExpectHaltedGuest();
        EXPECT_EQ(EventfdCount(efd), i);
    }
    Must(machine_->Ioeventfd(efd, KVM_IOEVENTFD_FLAG_DEASSIGN));
    ExpectUnheardGuest();
    EXPECT_EQ(EventfdCount(efd), 5u);
}

TEST_F(Ioeventfd, OverflowsFromFull) {
    FileDescriptor efd = NewEventfdAt(kFull);
    Must(machine_->Ioeventfd(efd));
    ExpectHaltedGuest();
    EXPECT_EQ(EventfdCount(efd), kOverflow);
    ExpectHaltedGuest();
    EXPECT_EQ(EventfdCount(efd), kOverflow);
    EXPECT_THAT(Poll(efd, POLLIN | POLLOUT), Revents(POLLIN | POLLERR));
}

TEST_F(Ioeventfd, WakesABlockedRead) {
    FileDescriptor efd = NewEventfd();
    Must(machine_->Ioeventfd(efd));
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(efd, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    ExpectHaltedGuest();
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_F(Ioeventfd, MayWaitForOneValueOnly) {
    FileDescriptor one = NewEventfd(), two = NewEventfd();
    Must(machine_->Ioeventfd(two, KVM_IOEVENTFD_FLAG_DATAMATCH, 2));
    ExpectUnheardGuest();
    Must(machine_->Ioeventfd(one, KVM_IOEVENTFD_FLAG_DATAMATCH, 1));
    ExpectHaltedGuest();
    EXPECT_EQ(EventfdCount(one), 1u);
    EXPECT_EQ(EventfdCount(two), 0u);
}

TEST_F(Ioeventfd, NeedsAnEventfdAndAPlaceOfItsOwn) {
    Pipe pipe = NewPipe();
    FileDescriptor efd = NewEventfd(), other = NewEventfd();
    EXPECT_THAT(machine_->Ioeventfd(pipe.read_end), SyscallFailsWithErrno(EINVAL));
    EXPECT_THAT(machine_->Ioeventfd(9999), SyscallFailsWithErrno(EBADF));
    Must(machine_->Ioeventfd(efd));
    EXPECT_THAT(machine_->Ioeventfd(other), SyscallFailsWithErrno(EEXIST));
    EXPECT_THAT(machine_->Ioeventfd(other, KVM_IOEVENTFD_FLAG_DEASSIGN),
                SyscallFailsWithErrno(ENOENT));
}

TEST_F(Ioeventfd, MayBeTheIrqfdOfAnotherMachine) {
    KvmMachine other(KvmMachine::kWith);
    FileDescriptor efd = NewEventfd();
    Must(machine_->Ioeventfd(efd));
    Must(other.Irqfd(efd));
    ExpectHaltedGuest();
    EXPECT_EQ(EventfdCount(efd), 0u) << "signalled by the one, taken by the other";
    Must(other.Irqfd(efd, kDeassign));
    ExpectHaltedGuest();
    EXPECT_EQ(EventfdCount(efd), 1u);
}

TEST_F(Ioeventfd, KeepsAnEventfdWithoutDescriptorUntilTheMachineEnds) {
    FileDescriptor efd = NewEventfd();
    long id = EventfdId(efd);
    Must(machine_->Ioeventfd(efd));
    efd.Reset();
    EXPECT_FALSE(EventfdIdIsFree(id));
    ExpectHaltedGuest();
    EXPECT_FALSE(EventfdIdIsFree(id));
    guest_.reset();
    machine_.reset();
    WaitUntil([&] { return EventfdIdIsFree(id); });
}

} /* namespace */
} /* namespace suite */

#endif
