// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.26: write: lengths 0, 7, 9 and 16 are EINVAL, also from a bad address; 8 bytes that are
 * not all there are EFAULT, and the count stays; an address of the kernel's is EFAULT before all
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
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long long ones[2] = {1, 1};
	int fd = eventfd(5, EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(mprotect(page + 4096, 4096, PROT_NONE), 0);
	SHOW(write(fd, ones, 0), -EINVAL);
	SHOW(write(fd, ones, 7), -EINVAL);
	SHOW(write(fd, ones, 9), -EINVAL);
	SHOW(write(fd, ones, 16), -EINVAL);
	SHOW(write(fd, page + 4096, 7), -EINVAL);
	SHOW(write(fd, page + 4096, 8), -EFAULT);
	SHOW(write(fd, page + 4092, 8), -EFAULT);
	SHOW(read(fd, ones, 8), 8);
	SHOW(ones[0], 5);
	return differs;
}
