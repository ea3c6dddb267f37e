// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.32: a blocked write of 1 passes a blocked write of 3 that came first, if only 1 fits;
 * both land
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;
static atomic_int ended;

static void *writer(void *unused)
{
	SHOW(eventfd_write(fd, 3), 0);
	ended = 1;
	return unused;
}

int main(void)
{
	unsigned long long v;
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, EFD_SEMAPHORE);
	SHOW(eventfd_write(fd, -3ULL), 0);
	pthread_create(&thread, NULL, writer, NULL);
	usleep(200000);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(ended, 0);
	for (int i = 0; i < 3; i++)
		SHOW(read(fd, &v, 8), 8);
	pthread_join(thread, NULL);
	SHOW(ended, 1);
	return differs;
}
