// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.20: the close of the only descriptor ends the epoll entry, a dup keeps it */
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
	int fd = eventfd(1, EFD_NONBLOCK), twin = dup(fd), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(close(fd), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(close(twin), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	return differs;
}
