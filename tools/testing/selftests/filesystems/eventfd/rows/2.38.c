// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.38: fdinfo has three lines of its own, to the letter, after the general ones and those
 * of locks
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char path[64], text[512] = "", *lines;
	int fdinfo;

	setbuf(stdout, NULL);
	alarm(20);
	sprintf(path, "/proc/self/fdinfo/%d", eventfd(0x1234, EFD_SEMAPHORE));
	fdinfo = open(path, O_RDONLY);
	if (fdinfo < 0) {
		printf("cannot be asked: %s: %s\n", path, strerror(errno));
		return 2;
	}
	SHOW(read(fdinfo, text, 511) > 0, 1);
	printf("%s", text);
	lines = strstr(text, "eventfd-count:             1234\neventfd-id: ");
	SHOW(!lines, 0);
	if (lines)
		SHOW(!strstr(lines, "\neventfd-semaphore: 1\n"), 0);
	return differs;
}
