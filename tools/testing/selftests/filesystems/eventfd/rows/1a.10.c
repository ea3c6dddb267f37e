// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.10: EFD_CLOEXEC | EFD_NONBLOCK sets both */
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
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	SHOW(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return differs;
}
