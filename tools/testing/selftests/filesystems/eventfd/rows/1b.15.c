// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.15: the limit is exact: what fits to the last unit is taken, one more is not */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long most = -2ULL - 5, five = 5, six = 6;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &most, 8), 8);
	SHOW(write(fd, &six, 8), -EAGAIN);
	SHOW(write(fd, &five, 8), 8);
	SHOW(write(fd, &six, 8), -EAGAIN);
	return differs;
}
