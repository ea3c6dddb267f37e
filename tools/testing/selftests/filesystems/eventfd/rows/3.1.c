// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 3.1: EFD_AUTORESET is 1 << 6: known or EINVAL, so that a program can ask and go without it */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(0, 0x40);
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fd >= 0 || errno == EINVAL, 1);
	if (fd < 0)
		fd = eventfd(0, 0); /* a program goes on without it */
	SHOW(eventfd_write(fd, 5), 0);
	SHOW(eventfd_read(fd, &v), 0);
	SHOW(v, 5);
	return differs;
}
