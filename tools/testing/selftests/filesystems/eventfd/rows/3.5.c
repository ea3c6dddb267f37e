// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 3.5: read and write work as on any other: sums, limits, blocked readers and writers */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40
#endif
#include "show.h"

int main(void)
{
	int fd = eventfd(3, EFD_AUTORESET | EFD_NONBLOCK);
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(eventfd_write(fd, 4), 0);
	SHOW(eventfd_read(fd, &v), 0);
	SHOW(v, 7);
	SHOW(eventfd_read(fd, &v), -EAGAIN);
	SHOW(eventfd_write(fd, -2ULL), 0);
	SHOW(eventfd_write(fd, 1), -EAGAIN);
	return differs;
}
