// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.12: dup(2) gives the same eventfd, without FD_CLOEXEC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 3;
	int fd = eventfd(0, EFD_CLOEXEC), twin = dup(fd);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(twin, F_GETFD), 0);
	SHOW(write(twin, &v, 8), 8);
	v = 0;
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 3);
	return differs;
}
