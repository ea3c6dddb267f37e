// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.5: EFD_CLOEXEC and EFD_NONBLOCK are O_CLOEXEC and O_NONBLOCK */
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
	SHOW(fcntl(eventfd(0, O_NONBLOCK), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	SHOW(fcntl(eventfd(0, O_CLOEXEC), F_GETFD), FD_CLOEXEC);
	return differs;
}
