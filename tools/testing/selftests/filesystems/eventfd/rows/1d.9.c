// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.9: a blocked poll or select for input is woken by a write, one for output by a read */
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
	SHOW(poll(p, 1, -1), 1);
	return NULL;
}

int main(void)
{
	struct pollfd p = {eventfd(0, EFD_NONBLOCK), POLLIN, 0};
	unsigned long long full = -2ULL, v;
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	pthread_create(&thread, NULL, poller, &p);
	usleep(100000);
	SHOW(write(p.fd, &full, 8), 8);
	pthread_join(thread, NULL);
	SHOW(p.revents, POLLIN);
	p.events = POLLOUT;
	pthread_create(&thread, NULL, poller, &p);
	usleep(100000);
	SHOW(read(p.fd, &v, 8), 8);
	pthread_join(thread, NULL);
	SHOW(p.revents, POLLOUT);
	return differs;
}
