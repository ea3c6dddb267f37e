// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.6: with several writers of different numbers the sum that one reader gets is exact */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int fd;

static void *writer(void *value)
{
	for (int i = 0; i < 1000; i++)
		if (write(fd, value, 8) != 8)
			differs = 1;
	return NULL;
}

int main(void)
{
	unsigned long long numbers[4] = {1, 20, 300, 4000}, sum = 0, v;
	pthread_t threads[4];

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, writer, &numbers[i]);
	while (sum < 4321000 && read(fd, &v, 8) == 8)
		sum += v;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	SHOW(sum, 4321000);
	return differs;
}
