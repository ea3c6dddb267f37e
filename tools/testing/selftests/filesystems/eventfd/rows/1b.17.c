// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1b.17: a read into, and a write from, an address that is not there are EFAULT */
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
	int fd = eventfd(1, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(fd, nowhere, 8), -EFAULT);
	SHOW(write(fd, nowhere, 8), -EFAULT);
	return differs;
}
