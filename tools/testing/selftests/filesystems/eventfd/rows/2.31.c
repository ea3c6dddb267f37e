// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.31: a signal ends a blocked write as it ends a read, and the count stays */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "show.h"

static void nothing(int sig)
{
	(void)sig;
}

int main(void)
{
	struct itimerval often = {{0, 200000}, {0, 200000}};
	struct sigaction action = {.sa_handler = nothing};
	unsigned long long one = 1, v;
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	SHOW(eventfd_write(fd, -2ULL), 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	SHOW(write(fd, &one, 8), -EINTR);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v == -2ULL, 1);
	return differs;
}
