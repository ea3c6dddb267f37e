// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 3.23: row 2.4 with the flag: overflowed, POLLIN | POLLERR comes with the claim that ends
 * it; POLLERR alone, unasked, claims nothing
 */
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

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40
#endif
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
	struct pollfd p = {eventfd(0, EFD_AUTORESET | EFD_NONBLOCK), 0, 0};

	setbuf(stdout, NULL);
	alarm(20);
	if (eventfd(0, EFD_AUTORESET) < 0) {
		printf("cannot be asked: there is no EFD_AUTORESET here\n");
		return 2;
	}
	SHOW(eventfd_write(p.fd, -2ULL), 0);
	signal_from_kernel(p.fd);
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLERR);
	p.events = POLLIN;
	SHOW(poll(&p, 1, 0), 1);
	SHOW(p.revents, POLLIN | POLLERR);
	SHOW(poll(&p, 1, 0), 0);
	return differs;
}
