// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1a.10: EFD_CLOEXEC | EFD_NONBLOCK sets both */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SHOW(call, expected) do { \
	long long saw; \
	printf("%s: expected %s, ", #call, #expected); \
	saw = (call); \
	if (saw == -1) \
		saw = -errno; \
	printf("saw %lld%s%s\n", saw, saw < 0 ? " " : "", saw < 0 ? strerror(-saw) : ""); \
	differs |= saw != (expected); \
} while (0)

static int differs;

int main(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	setbuf(stdout, NULL);
	alarm(20);
	SHOW(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	SHOW(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return differs;
}
