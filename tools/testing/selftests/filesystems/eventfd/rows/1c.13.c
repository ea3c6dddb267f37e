// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.13: an eventfd can be saved and made again (CRIU): its fdinfo tells all that this takes */
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
	sprintf(path, "/proc/self/fdinfo/%d", eventfd(18, EFD_SEMAPHORE | EFD_NONBLOCK));
	fdinfo = open(path, O_RDONLY);
	if (fdinfo < 0) {
		printf("cannot be asked: %s: %s\n", path, strerror(errno));
		return 2;
	}
	SHOW(read(fdinfo, text, 511) > 0, 1);
	printf("%s", text);
	SHOW(!strstr(text, "flags:\t"), 0);
	SHOW(!strstr(text, "eventfd-count:               12\n"), 0);
	SHOW(!strstr(text, "eventfd-semaphore: 1\n"), 0);
	return differs;
}
