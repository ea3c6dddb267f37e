// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 3.31: row 2.35 with the flag: a read leaves nothing, and is no event for input */
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
	int fd = eventfd(1, EFD_AUTORESET | EFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(eventfd_read(fd, &v), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	return differs;
}
