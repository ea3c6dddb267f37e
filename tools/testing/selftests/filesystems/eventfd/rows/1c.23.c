// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1c.23: a signal handler can write to what its own task was waiting for: that write never
 * fails, and the read that goes on, or the next read or poll, gets it
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

static int fd, alarms;
static long written;

static void handler(int sig)
{
	unsigned long long one = 1;

	if (alarms++) /* the read still sleeps */
		_exit(sig == SIGALRM);
	written = write(fd, &one, 8);
}

int main(void)
{
	unsigned long long v = 0;
	struct itimerval soon = {{5, 0}, {0, 100000}};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	setbuf(stdout, NULL);
	fd = eventfd(0, 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 1);
	SHOW(written, 8);
	return differs;
}
