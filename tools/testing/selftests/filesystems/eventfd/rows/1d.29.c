// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.29: an epoll that is one-shot in an outer one, and armed again after each event, loses
 * none
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
	int fd = eventfd(0, EFD_NONBLOCK), inner = epoll_create1(0), outer = epoll_create1(0);
	int told = 0;
	struct epoll_event e = {.events = EPOLLIN};
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &e), 0);
	e.events = EPOLLIN | EPOLLONESHOT;
	SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &e), 0);
	for (int i = 0; i < 1000; i++) {
		struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT};

		eventfd_write(fd, 1);
		told += epoll_wait(outer, &e, 1, 1000) == 1 && epoll_wait(inner, &e, 1, 0) == 1;
		eventfd_read(fd, &v);
		epoll_ctl(outer, EPOLL_CTL_MOD, inner, &again);
	}
	SHOW(told, 1000);
	return differs;
}
