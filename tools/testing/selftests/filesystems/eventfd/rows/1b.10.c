// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.10: a write of less than 8 bytes is EINVAL */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long one = 1, v;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &one, 7), -EINVAL);
	SHOW(write(fd, &one, 4), -EINVAL);
	SHOW(write(fd, &one, 0), -EINVAL);
	SHOW(read(fd, &v, 8), -EAGAIN);
	return differs;
}
