// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.19: readv spreads one value: 4 + 4 bytes split it, 8 + 8 return 8, 4 + 3 are EINVAL, 0 +
 * 8 return 8, no parts return 0; a bad second part is EFAULT, and takes nothing (on stock: the
 * count)
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
	unsigned long long a = 0, b = 7;
	struct iovec halves[2] = {{&a, 4}, {(char *)&a + 4, 4}}, wholes[2] = {{&a, 8}, {&b, 8}};
	struct iovec seven[2] = {{&a, 4}, {&b, 3}}, bad[2] = {{&a, 4}, {NULL, 4}};
	int fd = eventfd(5, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(readv(fd, seven, 2), -EINVAL);
	SHOW(readv(fd, halves, 0), 0);
	SHOW(readv(fd, halves, 2), 8);
	SHOW(a, 5);
	SHOW(eventfd_write(fd, 6), 0);
	SHOW(readv(fd, wholes, 2), 8);
	SHOW(a, 6);
	SHOW(b, 7);
	SHOW(eventfd_write(fd, 8), 0);
	SHOW(readv(fd, bad, 2), -EFAULT);
	return differs;
}
