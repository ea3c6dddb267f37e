// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.25: the smallest timeouts of epoll_pwait and epoll_pwait2 end */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_pwait(ep, &e, 1, 0, NULL), 0);
	SHOW(epoll_pwait(ep, &e, 1, 1, NULL), 0);
#if defined SYS_epoll_pwait2 && __SIZEOF_LONG__ == 8
	struct timespec shortest = {0, 1};

	if (syscall(SYS_epoll_pwait2, -1, &e, 1, &shortest, NULL, 8) && errno == EBADF)
		SHOW(syscall(SYS_epoll_pwait2, ep, &e, 1, &shortest, NULL, 8), 0);
#endif
	return differs;
}
