// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.30: pwritev2 takes no flags and RWF_HIPRI; RWF_NOWAIT, RWF_DSYNC and RWF_APPEND are
 * EOPNOTSUPP
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long one = 1;
	struct iovec whole = {&one, 8};
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(pwritev2(fd, &whole, 1, -1, 0), 8);
	SHOW(pwritev2(fd, &whole, 1, -1, RWF_HIPRI), 8);
	SHOW(pwritev2(fd, &whole, 1, -1, RWF_NOWAIT), -EOPNOTSUPP);
	SHOW(pwritev2(fd, &whole, 1, -1, RWF_DSYNC), -EOPNOTSUPP);
	SHOW(pwritev2(fd, &whole, 1, -1, RWF_APPEND), -EOPNOTSUPP);
	return differs;
}
