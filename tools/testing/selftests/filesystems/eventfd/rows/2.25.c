// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.25: of four blocked readers one write of 1 ends one (stock wakes all four, and three
 * sleep again); a write of 2 to a semaphore ends exactly two
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;
static atomic_int ended;

static void *reader(void *unused)
{
	unsigned long long v;

	if (read(fd, &v, 8) == 8)
		ended++;
	return unused;
}

int main(void)
{
	pthread_t threads[4];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, EFD_SEMAPHORE);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, reader, NULL);
	usleep(100000);
	SHOW(eventfd_write(fd, 2), 0);
	while (ended < 2)
		sched_yield();
	usleep(200000);
	SHOW(ended, 2);
	SHOW(eventfd_write(fd, 2), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	SHOW(ended, 4);
	return differs;
}
