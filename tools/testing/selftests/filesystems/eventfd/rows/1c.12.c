// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.12: a blocked read outlives the close of its descriptor (NetBSD says EBADF) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "show.h"

static int fd;
static atomic_int task;

static void *reader(void *unused)
{
	unsigned long long v = 0;

	task = syscall(SYS_gettid);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 1);
	return unused;
}

int main(void)
{
	unsigned long long one = 1;
	char path[64], state[64] = "";
	pthread_t thread;
	int twin;

	setbuf(stdout, NULL);
	alarm(20);
	fd = eventfd(0, 0);
	twin = dup(fd);
	pthread_create(&thread, NULL, reader, NULL);
	while (!task)
		sched_yield();
	sprintf(path, "/proc/self/task/%d/stat", task);
	for (int i = 0; i < 5000 && !strstr(state, ") S"); i++) {
		int stat = open(path, O_RDONLY);

		usleep(1000);
		if (read(stat, state, 63) <= 0)
			break;
		close(stat);
	}
	if (!strstr(state, ") S")) {
		printf("\ncannot be asked: %s does not say that the reader sleeps\n", path);
		return 2;
	}
	SHOW(close(fd), 0);
	SHOW(write(twin, &one, 8), 8);
	pthread_join(thread, NULL);
	return differs;
}
