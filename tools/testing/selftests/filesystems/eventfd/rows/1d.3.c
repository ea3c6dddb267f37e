// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.3: full: readable, not writable */
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
	unsigned long long full = -2ULL;
	struct pollfd p = {eventfd(0, EFD_NONBLOCK), POLLIN | POLLOUT, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(p.fd, &full, 8), 8);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLIN);
	return differs;
}
