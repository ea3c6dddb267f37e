// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.22: a signal ends a blocked read with EINTR and nothing taken; with SA_RESTART the read
 * goes on
 */
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
	unsigned long long v;
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	SHOW(read(fd, &v, 8), -EINTR);
	SHOW(eventfd_write(fd, 5), 0);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 5);
	return differs;
}
