// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.8: overflowed: a semaphore read gives 1 and leaves a full one, readable and not writable */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
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
	struct pollfd p = {eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), POLLIN | POLLOUT, 0};
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(eventfd_write(p.fd, -2ULL), 0);
	signal_from_kernel(p.fd);
	SHOW(eventfd_read(p.fd, &v), 0);
	SHOW(v, 1);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLIN);
	return differs;
}
