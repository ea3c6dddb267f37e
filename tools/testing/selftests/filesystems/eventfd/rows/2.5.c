// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.5: overflowed: select says readable and writable, not exceptional */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "show.h"

/* The kernel adds 1: a request of aio ends, a read of what is there. */
static void signal_from_kernel(int fd)
{
	static unsigned long long v;
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = eventfd(1, 0),
			       .aio_buf = (intptr_t)&v, .aio_nbytes = 8,
			       .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = fd};
	struct iocb *list = &request;
	aio_context_t context = 0;
	struct io_event end;

	if (syscall(SYS_io_setup, 1, &context) || syscall(SYS_io_submit, context, 1, &list) != 1) {
		printf("cannot be asked: there is no aio: %s\n", strerror(errno));
		exit(2);
	}
	syscall(SYS_io_getevents, context, 1, 1, &end, NULL);
	usleep(20000); /* Linux has signalled by now, another system may be about to */
}

int main(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct timeval now = {0, 0};
	fd_set in, out, exceptions;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(eventfd_write(fd, -2ULL), 0);
	signal_from_kernel(fd);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	exceptions = in;
	SHOW(select(fd + 1, &in, &out, &exceptions, &now), 2);
	SHOW(!!FD_ISSET(fd, &in), 1);
	SHOW(!!FD_ISSET(fd, &out), 1);
	SHOW(!!FD_ISSET(fd, &exceptions), 0);
	return differs;
}
