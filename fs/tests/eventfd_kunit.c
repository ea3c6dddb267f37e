// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of eventfd as the rest of the kernel uses it: signals from every
 * context, wake callbacks that consume, references, and polls that claim. What
 * user space can drive by itself is tested from there, by the kselftest.
 *
 * Included at the end of fs/eventfd.c, as there is no other way to make an
 * eventfd in the kernel than by do_eventfd(). The tests go through the interface
 * of include/linux/eventfd.h and through the file, and look inside only to see
 * what that cannot show: who waits, and who holds a reference.
 */

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/wait.h>

/* How long a task may take for what it is about to do. */
#define TEST_PATIENCE_US	(10 * USEC_PER_SEC)

/* Races are tried this often, or for this long where that comes first. */
#define TEST_ROUNDS		20000
#define TEST_RACE_TIME		(HZ / 4)

/* Two sets of events are the same. */
#define EXPECT_EVENTS(test, events, expected)				\
	KUNIT_EXPECT_EQ(test, (__force u32)(events), (__force u32)(expected))

/* Wait for what another task is about to do; false if that was in vain. */
#define test_until(met)							\
({									\
	bool __met;							\
									\
	!read_poll_timeout((bool), __met, __met, 100, TEST_PATIENCE_US,	\
			   false, met);					\
})

static void test_close(void *file)
{
	/* At once: what fput() leaves to a work item comes too late for a test. */
	__fput_sync(file);
}

static void test_close_fd(void *fd)
{
	close_fd((long)fd);
}

/* An eventfd that has no descriptor. The test holds the only reference. */
static struct file *test_open(struct kunit *test, unsigned int count, int flags)
{
	struct file *file;
	int fd;

	fd = do_eventfd(count, flags);
	KUNIT_ASSERT_GE(test, fd, 0);
	file = fget(fd);
	close_fd(fd);
	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_close, file), 0);
	return file;
}

static void test_put(void *ctx)
{
	eventfd_ctx_put(ctx);
}

/* Hold the eventfd beside its file, as a user in the kernel does. */
static struct eventfd_ctx *test_hold(struct kunit *test, struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_put, ctx), 0);
	return ctx;
}

/* Bring the counter to where no initial value can; nobody is told. */
static void test_set(struct eventfd_ctx *ctx, u64 count)
{
	spin_lock_irq(&ctx->wqh.lock);
	WRITE_ONCE(ctx->count, count);
	spin_unlock_irq(&ctx->wqh.lock);
}

/*
 * Listeners: users in the kernel that wait on an eventfd's wait queue, as KVM's
 * irqfd does. Each notes how its callback was called, and may consume there.
 */

enum test_context { IN_PROCESS, IN_SOFTIRQ, IN_HARDIRQ };

struct test_listener {
	wait_queue_entry_t wait;
	poll_table table;
	struct eventfd_ctx *ctx;

	/* How often to take from the counter on a wake-up for EPOLLIN. */
	unsigned int takes;
	u64 taken;

	unsigned int calls;
	/* From here on what the last call was like. */
	__poll_t key;
	bool signal_allowed;
	bool irqs_off;
	enum test_context context;
};

static enum test_context test_context(void)
{
	if (in_hardirq())
		return IN_HARDIRQ;
	return in_serving_softirq() ? IN_SOFTIRQ : IN_PROCESS;
}

static int test_listener_wake(wait_queue_entry_t *wait, unsigned int mode,
			      int sync, void *key)
{
	struct test_listener *listener = container_of(wait, struct test_listener, wait);
	unsigned int n;
	u64 taken;

	listener->calls++;
	listener->key = key_to_poll(key);
	listener->signal_allowed = eventfd_signal_allowed();
	listener->irqs_off = irqs_disabled();
	listener->context = test_context();
	for (n = 0; n < listener->takes && (listener->key & EPOLLIN); n++) {
		eventfd_ctx_do_read(listener->ctx, &taken);
		listener->taken += taken;
	}
	return 0;
}

static void test_listener_queue(struct file *file, wait_queue_head_t *wqh,
				poll_table *table)
{
	struct test_listener *listener = container_of(table, struct test_listener, table);

	add_wait_queue(wqh, &listener->wait);
}

static bool test_is_queued(struct test_listener *listener)
{
	wait_queue_head_t *wqh = &listener->ctx->wqh;
	wait_queue_entry_t *entry;
	bool queued = false;

	spin_lock_irq(&wqh->lock);
	list_for_each_entry(entry, &wqh->head, entry)
		queued |= entry == &listener->wait;
	spin_unlock_irq(&wqh->lock);
	return queued;
}

static void test_unlisten(void *data)
{
	struct test_listener *listener = data;

	if (test_is_queued(listener))
		remove_wait_queue(&listener->ctx->wqh, &listener->wait);
}

static struct test_listener *test_listener(struct kunit *test, struct file *file)
{
	struct test_listener *listener = kunit_kzalloc(test, sizeof(*listener), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, listener);
	listener->ctx = test_hold(test, file);
	init_waitqueue_func_entry(&listener->wait, test_listener_wake);
	init_poll_funcptr(&listener->table, test_listener_queue);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_unlisten, listener), 0);
	return listener;
}

static __poll_t test_listen(struct test_listener *listener, struct file *file)
{
	return vfs_poll(file, &listener->table);
}

static struct test_listener *test_listening(struct kunit *test, struct file *file)
{
	struct test_listener *listener = test_listener(test, file);

	test_listen(listener, file);
	KUNIT_ASSERT_TRUE(test, test_is_queued(listener));
	return listener;
}

static int test_remove(struct test_listener *listener, u64 *count)
{
	return eventfd_ctx_remove_wait_queue(listener->ctx, &listener->wait, count);
}

/* Call a function in a context of one's choice, and wait for its return. */

struct test_call {
	void (*function)(struct eventfd_ctx *ctx);
	struct eventfd_ctx *ctx;
	struct tasklet_struct softirq;
	struct irq_work hardirq;
};

static void test_softirq(struct tasklet_struct *softirq)
{
	struct test_call *call = container_of(softirq, struct test_call, softirq);

	call->function(call->ctx);
}

static void test_hardirq(struct irq_work *hardirq)
{
	struct test_call *call = container_of(hardirq, struct test_call, hardirq);

	call->function(call->ctx);
}

static void test_call(enum test_context context, struct eventfd_ctx *ctx,
		      void (*function)(struct eventfd_ctx *ctx))
{
	struct test_call call = {
		.function = function,
		.ctx = ctx,
		.hardirq = IRQ_WORK_INIT_HARD(test_hardirq),
	};

	switch (context) {
	case IN_PROCESS:
		function(ctx);
		break;
	case IN_SOFTIRQ:
		tasklet_setup(&call.softirq, test_softirq);
		tasklet_schedule(&call.softirq);
		tasklet_kill(&call.softirq);
		break;
	case IN_HARDIRQ:
		irq_work_queue(&call.hardirq);
		irq_work_sync(&call.hardirq);
		break;
	}
}

struct test_context_param {
	const char *name;
	enum test_context context;
};

static const struct test_context_param test_contexts[] = {
	{ "process", IN_PROCESS },
	{ "softirq", IN_SOFTIRQ },
	{ "hardirq", IN_HARDIRQ },
};

KUNIT_ARRAY_PARAM_DESC(test_contexts, test_contexts, name);

static enum test_context test_context_of(struct kunit *test)
{
	return ((const struct test_context_param *)test->param_value)->context;
}

struct test_flags_param {
	const char *name;
	int flags;
};

static const struct test_flags_param test_kinds[] = {
	{ "plain", 0 },
	{ "semaphore", EFD_SEMAPHORE },
};

KUNIT_ARRAY_PARAM_DESC(test_kinds, test_kinds, name);

static const struct test_flags_param test_all_kinds[] = {
	{ "plain", 0 },
	{ "semaphore", EFD_SEMAPHORE },
	{ "autoreset", EFD_AUTORESET },
};

KUNIT_ARRAY_PARAM_DESC(test_all_kinds, test_all_kinds, name);

static int test_flags_of(struct kunit *test)
{
	return ((const struct test_flags_param *)test->param_value)->flags;
}

/* Tasks that wait in read(2) or write(2). */

struct test_waiter {
	void (*set_class)(struct task_struct *task);	/* NULL: as it is */
	struct file *file;
	struct eventfd_ctx *ctx;
	struct mm_struct *mm;		/* a writer's, else NULL */
	u64 __user *from;
	u64 value;
	ssize_t result;
	struct completion done;
};

static int test_read(void *data)
{
	struct test_waiter *waiter = data;

	if (waiter->set_class)
		waiter->set_class(current);
	waiter->result = kernel_read(waiter->file, &waiter->value,
				     sizeof(waiter->value), NULL);
	complete_all(&waiter->done);
	return 0;
}

static int test_write(void *data)
{
	struct test_waiter *waiter = data;
	loff_t pos = 0;

	kthread_use_mm(waiter->mm);
	waiter->result = vfs_write(waiter->file, (const char __user *)waiter->from,
				   sizeof(*waiter->from), &pos);
	kthread_unuse_mm(waiter->mm);
	complete_all(&waiter->done);
	return 0;
}

static bool test_done(struct test_waiter *waiter)
{
	return wait_for_completion_timeout(&waiter->done, usecs_to_jiffies(TEST_PATIENCE_US));
}

/* After a test that failed: get the task out of its sleep, or leave it there. */
static void test_dismiss(void *data)
{
	struct test_waiter *waiter = data;
	unsigned int tries = 1000;
	struct eventfd_ctx *ctx = waiter->ctx;

	while (!completion_done(&waiter->done) && tries--) {
		u64 count;

		if (waiter->mm) {
			spin_lock_irq(&ctx->wqh.lock);
			eventfd_ctx_do_read(ctx, &count);
			spin_unlock_irq(&ctx->wqh.lock);
		} else if (!eventfd_peek(ctx)) {
			eventfd_signal(ctx);
		}
		usleep_range(1000, 2000);
	}
	if (!completion_done(&waiter->done))
		return;
	if (waiter->mm)
		mmput(waiter->mm);
	__fput_sync(waiter->file);
	kfree(waiter);
}

/* How many tasks wait in read(2), or in write(2), and have not been woken? */
static unsigned int test_waiting(struct eventfd_ctx *ctx, bool writes)
{
	struct eventfd_waiter *waiter;
	unsigned int waiting = 0;

	spin_lock_irq(&ctx->wqh.lock);
	plist_for_each_entry(waiter, &ctx->waiters, node)
		waiting += eventfd_is_writer(waiter) == writes;
	spin_unlock_irq(&ctx->wqh.lock);
	return waiting;
}

static struct test_waiter *test_waiter(struct kunit *test, struct file *file)
{
	struct test_waiter *waiter = kzalloc(sizeof(*waiter), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	waiter->file = get_file(file);
	waiter->ctx = file->private_data;
	init_completion(&waiter->done);
	return waiter;
}

static void test_start(struct kunit *test, struct test_waiter *waiter,
		       int (*function)(void *), bool writes)
{
	unsigned int before = test_waiting(waiter->ctx, writes);
	struct task_struct *task;

	task = kthread_run(function, waiter, "eventfd_kunit");
	if (IS_ERR(task))
		complete_all(&waiter->done);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_dismiss, waiter), 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	KUNIT_ASSERT_TRUE(test, test_until(test_waiting(waiter->ctx, writes) == before + 1));
}

/* A task of a scheduling class that waits in read(2) when this returns. */
static struct test_waiter *test_reader_of(struct kunit *test, struct file *file,
					  void (*set_class)(struct task_struct *task))
{
	struct test_waiter *waiter = test_waiter(test, file);

	waiter->set_class = set_class;
	test_start(test, waiter, test_read, false);
	return waiter;
}

static struct test_waiter *test_reader(struct kunit *test, struct file *file)
{
	return test_reader_of(test, file, NULL);
}

/* A task that waits in write(2) when this returns. */
static struct test_waiter *test_writer(struct kunit *test, struct file *file, u64 value)
{
	struct test_waiter *waiter;
	unsigned long page;

	page = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, !page || IS_ERR_VALUE(page));
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)page, &value, sizeof(value)), 0);
	waiter = test_waiter(test, file);
	waiter->from = (u64 __user *)page;
	waiter->mm = current->mm;
	mmget(waiter->mm);
	test_start(test, waiter, test_write, true);
	return waiter;
}

/* eventfd_signal() and eventfd_signal_mask() */

static void signal_adds_one_and_wakes(struct kunit *test)
{
	enum test_context context = test_context_of(test);
	struct file *file = test_open(test, 5, 0);
	struct test_listener *listener = test_listening(test, file);
	unsigned int n;

	for (n = 1; n <= 3; n++) {
		test_call(context, listener->ctx, eventfd_signal);
		KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 5 + n);
		KUNIT_EXPECT_EQ(test, listener->calls, n);
		EXPECT_EVENTS(test, listener->key, EPOLLIN);
		KUNIT_EXPECT_EQ(test, listener->context, context);
		KUNIT_EXPECT_TRUE(test, listener->irqs_off);
	}
}

static void signal_reaches_a_blocked_reader(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct test_waiter *reader = test_reader(test, file);

	test_call(test_context_of(test), reader->ctx, eventfd_signal);
	KUNIT_ASSERT_TRUE(test, test_done(reader));
	KUNIT_EXPECT_EQ(test, reader->result, sizeof(u64));
	KUNIT_EXPECT_EQ(test, reader->value, 1);
	KUNIT_EXPECT_EQ(test, eventfd_peek(reader->ctx), 0);
}

static void signal_lets_one_blocked_reader_go_on(struct kunit *test)
{
	struct file *file = test_open(test, 0, EFD_SEMAPHORE);
	struct test_waiter *reader[3];
	struct eventfd_ctx *ctx = file->private_data;
	int n;

	for (n = 0; n < ARRAY_SIZE(reader); n++)
		reader[n] = test_reader(test, file);
	for (n = 0; n < ARRAY_SIZE(reader); n++) {
		test_call(test_context_of(test), ctx, eventfd_signal);
		KUNIT_ASSERT_TRUE(test, test_done(reader[n]));
		KUNIT_EXPECT_EQ(test, reader[n]->value, 1);
		KUNIT_EXPECT_EQ(test, test_waiting(ctx, false), ARRAY_SIZE(reader) - 1 - n);
		KUNIT_EXPECT_EQ(test, ctx->waited_for, n < ARRAY_SIZE(reader) - 1);
	}
}

static void signal_serves_readers_by_their_priority(struct kunit *test)
{
	static void (*const classes[])(struct task_struct *task) = {
		NULL, sched_set_fifo_low, sched_set_fifo, NULL, sched_set_fifo_low,
	};
	static const unsigned int order[] = { 2, 1, 4, 0, 3 };
	struct file *file = test_open(test, 0, EFD_SEMAPHORE);
	struct test_waiter *reader[ARRAY_SIZE(classes)];
	struct eventfd_ctx *ctx = file->private_data;
	int n;

	for (n = 0; n < ARRAY_SIZE(reader); n++)
		reader[n] = test_reader_of(test, file, classes[n]);
	for (n = 0; n < ARRAY_SIZE(reader); n++) {
		eventfd_signal(ctx);
		KUNIT_ASSERT_TRUE(test, test_done(reader[order[n]]));
		KUNIT_EXPECT_EQ(test, test_waiting(ctx, false), ARRAY_SIZE(reader) - 1 - n);
	}
}

/* What a reader is woken for is gone before it gets the lock. */
static void reader_that_is_woken_in_vain_is_requeued_in_front(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct eventfd_ctx *ctx = file->private_data;
	struct test_waiter *reader[2];
	u64 taken;
	int n;

	for (n = 0; n < ARRAY_SIZE(reader); n++)
		reader[n] = test_reader(test, file);
	spin_lock_irq(&ctx->wqh.lock);
	eventfd_add(ctx, 1, 0);
	__eventfd_wake_readers(ctx, 1);
	eventfd_ctx_do_read(ctx, &taken);
	spin_unlock_irq(&ctx->wqh.lock);
	KUNIT_EXPECT_EQ(test, taken, 1);
	KUNIT_ASSERT_TRUE(test, test_until(test_waiting(ctx, false) == ARRAY_SIZE(reader)));
	for (n = 0; n < ARRAY_SIZE(reader); n++) {
		eventfd_signal(ctx);
		KUNIT_ASSERT_TRUE(test, test_done(reader[n]));
		KUNIT_EXPECT_EQ(test, reader[n]->value, 1);
	}
}

/* A waiter may be woken for what is no business of ours. */
static void stray_wake_up_is_no_event(struct kunit *test)
{
	struct file *file = test_open(test, 0, EFD_SEMAPHORE);
	struct eventfd_ctx *ctx = file->private_data;
	struct test_waiter *reader[2];
	struct task_struct *task;
	bool woken;
	int n;

	for (n = 0; n < ARRAY_SIZE(reader); n++)
		reader[n] = test_reader(test, file);
	spin_lock_irq(&ctx->wqh.lock);
	task = plist_first_entry(&ctx->waiters, struct eventfd_waiter, node)->task;
	woken = wake_up_process(task);
	spin_unlock_irq(&ctx->wqh.lock);
	KUNIT_EXPECT_TRUE(test, woken);

	/* It looks, finds nothing, and sleeps again at its place on the wait list. */
	KUNIT_ASSERT_TRUE(test, test_until(READ_ONCE(task->__state) == TASK_INTERRUPTIBLE));
	KUNIT_EXPECT_EQ(test, test_waiting(ctx, false), ARRAY_SIZE(reader));
	for (n = 0; n < ARRAY_SIZE(reader); n++) {
		eventfd_signal(ctx);
		KUNIT_ASSERT_TRUE(test, test_done(reader[n]));
		KUNIT_EXPECT_EQ(test, reader[n]->value, 1);
	}
}

static void signal_mask_adds_to_the_key(struct kunit *test)
{
	static const __poll_t masks[] = { 0, EPOLLIN, EPOLLPRI, EPOLL_URING_WAKE,
					  EPOLL_URING_WAKE | EPOLLERR };
	struct file *file = test_open(test, 0, 0);
	struct test_listener *listener = test_listening(test, file);
	int n;

	for (n = 0; n < ARRAY_SIZE(masks); n++) {
		eventfd_signal_mask(listener->ctx, masks[n]);
		EXPECT_EVENTS(test, listener->key, EPOLLIN | masks[n]);
		KUNIT_EXPECT_EQ(test, listener->calls, n + 1);
		KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), n + 1);
	}
}

static void signal_of_an_autoreset_eventfd_is_to_be_claimed(struct kunit *test)
{
	struct file *file = test_open(test, 0, EFD_AUTORESET);
	struct test_listener *listener = test_listening(test, file);

	eventfd_signal(listener->ctx);
	EXPECT_EVENTS(test, listener->key, EPOLLIN | POLL_CLAIM);
	eventfd_signal_mask(listener->ctx, EPOLL_URING_WAKE);
	EXPECT_EVENTS(test, listener->key, EPOLLIN | EPOLL_URING_WAKE | POLL_CLAIM);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 2);
}

static void signal_saturates_and_still_wakes(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct test_listener *listener = test_listening(test, file);
	unsigned int n;

	test_set(listener->ctx, ULLONG_MAX - 2);
	eventfd_signal(listener->ctx);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), ULLONG_MAX - 1);
	EXPECT_EVENTS(test, vfs_poll(file, NULL), EPOLLIN);
	for (n = 2; n <= 4; n++) {
		eventfd_signal_mask(listener->ctx, EPOLLPRI);
		KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), ULLONG_MAX);
		KUNIT_EXPECT_EQ(test, listener->calls, n);
		EXPECT_EVENTS(test, listener->key, EPOLLIN | EPOLLPRI);
		EXPECT_EVENTS(test, vfs_poll(file, NULL), EPOLLIN | EPOLLERR);
	}
}

struct test_crowd {
	struct eventfd_ctx *ctx;
	enum test_context context;
	unsigned int signals;
	struct completion done;
};

/* Signal as often as time allows, and keep count. */
static int test_signal_often(void *data)
{
	struct test_crowd *crowd = data;
	unsigned long end = jiffies + TEST_RACE_TIME;

	while (crowd->signals < TEST_ROUNDS && time_before(jiffies, end)) {
		test_call(crowd->context, crowd->ctx, eventfd_signal);
		crowd->signals++;
		cond_resched();
	}
	complete_all(&crowd->done);
	return 0;
}

static void signals_from_all_contexts_at_once_all_count(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct test_listener *listener = test_listening(test, file);
	struct test_crowd crowd[ARRAY_SIZE(test_contexts)] = {};
	struct task_struct *task[ARRAY_SIZE(test_contexts)];
	u64 signals = 0;
	int n;

	for (n = 0; n < ARRAY_SIZE(crowd); n++) {
		crowd[n].ctx = listener->ctx;
		crowd[n].context = test_contexts[n].context;
		init_completion(&crowd[n].done);
		task[n] = kthread_run(test_signal_often, &crowd[n], "eventfd_kunit");
	}
	for (n = 0; n < ARRAY_SIZE(crowd); n++) {
		if (IS_ERR(task[n])) {
			KUNIT_FAIL(test, "no task to signal from");
			continue;
		}
		/* It ends when its time is up. */
		wait_for_completion(&crowd[n].done);
		KUNIT_EXPECT_GT(test, crowd[n].signals, 0);
		signals += crowd[n].signals;
	}
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), signals);
	KUNIT_EXPECT_EQ(test, listener->calls, signals);
}

/* The guard against a signal from within a signal */

static void test_do_signal(struct kunit *test, struct file *file)
{
	eventfd_signal(file->private_data);
}

static void test_do_signal_in_softirq(struct kunit *test, struct file *file)
{
	test_call(IN_SOFTIRQ, file->private_data, eventfd_signal);
}

static void test_do_signal_in_hardirq(struct kunit *test, struct file *file)
{
	test_call(IN_HARDIRQ, file->private_data, eventfd_signal);
}

static void test_do_read(struct kunit *test, struct file *file)
{
	u64 value;

	KUNIT_EXPECT_EQ(test, kernel_read(file, &value, sizeof(value), NULL), sizeof(value));
}

static void test_do_claim(struct kunit *test, struct file *file)
{
	poll_table table = { ._key = EPOLLIN | POLL_CLAIM };

	EXPECT_EVENTS(test, vfs_poll(file, &table), EPOLLIN | EPOLLOUT | EPOLLERR);
}

static void test_do_remove(struct kunit *test, struct file *file)
{
	struct test_listener *other = test_listening(test, file);
	u64 count;

	KUNIT_EXPECT_EQ(test, test_remove(other, &count), 0);
	KUNIT_EXPECT_EQ(test, other->calls, 0);
}

static void test_do_close(struct kunit *test, struct file *file)
{
	kunit_release_action(test, test_close, file);
}

struct test_wake_param {
	const char *name;
	void (*wake)(struct kunit *test, struct file *file);
	__poll_t key;
};

static const struct test_wake_param test_wakes[] = {
	{ "signal", test_do_signal, EPOLLIN | POLL_CLAIM },
	{ "signal in softirq", test_do_signal_in_softirq, EPOLLIN | POLL_CLAIM },
	{ "signal in hardirq", test_do_signal_in_hardirq, EPOLLIN | POLL_CLAIM },
	{ "read", test_do_read, EPOLLOUT },
	{ "claim", test_do_claim, EPOLLOUT },
	{ "remove_wait_queue", test_do_remove, EPOLLOUT },
	{ "last close", test_do_close, EPOLLHUP },
};

KUNIT_ARRAY_PARAM_DESC(test_wakes, test_wakes, name);

static void signal_is_not_allowed_in_a_wake_callback(struct kunit *test)
{
	const struct test_wake_param *param = test->param_value;
	struct file *file = test_open(test, 0, EFD_AUTORESET);
	struct test_listener *listener = test_listening(test, file);

	test_set(listener->ctx, ULLONG_MAX);
	listener->signal_allowed = true;
	KUNIT_EXPECT_TRUE(test, eventfd_signal_allowed());
	param->wake(test, file);
	KUNIT_EXPECT_TRUE(test, eventfd_signal_allowed());
	KUNIT_EXPECT_EQ(test, listener->calls, 1);
	EXPECT_EVENTS(test, listener->key, param->key);
	KUNIT_EXPECT_FALSE(test, listener->signal_allowed);
}

enum { STAGE_START, STAGE_IN_CALLBACK, STAGE_SEEN };

struct test_meanwhile {
	wait_queue_entry_t wait;
	struct eventfd_ctx *other;
	atomic_t stage;
	bool signal_allowed;
	struct completion ready;
	struct completion done;
};

static int test_wait_in_callback(wait_queue_entry_t *wait, unsigned int mode,
				 int sync, void *key)
{
	struct test_meanwhile *meanwhile = container_of(wait, struct test_meanwhile, wait);
	unsigned int tries = TEST_PATIENCE_US;

	atomic_set(&meanwhile->stage, STAGE_IN_CALLBACK);
	while (atomic_read(&meanwhile->stage) != STAGE_SEEN && tries--)
		udelay(1);
	return 0;
}

static int test_signal_meanwhile(void *data)
{
	struct test_meanwhile *meanwhile = data;
	unsigned long end = jiffies + usecs_to_jiffies(TEST_PATIENCE_US);

	complete(&meanwhile->ready);
	while (atomic_read(&meanwhile->stage) != STAGE_IN_CALLBACK && time_before(jiffies, end))
		cond_resched();
	meanwhile->signal_allowed = eventfd_signal_allowed();
	if (meanwhile->signal_allowed)
		eventfd_signal(meanwhile->other);
	atomic_set(&meanwhile->stage, STAGE_SEEN);
	complete(&meanwhile->done);
	return 0;
}

static void other_tasks_may_signal_while_a_callback_runs(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct file *other = test_open(test, 0, 0);
	struct test_meanwhile meanwhile = {
		.other = other->private_data,
		.stage = ATOMIC_INIT(STAGE_START),
	};
	struct eventfd_ctx *ctx = file->private_data;
	struct task_struct *task;
	unsigned int cpu;

	/* A callback runs with interrupts off. The other task needs a CPU of its own. */
	if (num_online_cpus() == 1)
		kunit_skip(test, "needs two CPUs");

	init_completion(&meanwhile.ready);
	init_completion(&meanwhile.done);
	init_waitqueue_func_entry(&meanwhile.wait, test_wait_in_callback);
	task = kthread_create(test_signal_meanwhile, &meanwhile, "eventfd_kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	add_wait_queue(&ctx->wqh, &meanwhile.wait);

	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	kthread_bind(task, cpu);
	wake_up_process(task);
	wait_for_completion(&meanwhile.ready);
	eventfd_signal(ctx);
	migrate_enable();

	wait_for_completion(&meanwhile.done);
	remove_wait_queue(&ctx->wqh, &meanwhile.wait);
	KUNIT_EXPECT_TRUE(test, meanwhile.signal_allowed);
	KUNIT_EXPECT_EQ(test, eventfd_peek(meanwhile.other), 1);
	KUNIT_EXPECT_EQ(test, eventfd_peek(ctx), 1);
}

/* Before 6.12's successors KUnit could not keep a warning from being one. */
#ifdef kunit_warning_suppress
static int test_signal_in_callback(wait_queue_entry_t *wait, unsigned int mode,
				   int sync, void *key)
{
	struct test_meanwhile *meanwhile = container_of(wait, struct test_meanwhile, wait);

	eventfd_signal(meanwhile->other);
	return 0;
}

static void signal_in_a_wake_callback_warns_and_adds_nothing(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct file *other = test_open(test, 0, 0);
	struct test_meanwhile meanwhile = { .other = other->private_data };
	struct test_listener *listener = test_listening(test, other);
	struct eventfd_ctx *ctx = file->private_data;

	init_waitqueue_func_entry(&meanwhile.wait, test_signal_in_callback);
	add_wait_queue(&ctx->wqh, &meanwhile.wait);
	kunit_warning_suppress(test) {
		eventfd_signal(ctx);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	remove_wait_queue(&ctx->wqh, &meanwhile.wait);
	KUNIT_EXPECT_EQ(test, eventfd_peek(ctx), 1);
	KUNIT_EXPECT_EQ(test, eventfd_peek(meanwhile.other), 0);
	KUNIT_EXPECT_EQ(test, listener->calls, 0);
}
#endif

/* eventfd_ctx_do_read() */

static void do_read_in_a_callback_takes_what_read_would(struct kunit *test)
{
	bool semaphore = test_flags_of(test) & EFD_SEMAPHORE;
	struct file *file = test_open(test, 5, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_listener *other = test_listening(test, file);

	listener->takes = 1;
	eventfd_signal(listener->ctx);
	KUNIT_EXPECT_EQ(test, listener->taken, semaphore ? 1 : 6);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), semaphore ? 5 : 0);
	EXPECT_EVENTS(test, vfs_poll(file, NULL), semaphore ? EPOLLIN | EPOLLOUT : EPOLLOUT);
	/* It comes from within a wake-up, and is the cause of none. */
	KUNIT_EXPECT_EQ(test, listener->calls, 1);
	KUNIT_EXPECT_EQ(test, other->calls, 1);
	EXPECT_EVENTS(test, other->key, EPOLLIN);
}

static void do_read_of_nothing_takes_nothing(struct kunit *test)
{
	struct file *file = test_open(test, 0, test_flags_of(test));
	struct eventfd_ctx *ctx = file->private_data;
	u64 taken = 42;

	spin_lock_irq(&ctx->wqh.lock);
	eventfd_ctx_do_read(ctx, &taken);
	spin_unlock_irq(&ctx->wqh.lock);
	KUNIT_EXPECT_EQ(test, taken, 0);
	KUNIT_EXPECT_EQ(test, eventfd_peek(ctx), 0);
}

static void do_read_lets_a_blocked_writer_go_on(struct kunit *test)
{
	bool semaphore = test_flags_of(test) & EFD_SEMAPHORE;
	struct file *file = test_open(test, 0, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_waiter *writer;

	test_set(listener->ctx, ULLONG_MAX - 1);
	writer = test_writer(test, file, 1);
	/* A signal still fits; what is taken has to make space for that, too. */
	listener->takes = 2;
	eventfd_signal(listener->ctx);
	KUNIT_ASSERT_TRUE(test, test_done(writer));
	KUNIT_EXPECT_EQ(test, writer->result, sizeof(u64));
	if (semaphore) {
		KUNIT_EXPECT_EQ(test, listener->taken, 2 + 2);
		KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), ULLONG_MAX - 3);
	} else {
		KUNIT_EXPECT_EQ(test, listener->taken - 1, ULLONG_MAX);
		KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 0);
	}
	/* Of the signal and of what the writer wrote. */
	KUNIT_EXPECT_EQ(test, listener->calls, 2);
}

static void do_read_leaves_blocked_readers_waiting(struct kunit *test)
{
	struct file *file = test_open(test, 0, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_waiter *reader = test_reader(test, file);
	struct eventfd_ctx *ctx = listener->ctx;

	listener->takes = 1;
	eventfd_signal(ctx);
	KUNIT_EXPECT_EQ(test, listener->taken, 1);
	KUNIT_EXPECT_EQ(test, test_waiting(ctx, false), 1);
	KUNIT_EXPECT_FALSE(test, completion_done(&reader->done));

	listener->takes = 0;
	eventfd_signal(ctx);
	KUNIT_ASSERT_TRUE(test, test_done(reader));
	KUNIT_EXPECT_EQ(test, reader->value, 1);
}

/* eventfd_ctx_remove_wait_queue() */

static void remove_wait_queue_takes_what_read_would(struct kunit *test)
{
	bool semaphore = test_flags_of(test) & EFD_SEMAPHORE;
	struct file *file = test_open(test, 7, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_listener *other = test_listening(test, file);
	u64 count = 42;

	KUNIT_EXPECT_EQ(test, test_remove(listener, &count), 0);
	KUNIT_EXPECT_EQ(test, count, semaphore ? 1 : 7);
	KUNIT_EXPECT_FALSE(test, test_is_queued(listener));
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), semaphore ? 6 : 0);
	/* The one that stays is told that there is space. */
	KUNIT_EXPECT_EQ(test, other->calls, 1);
	EXPECT_EVENTS(test, other->key, EPOLLOUT);
	/* The one that went is told nothing any more. */
	eventfd_signal(listener->ctx);
	KUNIT_EXPECT_EQ(test, listener->calls, 0);
	KUNIT_EXPECT_EQ(test, other->calls, 2);
}

static void remove_wait_queue_removes_at_zero_too(struct kunit *test)
{
	struct file *file = test_open(test, 0, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_listener *other = test_listening(test, file);
	u64 count = 42;

	KUNIT_EXPECT_EQ(test, test_remove(listener, &count), -EAGAIN);
	KUNIT_EXPECT_EQ(test, count, 0);
	KUNIT_EXPECT_FALSE(test, test_is_queued(listener));
	KUNIT_EXPECT_EQ(test, other->calls, 0);
	eventfd_signal(listener->ctx);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 1);
	KUNIT_EXPECT_EQ(test, listener->calls, 0);
	KUNIT_EXPECT_EQ(test, other->calls, 1);
}

static void remove_wait_queue_lets_a_blocked_writer_go_on(struct kunit *test)
{
	bool semaphore = test_flags_of(test) & EFD_SEMAPHORE;
	struct file *file = test_open(test, 0, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_waiter *writer;
	u64 count;

	test_set(listener->ctx, ULLONG_MAX - 1);
	writer = test_writer(test, file, 1);
	KUNIT_EXPECT_EQ(test, test_remove(listener, &count), 0);
	KUNIT_ASSERT_TRUE(test, test_done(writer));
	KUNIT_EXPECT_EQ(test, writer->result, sizeof(u64));
	KUNIT_EXPECT_EQ(test, count, semaphore ? 1 : ULLONG_MAX - 1);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), semaphore ? ULLONG_MAX - 1 : 1);
}

/*
 * One task signals, another one, and interrupts of it, come and go as a
 * listener that consumes in its callback in every other round.
 */
static void remove_wait_queue_loses_no_racing_signal(struct kunit *test)
{
	bool semaphore = test_flags_of(test) & EFD_SEMAPHORE;
	struct file *file = test_open(test, 0, test_flags_of(test));
	struct test_listener *listener = test_listener(test, file);
	struct eventfd_ctx *ctx = listener->ctx;
	struct test_crowd crowd = { .ctx = ctx };
	unsigned int rounds = 0, signals = 0, wrong = 0, late = 0;
	struct task_struct *task;
	u64 removed = 0, count;

	/* On one, the other task has signalled for the last time before we run. */
	if (num_online_cpus() == 1)
		kunit_skip(test, "needs two CPUs");

	init_completion(&crowd.done);
	task = kthread_run(test_signal_often, &crowd, "eventfd_kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	/* A task that does not get to run may have its first turn when the other is done. */
	while (!completion_done(&crowd.done) || !removed || !listener->taken) {
		unsigned int calls;
		int err;

		listener->takes = ++rounds % 2;
		test_listen(listener, file);
		if (rounds % 16 < 2 || completion_done(&crowd.done)) {
			test_call(rounds % 32 < 2 ? IN_SOFTIRQ : IN_HARDIRQ, ctx, eventfd_signal);
			signals++;
		}
		udelay(rounds % 4);
		count = 42;
		err = test_remove(listener, &count);
		calls = listener->calls;
		if (err != (count ? 0 : -EAGAIN) || (semaphore && count > 1))
			wrong++;
		removed += count;
		cond_resched();
		/* Not queued any more: whatever is signalled now, it is not called. */
		if (listener->calls != calls || test_is_queued(listener))
			late++;
		if (late)
			break;
	}
	wait_for_completion(&crowd.done);
	signals += crowd.signals;

	kunit_info(test, "%u signals, %u rounds: %llu taken by callbacks, %llu by removal",
		   signals, rounds, listener->taken, removed);
	KUNIT_EXPECT_EQ(test, listener->taken + removed + eventfd_peek(ctx), signals);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, late, 0);
	KUNIT_EXPECT_GT(test, removed, 0);
	KUNIT_EXPECT_GT(test, listener->taken, 0);
}

/* References */

/* Is a number still taken? If so, it cannot be had. */
static bool test_id_in_use(int id)
{
	if (ida_alloc_range(&eventfd_ida, id, id, GFP_KERNEL) < 0)
		return true;
	ida_free(&eventfd_ida, id);
	return false;
}

static void context_outlives_the_file(struct kunit *test)
{
	struct file *file = test_open(test, 3, 0);
	struct test_listener *listener = test_listening(test, file);
	int id = listener->ctx->id;
	u64 count;

	kunit_release_action(test, test_close, file);
	eventfd_signal(listener->ctx);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 4);
	EXPECT_EVENTS(test, listener->key, EPOLLIN);
	KUNIT_EXPECT_EQ(test, test_remove(listener, &count), 0);
	KUNIT_EXPECT_EQ(test, count, 4);
	KUNIT_EXPECT_TRUE(test, test_id_in_use(id));
	kunit_release_action(test, test_unlisten, listener);
	kunit_release_action(test, test_put, listener->ctx);
	KUNIT_EXPECT_FALSE(test, test_id_in_use(id));
}

static void last_put_frees_the_id(struct kunit *test)
{
	struct file *file = test_open(test, 0, 0);
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);
	int id = ctx->id;

	KUNIT_ASSERT_GE(test, id, 0);
	KUNIT_EXPECT_PTR_EQ(test, eventfd_ctx_fileget(file), ctx);
	kunit_release_action(test, test_close, file);
	test_call(test_context_of(test), ctx, eventfd_ctx_put);
	KUNIT_EXPECT_TRUE(test, test_id_in_use(id));
	test_call(test_context_of(test), ctx, eventfd_ctx_put);
	KUNIT_EXPECT_FALSE(test, test_id_in_use(id));
}

static void last_close_is_heard_of_once(struct kunit *test)
{
	struct file *file = test_open(test, 1, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	struct test_listener *other = test_listening(test, file);

	get_file(file);
	__fput_sync(file);
	KUNIT_EXPECT_EQ(test, listener->calls, 0);
	kunit_release_action(test, test_close, file);
	KUNIT_EXPECT_EQ(test, listener->calls, 1);
	EXPECT_EVENTS(test, listener->key, EPOLLHUP);
	KUNIT_EXPECT_TRUE(test, listener->irqs_off);
	KUNIT_EXPECT_EQ(test, other->calls, 1);
	EXPECT_EVENTS(test, other->key, EPOLLHUP);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 1);
	/* The last put finds nothing to say. */
	kunit_release_action(test, test_unlisten, other);
	kunit_release_action(test, test_put, other->ctx);
	KUNIT_EXPECT_EQ(test, listener->calls, 1);
}

static int test_open_fd(struct kunit *test, int fd)
{
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_close_fd, (void *)(long)fd), 0);
	return fd;
}

static void each_lookup_takes_one_reference(struct kunit *test)
{
	int fd = test_open_fd(test, do_eventfd(0, 0));
	struct eventfd_ctx *ctx;
	struct file *file;

	file = eventfd_fget(fd);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	ctx = file->private_data;
	KUNIT_EXPECT_EQ(test, (long)file_count(file), 2);
	KUNIT_EXPECT_EQ(test, kref_read(&ctx->kref), 1);

	KUNIT_EXPECT_PTR_EQ(test, eventfd_ctx_fdget(fd), ctx);
	KUNIT_EXPECT_EQ(test, (long)file_count(file), 2);
	KUNIT_EXPECT_EQ(test, kref_read(&ctx->kref), 2);

	KUNIT_EXPECT_PTR_EQ(test, eventfd_ctx_fileget(file), ctx);
	KUNIT_EXPECT_EQ(test, (long)file_count(file), 2);
	KUNIT_EXPECT_EQ(test, kref_read(&ctx->kref), 3);

	eventfd_ctx_put(ctx);
	KUNIT_EXPECT_EQ(test, kref_read(&ctx->kref), 2);
	eventfd_ctx_put(ctx);
	KUNIT_EXPECT_EQ(test, kref_read(&ctx->kref), 1);
	fput(file);
	KUNIT_EXPECT_EQ(test, (long)file_count(file), 1);
}

static void lookups_of_what_is_not_open_are_ebadf(struct kunit *test)
{
	int fd = do_eventfd(0, 0);

	KUNIT_ASSERT_GE(test, fd, 0);
	close_fd(fd);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_fget(fd)), -EBADF);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_ctx_fdget(fd)), -EBADF);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_fget(-1)), -EBADF);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_ctx_fdget(-1)), -EBADF);
}

static void lookups_of_what_is_no_eventfd_are_einval(struct kunit *test)
{
	static const struct file_operations fops = { .llseek = noop_llseek };
	int fd = test_open_fd(test, anon_inode_getfd("[eventfd]", &fops, NULL, O_RDWR));
	struct file *file = fget(fd);

	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_fget(fd)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_ctx_fdget(fd)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(eventfd_ctx_fileget(file)), -EINVAL);
	/* What was looked at is given back. */
	KUNIT_EXPECT_EQ(test, (long)file_count(file), 2);
	fput(file);
}

/* vfs_poll(): callers that look, and callers that claim */

struct test_poll_param {
	const char *name;
	int flags;
	u64 count;
	bool table;
	__poll_t key;		/* zero: as init_poll_funcptr() leaves it */
	__poll_t result;
	u64 left;
};

static const struct test_poll_param test_polls[] = {
	{ "plain, no table", 0, 2, false, 0, EPOLLIN | EPOLLOUT, 2 },
	{ "plain, table", 0, 2, true, 0, EPOLLIN | EPOLLOUT, 2 },
	{ "plain, claim", 0, 2, true, EPOLLIN | POLL_CLAIM, EPOLLIN | EPOLLOUT, 2 },
	{ "semaphore, claim", EFD_SEMAPHORE, 2, true, EPOLLIN | POLL_CLAIM, EPOLLIN | EPOLLOUT, 2 },
	{ "autoreset, no table", EFD_AUTORESET, 2, false, 0, EPOLLIN | EPOLLOUT | POLL_CLAIM, 2 },
	{ "autoreset, table", EFD_AUTORESET, 2, true, 0, EPOLLIN | EPOLLOUT | POLL_CLAIM, 2 },
	{ "autoreset, look for input", EFD_AUTORESET, 2, true, EPOLLIN,
	  EPOLLIN | EPOLLOUT | POLL_CLAIM, 2 },
	{ "autoreset, claim", EFD_AUTORESET, 2, true, EPOLLIN | POLL_CLAIM, EPOLLIN | EPOLLOUT, 0 },
	{ "autoreset, claim all", EFD_AUTORESET, 2, true, EPOLLIN | EPOLLOUT | POLL_CLAIM,
	  EPOLLIN | EPOLLOUT, 0 },
	{ "autoreset, claim space only", EFD_AUTORESET, 2, true, EPOLLOUT | POLL_CLAIM,
	  EPOLLIN | EPOLLOUT, 2 },
	{ "autoreset, empty, look", EFD_AUTORESET, 0, true, 0, EPOLLOUT, 0 },
	{ "autoreset, empty, claim", EFD_AUTORESET, 0, true, EPOLLIN | POLL_CLAIM, EPOLLOUT, 0 },
	{ "autoreset, full, look", EFD_AUTORESET, ULLONG_MAX - 1, true, 0,
	  EPOLLIN | POLL_CLAIM, ULLONG_MAX - 1 },
	{ "autoreset, full, claim", EFD_AUTORESET, ULLONG_MAX - 1, true, EPOLLIN | POLL_CLAIM,
	  EPOLLIN | EPOLLOUT, 0 },
	{ "autoreset, overflow, look", EFD_AUTORESET, ULLONG_MAX, false, 0,
	  EPOLLIN | EPOLLERR | POLL_CLAIM, ULLONG_MAX },
	{ "autoreset, overflow, claim", EFD_AUTORESET, ULLONG_MAX, true, EPOLLIN | POLL_CLAIM,
	  EPOLLIN | EPOLLOUT | EPOLLERR, 0 },
};

KUNIT_ARRAY_PARAM_DESC(test_polls, test_polls, name);

static void poll_takes_only_what_it_claims(struct kunit *test)
{
	const struct test_poll_param *param = test->param_value;
	struct file *file = test_open(test, 0, param->flags);
	struct eventfd_ctx *ctx = file->private_data;
	poll_table table;

	test_set(ctx, param->count);
	init_poll_funcptr(&table, NULL);
	if (param->key)
		table._key = param->key;
	EXPECT_EVENTS(test, vfs_poll(file, param->table ? &table : NULL), param->result);
	KUNIT_EXPECT_EQ(test, eventfd_peek(ctx), param->left);
}

struct test_claim_param {
	const char *name;
	int flags;
	__poll_t key;
	bool whole;
};

static const struct test_claim_param test_claim_kinds[] = {
	{ "claim", EFD_AUTORESET, EPOLLIN | POLL_CLAIM, true },
	{ "claim and space", EFD_AUTORESET, EPOLLIN | EPOLLOUT | POLL_CLAIM, false },
	{ "claim and stay awake", EFD_AUTORESET, EPOLLIN | EPOLLWAKEUP | POLL_CLAIM, false },
	{ "space", EFD_AUTORESET, EPOLLOUT | POLL_CLAIM, false },
	{ "look", EFD_AUTORESET, EPOLLIN, false },
	{ "plain", 0, EPOLLIN | POLL_CLAIM, false },
	{ "semaphore", EFD_SEMAPHORE, EPOLLIN | POLL_CLAIM, false },
};

KUNIT_ARRAY_PARAM_DESC(test_claim_kinds, test_claim_kinds, name);

/* Whether it is met or not: the caller queues itself before there is anything to take. */
static void claim_says_whether_it_takes_all_that_is_asked_for(struct kunit *test)
{
	const struct test_claim_param *param = test->param_value;
	struct file *file = test_open(test, 0, param->flags);
	u64 count;

	for (count = 0; count < 2; count++) {
		poll_table table = { ._key = param->key };

		test_set(file->private_data, count);
		vfs_poll(file, &table);
		EXPECT_EVENTS(test, table._key, param->key | (param->whole ? EPOLLET : 0));
	}
}

static void claimer_that_leaves_has_others_woken_for_what_is_left(struct kunit *test)
{
	struct file *file = test_open(test, 1, test_flags_of(test));
	struct test_listener *listener = test_listening(test, file);
	bool autoreset = test_flags_of(test) & EFD_AUTORESET;
	poll_table table = { ._key = POLL_CLAIM_NEXT };

	vfs_poll(file, &table);
	KUNIT_EXPECT_EQ(test, listener->calls, autoreset);
	if (autoreset)
		EXPECT_EVENTS(test, listener->key, EPOLLIN | POLL_CLAIM);
	KUNIT_EXPECT_EQ(test, eventfd_peek(listener->ctx), 1);
	test_set(listener->ctx, 0);
	vfs_poll(file, &table);
	/* What was there when the poll looked may be gone when it has the lock. */
	eventfd_wake_next_claimer(listener->ctx);
	KUNIT_EXPECT_EQ(test, listener->calls, autoreset);
}

static void claim_wakes_for_space_where_there_was_none(struct kunit *test)
{
	struct file *file = test_open(test, 1, EFD_AUTORESET);
	struct test_listener *listener = test_listening(test, file);
	poll_table table = { ._key = EPOLLIN | POLL_CLAIM };

	EXPECT_EVENTS(test, vfs_poll(file, &table), EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_EQ(test, listener->calls, 0);
	test_set(listener->ctx, ULLONG_MAX - 1);
	EXPECT_EVENTS(test, vfs_poll(file, &table), EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_EQ(test, listener->calls, 1);
	EXPECT_EVENTS(test, listener->key, EPOLLOUT);
}

static void claim_lets_a_blocked_writer_go_on(struct kunit *test)
{
	struct file *file = test_open(test, 0, EFD_AUTORESET);
	struct eventfd_ctx *ctx = file->private_data;
	poll_table table = { ._key = EPOLLIN | POLL_CLAIM };
	struct test_waiter *writer;

	test_set(ctx, ULLONG_MAX - 1);
	writer = test_writer(test, file, 3);
	EXPECT_EVENTS(test, vfs_poll(file, &table), EPOLLIN | EPOLLOUT);
	KUNIT_ASSERT_TRUE(test, test_done(writer));
	KUNIT_EXPECT_EQ(test, writer->result, sizeof(u64));
	KUNIT_EXPECT_EQ(test, eventfd_peek(ctx), 3);
}

struct test_rival {
	struct file *file;
	__poll_t events;
	struct completion done;
};

static int test_claim_once(void *data)
{
	poll_table table = { ._key = EPOLLIN | POLL_CLAIM };
	struct test_rival *rival = data;

	rival->events = vfs_poll(rival->file, &table);
	complete(&rival->done);
	return 0;
}

/* Not every machine's locks say that a task waits for them; there it gets some time to. */
#ifdef arch_spin_is_contended
#define TEST_RIVAL_US	TEST_PATIENCE_US
#else
#define TEST_RIVAL_US	10000
#endif

/*
 * The rival has seen the counter and waits for the lock; whoever holds that takes
 * the counter. On one CPU no task waits for a lock, and so none comes too late.
 */
static void claim_that_comes_too_late_gets_nothing(struct kunit *test)
{
	struct file *file = test_open(test, 0, EFD_AUTORESET);
	struct eventfd_ctx *ctx = file->private_data;
	struct test_rival rival = { .file = file };
	unsigned int tries = TEST_RIVAL_US;
	struct task_struct *task;
	u64 taken = 0;

	if (num_online_cpus() == 1)
		kunit_skip(test, "needs two CPUs");
	init_completion(&rival.done);
	task = kthread_create(test_claim_once, &rival, "eventfd_kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	migrate_disable();
	kthread_bind(task, cpumask_any_but(cpu_online_mask, smp_processor_id()));
	eventfd_signal(ctx);
	spin_lock_irq(&ctx->wqh.lock);
	wake_up_process(task);
	while (!spin_is_contended(&ctx->wqh.lock) && tries--)
		udelay(1);
	eventfd_ctx_do_read(ctx, &taken);
	spin_unlock_irq(&ctx->wqh.lock);
	migrate_enable();
	wait_for_completion(&rival.done);
	KUNIT_EXPECT_EQ(test, taken, 1);
	EXPECT_EVENTS(test, rival.events, EPOLLOUT);
	KUNIT_EXPECT_EQ(test, eventfd_peek(ctx), 0);
}

/*
 * Races for claims: several tasks go through the same eventfds, again and again.
 * A task that is behind has less to do at each of them, and so soon catches up.
 */

#define TEST_CLAIM_FILES	256
#define TEST_CLAIMERS		3

struct test_claims {
	struct file *file[TEST_CLAIM_FILES];
	atomic_t claimed[TEST_CLAIM_FILES];
	atomic_t sum;			/* of these */
	unsigned long end;		/* of the pass, if claims are missing */
	wait_queue_head_t start;
	wait_queue_head_t finish;
	atomic_t pass;			/* negative: there is no further one */
	atomic_t busy;
	atomic_t tasks;
};

static void test_claim_all(struct test_claims *claims)
{
	poll_table table = { ._key = EPOLLIN | POLL_CLAIM };
	int n;

	do {
		for (n = 0; n < TEST_CLAIM_FILES; n++) {
			if (vfs_poll(claims->file[n], &table) & EPOLLIN) {
				atomic_inc(&claims->claimed[n]);
				atomic_inc(&claims->sum);
			}
		}
		cond_resched();
	} while (atomic_read(&claims->sum) < TEST_CLAIM_FILES && time_before(jiffies, claims->end));
}

static int test_claimer(void *data)
{
	struct test_claims *claims = data;
	int seen = 0;

	for (;;) {
		wait_event(claims->start, atomic_read(&claims->pass) != seen);
		seen = atomic_read(&claims->pass);
		if (seen < 0)
			break;
		test_claim_all(claims);
		atomic_dec(&claims->busy);
		wake_up(&claims->finish);
	}
	atomic_dec(&claims->tasks);
	return 0;
}

static void test_signal_all(struct test_claims *claims)
{
	int n;

	for (n = 0; n < TEST_CLAIM_FILES; n++)
		test_call(n % 16 ? IN_PROCESS : IN_HARDIRQ, claims->file[n]->private_data,
			  eventfd_signal);
}

/* One pass: each of the eventfds is signalled once. How many are not claimed once? */
static unsigned int test_claim_pass(struct test_claims *claims, bool signal_first)
{
	unsigned int wrong = 0;
	int n;

	for (n = 0; n < TEST_CLAIM_FILES; n++)
		atomic_set(&claims->claimed[n], 0);
	atomic_set(&claims->sum, 0);
	atomic_set(&claims->busy, atomic_read(&claims->tasks));
	claims->end = jiffies + 5 * HZ;
	if (signal_first)
		test_signal_all(claims);
	atomic_inc(&claims->pass);
	wake_up_all(&claims->start);
	if (!signal_first)
		test_signal_all(claims);
	test_claim_all(claims);
	wait_event(claims->finish, !atomic_read(&claims->busy));
	for (n = 0; n < TEST_CLAIM_FILES; n++) {
		if (atomic_read(&claims->claimed[n]) != 1 ||
		    eventfd_peek(claims->file[n]->private_data))
			wrong++;
	}
	return wrong;
}

static void test_race_for_claims(struct kunit *test, bool signal_first)
{
	struct test_claims *claims = kunit_kzalloc(test, sizeof(*claims), GFP_KERNEL);
	unsigned long end = jiffies + TEST_RACE_TIME;
	unsigned int signals = 0, wrong = 0;
	int n;

	KUNIT_ASSERT_NOT_NULL(test, claims);
	for (n = 0; n < TEST_CLAIM_FILES; n++)
		claims->file[n] = test_open(test, 0, EFD_AUTORESET);
	init_waitqueue_head(&claims->start);
	init_waitqueue_head(&claims->finish);
	for (n = 0; n < TEST_CLAIMERS; n++) {
		atomic_inc(&claims->tasks);
		if (IS_ERR(kthread_run(test_claimer, claims, "eventfd_kunit"))) {
			atomic_dec(&claims->tasks);
			KUNIT_FAIL(test, "no task to claim from");
		}
	}
	do {
		wrong += test_claim_pass(claims, signal_first);
		signals += TEST_CLAIM_FILES;
	} while (!wrong && signals < TEST_ROUNDS && time_before(jiffies, end));
	atomic_set(&claims->pass, -1);
	wake_up_all(&claims->start);
	KUNIT_EXPECT_TRUE(test, test_until(!atomic_read(&claims->tasks)));
	kunit_info(test, "%u signals", signals);
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void one_of_several_claims_gets_a_signal(struct kunit *test)
{
	test_race_for_claims(test, true);
}

static void claims_lose_no_racing_signal(struct kunit *test)
{
	test_race_for_claims(test, false);
}

static struct kunit_case eventfd_test_cases[] = {
	KUNIT_CASE_PARAM(signal_adds_one_and_wakes, test_contexts_gen_params),
	KUNIT_CASE_PARAM(signal_reaches_a_blocked_reader, test_contexts_gen_params),
	KUNIT_CASE_PARAM(signal_lets_one_blocked_reader_go_on, test_contexts_gen_params),
	KUNIT_CASE(signal_serves_readers_by_their_priority),
	KUNIT_CASE(reader_that_is_woken_in_vain_is_requeued_in_front),
	KUNIT_CASE(stray_wake_up_is_no_event),
	KUNIT_CASE(signal_mask_adds_to_the_key),
	KUNIT_CASE(signal_of_an_autoreset_eventfd_is_to_be_claimed),
	KUNIT_CASE(signal_saturates_and_still_wakes),
	KUNIT_CASE(signals_from_all_contexts_at_once_all_count),
	KUNIT_CASE_PARAM(signal_is_not_allowed_in_a_wake_callback, test_wakes_gen_params),
	KUNIT_CASE(other_tasks_may_signal_while_a_callback_runs),
#ifdef kunit_warning_suppress
	KUNIT_CASE(signal_in_a_wake_callback_warns_and_adds_nothing),
#endif
	KUNIT_CASE_PARAM(do_read_in_a_callback_takes_what_read_would, test_kinds_gen_params),
	KUNIT_CASE_PARAM(do_read_of_nothing_takes_nothing, test_kinds_gen_params),
	KUNIT_CASE_PARAM(do_read_lets_a_blocked_writer_go_on, test_kinds_gen_params),
	KUNIT_CASE_PARAM(do_read_leaves_blocked_readers_waiting, test_kinds_gen_params),
	KUNIT_CASE_PARAM(remove_wait_queue_takes_what_read_would, test_kinds_gen_params),
	KUNIT_CASE_PARAM(remove_wait_queue_removes_at_zero_too, test_kinds_gen_params),
	KUNIT_CASE_PARAM(remove_wait_queue_lets_a_blocked_writer_go_on, test_kinds_gen_params),
	KUNIT_CASE_PARAM(remove_wait_queue_loses_no_racing_signal, test_kinds_gen_params),
	KUNIT_CASE(context_outlives_the_file),
	KUNIT_CASE_PARAM(last_put_frees_the_id, test_contexts_gen_params),
	KUNIT_CASE_PARAM(last_close_is_heard_of_once, test_kinds_gen_params),
	KUNIT_CASE(each_lookup_takes_one_reference),
	KUNIT_CASE(lookups_of_what_is_not_open_are_ebadf),
	KUNIT_CASE(lookups_of_what_is_no_eventfd_are_einval),
	KUNIT_CASE_PARAM(poll_takes_only_what_it_claims, test_polls_gen_params),
	KUNIT_CASE_PARAM(claim_says_whether_it_takes_all_that_is_asked_for,
			 test_claim_kinds_gen_params),
	KUNIT_CASE_PARAM(claimer_that_leaves_has_others_woken_for_what_is_left,
			 test_all_kinds_gen_params),
	KUNIT_CASE(claim_wakes_for_space_where_there_was_none),
	KUNIT_CASE(claim_lets_a_blocked_writer_go_on),
	KUNIT_CASE(claim_that_comes_too_late_gets_nothing),
	KUNIT_CASE(one_of_several_claims_gets_a_signal),
	KUNIT_CASE(claims_lose_no_racing_signal),
	{}
};

static struct kunit_suite eventfd_test_suite = {
	.name = "eventfd",
	.test_cases = eventfd_test_cases,
};

kunit_test_suite(eventfd_test_suite);
