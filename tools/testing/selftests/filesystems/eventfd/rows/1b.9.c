// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.9: a read of more than 8 bytes returns 8 and leaves the rest of the buffer alone */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v[2] = {0, 0x1234};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(eventfd(5, EFD_NONBLOCK), v, 16), 8);
	SHOW(v[0], 5);
	SHOW(v[1], 0x1234);
	return differs;
}
