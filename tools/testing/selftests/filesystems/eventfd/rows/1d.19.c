// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.19: a write to a positive counter is an event like any other */
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
	int fd = eventfd(1, EFD_NONBLOCK), ep = epoll_create1(0), reported = 0;
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	for (int i = 0; i < 10000; i++)
		reported += eventfd_write(fd, 1) == 0 && epoll_wait(ep, &e, 1, 0) == 1;
	SHOW(reported, 10000);
	return differs;
}
