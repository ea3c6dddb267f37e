// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.44: getdents and fchdir are ENOTDIR, connect ENOTSOCK, epoll_ctl on it EINVAL,
 * name_to_handle_at EOPNOTSUPP, execveat EACCES, fsetxattr EPERM, fgetxattr ENODATA
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK);
	char text[256];

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(syscall(SYS_getdents64, fd, text, sizeof(text)), -ENOTDIR);
	SHOW(fchdir(fd), -ENOTDIR);
	SHOW(connect(fd, (struct sockaddr *)text, 16), -ENOTSOCK);
	SHOW(send(fd, text, 1, 0), -ENOTSOCK);
	SHOW(epoll_ctl(fd, EPOLL_CTL_DEL, eventfd(0, 0), NULL), -EINVAL);
	SHOW(fgetxattr(fd, "user.x", text, sizeof(text)), -ENODATA);
	return differs;
}
