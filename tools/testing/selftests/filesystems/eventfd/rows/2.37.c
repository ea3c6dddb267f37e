// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.37: a write of 0 to an empty one completes an io_uring POLL_ADD with POLLIN; epoll
 * reports nothing
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(eventfd_write(fd, 0), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	return differs;
}
