// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.13: F_SETFD on one of two descriptors of an eventfd leaves the other one alone */
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
	int fd = eventfd(0, 0), twin = dup(fd);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(twin, F_SETFD, FD_CLOEXEC), 0);
	SHOW(fcntl(fd, F_GETFD), 0);
	SHOW(fcntl(twin, F_GETFD), FD_CLOEXEC);
	return differs;
}
