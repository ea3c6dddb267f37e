// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1c.11: what was done before a write is seen after the read, or the report, that sees that
 * write
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

static int fd, back;
static atomic_int news;

static void *reader(void *unused)
{
	unsigned long long v;

	for (int i = 1; i <= 10000; i++) {
		if (read(fd, &v, 8) != 8 || news != i)
			differs = 1;
		v = 1;
		if (write(back, &v, 8) != 8)
			differs = 1;
	}
	return unused;
}

int main(void)
{
	unsigned long long one = 1, v;
	pthread_t thread;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	back = eventfd(0, 0);
	pthread_create(&thread, NULL, reader, NULL);
	for (int i = 1; i <= 10000; i++) {
		news = i;
		if (write(fd, &one, 8) != 8 || read(back, &v, 8) != 8)
			differs = 1;
	}
	pthread_join(thread, NULL);
	SHOW(differs, 0);
	return differs;
}
