// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.40: lseek with any known whence returns 0 and moves nothing; an unknown one is EINVAL */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(lseek(fd, 5, SEEK_SET), 0);
	SHOW(lseek(fd, 5, SEEK_END), 0);
	SHOW(lseek(fd, 0, SEEK_CUR), 0);
	SHOW(lseek(fd, 0, 99), -EINVAL);
	return differs;
}
