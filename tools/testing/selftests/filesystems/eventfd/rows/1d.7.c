// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.7: with every event asked for, those are all: no hang-up, no priority data, no
 * exceptional set
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	short every = POLLIN | POLLOUT | POLLPRI | POLLERR | POLLHUP | POLLRDHUP;
	struct pollfd p = {fd, every, 0};
	struct timeval now = {0, 0};
	fd_set exceptions;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLOUT);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLIN | POLLOUT);
	FD_ZERO(&exceptions);
	FD_SET(fd, &exceptions);
	SHOW(select(fd + 1, NULL, NULL, &exceptions, &now), 0);
	return differs;
}
