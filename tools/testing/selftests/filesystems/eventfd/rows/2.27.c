// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.27: a write of 2^64 - 1 to a full one is EINVAL, not EAGAIN */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(eventfd_write(fd, -2ULL), 0);
	SHOW(eventfd_write(fd, -1ULL), -EINVAL);
	SHOW(eventfd_write(fd, 1), -EAGAIN);
	return differs;
}
