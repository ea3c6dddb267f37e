// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.2: writes add up */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long three = 3, four = 4, v = 0;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, &three, 8), 8);
	SHOW(write(fd, &four, 8), 8);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 7);
	return differs;
}
