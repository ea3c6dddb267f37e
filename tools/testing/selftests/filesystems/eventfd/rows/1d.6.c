// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.6: a write that fails changes no readiness: it stays writable although that write would
 * block
 */
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
	unsigned long long one_below = -3ULL, two = 2;
	struct pollfd p = {eventfd(0, EFD_NONBLOCK), POLLIN | POLLOUT, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(p.fd, &one_below, 8), 8);
	SHOW(write(p.fd, &two, 8), -EAGAIN);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLIN | POLLOUT);
	return differs;
}
