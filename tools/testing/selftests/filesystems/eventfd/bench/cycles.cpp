// SPDX-License-Identifier: GPL-2.0
/* What one task does alone: nothing here sleeps. A name is what is done, on what. */
#include <liburing.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <optional>

#include "bench/bench.h"
#include "support/aio.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/events.h"
#include "support/probes.h"
#include "support/uring.h"

namespace bench {
namespace {

using namespace suite;

constexpr int kOperations = State::kOperations;

/* Something that can be written to, and read from: 8 bytes each time. */
struct Channel {
    FileDescriptor owned[2];
    int in = -1;
    int out = -1;

    explicit Channel(FileDescriptor both) : in(both.get()), out(in) {
        owned[0] = std::move(both);
    }
    Channel(FileDescriptor first, FileDescriptor second) : in(first.get()), out(second.get()) {
        owned[0] = std::move(first);
        owned[1] = std::move(second);
    }

    void Post() const {
        const uint64_t one = 1;
        REQUIRE(write(out, &one, sizeof(one)) == sizeof(one));
    }
    void Take() const {
        uint64_t value;
        REQUIRE(read(in, &value, sizeof(value)) == sizeof(value));
    }
};

using Maker = std::optional<Channel> (*)();

std::optional<Channel> Eventfd() { return Channel(NewEventfd()); }
std::optional<Channel> Semaphore() { return Channel(NewEventfd(0, EFD_SEMAPHORE)); }

std::optional<Channel> Autoreset() {
    if (!KernelKnowsAutoreset()) return {};
    return Channel(NewAutoreset());
}

std::optional<Channel> APipe() {
    Pipe pipe = NewPipe();
    return Channel(std::move(pipe.read_end), std::move(pipe.write_end));
}

std::optional<Channel> Socket() {
    int ends[2];
    Must(SYSCALL(socketpair, AF_UNIX, SOCK_STREAM, 0, &ends[0]));
    return Channel(FileDescriptor(ends[0]), FileDescriptor(ends[1]));
}

/* Registers cycle/name for each kind of channel. */
struct Cycle {
    struct Kind {
        const char* name;
        Maker make;
    };
    using Body = void (*)(State&, const Channel&);

    Cycle(const std::string& cycle, Body body, const std::vector<Kind>& kinds,
          const std::vector<int>& arguments = {}) {
        for (const Kind& kind : kinds)
            Case(
                cycle + "/" + kind.name,
                [body, make = kind.make](State& state) {
                    std::optional<Channel> channel = make();
                    if (!channel) return state.Skip("this kernel has no EFD_AUTORESET");
                    body(state, *channel);
                },
                arguments);
    }
};

constexpr Cycle::Kind kEventfd = {"eventfd", Eventfd}, kSemaphore = {"semaphore", Semaphore},
                      kAutoreset = {"autoreset", Autoreset}, kPipe = {"pipe", APipe},
                      kSocket = {"socket", Socket};

const Case kFloor("getppid",
                  [](State& state) { state.Measure([](int) { REQUIRE(getppid() >= 0); }); });

/* --- read and write alone --- */

const Cycle kWrite("write",
                   [](State& state, const Channel& channel) {
                       state.Measure(
                           [&](int) { channel.Post(); }, kOperations,
                           [&] {
                               /* What is left of the batch before. */
                               char buffer[kOperations * 8];
                               pollfd now = {channel.in, POLLIN, 0};
                               if (poll(&now, 1, 0) == 1)
                                   REQUIRE(read(channel.in, buffer, sizeof(buffer)) > 0);
                           });
                   },
                   {kEventfd, kSemaphore, kPipe});

/* As each read empties it, a plain eventfd for each. */
const Case kReadEventfd("read/eventfd", [](State& state) {
    std::vector<FileDescriptor> eventfds;
    for (int i = 0; i < kOperations; i++) eventfds.push_back(NewEventfd());
    auto fill = [&] {
        const uint64_t one = 1;
        for (const FileDescriptor& efd : eventfds)
            REQUIRE(write(efd, &one, sizeof(one)) == sizeof(one));
    };
    state.Measure(
        [&](int i) {
            uint64_t value;
            REQUIRE(read(eventfds[static_cast<size_t>(i)], &value, sizeof(value)) ==
                    sizeof(value));
        },
        kOperations, fill);
});

const Cycle kRead("read",
                  [](State& state, const Channel& channel) {
                      state.Measure([&](int) { channel.Take(); }, kOperations,
                                    [&] {
                                        for (int i = 0; i < kOperations; i++) channel.Post();
                                    });
                  },
                  {kSemaphore, kPipe});

const Cycle kReadEmpty("read_empty",
                       [](State& state, const Channel& channel) {
                           fcntl(channel.in, F_SETFL, O_NONBLOCK);
                           uint64_t value;
                           state.Measure([&](int) {
                               REQUIRE(read(channel.in, &value, sizeof(value)) == -1);
                           });
                       },
                       {kEventfd, kSemaphore, kPipe});

const Cycle kWriteRead("write_read",
                       [](State& state, const Channel& channel) {
                           state.Measure([&](int) {
                               channel.Post();
                               channel.Take();
                           });
                       },
                       {kEventfd, kSemaphore, kPipe});

/* --- poll --- */

int Poll(int fd) {
    pollfd one = {fd, POLLIN, 0};
    return poll(&one, 1, 0);
}

const Cycle kPollEmpty("poll_empty",
                       [](State& state, const Channel& channel) {
                           state.Measure([&](int) { REQUIRE(Poll(channel.in) == 0); });
                       },
                       {kEventfd, kSemaphore, kAutoreset, kPipe, kSocket});

const Cycle kPollReady("poll_ready",
                       [](State& state, const Channel& channel) {
                           channel.Post();
                           state.Measure([&](int) { REQUIRE(Poll(channel.in) == 1); });
                       },
                       {kEventfd, kSemaphore, kPipe, kSocket});

const Cycle kWritePollRead("write_poll_read",
                           [](State& state, const Channel& channel) {
                               state.Measure([&](int) {
                                   channel.Post();
                                   REQUIRE(Poll(channel.in) == 1);
                                   channel.Take();
                               });
                           },
                           {kEventfd, kSemaphore, kPipe, kSocket});

/* The whole service of an event where a poll resets it. */
const Cycle kWritePoll("write_poll",
                       [](State& state, const Channel& channel) {
                           state.Measure([&](int) {
                               channel.Post();
                               REQUIRE(Poll(channel.in) == 1);
                           });
                       },
                       {kAutoreset});

int Select(int fd) {
    fd_set set;
    timeval none = {};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, nullptr, nullptr, &none);
}

const Cycle kWriteSelectRead("write_select_read",
                             [](State& state, const Channel& channel) {
                                 state.Measure([&](int) {
                                     channel.Post();
                                     REQUIRE(Select(channel.in) == 1);
                                     channel.Take();
                                 });
                             },
                             {kEventfd, kPipe, kSocket});

const Cycle kWriteSelect("write_select",
                         [](State& state, const Channel& channel) {
                             state.Measure([&](int) {
                                 channel.Post();
                                 REQUIRE(Select(channel.in) == 1);
                             });
                         },
                         {kAutoreset});

/* --- epoll --- */

FileDescriptor EpollOf(int fd, uint32_t events) {
    FileDescriptor epoll = NewEpoll();
    EpollAdd(epoll, fd, events);
    return epoll;
}

int Wait(int epoll) {
    epoll_event events[8];
    return epoll_wait(epoll, events, 8, 0);
}

template <uint32_t kEvents, bool kTakes>
void EpollCycle(State& state, const Channel& channel) {
    FileDescriptor epoll = EpollOf(channel.in, kEvents);
    state.Measure([&](int) {
        channel.Post();
        REQUIRE(Wait(epoll) == 1);
        if (kTakes) channel.Take();
    });
}

const Cycle kEpollLevelRead("write_epoll_read", EpollCycle<EPOLLIN, true>,
                            {kEventfd, kPipe, kSocket});
const Cycle kEpollLevel("write_epoll", EpollCycle<EPOLLIN, false>, {kAutoreset});
const Cycle kEpollEdgeRead("write_edge_read", EpollCycle<EPOLLIN | EPOLLET, true>,
                           {kEventfd, kPipe, kSocket});
const Cycle kEpollEdge("write_edge", EpollCycle<EPOLLIN | EPOLLET, false>,
                       {kEventfd, kAutoreset});

const Cycle kEpollEmpty("epoll_empty",
                        [](State& state, const Channel& channel) {
                            FileDescriptor epoll = EpollOf(channel.in, EPOLLIN);
                            state.Measure([&](int) { REQUIRE(Wait(epoll) == 0); });
                        },
                        {kEventfd, kPipe, kSocket});

const Cycle kEpollReady("epoll_ready",
                        [](State& state, const Channel& channel) {
                            FileDescriptor epoll = EpollOf(channel.in, EPOLLIN);
                            channel.Post();
                            state.Measure([&](int) { REQUIRE(Wait(epoll) == 1); });
                        },
                        {kEventfd, kPipe, kSocket});

/* --- an event loop like QEMU's: ppoll over this many descriptors, one of them the channel ---
 */

template <bool kTakes>
void Loop(State& state, const Channel& channel) {
    std::vector<FileDescriptor> others;
    std::vector<pollfd> all;
    for (int i = 1; i < state.argument(); i++) {
        others.push_back(NewEventfd());
        all.push_back({others.back().get(), POLLIN, 0});
    }
    all.push_back({channel.in, POLLIN, 0});
    timespec none = {};
    state.Measure([&](int) {
        channel.Post();
        REQUIRE(ppoll(all.data(), all.size(), &none, nullptr) == 1 &&
                all.back().revents == POLLIN);
        if (kTakes) channel.Take();
    });
}

const Cycle kLoopRead("write_ppoll_read", Loop<true>, {kEventfd, kPipe}, {1, 8, 64});
const Cycle kLoop("write_ppoll", Loop<false>, {kAutoreset}, {1, 8, 64});

/* --- io_uring --- */

class Ring {
  public:
    Ring() { REQUIRE(!ring_.refused()); }

    io_uring* get() { return ring_.get(); }
    io_uring_sqe* Entry() { return io_uring_get_sqe(get()); }
    void Submit() { REQUIRE(io_uring_submit(get()) == 1); }
    void Wait(unsigned int flags = 0) {
        io_uring_cqe* entry;
        REQUIRE(io_uring_wait_cqe(get(), &entry) == 0);
        REQUIRE(entry->res > 0 && (entry->flags & flags) == flags);
        io_uring_cqe_seen(get(), entry);
    }
    void Nop() {
        io_uring_cqe* entry;
        io_uring_prep_nop(Entry());
        Submit();
        REQUIRE(io_uring_wait_cqe(get(), &entry) == 0);
        io_uring_cqe_seen(get(), entry);
    }
    void Register(int eventfd) { ring_.RegisterEventfd(eventfd); }

  private:
    IoUring ring_;
};

const Cycle kUringRead("uring_read",
                       [](State& state, const Channel& channel) {
                           Ring ring;
                           uint64_t value;
                           state.Measure([&](int) {
                               io_uring_prep_read(ring.Entry(), channel.in, &value,
                                                  sizeof(value), 0);
                               ring.Submit();
                               channel.Post();
                               ring.Wait();
                           });
                       },
                       {kEventfd, kPipe});

/* The event is there already: nothing is armed. */
const Cycle kUringReadReady("uring_read_ready",
                            [](State& state, const Channel& channel) {
                                Ring ring;
                                uint64_t value;
                                state.Measure([&](int) {
                                    channel.Post();
                                    io_uring_prep_read(ring.Entry(), channel.in, &value,
                                                       sizeof(value), 0);
                                    ring.Submit();
                                    ring.Wait();
                                });
                            },
                            {kEventfd, kPipe});

template <bool kTakes>
void UringPoll(State& state, const Channel& channel) {
    Ring ring;
    state.Measure([&](int) {
        io_uring_prep_poll_add(ring.Entry(), channel.in, POLLIN);
        ring.Submit();
        channel.Post();
        ring.Wait();
        if (kTakes) channel.Take();
    });
}

const Cycle kUringPollRead("uring_poll_read", UringPoll<true>, {kEventfd, kPipe, kSocket});
const Cycle kUringPoll("uring_poll", UringPoll<false>, {kAutoreset});

template <bool kTakes>
void Multishot(State& state, const Channel& channel) {
    Ring ring;
    io_uring_prep_poll_multishot(ring.Entry(), channel.in, POLLIN);
    ring.Submit();
    state.Measure([&](int) {
        channel.Post();
        ring.Wait(IORING_CQE_F_MORE);
        if (kTakes) channel.Take();
    });
}

const Cycle kMultishotRead("uring_multishot_read", Multishot<true>, {kEventfd, kPipe, kSocket});
const Cycle kMultishot("uring_multishot", Multishot<false>, {kAutoreset});

/* --- /proc --- */

const Cycle kFdinfo("fdinfo",
                    [](State& state, const Channel& channel) {
                        const std::string path =
                            "/proc/self/fdinfo/" + std::to_string(channel.in);
                        state.Measure([&](int) {
                            char text[256];
                            int fd = open(path.c_str(), O_RDONLY);
                            REQUIRE(fd >= 0 && read(fd, text, sizeof(text)) > 0);
                            REQUIRE(close(fd) == 0);
                        });
                    },
                    {kEventfd, kAutoreset, kPipe});

/* --- eventfd_signal() in the kernel --- */

/*
 * What a completion costs more where it signals a registered eventfd. The argument says how
 * many epolls hear of it.
 */
const Case kUringSignal("signal_by_uring/eventfd",
                        [](State& state) {
                            Ring silent, signalling;
                            FileDescriptor efd = NewEventfd();
                            signalling.Register(efd.get());
                            std::vector<FileDescriptor> epolls;
                            for (int i = 0; i < state.argument(); i++)
                                epolls.push_back(EpollOf(efd.get(), EPOLLIN));
                            double without = state.Cost([&](int) { silent.Nop(); });
                            state.Report(state.Cost([&](int) { signalling.Nop(); }) - without);
                        },
                        {0, 1, 64});

/* The same for aio, where a request is a write of 8 bytes to a file in memory. */
const Case kAioSignal("signal_by_aio/eventfd", [](State& state) {
    aio_context_t context = 0;
    Must(RAW_SYSCALL(io_setup, 8u, &context));
    FileDescriptor file(static_cast<int>(Must(SYSCALL(memfd_create, "aio", MFD_CLOEXEC))));
    FileDescriptor efd = NewEventfd();
    char buffer[8] = {};
    iocb request = AioRequest(IOCB_CMD_PWRITE, file, buffer, sizeof(buffer));
    iocb* requests[] = {&request};
    io_event event;
    auto once = [&](int) {
        REQUIRE(syscall(SYS_io_submit, context, 1L, requests) == 1);
        REQUIRE(syscall(SYS_io_getevents, context, 1L, 1L, &event, nullptr) == 1);
    };
    double without = state.Cost(once);
    SignalWhenDone(&request, efd);
    state.Report(state.Cost(once) - without);
    syscall(SYS_io_destroy, context);
});

} /* namespace */
} /* namespace bench */
