// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.10: two entries of one poll for one eventfd each get their own bits */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK);
	struct pollfd p[2] = {{fd, POLLIN, 0}, {fd, POLLOUT, 0}};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(poll(p, 2, 0), 2);
	SHOW(p[0].revents, POLLIN);
	SHOW(p[1].revents, POLLOUT);
	return differs;
}
