// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.47: reopening it is ENXIO; an O_PATH descriptor of it reads EBADF, polls POLLNVAL, and
 * no ring takes it as an eventfd
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char path[64];
	int fd = eventfd(5, EFD_NONBLOCK);
	struct pollfd p = {-1, POLLIN, 0};
	unsigned long long v;

	setbuf(stdout, NULL);
	alarm(20);
	sprintf(path, "/proc/self/fd/%d", fd);
	if (access("/proc/self/fd", F_OK)) {
		printf("cannot be asked: there is no /proc/self/fd\n");
		return 2;
	}
	SHOW(open(path, O_RDWR), -ENXIO);
	p.fd = open(path, O_PATH);
	SHOW(p.fd >= 0, 1);
	SHOW(read(p.fd, &v, 8), -EBADF);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLNVAL);
	return differs;
}
