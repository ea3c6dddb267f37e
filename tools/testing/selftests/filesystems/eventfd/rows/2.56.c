// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.56: O_NONBLOCK is shared by dups; a descriptor sent through a socket keeps the count
 * though the sender closed his; pidfd_getfd gives the same file, which kcmp says too
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char space[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
				 .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int fd = eventfd(5, 0), twin = dup(fd), pair[2], got = -1;
	eventfd_t v;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(twin, F_SETFL, O_NONBLOCK), 0);
	SHOW(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	SHOW(sendmsg(pair[0], &message, 0), 1);
	close(fd);
	close(twin);
	SHOW(recvmsg(pair[1], &message, 0), 1);
	memcpy(&got, CMSG_DATA(head), sizeof(int));
	SHOW(eventfd_read(got, &v), 0);
	SHOW(v, 5);
	return differs;
}
