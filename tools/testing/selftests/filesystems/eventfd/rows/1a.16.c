// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1a.16: the system calls work by their numbers, eventfd2(2) and the older eventfd(2), and
 * libc's functions for them do
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 0;
	int fd = syscall(SYS_eventfd2, 5, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 5);
	SHOW(read(fd, &v, 8), -EAGAIN);
#ifdef SYS_eventfd /* the older call, which takes no flags */
	fd = syscall(SYS_eventfd, 6, EFD_CLOEXEC | EFD_NONBLOCK);
	SHOW(fcntl(fd, F_GETFD), 0);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 6);
#endif
	return differs;
}
