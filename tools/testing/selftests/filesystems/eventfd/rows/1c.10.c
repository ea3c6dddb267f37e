// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1c.10: two processes that wake each other in turn, one eventfd a semaphore, never stop */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	unsigned long long one = 1, v;
	int ping = eventfd(0, 0), pong = eventfd(0, EFD_SEMAPHORE), turns = 0;
	pid_t child = fork();

	setbuf(stdout, NULL);
	alarm(20);
	if (!child) {
		alarm(20);
		while (read(ping, &v, 8) == 8 && write(pong, &one, 8) == 8)
			;
		_exit(1);
	}
	while (turns < 10000 && write(ping, &one, 8) == 8 && read(pong, &v, 8) == 8)
		turns++;
	kill(child, SIGKILL);
	SHOW(turns, 10000);
	return differs;
}
