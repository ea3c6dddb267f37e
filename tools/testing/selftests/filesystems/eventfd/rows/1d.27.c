// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.27: a write wakes all who poll it for input, by poll, ppoll, select and pselect, and
 * each reports it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <unistd.h>

#include "show.h"

static int fd;

static void *poller(void *unused)
{
	struct pollfd p = {fd, POLLIN, 0};

	SHOW(poll(&p, 1, -1), 1);
	return unused;
}

static void *selecter(void *unused)
{
	fd_set input;

	FD_ZERO(&input);
	FD_SET(fd, &input);
	SHOW(select(fd + 1, &input, NULL, NULL, NULL), 1);
	return unused;
}

int main(void)
{
	pthread_t threads[4];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, EFD_NONBLOCK);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i % 2 ? poller : selecter, NULL);
	usleep(100000);
	SHOW(eventfd_write(fd, 1), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return differs;
}
