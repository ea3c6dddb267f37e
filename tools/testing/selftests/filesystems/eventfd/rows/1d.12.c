// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.12: epoll: level-triggered reports each time, EPOLLONESHOT once, EPOLL_CTL_MOD arms it
 * again
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
	int fd = eventfd(1, EFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	e.events = EPOLLIN | EPOLLONESHOT;
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	e.events = EPOLLIN | EPOLLONESHOT;
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	return differs;
}
