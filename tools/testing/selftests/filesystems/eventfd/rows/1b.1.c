// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.1: read returns 8, gives the count, and sets it to 0 */
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
	int fd = eventfd(9, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 9);
	SHOW(read(fd, &v, 8), -EAGAIN);
	return differs;
}
