// SPDX-License-Identifier: GPL-2.0
/*
 * Events of a libevent base, one after the other, so that they can be counted.
 *
 * Usage: count CASE EVENTS [PAUSE]
 *
 * epoll, poll, select: another thread makes an event active, and waits until its callback ran; the base waits by this
 * own:                 the base's own thread does, and nobody has to be woken
 *
 * With a PAUSE, in milliseconds, the other thread sleeps so long before each: the loop is asleep by then even if a tracer
 * holds it up, and every event has to wake it. Without one nobody is preempted by whom it wakes, on one processor: the
 * two run in turns, and the loop is asleep as well.
 *
 * Prints the nanoseconds that they took.
 */
#define _GNU_SOURCE
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct event_base *base;
static struct event *event;
static pthread_t thread;
static sem_t called;
static long events, milliseconds;

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void call(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	(void)data;
	sem_post(&called);
}

static void call_again(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	(void)data;
	if (--events > 0)
		event_active(event, EV_READ, 0);
	else
		event_base_loopbreak(base);
}

static void *activate(void *data)
{
	(void)data;
	for (long i = 0; i < events; i++) {
		if (milliseconds)
			nanosleep(&(struct timespec){ .tv_nsec = milliseconds * 1000000 }, NULL);
		event_active(event, EV_READ, 0);
		while (sem_wait(&called))
			;
	}
	event_base_loopbreak(base);
	return NULL;
}

/* Not before the loop runs: nobody has to be woken for what it has not looked at yet. */
static void start(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	if (pthread_create(&thread, NULL, activate, data))
		abort();
}

int main(int argc, char **argv)
{
	static const char *const methods[] = { "epoll", "poll", "select" };
	struct event_config *config = event_config_new();
	const char *method;
	long long begin;
	int own;

	if (argc < 3 || (events = atol(argv[2])) <= 0)
		return 2;
	own = !strcmp(argv[1], "own");
	method = own ? "epoll" : argv[1];
	for (int i = 0; i < 3; i++)
		if (strcmp(method, methods[i]))
			event_config_avoid_method(config, methods[i]);
	evthread_use_pthreads();
	base = event_base_new_with_config(config);
	if (!base || strcmp(event_base_get_method(base), method))
		return 2;
	milliseconds = argc > 3 ? atol(argv[3]) : 0;
	if (sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }))
		return 1;
	sem_init(&called, 0, 0);
	event = event_new(base, -1, EV_PERSIST, own ? call_again : call, NULL);
	begin = now();
	if (own)
		event_active(event, EV_READ, 0);
	else if (event_base_once(base, -1, EV_TIMEOUT, start, NULL, NULL))
		return 1;
	event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
	if (!own)
		pthread_join(thread, NULL);
	printf("%lld\n", now() - begin);
	event_free(event);
	event_base_free(base);
	event_config_free(config);
	return 0;
}
