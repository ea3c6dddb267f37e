// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.7: of semaphore readers that poll first, exactly as many succeed as there are units */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;
static atomic_int taken;

static void *reader(void *unused)
{
	struct pollfd p = {fd, POLLIN, 0};
	unsigned long long v;

	if (poll(&p, 1, 1000) == 1 && read(fd, &v, 8) == 8)
		taken += v;
	return unused;
}

int main(void)
{
	unsigned long long three = 3;
	pthread_t threads[8];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, reader, NULL);
	usleep(100000);
	SHOW(write(fd, &three, 8), 8);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	SHOW(taken, 3);
	return differs;
}
