// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.21: pread, pwrite, preadv and pwritev at 0 or above are ESPIPE before any length is
 * looked at; at -1 pread is EINVAL
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 1;
	struct iovec whole = {&v, 8};
	int fd = eventfd(1, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(pread(fd, &v, 8, 0), -ESPIPE);
	SHOW(pwrite(fd, &v, 3, 8), -ESPIPE);
	SHOW(preadv(fd, &whole, 1, 0), -ESPIPE);
	SHOW(pwritev(fd, &whole, 1, 0), -ESPIPE);
	SHOW(pread(fd, &v, 8, -1), -EINVAL);
	return differs;
}
