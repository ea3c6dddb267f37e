// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.5: of two readers that race for an event one gets it, and one only */
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

	SHOW(read(fd, &v, 8), 8);
	ended++;
	return unused;
}

int main(void)
{
	unsigned long long one = 1;
	pthread_t first, second;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	pthread_create(&first, NULL, reader, NULL);
	pthread_create(&second, NULL, reader, NULL);
	usleep(100000);
	SHOW(write(fd, &one, 8), 8);
	usleep(300000);
	SHOW(ended <= 1, 1);
	while (!ended)
		sched_yield();
	SHOW(write(fd, &one, 8), 8);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	return differs;
}
