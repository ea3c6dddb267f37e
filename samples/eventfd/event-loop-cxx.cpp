// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The loop of event-loop.c with wakeup.hpp: another thread wakes it, and waits
 * until it was seen.
 *
 * Build: g++ -std=c++20 -pthread -o event-loop-cxx event-loop-cxx.cpp
 * Usage: event-loop-cxx [WAKE-UPS]
 *
 * It prints what it did and ends with 0 if each wake-up was seen once.
 */
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <semaphore>
#include <thread>

#include <poll.h>

#include "wakeup.hpp"

namespace {

// False if poll(2) fails.
bool look(pollfd *fd, int timeout)
{
	int ready;

	do
		ready = poll(fd, 1, timeout);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		std::perror("event-loop-cxx: poll");
	return ready >= 0;
}

int run(unsigned long rounds)
{
	Wakeup bell;
	std::binary_semaphore seen(0);
	std::thread waker([&] {
		for (unsigned long i = 0; i < rounds; i++) {
			bell.wake();
			seen.acquire();
		}
	});
	pollfd fd = { bell.fd(), POLLIN, 0 };
	unsigned long woken = 0;

	while (woken < rounds && look(&fd, -1)) {
		bell.handle();
		woken++;
		seen.release();
	}
	if (woken < rounds)
		std::quick_exit(1);	// the waker waits for ever
	waker.join();

	// Nothing is left: each wake-up was reported once.
	if (!look(&fd, 0) || fd.revents) {
		std::fprintf(stderr, "event-loop-cxx: a wake-up was reported twice\n");
		return 1;
	}
	std::printf("%s: %lu wake-ups, %lu calls of poll, %lu of read\n",
		    bell.autoreset() ? "autoreset" : "read", woken, woken + 1,
		    bell.autoreset() ? 0 : woken);
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	char *end = nullptr;
	unsigned long rounds = argc == 2 ? std::strtoul(argv[1], &end, 10) : 1000;

	if (argc > 2 || (end && (*end || end == argv[1]))) {
		std::fprintf(stderr, "usage: event-loop-cxx [WAKE-UPS]\n");
		return 2;
	}
	try {
		return run(rounds);
	} catch (const std::exception &error) {
		std::fprintf(stderr, "event-loop-cxx: %s\n", error.what());
		return 1;
	}
}
