// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.7: poll(2) of several descriptors claims for each one that it reports, and once for an
 * eventfd that stands there twice
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
	int fd = eventfd(1, EFD_AUTORESET | EFD_NONBLOCK);
	int other = eventfd(1, EFD_AUTORESET | EFD_NONBLOCK);
	struct pollfd p[3] = {{fd, POLLIN, 0}, {fd, POLLIN, 0}, {other, POLLIN, 0}};

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(poll(p, 3, 0), 2);
	SHOW(p[0].revents + p[1].revents, POLLIN);
	SHOW(p[2].revents, POLLIN);
	SHOW(poll(p, 3, 0), 0);
	return differs;
}
