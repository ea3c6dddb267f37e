// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.4: two blocked writers both get their turn */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static unsigned long long full = -2ULL, v;
static int fd;

static void *writer(void *value)
{
	SHOW(write(fd, value, 8), 8);
	return NULL;
}

int main(void)
{
	unsigned long long three = 3, four = 4;
	pthread_t first, second;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	SHOW(write(fd, &full, 8), 8);
	pthread_create(&first, NULL, writer, &three);
	pthread_create(&second, NULL, writer, &four);
	usleep(200000);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v == full, 1);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 7);
	return differs;
}
