// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.14: an epoll inside an epoll passes the news on and claims nothing, nor does a poll of
 * an epoll; the innermost epoll_wait does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40
#endif
#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_AUTORESET | EFD_NONBLOCK);
	int inner = epoll_create1(0), outer = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};
	struct pollfd p = {inner, POLLIN, 0};

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &e), 0);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(epoll_wait(outer, &e, 1, 0), 1);
	SHOW(epoll_wait(inner, &e, 1, 0), 1);
	SHOW(epoll_wait(inner, &e, 1, 0), 0);
	return differs;
}
