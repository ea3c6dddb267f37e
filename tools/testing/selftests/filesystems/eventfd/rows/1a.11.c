// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.11: execve(2) closes a descriptor made with EFD_CLOEXEC, and leaves others open */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(int argc, char **argv)
{
	char stays[16], goes[16];

	setbuf(stdout, NULL);
	alarm(20);
	if (argc == 3) { /* the program that was started anew */
		SHOW(fcntl(atoi(argv[1]), F_GETFD), 0);
		SHOW(fcntl(atoi(argv[2]), F_GETFD), -EBADF);
		return differs;
	}
	sprintf(stays, "%d", eventfd(0, 0));
	sprintf(goes, "%d", eventfd(0, EFD_CLOEXEC));
	execl(argv[0], argv[0], stays, goes, (char *)NULL);
	printf("cannot be asked: this program cannot start itself: %s\n", strerror(errno));
	return 2;
}
