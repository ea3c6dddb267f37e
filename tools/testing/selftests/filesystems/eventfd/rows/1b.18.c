// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1b.18: read and write on a closed number are EBADF; libc's eventfd_read() and
 * eventfd_write() are read and write, and EBADF where the file is open for the other one only
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	eventfd_t v = 1;
	int fd = eventfd(1, EFD_NONBLOCK), ends[2];

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(eventfd_write(fd, 2), 0);
	SHOW(eventfd_read(fd, &v), 0);
	SHOW(v, 3);
	SHOW(close(fd), 0);
	SHOW(read(fd, &v, 8), -EBADF);
	SHOW(write(fd, &v, 8), -EBADF);
	SHOW(pipe(ends), 0);
	SHOW(eventfd_write(ends[0], 1), -EBADF);
	SHOW(eventfd_read(ends[1], &v), -EBADF);
	return differs;
}
