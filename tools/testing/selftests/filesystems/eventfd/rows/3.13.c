// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 3.13: an eventfd in two epolls, or twice in one, is reported by one entry */
#define _GNU_SOURCE
#include <errno.h>
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
	int ep[2] = {epoll_create1(0), epoll_create1(0)};
	struct epoll_event e = {.events = EPOLLIN};

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(epoll_ctl(ep[0], EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_ctl(ep[1], EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_wait(ep[0], &e, 1, 0) + epoll_wait(ep[1], &e, 1, 0), 1);
	return differs;
}
