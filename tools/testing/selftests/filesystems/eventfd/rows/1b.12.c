// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.12: a write of 2^64 - 1 is EINVAL */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long largest = -1ULL, v;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &largest, 8), -EINVAL);
	SHOW(read(fd, &v, 8), -EAGAIN);
	return differs;
}
