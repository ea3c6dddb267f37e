// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.6: a read that fails with EAGAIN leaves the buffer alone */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 0x1234;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(eventfd(0, EFD_NONBLOCK), &v, 8), -EAGAIN);
	SHOW(v, 0x1234);
	return differs;
}
