// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What goes wrong when a program that polls an eventfd and reads it is moved to
 * EFD_AUTORESET without a thought, one trap at a time, and what cures it.
 *
 * Usage: traps [TRAP [cured]]
 *
 * Without a word it lists the traps. It ends with 0 if all went well, with 1 if
 * the trap was sprung, with 2 for bad input and with 4 if this kernel lacks
 * EFD_AUTORESET. The comment above each trap has its story.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40	/* for headers that are older than the flag */
#endif

/* Long enough for whatever comes at all; what has not come by then is lost. */
#define LOST_MS 2000

#define CHECK(call)						\
	({							\
		__typeof__(call) result = (call);		\
								\
		if (result < 0) {				\
			perror(#call);				\
			exit(3);				\
		}						\
		result;						\
	})

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_AUTORESET);

	if (fd < 0 && errno == EINVAL) {
		printf("this kernel lacks EFD_AUTORESET\n");
		exit(4);
	}
	return CHECK(fd);
}

/* Whether a poll of this descriptor reports input. */
static bool reports(int fd, int timeout)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return CHECK(poll(&one, 1, timeout)) == 1 && one.revents & POLLIN;
}

static void post(int fd)
{
	CHECK(eventfd_write(fd, 1));
}

/* Whether somebody posts it in time. */
static bool comes(sem_t *sem)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += LOST_MS / 1000;
	while (sem_timedwait(sem, &end))
		if (errno != EINTR)
			return false;
	return true;
}

static pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	CHECK(-pthread_create(&thread, NULL, body, argument));
	return thread;
}

/* An epoll that has one descriptor in it: to poll it only looks. */
static int look_through(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = CHECK(epoll_create1(EPOLL_CLOEXEC));

	CHECK(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
	return epfd;
}

/*
 * The loop handles what the read says, and not what the poll said.
 */
static bool read_decides(bool cured)
{
	int fd = new_eventfd(), handled = 0;
	eventfd_t count;

	post(fd);
	/* [read-decides] */
	if (reports(fd, LOST_MS)) {
		int read_fails = eventfd_read(fd, &count);

		if (cured || !read_fails)
			handled++;
	}
	/* [read-decides] */
	close(fd);
	return handled == 1;
}

/*
 * Two who poll one eventfd, each for an event of its own: a main loop, and a
 * thread that waits for its request to be completed.
 */
struct poller {
	int fd;
	int other;		/* whom to tell, once this one was told; or -1 */
	sem_t told;
};

static void *poll_until_told(void *argument)
{
	struct poller *poller = argument;

	if (!reports(poller->fd, LOST_MS))
		return NULL;
	/* [two-pollers] */
	if (poller->other >= 0)
		post(poller->other);
	/* [two-pollers] */
	sem_post(&poller->told);
	return NULL;
}

static bool two_pollers(bool cured)
{
	/* Cured, each has an eventfd of its own, and who is told tells the next. */
	int fd = new_eventfd(), own = cured ? new_eventfd() : fd;
	struct poller loop = { .fd = fd, .other = cured ? own : -1 };
	struct poller waiter = { .fd = own, .other = -1 };
	pthread_t threads[2];
	bool both;

	sem_init(&loop.told, 0, 0);
	sem_init(&waiter.told, 0, 0);
	threads[0] = start(poll_until_told, &loop);
	threads[1] = start(poll_until_told, &waiter);
	post(fd);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	both = !sem_trywait(&loop.told) & !sem_trywait(&waiter.told);
	if (cured)
		close(own);
	close(fd);
	return both;
}

/*
 * A loop that polls several descriptors, and throws away what was reported when
 * its set of descriptors has changed meanwhile, to poll anew.
 */
static bool dropped_report(bool cured)
{
	int fd = new_eventfd();
	bool set_has_changed = true, handled = false;
	int round;

	post(fd);
	for (round = 0; round < 2 && !handled; round++) {
		if (!reports(fd, round ? 0 : LOST_MS))
			continue;
		/* [dropped-report] */
		if (set_has_changed) {
			set_has_changed = false;
			if (cured)
				post(fd);	/* it is reported once more */
			continue;
		}
		/* [dropped-report] */
		handled = true;
	}
	close(fd);
	return handled;
}

/*
 * A library hands out its eventfd, for its user to poll, and polls it itself when
 * the user calls it.
 */
static bool handed_out(bool cured)
{
	int fd = new_eventfd();
	/* [handed-out] */
	int for_the_user = cured ? look_through(fd) : fd;
	/* [handed-out] */
	bool user, library;

	post(fd);
	user = reports(for_the_user, LOST_MS);
	library = reports(fd, 0);
	if (cured)
		close(for_the_user);
	close(fd);
	return user && library;
}

/*
 * A look with a time-out of 0 that leaves the event to somebody else takes it.
 */
static bool look_takes(bool cured)
{
	int fd = new_eventfd(), epfd = look_through(fd);
	struct epoll_event event;
	bool there;

	post(fd);
	/* [look-takes] */
	if (cured)
		there = reports(epfd, 0);	/* poll(2) of an epoll only looks */
	else
		there = CHECK(epoll_wait(epfd, &event, 1, 0)) == 1;
	/* [look-takes] */
	/* The one that blocks, and is to have it. */
	there = there && CHECK(epoll_wait(epfd, &event, 1, 0)) == 1;
	close(epfd);
	close(fd);
	return there;
}

/*
 * A read at the start of the handler takes the posts that came after the report,
 * too; a claim has been before them: the handler runs once more, and its queue is
 * empty then.
 */
static bool late_post(bool cured)
{
	int fd = new_eventfd(), queued = 0, runs = 0;
	bool good = true;

	queued++;
	post(fd);
	while (reports(fd, 0)) {
		runs++;
		if (runs == 1) {
			/* After the report, and before the handler looks. */
			queued++;
			post(fd);
		}
		/* [late-post] */
		if (cured) {
			while (queued)
				queued--;
		} else {
			queued--;	/* there must be one: we were told */
			while (queued > 0)
				queued--;
		}
		/* [late-post] */
		good = good && queued >= 0;
	}
	close(fd);
	return good && queued == 0;
}

/*
 * A loop that watches memory for a while before it polls: the event of what it
 * has found there is still in the counter, and the poll returns for nothing.
 */
static bool busy_polling(bool cured)
{
	int fd = new_eventfd(), ring = 0, done = 0;

	ring++;
	post(fd);
	while (ring) {
		ring--;			/* seen in memory, no poll */
		done++;
	}
	/* [busy-polling] */
	if (reports(fd, 0) && (ring || !cured))
		done++;			/* one without work */
	/* [busy-polling] */
	close(fd);
	return done == 1;
}

/*
 * A pulse, a post that is taken back at once, is for those who wait now. Whoever
 * is woken for it has yet to look, and finds nothing.
 */
static void *wait_for_pulse(void *argument)
{
	struct poller *poller = argument;

	sem_post(&poller->told);
	return (void *)(long)reports(poller->fd, LOST_MS);
}

static bool pulse(bool cured)
{
	struct poller poller = { .fd = new_eventfd(), .other = -1 };
	struct sched_param first = { .sched_priority = 1 };
	pthread_t thread;
	eventfd_t count;
	cpu_set_t one;
	void *seen;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK(sched_setaffinity(0, sizeof(one), &one));
	sem_init(&poller.told, 0, 0);
	thread = start(wait_for_pulse, &poller);
	comes(&poller.told);
	/* Who is woken does not run before this thread sleeps: so in the worst case. */
	if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &first)) {
		printf("this needs the right to a real-time policy\n");
		exit(4);
	}
	/* [pulse] */
	post(poller.fd);
	if (!cured)
		eventfd_read(poller.fd, &count);
	/* [pulse] */
	pthread_join(thread, &seen);
	close(poller.fd);
	return seen;
}

static const struct trap {
	const char *name;
	const char *what;
	bool (*run)(bool cured);
} traps[] = {
	{ "read-decides", "the read is asked whether there was an event", read_decides },
	{ "two-pollers", "two poll one eventfd, each for an event of its own", two_pollers },
	{ "dropped-report", "a loop drops what was reported", dropped_report },
	{ "handed-out", "a library's user polls its eventfd", handed_out },
	{ "look-takes", "a look without a wait takes the event", look_takes },
	{ "late-post", "the handler runs once more, for nothing", late_post },
	{ "busy-polling", "a wake-up for what was found in memory", busy_polling },
	{ "pulse", "a post that is taken back at once", pulse },
	{ }
};

int main(int argc, char **argv)
{
	bool cured = argc == 3 && !strcmp(argv[2], "cured");
	const struct trap *trap;

	for (trap = traps; trap->name && argc == 1; trap++)
		printf("%-15s %s\n", trap->name, trap->what);
	if (argc == 1)
		return 0;
	for (trap = traps; trap->name; trap++)
		if (!strcmp(argv[1], trap->name) && (argc == 2 || cured)) {
			bool good = trap->run(cured);

			printf("%s: %s\n", trap->name, good ? "all is well" : trap->what);
			return !good;
		}
	fprintf(stderr, "usage: traps [TRAP [cured]]; without a word it lists them\n");
	return 2;
}
