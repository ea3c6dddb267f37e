// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Workers that wait in one level-triggered epoll for one eventfd, with
 * EFD_AUTORESET: each post is one worker's, and the others sleep on.
 *
 * Usage: thread-pool [WORKERS [POSTS]]
 *
 * It prints how many posts were reported, and how often the workers slept, which
 * is once at first and once more for each job. It ends with 0 if each post was
 * reported once and the others slept on, with 1 if not, and with 4 if this kernel
 * lacks EFD_AUTORESET.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#ifndef EFD_AUTORESET
#define EFD_AUTORESET 0x40	/* for headers that are older than the flag */
#endif

struct pool {
	int epfd;
	int jobs;		/* the eventfd: one post, one job */
	int stop;		/* another one, which is never reset: all see it */
	sem_t done;
	unsigned long reports;	/* atomically, as the next one */
	unsigned long sleeps;
};

/* How often this thread went to sleep. */
static void count_sleeps(struct pool *pool)
{
	struct rusage usage;

	if (!getrusage(RUSAGE_THREAD, &usage))
		__atomic_add_fetch(&pool->sleeps, usage.ru_nvcsw, __ATOMIC_RELAXED);
}

/* [thread-pool] */
static void *work(void *argument)
{
	struct pool *pool = argument;
	struct epoll_event event;

	for (;;) {
		if (epoll_wait(pool->epfd, &event, 1, -1) < 1)
			continue;	/* a signal */
		if (event.data.fd == pool->stop)
			break;
		/* The report is the job: nothing is left to read. */
		__atomic_add_fetch(&pool->reports, 1, __ATOMIC_RELAXED);
		sem_post(&pool->done);
	}
	count_sleeps(pool);
	return NULL;
}

/* Level-triggered. Returns 0, or -1 with errno set. */
static int pool_open(struct pool *pool)
{
	struct epoll_event event = { .events = EPOLLIN };

	pool->jobs = eventfd(0, EFD_CLOEXEC | EFD_AUTORESET);
	pool->stop = eventfd(0, EFD_CLOEXEC);
	pool->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (pool->jobs < 0 || pool->stop < 0 || pool->epfd < 0)
		return -1;
	event.data.fd = pool->jobs;
	if (epoll_ctl(pool->epfd, EPOLL_CTL_ADD, pool->jobs, &event))
		return -1;
	event.data.fd = pool->stop;
	return epoll_ctl(pool->epfd, EPOLL_CTL_ADD, pool->stop, &event);
}

/* [thread-pool] */

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !value || value > 1000000) {
		fprintf(stderr,
			"usage: thread-pool [WORKERS [POSTS]], numbers from 1 to 1000000\n");
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	unsigned long workers = argc > 1 ? number(argv[1]) : 64;
	unsigned long posts = argc > 2 ? number(argv[2]) : 1000;
	struct pool pool = { .reports = 0 };
	pthread_t *threads;
	unsigned long i;

	if (pool_open(&pool)) {
		if (pool.jobs < 0 && errno == EINVAL) {
			printf("thread-pool: this kernel lacks EFD_AUTORESET\n");
			return 4;
		}
		printf("thread-pool: %s\n", strerror(errno));
		return 3;
	}
	sem_init(&pool.done, 0, 0);
	threads = calloc(workers, sizeof(*threads));
	for (i = 0; threads && i < workers; i++) {
		int error = pthread_create(&threads[i], NULL, work, &pool);

		if (error) {
			printf("thread-pool: pthread_create: %s\n", strerror(error));
			return 3;
		}
	}
	for (i = 0; i < posts; i++) {
		if (eventfd_write(pool.jobs, 1))
			return 3;
		while (sem_wait(&pool.done) && errno == EINTR)
			;
	}
	eventfd_write(pool.stop, 1);
	for (i = 0; threads && i < workers; i++)
		pthread_join(threads[i], NULL);
	printf("%lu workers, %lu posts, %lu reports, %lu sleeps\n", workers, posts, pool.reports,
	       pool.sleeps);
	/*
	 * One who comes to look as a post is made need not have slept before it,
	 * and one who starts can have slept for memory as well.
	 */
	return pool.reports != posts || pool.sleeps > 2 * workers + posts;
}
