// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.14: a nonblocking write past 2^64 - 2 is EAGAIN, and the count stays */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long full = -2ULL, one = 1, v = 0;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &full, 8), 8);
	SHOW(write(fd, &one, 8), -EAGAIN);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v == full, 1);
	return differs;
}
