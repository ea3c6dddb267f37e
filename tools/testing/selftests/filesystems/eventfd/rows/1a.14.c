// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.14: F_GETFD and F_SETFD on a number that is closed are EBADF */
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
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(close(fd), 0);
	SHOW(fcntl(fd, F_GETFD), -EBADF);
	SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC), -EBADF);
	return differs;
}
