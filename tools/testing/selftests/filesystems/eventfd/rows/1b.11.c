// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.11: a write of more than 8 bytes is EINVAL (since 6.9) */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long ones[2] = {1, 1}, v;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(fd, ones, 9), -EINVAL);
	SHOW(write(fd, ones, 16), -EINVAL);
	SHOW(read(fd, &v, 8), -EAGAIN);
	return differs;
}
