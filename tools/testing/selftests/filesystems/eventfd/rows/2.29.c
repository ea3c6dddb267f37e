// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.29: a blocking writev of 1 and 2 to one below full lands the 1 and waits with the 2; a
 * signal then makes it return 8
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "show.h"

static atomic_int signals;

static void count(int sig)
{
	signals += sig == SIGALRM;
}

int main(void)
{
	unsigned long long one = 1, two = 2, v;
	struct iovec parts[2] = {{&one, 8}, {&two, 8}};
	struct itimerval often = {{0, 200000}, {0, 200000}};
	struct sigaction action = {.sa_handler = count};
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	SHOW(eventfd_write(fd, -3ULL), 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	SHOW(writev(fd, parts, 2), 8);
	SHOW(signals > 0, 1);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v == -2ULL, 1);
	return differs;
}
