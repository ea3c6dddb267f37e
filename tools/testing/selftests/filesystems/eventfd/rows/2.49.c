// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.49: each undefined flag bit alone is EINVAL, all combinations of the defined ones work,
 * the old call ignores what is in the place of flags, and no free descriptor is EMFILE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	struct rlimit none = {0, 0};
	int flags[8] = {EFD_SEMAPHORE, EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE | EFD_NONBLOCK};

	setbuf(stdout, NULL);
	alarm(20);
	for (int i = 0; i < 8; i++)
		SHOW(eventfd(0, flags[i]) >= 0, 1);
	SHOW(eventfd(0, 0x20), -EINVAL);
	SHOW(setrlimit(RLIMIT_NOFILE, &none), 0);
	SHOW(eventfd(0, 0), -EMFILE);
	return differs;
}
