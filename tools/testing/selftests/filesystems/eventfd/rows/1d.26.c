// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.26: a signal ends epoll_wait with EINTR */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
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
	int fd = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(0);
	struct itimerval soon = {{0, 100000}, {0, 100000}};
	struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	struct epoll_event e = {.events = EPOLLIN};

	setbuf(stdout, NULL);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SHOW(epoll_wait(ep, &e, 1, 10000), -EINTR);
	return differs;
}
