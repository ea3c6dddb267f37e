// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.7: splice into it and out of it is EINVAL, with any other file */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(5, EFD_NONBLOCK), ends[2];

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(pipe(ends), 0);
	SHOW(splice(fd, NULL, ends[1], NULL, 8, SPLICE_F_NONBLOCK), -EINVAL);
	SHOW(write(ends[1], "12345678", 8), 8);
	SHOW(splice(ends[0], NULL, fd, NULL, 8, SPLICE_F_NONBLOCK), -EINVAL);
	return differs;
}
