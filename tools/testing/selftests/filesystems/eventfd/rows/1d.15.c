// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.15: EPOLLET: a read is an event for output also where it was writable before */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLOUT | EPOLLET};
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	SHOW(eventfd_read(fd, &v), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(e.events, EPOLLOUT);
	return differs;
}
