// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.3: a read wakes a blocked write, which then lands */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static unsigned long long full = -2ULL, one = 1, v;
static int fd;
static atomic_int ended;

static void *writer(void *unused)
{
	SHOW(write(fd, &one, 8), 8);
	ended = 1;
	return unused;
}

int main(void)
{
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	SHOW(write(fd, &full, 8), 8);
	pthread_create(&thread, NULL, writer, NULL);
	usleep(200000);
	SHOW(ended, 0);
	SHOW(read(fd, &v, 8), 8);
	pthread_join(thread, NULL);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 1);
	return differs;
}
