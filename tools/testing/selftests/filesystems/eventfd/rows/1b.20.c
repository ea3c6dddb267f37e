// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.20: lseek returns 0 (ESPIPE before 6.0) */
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
	SHOW(lseek(fd, 0, SEEK_CUR), 0);
	SHOW(lseek(fd, 5, SEEK_SET), 0);
	return differs;
}
