// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.7: a read of less than 8 bytes is EINVAL, whatever the count */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(eventfd(5, EFD_NONBLOCK), &v, 7), -EINVAL);
	SHOW(read(eventfd(0, EFD_NONBLOCK), &v, 4), -EINVAL);
	SHOW(read(eventfd(5, EFD_NONBLOCK), &v, 0), -EINVAL);
	return differs;
}
