// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.22: one write wakes two waiters of an epoll that holds the eventfd and its dup */
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

	SHOW(epoll_wait(ep, &e, 1, -1), 1);
	return unused;
}

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), twin = dup(fd);
	struct epoll_event e = {.events = EPOLLIN};
	pthread_t threads[2];

	setbuf(stdout, NULL);
	alarm(20);
	ep = epoll_create1(0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, twin, &e), 0);
	pthread_create(&threads[0], NULL, waiter, NULL);
	pthread_create(&threads[1], NULL, waiter, NULL);
	usleep(100000);
	SHOW(eventfd_write(fd, 1), 0);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return differs;
}
