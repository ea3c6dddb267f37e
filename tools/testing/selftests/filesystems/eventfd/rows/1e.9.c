// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.9: fchmod and fchown EOPNOTSUPP (0 before 6.16), execveat EACCES, reopening ENXIO */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char path[64];
	static char *none[1];
	int fd = eventfd(5, EFD_NONBLOCK);
	long mode = fchmod(fd, 0600) ? -errno : 0;

	setbuf(stdout, NULL);
	alarm(20);
	printf("fchmod(fd, 0600): saw %ld (%s)\n", mode, strerror(-mode));
	SHOW(mode == 0 || mode == -EOPNOTSUPP, 1); /* before 6.16, and since */
	if (syscall(SYS_execveat, -1, "", none, none, AT_EMPTY_PATH) && errno == EBADF)
		SHOW(syscall(SYS_execveat, fd, "", none, none, AT_EMPTY_PATH), -EACCES);
	sprintf(path, "/proc/self/fd/%d", fd);
	if (!access("/proc/self/fd", F_OK))
		SHOW(open(path, O_RDWR), -ENXIO);
	return differs;
}
