// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.3: write returns 8 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long one = 1;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(write(eventfd(0, EFD_NONBLOCK), &one, 8), 8);
	return differs;
}
