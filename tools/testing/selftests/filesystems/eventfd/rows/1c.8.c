// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.8: a reader and a poller of one eventfd both get on */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;

static void *reader(void *unused)
{
	unsigned long long v;

	SHOW(read(fd, &v, 8), 8);
	return unused;
}

static void *poller(void *unused)
{
	struct pollfd p = {fd, POLLIN, 0};

	SHOW(poll(&p, 1, -1), 1);
	return unused;
}

int main(void)
{
	unsigned long long one = 1;
	pthread_t threads[2];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	pthread_create(&threads[0], NULL, reader, NULL);
	pthread_create(&threads[1], NULL, poller, NULL);
	usleep(100000);
	SHOW(write(fd, &one, 8), 8);
	pthread_join(threads[0], NULL);
	SHOW(write(fd, &one, 8), 8);
	pthread_join(threads[1], NULL);
	return differs;
}
