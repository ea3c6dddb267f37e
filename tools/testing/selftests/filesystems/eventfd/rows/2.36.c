// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.36: with EPOLLEXCLUSIVE one write wakes one of four epolls, without it all four */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static atomic_int woken;

static void *waiter(void *ep)
{
	struct epoll_event e;

	woken += epoll_wait(*(int *)ep, &e, 1, 300) == 1;
	return NULL;
}

/* How many of four epolls one write wakes: the fewest of some tries, as not all may sleep yet. */
static int fewest(unsigned int events)
{
	int least = 4;

	for (int i = 0; i < 10 && (least > 1 || !i); i++) {
		int fd = eventfd(0, EFD_NONBLOCK), ep[4];
		struct epoll_event e = {.events = events};
		pthread_t threads[4];

		woken = 0;
		for (int j = 0; j < 4; j++) {
			ep[j] = epoll_create1(0);
			epoll_ctl(ep[j], EPOLL_CTL_ADD, fd, &e);
			pthread_create(&threads[j], NULL, waiter, &ep[j]);
		}
		usleep(100000);
		eventfd_write(fd, 1);
		for (int j = 0; j < 4; j++)
			pthread_join(threads[j], NULL);
		least = woken < least ? woken : least;
	}
	return least;
}

int main(void)
{
	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fewest(EPOLLIN | EPOLLEXCLUSIVE), 1);
	SHOW(fewest(EPOLLIN), 4);
	return differs;
}
