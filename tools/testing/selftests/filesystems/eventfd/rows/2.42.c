// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.42: fsync, fdatasync, ftruncate, readahead, copy_file_range, sendfile and tee are
 * EINVAL, sync_file_range ESPIPE, vmsplice EBADF; posix_fadvise is 0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	int fd = eventfd(1, EFD_NONBLOCK), ends[2];

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(pipe(ends), 0);
	SHOW(fsync(fd), -EINVAL);
	SHOW(fdatasync(fd), -EINVAL);
	SHOW(ftruncate(fd, 0), -EINVAL);
	SHOW(readahead(fd, 0, 4096), -EINVAL);
	SHOW(copy_file_range(fd, NULL, fd, NULL, 8, 0), -EINVAL);
	SHOW(sendfile(ends[1], fd, NULL, 8), -EINVAL);
	SHOW(tee(fd, ends[1], 8, SPLICE_F_NONBLOCK), -EINVAL);
	SHOW(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), -ESPIPE);
	SHOW(vmsplice(fd, &(struct iovec){ends, 8}, 1, SPLICE_F_NONBLOCK), -EBADF);
	SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL), 0);
	return differs;
}
