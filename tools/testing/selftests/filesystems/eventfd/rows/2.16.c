// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 2.16: a read of 64 KiB looks at 8 bytes: the rest need not be there */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char *pages = mmap(NULL, 131072, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(mprotect(pages, 65536, PROT_READ | PROT_WRITE), 0);
	SHOW(read(eventfd(5, EFD_NONBLOCK), pages + 65536 - 8, 65536), 8);
	SHOW(*(unsigned long long *)(pages + 65536 - 8), 5);
	return differs;
}
