// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.2: it goes with EFD_CLOEXEC and EFD_NONBLOCK; with EFD_SEMAPHORE, or an unknown flag, it
 * is EINVAL
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40
#endif
#include "show.h"

int main(void)
{
	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(eventfd(0, EFD_AUTORESET | EFD_CLOEXEC | EFD_NONBLOCK) >= 0, 1);
	SHOW(eventfd(0, EFD_AUTORESET | EFD_SEMAPHORE), -EINVAL);
	SHOW(eventfd(0, EFD_AUTORESET | 0x80), -EINVAL);
	return differs;
}
