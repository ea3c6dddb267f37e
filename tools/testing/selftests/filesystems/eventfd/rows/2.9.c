// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.9: poll never says POLLRDNORM or POLLWRNORM (NetBSD does) */
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
	short normal = POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND;
	struct pollfd p = {eventfd(1, EFD_NONBLOCK), normal, 0};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(poll(&p, 1, 0), 0);
	SHOW(p.revents, 0);
	return differs;
}
