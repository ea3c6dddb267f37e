// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.6: /proc/self/fd lists it */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char path[64], target[64] = "";

	setbuf(stdout, NULL);
	alarm(20);
	sprintf(path, "/proc/self/fd/%d", eventfd(0, 0));
	if (access("/proc/self/fd", F_OK)) {
		printf("cannot be asked: there is no /proc/self/fd\n");
		return 2;
	}
	SHOW(readlink(path, target, 63) > 0, 1);
	printf("%s: expected anon_inode:[eventfd], saw %s\n", path, target);
	SHOW(strcmp(target, "anon_inode:[eventfd]"), 0);
	return differs;
}
