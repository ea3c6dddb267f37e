// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.10: no poll ever says POLLHUP: with the last close under it, it ends with its timeout
 * and POLLNVAL
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static void *poller(void *p)
{
	SHOW(poll(p, 1, 400), 1);
	return NULL;
}

int main(void)
{
	struct pollfd p = {eventfd(0, EFD_NONBLOCK), POLLIN, 0};
	pthread_t thread;
	int fd = p.fd;

	setbuf(stdout, NULL);
	alarm(20);
	pthread_create(&thread, NULL, poller, &p);
	usleep(100000);
	SHOW(close(fd), 0);
	pthread_join(thread, NULL);
	SHOW(p.revents, POLLNVAL);
	return differs;
}
