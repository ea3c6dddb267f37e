// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.8: a read that is too short takes nothing */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 0;
	int fd = eventfd(5, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(fd, &v, 4), -EINVAL);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 5);
	return differs;
}
