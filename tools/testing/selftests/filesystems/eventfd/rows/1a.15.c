// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.15: O_NONBLOCK set later by F_SETFL makes a read of an empty one EAGAIN */
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
	unsigned long long v;
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	SHOW(read(fd, &v, 8), -EAGAIN);
	return differs;
}
