// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.9: EFD_CLOEXEC does not show in F_GETFL */
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
	SHOW(fcntl(eventfd(0, EFD_CLOEXEC), F_GETFL), O_RDWR);
	return differs;
}
