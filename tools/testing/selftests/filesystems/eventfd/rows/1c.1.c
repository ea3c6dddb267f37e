// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.1: a write wakes a blocked read, which gets the value */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;
static unsigned long long v;

static void *reader(void *unused)
{
	SHOW(read(fd, &v, 8), 8);
	return unused;
}

int main(void)
{
	unsigned long long five = 5;
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	pthread_create(&thread, NULL, reader, NULL);
	usleep(100000); /* it should sleep by then, and if not it gets the same */
	SHOW(write(fd, &five, 8), 8);
	pthread_join(thread, NULL);
	SHOW(v, 5);
	return differs;
}
