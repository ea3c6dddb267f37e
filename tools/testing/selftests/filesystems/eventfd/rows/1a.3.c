// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.3: the initial value is an unsigned 32-bit number, and the counter keeps all of it */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 0;
	int fd = eventfd(4294967295U, 0);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(fd, &v, 8), 8);
	SHOW(v, 4294967295U);
	return differs;
}
