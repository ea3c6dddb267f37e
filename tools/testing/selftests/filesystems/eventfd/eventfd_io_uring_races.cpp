// SPDX-License-Identifier: GPL-2.0
// Requests of io_uring with a timeout that runs out as a write comes: the event is that of the
// request, or still there. On rings that do their work at once, and on those that put it off.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <tuple>

#include "support/attributes.h"
#include "support/autoreset.h"
#include "support/descriptor.h"
#include "support/environment.h"
#include "support/probes.h"
#include "support/skip.h"
#include "support/tasks.h"
#include "support/uring.h"

namespace suite {
namespace {

int Rounds() { return static_cast<int>(NumberFromEnvironment("EVENTFD_RACE_ROUNDS", 200)); }

/* A limit that leaves each of them 5 ms. */
std::chrono::seconds RoundsTimeLimit() { return std::chrono::seconds(20 + Rounds() / 200); }

/* The flags of a ring, and those of an eventfd. */
class TimedRequest : public testing::TestWithParam<std::tuple<unsigned int, int>> {
  protected:
    void SetUp() override {
        const auto [ring_flags, flags] = GetParam();
        SKIP_UNLESS_KNOWN(flags);
        ring_ = std::make_unique<IoUring>(8, ring_flags, Where::current());
        SKIP_IF_REFUSED(*ring_);
        efd_ = NewEventfd(0, flags);
    }

    /*
     * In each round a request with a timeout linked to it, and a write of 1 by another thread.
     * When both have completed and the write is done, the request's result and what is left of
     * the count have to go together, whoever was faster.
     */
    void Race(const std::function<void(io_uring_sqe*)>& prepare,
              const std::function<bool(int result, uint64_t left)>& is_right,
              Where where = Where::current()) {
        CalledFrom test(where);
        constexpr uint64_t kRequest = 1, kTimeout = 2;
        constexpr long kLeast = 64, kMost = 1 << 20;
        const int rounds = Rounds();
        std::atomic<long> spins{0};
        long step = 1000;
        int wrong = 0;
        std::string first;
        Meeting start, end;
        ScopedThread writer([&] {
            for (int round = 0; round < rounds; round++) {
                start.Arrive(round);
                for (long i = spins; i > 0; i--) asm volatile("" ::: "memory");
                Must(Write(efd_, 1), where);
                end.Arrive(round);
            }
        });
        for (int round = 0; round < rounds; round++) {
            __kernel_timespec timeout = {0, 100000};
            int results[3] = {};
            io_uring_sqe* entry = ring_->Entry(kRequest, where);
            prepare(entry);
            io_uring_sqe_set_flags(entry, IOSQE_IO_LINK);
            io_uring_prep_link_timeout(ring_->Entry(kTimeout, where), &timeout, 0);
            start.Arrive(round);
            ring_->Submit(where);
            for (int i = 0; i < 2; i++) {
                Completion completion = ring_->Wait(where);
                results[completion.data] = completion.result;
            }
            end.Arrive(round);
            const uint64_t left = Drain(efd_, where);
            if (!is_right(results[kRequest], left) && !wrong++)
                first = "round " + std::to_string(round) + ": the request ended with " +
                        std::to_string(results[kRequest]) + ", its timeout with " +
                        std::to_string(results[kTimeout]) + ", and the count was " +
                        std::to_string(left);
            /*
             * Who was faster has it harder the next time, by more and more until the other one
             * is: so little decides who is.
             */
            const bool up = results[kRequest] >= 0;
            step = up == (step > 0) ? 2 * step : -step / 4;
            step = up ? std::clamp(step, kLeast, kMost) : std::clamp(step, -kMost, -kLeast);
            spins = std::max(0L, spins + step);
        }
        writer.Join();
        EXPECT_EQ(wrong, 0) << "of " << rounds << "; " << first;
        EXPECT_EQ(Drain(efd_, where), 0u);
    }

    std::unique_ptr<IoUring> ring_;
    FileDescriptor efd_;
};

constexpr unsigned int kDeferring = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

std::string TimedName(const testing::TestParamInfo<std::tuple<unsigned int, int>>& info) {
    return std::string(std::get<0>(info.param) ? "Deferring" : "Plain") +
           (std::get<1>(info.param) ? "Autoreset" : "");
}

class TimedRead : public TimedRequest {};

INSTANTIATE_TEST_SUITE_P(On, TimedRead,
                         testing::Combine(testing::Values(0u, kDeferring),
                                          testing::Values(0, EFD_AUTORESET)),
                         TimedName);

TEST_P_WITH(TimedRead, TakesAWriteThatComesAtItsTimeoutOrLeavesIt,
            TimeLimit(RoundsTimeLimit())) {
    constexpr uint64_t kNothing = 99;
    uint64_t value = kNothing;
    Race(
        [&](io_uring_sqe* entry) {
            value = kNothing;
            io_uring_prep_read(entry, efd_, &value, sizeof(value), 0);
        },
        [&](int result, uint64_t left) {
            return result == 8 ? value == 1 && left == 0
                               : result == -ECANCELED && value == kNothing && left == 1;
        });
}

/* Without the flag a poll takes nothing, so that nothing can be lost with it. */
class TimedPoll : public TimedRequest {};

INSTANTIATE_TEST_SUITE_P(On, TimedPoll,
                         testing::Combine(testing::Values(0u, kDeferring),
                                          testing::Values(EFD_AUTORESET)),
                         TimedName);

TEST_P_WITH(TimedPoll, ClaimsAWriteThatComesAtItsTimeoutOrLeavesIt,
            TimeLimit(RoundsTimeLimit())) {
    Race([&](io_uring_sqe* entry) { io_uring_prep_poll_add(entry, efd_, POLLIN); },
         [&](int result, uint64_t left) {
             return result == POLLIN ? left == 0 : result == -ECANCELED && left == 1;
         });
}

} /* namespace */
} /* namespace suite */
