// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 3.21: dups, children and receivers of the descriptor share the one event */
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
	struct pollfd p[2] = {{fd, POLLIN, 0}, {dup(fd), POLLIN, 0}};

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(poll(&p[1], 1, 0), 1);
	SHOW(poll(&p[0], 1, 0), 0);
	return differs;
}
