// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.19: pread and pwrite are ESPIPE, of whatever length */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 1;
	int fd = eventfd(1, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(pread(fd, &v, 8, 0), -ESPIPE);
	SHOW(pwrite(fd, &v, 8, 0), -ESPIPE);
	SHOW(pread(fd, &v, 4, 8), -ESPIPE);
	SHOW(pwrite(fd, &v, 4, 8), -ESPIPE);
	return differs;
}
