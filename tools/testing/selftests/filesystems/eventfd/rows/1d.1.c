// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.1: count 0: writable, not readable */
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
	struct pollfd p = {eventfd(0, EFD_NONBLOCK), POLLIN | POLLOUT, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLOUT);
	return differs;
}
