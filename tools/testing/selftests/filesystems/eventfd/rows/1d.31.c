// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 1d.31: an entry outlives the parent's descriptor for as long as a child holds one, and the
 * parent cannot delete it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK), ep = epoll_create1(0), hold[2];
	struct epoll_event e = {.events = EPOLLIN};
	char byte;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	SHOW(pipe(hold), 0);
	if (!fork()) { /* it keeps its descriptor until the pipe is closed */
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) != 0);
	}
	SHOW(close(fd), 0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), -EBADF);
	SHOW(epoll_wait(ep, &e, 1, 0), 1);
	close(hold[1]);
	wait(NULL);
	SHOW(epoll_wait(ep, &e, 1, 0), 0);
	return differs;
}
