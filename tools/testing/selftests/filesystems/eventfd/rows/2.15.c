// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.15: read: length 0 is EINVAL, and that comes before EAGAIN and before EFAULT; an address
 * of the kernel's is EFAULT before all
 */
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
	unsigned long long v;
	int fd = eventfd(0, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(read(fd, &v, 0), -EINVAL);
	SHOW(read(fd, &v, 7), -EINVAL);
	SHOW(read(fd, nowhere, 7), -EINVAL);
	SHOW(eventfd_write(fd, 1), 0);
	SHOW(read(fd, nowhere, 7), -EINVAL);
	SHOW(read(fd, &v, 8), 8);
	return differs;
}
