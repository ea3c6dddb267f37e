// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.51: a trap: a read after a poll that reported it finds nothing and sleeps, until the
 * next write
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
	struct pollfd p = {eventfd(1, EFD_AUTORESET | EFD_NONBLOCK), POLLIN, 0};
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(poll(&p, 1, 0), 1);
	SHOW(eventfd_read(p.fd, &v), -EAGAIN); /* without EFD_NONBLOCK it would sleep */
	return differs;
}
