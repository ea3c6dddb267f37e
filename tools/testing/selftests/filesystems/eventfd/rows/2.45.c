// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.45: fchmod, fchown and futimens are 0 before 6.16, and EOPNOTSUPP since */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK);
	long mode = fchmod(fd, 0600) ? -errno : 0, owner = fchown(fd, -1, -1) ? -errno : 0;

	setbuf(stdout, NULL);
	alarm(20);
	printf("fchmod(fd, 0600): saw %ld (%s)\n", mode, strerror(-mode));
	printf("fchown(fd, -1, -1): saw %ld (%s)\n", owner, strerror(-owner));
	SHOW(mode == 0 || mode == -EOPNOTSUPP, 1); /* before 6.16, and since */
	SHOW(owner == 0 || owner == -EOPNOTSUPP, 1);
	return differs;
}
