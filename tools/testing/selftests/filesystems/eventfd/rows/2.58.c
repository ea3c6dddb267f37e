// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.58: EPOLL_CTL_ADD twice is EEXIST, of a dup it is another entry, and both report after
 * the first descriptor is closed
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
	int fd = eventfd(1, EFD_NONBLOCK), twin = dup(fd), ep = epoll_create1(0);
	struct epoll_event e[2] = {{.events = EPOLLIN}};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, e), 0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, e), -EEXIST);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, twin, e), 0);
	SHOW(epoll_wait(ep, e, 2, 0), 2);
	SHOW(close(fd), 0);
	SHOW(epoll_wait(ep, e, 2, 0), 2);
	return differs;
}
