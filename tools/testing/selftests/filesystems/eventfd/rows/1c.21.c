// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1c.21: as many posts as there are blocked readers serve each of them, with one context
 * switch each (stock wakes every one on each post)
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
	unsigned long long sixteen = 16;
	pthread_t threads[16];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, EFD_SEMAPHORE);
	for (int i = 0; i < 16; i++)
		pthread_create(&threads[i], NULL, reader, NULL);
	usleep(200000);
	SHOW(write(fd, &sixteen, 8), 8);
	for (int i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
	SHOW(ended, 16);
	return differs;
}
