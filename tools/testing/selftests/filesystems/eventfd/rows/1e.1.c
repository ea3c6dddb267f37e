// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.1: fdinfo says whether it is a semaphore */
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
	char path[64], text[512] = "";
	int fdinfo;

	setbuf(stdout, NULL);
	alarm(20);
	sprintf(path, "/proc/self/fdinfo/%d", eventfd(0, EFD_SEMAPHORE));
	fdinfo = open(path, O_RDONLY);
	if (fdinfo < 0) {
		printf("cannot be asked: %s: %s\n", path, strerror(errno));
		return 2;
	}
	SHOW(read(fdinfo, text, 511) > 0, 1);
	printf("%s", text);
	SHOW(!strstr(text, "eventfd-semaphore: 1\n"), 0);
	return differs;
}
