// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.6: without flags F_GETFL says O_RDWR and nothing else */
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
	SHOW(fcntl(eventfd(0, 0), F_GETFL), O_RDWR);
	return differs;
}
