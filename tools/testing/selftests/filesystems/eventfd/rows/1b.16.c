// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.16: a write of 0 returns 8 and makes nothing readable */
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
	unsigned long long zero = 0, v;
	int fd = eventfd(0, EFD_NONBLOCK);
	struct pollfd p = {fd, POLLIN, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &zero, 8), 8);
	SHOW(poll(&p, 1, 0), 0);
	SHOW(read(fd, &v, 8), -EAGAIN);
	return differs;
}
