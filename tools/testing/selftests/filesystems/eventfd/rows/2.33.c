// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.33: a blocked write of 2^64 - 2 lands after a read of everything */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;

static void *writer(void *unused)
{
	SHOW(eventfd_write(fd, -2ULL), 0);
	return unused;
}

int main(void)
{
	unsigned long long v;
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(1, 0);
	pthread_create(&thread, NULL, writer, NULL);
	usleep(200000);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 1);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v == -2ULL, 1);
	pthread_join(thread, NULL);
	return differs;
}
