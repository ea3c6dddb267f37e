// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.43: F_SETFL: O_ASYNC is ignored, O_DIRECT EINVAL, O_APPEND kept and harmless; F_SETLEASE
 * is EINVAL, locks are taken (on the one inode of all eventfds), F_GETPIPE_SZ is EBADF and seals
 * are EINVAL
 */
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
	int fd = eventfd(1, EFD_NONBLOCK);
	struct flock lock = {.l_type = F_WRLCK};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
	SHOW(fcntl(fd, F_GETFL) & O_ASYNC, 0);
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT), -EINVAL);
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND), 0);
	SHOW(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK), -EINVAL);
	SHOW(fcntl(fd, F_SETLK, &lock), 0);
	lock.l_type = F_UNLCK;
	SHOW(fcntl(fd, F_SETLK, &lock), 0);
	SHOW(fcntl(fd, F_GETPIPE_SZ), -EBADF);
	SHOW(fcntl(fd, F_GET_SEALS), -EINVAL);
	return differs;
}
