// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.41: mmap is ENODEV; ioctl is ENOTTY, but FIONBIO and FIOCLEX work */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, 0), on = 1;
	unsigned long long v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -errno : 0, -ENODEV);
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -errno : 0, -ENODEV);
	SHOW(ioctl(fd, FIOASYNC, &on), -ENOTTY);
	SHOW(ioctl(fd, 0xdeadbeef, &on), -ENOTTY);
	SHOW(ioctl(fd, FIONBIO, &on), 0);
	SHOW(read(fd, &v, 8), 8);
	SHOW(read(fd, &v, 8), -EAGAIN);
	SHOW(ioctl(fd, FIOCLEX), 0);
	SHOW(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return differs;
}
