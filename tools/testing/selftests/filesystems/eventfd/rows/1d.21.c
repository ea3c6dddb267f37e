// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.21: a close under a blocked epoll_wait is no event */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int ep;

static void *waiter(void *unused)
{
	struct epoll_event e;

	SHOW(epoll_wait(ep, &e, 1, 400), 0);
	return unused;
}

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct epoll_event e = {.events = EPOLLIN};
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	ep = epoll_create1(0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	pthread_create(&thread, NULL, waiter, NULL);
	usleep(100000);
	SHOW(close(fd), 0);
	pthread_join(thread, NULL);
	return differs;
}
