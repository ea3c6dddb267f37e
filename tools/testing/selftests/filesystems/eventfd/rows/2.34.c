// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.34: EPOLLET: each write is an event without any read, two before a wait are one, calls
 * that fail are none (on stock a read that is EFAULT is one for output), and a read is none for
 * who asks for input only
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
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	SHOW(eventfd_write(fd, -1ULL), -EINVAL);
	SHOW(eventfd_write(fd, -2ULL), -EAGAIN);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	SHOW(eventfd_read(fd, &v), 0);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	return differs;
}
