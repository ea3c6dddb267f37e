// SPDX-License-Identifier: GPL-2.0
/*
 * Events of a GLib main loop, one after the other, so that they can be counted.
 *
 * Usage: count CASE EVENTS [PAUSE]
 *
 * thread: another thread hands the loop a function to call, and waits until it was called
 * own:    the loop's own thread does, and nobody has to be woken
 *
 * With a PAUSE, in milliseconds, the other thread sleeps so long before each: the loop is asleep by then even if a tracer
 * holds it up, and every event has to wake it. Without one nobody is preempted by whom it wakes, on one processor: the
 * two run in turns, and the loop is asleep as well.
 *
 * Prints the nanoseconds that they took.
 */
#define _GNU_SOURCE
#include <glib.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static GMainLoop *loop;
static GThread *thread;
static sem_t called;
static long events, milliseconds;

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static gboolean call(gpointer data)
{
	(void)data;
	sem_post(&called);
	return G_SOURCE_REMOVE;
}

static gpointer hand_over(gpointer data)
{
	(void)data;
	for (long i = 0; i < events; i++) {
		if (milliseconds)
			nanosleep(&(struct timespec){ .tv_nsec = milliseconds * 1000000 }, NULL);
		g_main_context_invoke(NULL, call, NULL);
		while (sem_wait(&called))
			;
	}
	g_main_loop_quit(loop);
	return NULL;
}

/* Not before the loop runs: who finds it free calls the function itself. */
static gboolean start(gpointer data)
{
	(void)data;
	thread = g_thread_new("events", hand_over, NULL);
	return G_SOURCE_REMOVE;
}

static gboolean call_again(gpointer data)
{
	(void)data;
	if (--events > 0)
		g_idle_add(call_again, NULL);
	else
		g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
	long long begin;

	if (argc < 3 || (events = atol(argv[2])) <= 0 || (strcmp(argv[1], "thread") && strcmp(argv[1], "own")))
		return 2;
	milliseconds = argc > 3 ? atol(argv[3]) : 0;
	if (sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }))
		return 1;
	sem_init(&called, 0, 0);
	loop = g_main_loop_new(NULL, FALSE);
	begin = now();
	g_idle_add(argv[1][0] == 't' ? start : call_again, NULL);
	g_main_loop_run(loop);
	if (thread)
		g_thread_join(thread);
	printf("%lld\n", now() - begin);
	g_main_loop_unref(loop);
	return 0;
}
