// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.55: aio: PREAD returns 8, -EAGAIN when empty and nonblocking or RWF_NOWAIT; PWRITE is
 * EINVAL when submitted; IOCB_CMD_POLL says POLLIN
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long v = 0;
	int fd = eventfd(5, EFD_NONBLOCK);
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd,
			       .aio_buf = (uintptr_t)&v, .aio_nbytes = 8};
	struct iocb *list = &request;
	struct io_event done = {0};
	aio_context_t context = 0;

	setbuf(stdout, NULL);
	alarm(20);
	if (syscall(SYS_io_setup, 4, &context)) {
		printf("cannot be asked: no aio: %s\n", strerror(errno));
		return 2;
	}
	SHOW(syscall(SYS_io_submit, context, 1, &list), 1);
	SHOW(syscall(SYS_io_getevents, context, 1, 1, &done, NULL), 1);
	SHOW(done.res, 8);
	SHOW(v, 5);
	SHOW(syscall(SYS_io_submit, context, 1, &list), 1);
	SHOW(syscall(SYS_io_getevents, context, 1, 1, &done, NULL), 1);
	SHOW(done.res, -EAGAIN);
	request.aio_lio_opcode = IOCB_CMD_PWRITE;
	SHOW(syscall(SYS_io_submit, context, 1, &list), -EINVAL);
	return differs;
}
