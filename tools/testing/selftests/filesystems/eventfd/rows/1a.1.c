// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.1: eventfd2(0, 0) returns a descriptor, the lowest that is free */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int low = eventfd(0, 0);

	setbuf(stdout, NULL);
	alarm(20);
	close(low);
	SHOW(eventfd(0, 0), low);
	return differs;
}
