// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * An event loop that another thread wakes, with EFD_AUTORESET where the kernel
 * has it and with read(2) where it does not.
 *
 * Usage: event-loop [-r] [WAKE-UPS]
 *
 * With -r it does not ask for EFD_AUTORESET, to compare. It prints what it did
 * and ends with 0 if each wake-up was seen once:
 *
 *	strace -f -c -e trace=poll,read ./event-loop 1000
 *	strace -f -c -e trace=poll,read ./event-loop -r 1000
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

/* [event-loop] */
#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40	/* for headers that are older than the flag */
#endif

struct wakeup {
	int fd;
	bool must_read;		/* the kernel lacks EFD_AUTORESET */
};

/* Returns 0, or -1 with errno set. */
static int wakeup_open(struct wakeup *wakeup, bool autoreset)
{
	int flags = EFD_CLOEXEC | EFD_NONBLOCK;

	wakeup->must_read = !autoreset;
	wakeup->fd = -1;
	if (autoreset) {
		wakeup->fd = eventfd(0, flags | EFD_AUTORESET);
		wakeup->must_read = wakeup->fd < 0 && errno == EINVAL;
	}
	if (wakeup->must_read)
		wakeup->fd = eventfd(0, flags);
	return wakeup->fd < 0 ? -1 : 0;
}

/* From any thread. A full counter is no failure: the loop is awake by then. */
static void wakeup_wake(const struct wakeup *wakeup)
{
	while (eventfd_write(wakeup->fd, 1) < 0 && errno == EINTR)
		;
}

/* From the loop, each time that it is told of POLLIN. */
static void wakeup_handle(const struct wakeup *wakeup)
{
	eventfd_t count;

	if (!wakeup->must_read)
		return;
	while (eventfd_read(wakeup->fd, &count) < 0 && errno == EINTR)
		;
}

/* [event-loop] */

struct waker {
	const struct wakeup *wakeup;
	sem_t seen;		/* posted by the loop after each wake-up */
	unsigned int rounds;
};

static void *wake_often(void *argument)
{
	struct waker *waker = argument;
	unsigned int i;

	for (i = 0; i < waker->rounds; i++) {
		wakeup_wake(waker->wakeup);
		while (sem_wait(&waker->seen) && errno == EINTR)
			;
	}
	return NULL;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "event-loop: %s: %s\n", what, strerror(error));
	return 1;
}

int main(int argc, char **argv)
{
	struct waker waker = { .rounds = 1000 };
	unsigned int woken = 0, reads = 0;
	bool autoreset = true;
	char *end = "";
	struct wakeup wakeup;
	struct pollfd fd;
	pthread_t thread;
	int error;

	if (argc > 1 && !strcmp(argv[1], "-r")) {
		autoreset = false;
		argc--;
		argv++;
	}
	if (argc == 2)
		waker.rounds = strtoul(argv[1], &end, 10);
	if (argc > 2 || *end) {
		fprintf(stderr, "usage: event-loop [-r] [WAKE-UPS]\n");
		return 2;
	}

	if (wakeup_open(&wakeup, autoreset))
		return fail("eventfd", errno);
	waker.wakeup = &wakeup;
	sem_init(&waker.seen, 0, 0);
	error = pthread_create(&thread, NULL, wake_often, &waker);
	if (error)
		return fail("pthread_create", error);

	fd = (struct pollfd) { .fd = wakeup.fd, .events = POLLIN };
	while (woken < waker.rounds) {
		if (poll(&fd, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail("poll", errno);
		}
		wakeup_handle(&wakeup);
		reads += wakeup.must_read;
		woken++;
		sem_post(&waker.seen);
	}
	pthread_join(thread, NULL);

	/* Nothing is left: each wake-up was reported once. */
	if (poll(&fd, 1, 0) != 0)
		return fail("a wake-up was reported twice", EIO);
	printf("%s: %u wake-ups, %u calls of poll, %u of read\n",
	       wakeup.must_read ? "read" : "autoreset", woken, woken + 1, reads);
	return 0;
}
