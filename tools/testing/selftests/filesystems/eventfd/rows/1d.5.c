// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.5: a semaphore read of a full one makes it writable */
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
	unsigned long long full = -2ULL, v;
	struct pollfd p = {eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), POLLOUT, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(p.fd, &full, 8), 8);
	SHOW(poll(&p, 1, 0), 0);
	SHOW(read(p.fd, &v, 8), 8);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLOUT);
	return differs;
}
