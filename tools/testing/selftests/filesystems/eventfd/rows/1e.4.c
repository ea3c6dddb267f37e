// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.4: opening /proc/self/fd/N with O_DIRECTORY is ENOTDIR */
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
	char path[64];

	setbuf(stdout, NULL);
	alarm(20);
	sprintf(path, "/proc/self/fd/%d", eventfd(0, 0));
	if (access("/proc/self/fd", F_OK)) {
		printf("cannot be asked: there is no /proc/self/fd\n");
		return 2;
	}
	SHOW(open(path, O_RDONLY | O_DIRECTORY), -ENOTDIR);
	return differs;
}
