// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.28: writev is a write for each part: 8 + 8 add both, 4 + 4 are EINVAL, a bad second part
 * leaves the first, an empty first part is EINVAL and an empty inner one is skipped
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
	unsigned long long one = 1, two = 2, v;
	struct iovec wholes[2] = {{&one, 8}, {&two, 8}}, halves[2] = {{&one, 4}, {&two, 4}};
	struct iovec inner[3] = {{&one, 8}, {&one, 0}, {&two, 8}};
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(writev(fd, wholes, 2), 16);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 3);
	SHOW(writev(fd, halves, 2), -EINVAL);
	SHOW(writev(fd, inner, 3), 16);
	SHOW(writev(fd, inner + 1, 1), 0);
	return differs;
}
