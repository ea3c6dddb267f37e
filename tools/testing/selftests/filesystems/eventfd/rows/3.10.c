// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.10: select claims what it reports readable, and nothing where it is not asked for
 * reading
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40
#endif
#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_AUTORESET | EFD_NONBLOCK);
	struct timeval now = {0, 0};
	fd_set set;

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	FD_ZERO(&set);
	FD_SET(fd, &set);
	SHOW(select(fd + 1, NULL, &set, NULL, &now), 1);
	SHOW(select(fd + 1, &set, NULL, NULL, &now), 1);
	SHOW(select(fd + 1, &set, NULL, NULL, &now), 0);
	return differs;
}
