// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.8: EFD_CLOEXEC sets FD_CLOEXEC, and only EFD_CLOEXEC does */
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
	SHOW(fcntl(eventfd(0, EFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
	SHOW(fcntl(eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE), F_GETFD), 0);
	return differs;
}
