// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.48: rings and aio: another kind of file is EINVAL, a closed number EBADF, nothing to
 * unregister ENXIO
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = eventfd(0, 0),
			       .aio_buf = POLLOUT, .aio_flags = IOCB_FLAG_RESFD};
	struct iocb *list = &request;
	aio_context_t context = 0;
	int ends[2];

	setbuf(stdout, NULL);
	alarm(20);
	if (syscall(SYS_io_setup, 1, &context)) {
		printf("cannot be asked: no aio: %s\n", strerror(errno));
		return 2;
	}
	SHOW(pipe(ends), 0);
	request.aio_resfd = ends[0];
	SHOW(syscall(SYS_io_submit, context, 1, &list), -EINVAL);
	close(ends[0]);
	SHOW(syscall(SYS_io_submit, context, 1, &list), -EBADF);
	return differs;
}
