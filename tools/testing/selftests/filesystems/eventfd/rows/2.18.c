// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.18: a nonblocking read of an empty one into a bad address is EAGAIN */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(eventfd(0, EFD_NONBLOCK), nowhere, 8), -EAGAIN);
	return differs;
}
