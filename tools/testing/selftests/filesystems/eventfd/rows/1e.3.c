// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.3: fallocate is ENODEV */
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
	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fallocate(eventfd(5, 0), 0, 0, 4096), -ENODEV);
	return differs;
}
