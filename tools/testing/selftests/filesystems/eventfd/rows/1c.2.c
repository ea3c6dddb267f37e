// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.2: a read of an empty one sleeps for as long as nothing comes */
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

	SHOW(read(fd, &v, 8), 8);
	ended = 1;
	return unused;
}

int main(void)
{
	unsigned long long zero = 0, one = 1;
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	pthread_create(&thread, NULL, reader, NULL);
	usleep(200000);
	SHOW(ended, 0);
	SHOW(write(fd, &zero, 8), 8);
	usleep(200000);
	SHOW(ended, 0);
	SHOW(write(fd, &one, 8), 8);
	pthread_join(thread, NULL);
	SHOW(ended, 1);
	return differs;
}
