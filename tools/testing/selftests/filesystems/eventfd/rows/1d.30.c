// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.30: an epoll is one for a parent and a child: an entry that the child deletes is gone
 * for both
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	if (!fork())
		_exit(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL) != 0);
	wait(NULL);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	return differs;
}
