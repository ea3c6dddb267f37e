// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.7: EFD_NONBLOCK sets O_NONBLOCK, and only EFD_NONBLOCK does */
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
	SHOW(fcntl(eventfd(0, EFD_NONBLOCK), F_GETFL), O_RDWR | O_NONBLOCK);
	SHOW(fcntl(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE), F_GETFL) & O_NONBLOCK, 0);
	return differs;
}
