// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1e.8: accept is ENOTSOCK, readahead EINVAL, PIDFD_GET_INFO ENOTTY, FICLONE EINVAL, EXDEV
 * or EBADF, file_getattr and file_setattr below it ENOTDIR; cachestat says that nothing is
 * cached
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(5, EFD_NONBLOCK), on = 1;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(accept(fd, NULL, NULL), -ENOTSOCK);
	SHOW(send(fd, &on, 1, 0), -ENOTSOCK);
	SHOW(readahead(fd, 0, 4096), -EINVAL);
	SHOW(ioctl(fd, FIOASYNC, &on), -ENOTTY);
	SHOW(ioctl(fd, 0xdeadbeef, &on), -ENOTTY);
	SHOW(ioctl(fd, FICLONE, fd), -EINVAL);
	return differs;
}
