// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1c.15: each of several changes in a row goes to a waiter that was not woken before; the
 * second reader of two posts to a plain one gets both
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

static void *reader(void *unused)
{
	unsigned long long v;

	if (read(fd, &v, 8) == 8 && v == 1)
		ended++;
	return unused;
}

int main(void)
{
	unsigned long long one = 1;
	pthread_t threads[3];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, EFD_SEMAPHORE);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, reader, NULL);
	usleep(200000);
	for (int i = 0; i < 3; i++)
		SHOW(write(fd, &one, 8), 8);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	SHOW(ended, 3);
	return differs;
}
