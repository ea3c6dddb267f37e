// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.9: what a forked child writes its parent sees */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long three = 3, v = 0;
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	alarm(20);
	if (!fork())
		_exit(write(fd, &three, 8) != 8);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 3);
	return differs;
}
