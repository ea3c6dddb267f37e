// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.4: an unknown flag, alone or beside known ones, is EINVAL */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	setbuf(stdout, NULL);
	alarm(20);
	SHOW(eventfd(0, 0x2), -EINVAL);
	SHOW(eventfd(0, 0x100), -EINVAL);
	SHOW(eventfd(0, 0x40000000), -EINVAL);
	SHOW(eventfd(0, 0x2 | EFD_NONBLOCK), -EINVAL);
	SHOW(eventfd(0, 0x40000000 | EFD_CLOEXEC), -EINVAL);
	return differs;
}
