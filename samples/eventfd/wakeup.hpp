// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What wakes an event loop in C++, with EFD_AUTORESET where the kernel has it and
 * with read(2) where it does not. This file is all that there is of it.
 */
#ifndef SAMPLES_EVENTFD_WAKEUP_HPP
#define SAMPLES_EVENTFD_WAKEUP_HPP

/* [wakeup] */
#include <cerrno>
#include <system_error>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40	/* for headers that are older than the flag */
#endif

class Wakeup {
public:
	Wakeup()
	{
		const int flags = EFD_CLOEXEC | EFD_NONBLOCK;

		fd_ = eventfd(0, flags | EFD_AUTORESET);
		must_read_ = fd_ < 0 && errno == EINVAL;
		if (must_read_)
			fd_ = eventfd(0, flags);
		if (fd_ < 0)
			throw std::system_error(errno, std::generic_category(), "eventfd");
	}

	~Wakeup() { close(fd_); }
	Wakeup(const Wakeup &) = delete;
	Wakeup &operator=(const Wakeup &) = delete;

	// To poll for POLLIN.
	int fd() const { return fd_; }

	// Whether that poll resets it, as the kernel has EFD_AUTORESET.
	bool autoreset() const { return !must_read_; }

	// From any thread. A full counter is no failure: the loop is awake.
	void wake() const
	{
		while (eventfd_write(fd_, 1) < 0 && errno == EINTR)
			;
	}

	// From the loop, each time that it is told of POLLIN.
	void handle() const
	{
		eventfd_t count;

		while (must_read_ && eventfd_read(fd_, &count) < 0 && errno == EINTR)
			;
	}

private:
	int fd_;
	bool must_read_;
};

/* [wakeup] */

#endif
