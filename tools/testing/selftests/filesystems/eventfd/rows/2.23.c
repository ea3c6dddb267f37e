// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.23: neither O_NONBLOCK set later nor a write of 0 ends a blocked read */
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
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	pthread_create(&thread, NULL, reader, NULL);
	usleep(200000);
	SHOW(eventfd_write(fd, 0), 0);
	usleep(200000);
	SHOW(ended, 0);
	SHOW(eventfd_write(fd, 1), 0);
	pthread_join(thread, NULL);
	return differs;
}
