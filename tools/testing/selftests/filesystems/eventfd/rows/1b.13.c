// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.13: a write of 2^64 - 2 to an empty one is taken, and read gives it back */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long full = -2ULL, v = 0;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &full, 8), 8);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v == full, 1);
	return differs;
}
