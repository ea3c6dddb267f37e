// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.20: preadv2 at position -1: RWF_NOWAIT on a blocking one is EAGAIN when empty and reads
 * otherwise; RWF_HIPRI and RWF_APPEND are taken, unknown flags EOPNOTSUPP
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
	unsigned long long v = 0;
	struct iovec whole = {&v, 8};
	int fd = eventfd(0, 0);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(preadv2(fd, &whole, 1, -1, RWF_NOWAIT), -EAGAIN);
	SHOW(eventfd_write(fd, 5), 0);
	SHOW(preadv2(fd, &whole, 1, -1, 0x40000000), -EOPNOTSUPP);
	SHOW(preadv2(fd, &whole, 1, -1, RWF_NOWAIT), 8);
	SHOW(v, 5);
	SHOW(eventfd_write(fd, 6), 0);
	SHOW(preadv2(fd, &whole, 1, -1, RWF_HIPRI), 8);
	SHOW(v, 6);
	return differs;
}
