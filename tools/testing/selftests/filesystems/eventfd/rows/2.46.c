// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Row 2.46: fstat: mode 0600 without a file type, size 0, one link, one inode for all; the file
 * system's type is that of anonymous inodes, and the link in /proc says anon_inode:[eventfd]
 */
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
	struct stat s, other;

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fstat(eventfd(5, 0), &s), 0);
	SHOW(fstat(eventfd(6, 0), &other), 0);
	SHOW(s.st_mode, 0600);
	SHOW(s.st_size, 0);
	SHOW(s.st_nlink, 1);
	SHOW(s.st_ino == other.st_ino, 1);
	return differs;
}
