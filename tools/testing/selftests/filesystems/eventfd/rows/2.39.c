// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.39: ids: the lowest that is free, unique while open, used again after the close, not
 * lost by a creation that fails
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

static int id_of(int fd)
{
	char path[64], text[512] = "", *line;
	int fdinfo;

	sprintf(path, "/proc/self/fdinfo/%d", fd);
	fdinfo = open(path, O_RDONLY);
	if (fdinfo < 0) {
		printf("cannot be asked: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	if (read(fdinfo, text, 511) <= 0)
		return -1;
	line = strstr(text, "eventfd-id: ");
	return line ? atoi(line + strlen("eventfd-id: ")) : -1;
}

int main(void)
{
	int first = eventfd(0, 0), second = eventfd(0, 0);

	setbuf(stdout, NULL);
	alarm(20);
	printf("ids %d and %d\n", id_of(first), id_of(second));
	SHOW(id_of(first) >= 0, 1);
	SHOW(id_of(first) != id_of(second), 1);
	SHOW(id_of(dup(first)), id_of(first));
	return differs;
}
