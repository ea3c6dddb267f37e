// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.2: fstat succeeds, with size 0 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	struct stat s = {.st_size = 1};

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fstat(eventfd(5, 0), &s), 0);
	SHOW(s.st_size, 0);
	return differs;
}
