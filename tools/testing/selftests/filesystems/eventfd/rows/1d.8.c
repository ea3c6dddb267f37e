// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1d.8: a poll for input on an empty one times out */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	struct pollfd p = {eventfd(0, EFD_NONBLOCK), POLLIN, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(poll(&p, 1, 50), 0);
	SHOW(p.revents, 0);
	return differs;
}
