// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.6: poll(2) that reports input resets the counter in the same step; without POLLIN
 * nothing does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40
#endif
#include "show.h"

int main(void)
{
	struct pollfd p = {eventfd(0, EFD_AUTORESET | EFD_NONBLOCK), POLLOUT, 0};
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(eventfd_write(p.fd, 1), 0);
	SHOW(poll(&p, 1, 0), 1);
	p.events = POLLIN;
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLIN);
	SHOW(poll(&p, 1, 0), 0);
	SHOW(eventfd_read(p.fd, &v), -EAGAIN);
	return differs;
}
