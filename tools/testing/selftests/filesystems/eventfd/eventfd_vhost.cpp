// SPDX-License-Identifier: GPL-2.0
// vhost and eventfds: a guest kicks a virtqueue through one, and is called back through
// another. The guest is the test itself, and the device one that sends what it gets to a packet
// socket.
#include <endian.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <optional>

#if __has_include(<linux/vhost.h>) && __has_include(<linux/if_packet.h>)
/* The old functions of virtio_ring.h are no C++. */
#define VIRTIO_RING_NO_LEGACY
#include <linux/if_packet.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/fdinfo.h"
#include "support/memory.h"
#include "support/probes.h"
#include "support/program.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/watchers.h"

namespace suite {
namespace {

const ProgramNeeds kNeeds = {"one processor"};

/* The queue that sends, of a device that runs. */
class VhostNet {
  public:
    explicit VhostNet(Where where = Where::current()) {
        SyscallResult opened = SYSCALL(open, "/dev/vhost-net", O_RDWR | O_CLOEXEC);
        if (!opened.ok()) {
            reason_ = testing::PrintToString(opened);
            return;
        }
        device_ = FileDescriptor(static_cast<int>(opened.value));
        Must(SYSCALL(ioctl, device_, VHOST_SET_OWNER, 0), where);
        uint64_t features =
            uint64_t{1} << VIRTIO_F_VERSION_1 | uint64_t{1} << VHOST_NET_F_VIRTIO_NET_HDR;
        Must(SYSCALL(ioctl, device_, VHOST_SET_FEATURES, &features), where);

        /* What the device takes for the guest's addresses are ours. */
        alignas(vhost_memory) char table[sizeof(vhost_memory) + sizeof(vhost_memory_region)];
        auto* regions = reinterpret_cast<vhost_memory*>(table);
        regions->nregions = 1;
        regions->padding = 0;
        regions->regions[0] = {reinterpret_cast<uintptr_t>(memory_.data()), kSize,
                               reinterpret_cast<uintptr_t>(memory_.data()), 0};
        Must(SYSCALL(ioctl, device_, VHOST_SET_MEM_TABLE, regions), where);

        vhost_vring_state state = {kQueue, kEntries};
        Must(SYSCALL(ioctl, device_, VHOST_SET_VRING_NUM, &state), where);
        state.num = 0;
        Must(SYSCALL(ioctl, device_, VHOST_SET_VRING_BASE, &state), where);
        vhost_vring_addr addresses = {};
        addresses.index = kQueue;
        addresses.desc_user_addr = reinterpret_cast<uintptr_t>(Descriptor());
        addresses.avail_user_addr = reinterpret_cast<uintptr_t>(Available());
        addresses.used_user_addr = reinterpret_cast<uintptr_t>(Used());
        Must(SYSCALL(ioctl, device_, VHOST_SET_VRING_ADDR, &addresses), where);
    }

    bool refused() const { return !reason_.empty(); }
    const std::string& reason() const { return reason_; }

    /* VHOST_SET_VRING_KICK, _CALL or _ERR. */
    SyscallResult Use(unsigned long what, int fd) {
        Watcher::Stays();
        vhost_vring_file file = {kQueue, fd};
        return SYSCALL(ioctl, device_, what, &file);
    }

    /* From now on it does what it is told. */
    void Start(Where where = Where::current()) {
        socket_ = FileDescriptor(static_cast<int>(
            Must(SYSCALL(socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), where)));
        sockaddr_ll address = {};
        address.sll_family = AF_PACKET;
        address.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
        Must(SYSCALL(bind, socket_, reinterpret_cast<sockaddr*>(&address),
                     socklen_t{sizeof(address)}),
             where);
        vhost_vring_file file = {kQueue, socket_};
        Must(SYSCALL(ioctl, device_, VHOST_NET_SET_BACKEND, &file), where);
    }

    /* Puts a packet into the queue, without a word of it. */
    void Offer() { OfferEntry(0); }
    /* The same with something that the device cannot make sense of. */
    void OfferNonsense() { OfferEntry(kEntries + 1); }

    /* How many packets the device is through with. */
    unsigned int used() const {
        return le16toh(std::atomic_ref<uint16_t>(Used()->idx).load(std::memory_order_acquire));
    }

    void WantNoCall() { Available()->flags = htole16(VRING_AVAIL_F_NO_INTERRUPT); }

    void Close() { device_.Reset(); }

  private:
    static constexpr unsigned int kQueue = 1;
    static constexpr unsigned int kEntries = 8;
    static constexpr size_t kPacketAt = 3 * 4096, kSize = 4 * 4096;
    static constexpr uint32_t kHeader = 12, kPacket = 60;

    vring_desc* Descriptor() const { return reinterpret_cast<vring_desc*>(memory_.data()); }
    vring_avail* Available() const {
        return reinterpret_cast<vring_avail*>(memory_.data() + 4096);
    }
    vring_used* Used() const { return reinterpret_cast<vring_used*>(memory_.data() + 8192); }

    /* All that is in a queue of VIRTIO_F_VERSION_1 is little-endian, on every machine. */
    void OfferEntry(unsigned int entry) {
        Descriptor()->addr = htole64(reinterpret_cast<uintptr_t>(memory_.data() + kPacketAt));
        Descriptor()->len = htole32(kHeader + kPacket);
        Descriptor()->flags = 0;
        uint16_t next = le16toh(Available()->idx);
        Available()->ring[next % kEntries] = htole16(static_cast<uint16_t>(entry));
        std::atomic_ref<uint16_t>(Available()->idx)
            .store(htole16(static_cast<uint16_t>(next + 1)), std::memory_order_release);
    }

    std::string reason_;
    Mapping memory_{kSize, PROT_READ | PROT_WRITE, MAP_SHARED};
    FileDescriptor device_;
    FileDescriptor socket_;
};

/* With eventfds of this kind. */
class Vhost : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        SKIP_UNLESS_KNOWN(GetParam());
        device_.emplace(Where::current());
        SKIP_IF_REFUSED(*device_);
    }

    FileDescriptor New(uint64_t count = 0, Where where = Where::current()) {
        return NewEventfdAt(count, GetParam(), where);
    }

    void ExpectUsed(unsigned int count, Where where = Where::current()) {
        CalledFrom test(where);
        WaitUntil([&] { return device_->used() >= count; });
        EXPECT_EQ(device_->used(), count);
    }

    std::optional<VhostNet> device_;
};

INSTANTIATE_TEST_SUITE_P(With, Vhost, testing::Values(0, EFD_AUTORESET),
                         [](const auto& info) { return info.param ? "Autoreset" : "Plain"; });

TEST_P(Vhost, TakesKicksAndCallsOnceForEachPacket) {
    FileDescriptor kick = New(), call = New();
    Must(device_->Use(VHOST_SET_VRING_KICK, kick));
    Must(device_->Use(VHOST_SET_VRING_CALL, call));
    device_->Start();
    for (unsigned int i = 1; i <= 5; i++) {
        device_->Offer();
        Must(Write(kick, 1));
        EXPECT_THAT(Poll(call, POLLIN, kSoon), Revents(POLLIN));
        ExpectUsed(i);
        /* The poll has claimed the one, and left the other. */
        EXPECT_EQ(EventfdCount(call), GetParam() ? 0u : 1u);
        Drain(call);
        EXPECT_EQ(EventfdCount(kick), i) << "a device listens, and takes nothing";
    }
}

TEST_P(Vhost, HearsAKickThatCameBeforeItDid) {
    FileDescriptor kick = New(3), call = New();
    Must(device_->Use(VHOST_SET_VRING_CALL, call));
    device_->Offer();
    device_->Start();
    Must(device_->Use(VHOST_SET_VRING_KICK, kick));
    EXPECT_THAT(Poll(call, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(kick), 3u);
}

TEST_P(Vhost, WakesABlockedRead) {
    FileDescriptor kick = New(), call = New();
    Must(device_->Use(VHOST_SET_VRING_KICK, kick));
    Must(device_->Use(VHOST_SET_VRING_CALL, call));
    device_->Start();
    uint64_t value = 0;
    ScopedThread reader([&] { EXPECT_THAT(Read(call, &value), SyscallSucceedsWithValue(8)); });
    reader.WaitUntilBlockedIn(SYS_read);
    device_->Offer();
    Must(Write(kick, 1));
    reader.Join();
    EXPECT_EQ(value, 1u);
}

TEST_P(Vhost, DoesNotCallAGuestThatWantsNone) {
    FileDescriptor kick = New(), call = New();
    Must(device_->Use(VHOST_SET_VRING_KICK, kick));
    Must(device_->Use(VHOST_SET_VRING_CALL, call));
    device_->WantNoCall();
    device_->Start();
    device_->Offer();
    Must(Write(kick, 1));
    ExpectUsed(1);
    device_->Offer();
    Must(Write(kick, 1));
    ExpectUsed(2);
    EXPECT_EQ(EventfdCount(call), 0u);
}

TEST_P(Vhost, SaysThroughAnotherOneThatTheQueueIsWrong) {
    FileDescriptor kick = New(), call = New(), error = New();
    Must(device_->Use(VHOST_SET_VRING_KICK, kick));
    Must(device_->Use(VHOST_SET_VRING_CALL, call));
    Must(device_->Use(VHOST_SET_VRING_ERR, error));
    device_->Start();
    device_->OfferNonsense();
    Must(Write(kick, 1));
    EXPECT_THAT(Poll(error, POLLIN, kSoon), Revents(POLLIN));
    EXPECT_EQ(EventfdCount(call), 0u);
    EXPECT_EQ(device_->used(), 0u);
}

TEST_P(Vhost, NeedsEventfds) {
    Pipe pipe = NewPipe();
    for (unsigned long what :
         {VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR}) {
        FileDescriptor efd = New();
        EXPECT_THAT(device_->Use(what, pipe.read_end), SyscallFailsWithErrno(EINVAL));
        EXPECT_THAT(device_->Use(what, 9999), SyscallFailsWithErrno(EBADF));
        EXPECT_THAT(device_->Use(what, efd), SyscallSucceedsWithValue(0));
        EXPECT_THAT(device_->Use(what, VHOST_FILE_UNBIND), SyscallSucceedsWithValue(0));
    }
}

TEST_P(Vhost, KeepsItsEventfdsUntilItEnds) {
    FileDescriptor kick = New(), call = New();
    long kick_id = EventfdId(kick), call_id = EventfdId(call);
    Must(device_->Use(VHOST_SET_VRING_KICK, kick));
    Must(device_->Use(VHOST_SET_VRING_CALL, call));
    kick.Reset();
    call.Reset();
    EXPECT_FALSE(EventfdIdIsFree(kick_id));
    EXPECT_FALSE(EventfdIdIsFree(call_id));
    device_->Close();
    WaitUntil([&] { return EventfdIdIsFree(kick_id) && EventfdIdIsFree(call_id); });
}

} /* namespace */
} /* namespace suite */

#endif
