// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd: a 64-bit counter behind a file descriptor.
 *
 * write(2) adds to the counter and read(2) takes from it: all of it, or one
 * unit with EFD_SEMAPHORE. A read waits while there is nothing to take, a
 * write while its value does not fit below EVENTFD_FULL. The kernel signals an
 * eventfd by adding one, without ever sleeping.
 *
 * One lock, that of the wait queue which pollers sit on, guards everything in
 * struct eventfd_ctx that changes. Only two functions change the counter:
 * eventfd_add() and eventfd_take(). All that user space and the rest of the
 * kernel can do to an eventfd is made of these two.
 *
 * Tasks that wait in read(2) or write(2) are not on the pollers' queue but on a
 * wait list of their own. A change of the counter wakes as many of them as it can
 * serve; see "Waiters" below.
 *
 * With EFD_AUTORESET a poll that reports the counter takes it: to report it is
 * to claim it, and of several pollers one can; see eventfd_claim().
 */

#include <linux/anon_inodes.h>
#include <linux/build_bug.h>
#include <linux/eventfd.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/plist.h>
#include <linux/poll.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

/* The highest counts that a write(2) and that a signal of the kernel can reach. */
#define EVENTFD_FULL		(ULLONG_MAX - 1)
#define EVENTFD_OVERFLOW	ULLONG_MAX

/*
 * The wait list has readers in front of writers, and sorts each kind by priority.
 * The two begin at odd numbers: a requeued waiter fits in front of its equals.
 */
#define EVENTFD_READERS		1
#define EVENTFD_REQUEUED	(EVENTFD_READERS - 1)
#define EVENTFD_WRITERS		(4 * MAX_RT_PRIO + 1)

/*
 * A read faults its buffer in this often before it fails. A page that was faulted
 * in can be reclaimed again before the copy, but hardly that often in a row. The
 * copies then fail for a reason that fault_in_iov_iter_writeable() does not see, such
 * as the memory tags of arm64, and the read must not loop in the kernel for ever.
 */
#define EVENTFD_FAULT_TRIES	100

/* The numbers that tell eventfds apart in /proc/PID/fdinfo. */
static DEFINE_IDA(eventfd_ida);

/**
 * struct eventfd_ctx - a counter, its pollers and its waiters
 * @kref:	 one for the open file, one for each kernel user
 * @id:		 shown in fdinfo; negative if there was none to be had
 * @wqh:	 the pollers; its lock guards all that follows and can change
 * @count:	 the counter; poll reads it unlocked, so no write of it is plain
 * @waiters:	 tasks that wait in read(2) or write(2) and have not been woken
 * @claim:	 POLL_CLAIM with EFD_AUTORESET, else 0: what a wake-up says on
 *		 top of EPOLLIN
 * @is_semaphore: EFD_SEMAPHORE was given
 * @waited_for:	 @waiters is not empty; cheaper to test than by plist_head_empty(),
 *		 which compares a pointer with the address of the list
 */
struct eventfd_ctx {
	struct kref kref;
	int id;
	wait_queue_head_t wqh;
	u64 count;
	struct plist_head waiters;
	__poll_t claim;
	bool is_semaphore;
	bool waited_for;
};

/**
 * struct eventfd_waiter - a task that waits, on that task's stack
 * @node: on the wait list until the task is woken
 * @task: the task to wake
 * @n:	  the value that a writer adds; 1 for a reader
 */
struct eventfd_waiter {
	struct plist_node node;
	struct task_struct *task;
	u64 n;
};

/* Returns what a read would take. */
static u64 eventfd_next(const struct eventfd_ctx *ctx)
{
	return ctx->is_semaphore && ctx->count ? 1 : ctx->count;
}

/* Returns how many reads in a row would find something to take. */
static u64 eventfd_reads(const struct eventfd_ctx *ctx)
{
	return ctx->is_semaphore ? ctx->count : !!ctx->count;
}

/* Returns whether the counter stays within EVENTFD_FULL when @n is added. */
static bool eventfd_fits(const struct eventfd_ctx *ctx, u64 n)
{
	return n < EVENTFD_OVERFLOW - ctx->count;
}

/*
 * Waiters
 *
 * Readers and writers share one wait list, readers in front. Of each kind
 * real-time tasks are in front, by the priority that they had when they blocked;
 * equals are served in the order of arrival.
 *
 * A waiter is taken off the list as it is woken, under the lock. That is no
 * hand-over: a task that did not wait may steal what the waiter was woken for (a
 * hand-over would cost a context switch for each operation on a contended
 * semaphore). So a woken waiter looks again, and if it cannot go on it is requeued
 * in front of its equals.
 *
 * A change of the counter by n units wakes readers for n units, or writers that
 * fit beside one another until their values come to n. Tasks that were woken before
 * do not count: such a task may be kept from running for long, and must not hold up
 * another waiter. A waiter that cannot use its wake-up passes it on, for as many
 * units as it was woken for.
 *
 * So whenever the lock is dropped: while a reader is on the list, at least as many
 * readers as the counter can serve have been woken and are still to run; and no
 * writer on the list fits beside the writers that have been woken and are still to
 * run. Once these have run, no waiter on the list can go on.
 *
 * A waiter needs the lock to leave its stack frame. So the holder of the lock may
 * wake it, however soon it then runs.
 */

static void eventfd_queue(struct eventfd_ctx *ctx, struct eventfd_waiter *waiter)
{
	plist_add(&waiter->node, &ctx->waiters);
	ctx->waited_for = true;
}

static void eventfd_unqueue(struct eventfd_ctx *ctx, struct eventfd_waiter *waiter)
{
	plist_del(&waiter->node, &ctx->waiters);
	ctx->waited_for = !plist_head_empty(&ctx->waiters);
}

static void eventfd_wake(struct eventfd_ctx *ctx, struct eventfd_waiter *waiter)
{
	eventfd_unqueue(ctx, waiter);
	wake_up_process(waiter->task);
}

static bool eventfd_is_writer(const struct eventfd_waiter *waiter)
{
	return waiter->node.prio >= EVENTFD_WRITERS - 1;
}

/* Out of line: a write that finds nobody waiting saves no registers for this. */
static noinline void __eventfd_wake_readers(struct eventfd_ctx *ctx, u64 n)
{
	/* One reader takes the whole counter, but for a semaphore. */
	for (n = min(n, eventfd_reads(ctx)); n && ctx->waited_for; n--) {
		struct eventfd_waiter *first;

		first = plist_first_entry(&ctx->waiters, struct eventfd_waiter, node);
		if (eventfd_is_writer(first))
			break;
		eventfd_wake(ctx, first);
	}
}

/*
 * Wake the readers that @n units serve: units that were added, or are passed on.
 * This is inline, so that a caller tests one byte where nobody waits.
 */
static __always_inline void eventfd_wake_readers(struct eventfd_ctx *ctx, u64 n)
{
	if (unlikely(ctx->waited_for))
		__eventfd_wake_readers(ctx, n);
}

/* Out of line: a read that finds nobody waiting saves no registers for this. */
static noinline void __eventfd_wake_writers(struct eventfd_ctx *ctx, u64 n)
{
	struct eventfd_waiter *waiter, *next;
	u64 space = EVENTFD_OVERFLOW - ctx->count;

	waiter = plist_last_entry(&ctx->waiters, struct eventfd_waiter, node);
	if (!eventfd_is_writer(waiter))
		return;
	plist_for_each_entry_safe(waiter, next, &ctx->waiters, node) {
		if (!n)
			break;
		/* A small value may pass a larger one that does not fit yet. */
		if (!eventfd_is_writer(waiter) || waiter->n >= space)
			continue;
		eventfd_wake(ctx, waiter);
		space -= waiter->n;
		n -= min(n, waiter->n);
	}
}

/* Wake the writers that @n units of space serve: new space, or passed on. */
static __always_inline void eventfd_wake_writers(struct eventfd_ctx *ctx, u64 n)
{
	if (unlikely(ctx->waited_for))
		__eventfd_wake_writers(ctx, n);
}

/*
 * Wait as one of the EVENTFD_READERS until there is something to take, or as one
 * of the EVENTFD_WRITERS until there is space for @n; EVENTFD_REQUEUED is a reader
 * that has had a wake-up already. The caller holds the lock, before and after; it
 * is dropped to sleep.
 *
 * Returns 0, or -ERESTARTSYS if a signal came while the task could not go on. A
 * task that is being killed could not use what it takes, and never goes on.
 */
static int eventfd_wait(struct eventfd_ctx *ctx, int kind, u64 n)
	__must_hold(&ctx->wqh.lock)
{
	/* 0 for deadline tasks, then real-time ones, and all others as equals. */
	int prio = min(READ_ONCE(current->normal_prio), MAX_RT_PRIO) - (MAX_DL_PRIO - 1);
	struct eventfd_waiter self = {
		.node = PLIST_NODE_INIT(self.node, kind + 2 * prio),
		.task = current,
		.n = n,
	};
	bool can_go_on, woken;
	int err = 0;

	eventfd_queue(ctx, &self);
	for (;;) {
		/*
		 * Still under the lock: a wake-up that follows finds a task that
		 * it can reach.
		 */
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&ctx->wqh.lock);
		schedule();
		spin_lock_irq(&ctx->wqh.lock);

		can_go_on = kind < EVENTFD_WRITERS ? ctx->count : eventfd_fits(ctx, n);
		if (can_go_on && !fatal_signal_pending(current))
			break;
		woken = plist_node_empty(&self.node);
		if (woken && kind < EVENTFD_WRITERS)
			eventfd_wake_readers(ctx, n);
		else if (woken)
			eventfd_wake_writers(ctx, n);
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (woken) {
			self.node.prio &= ~1;
			eventfd_queue(ctx, &self);
		}
	}
	if (!plist_node_empty(&self.node))
		eventfd_unqueue(ctx, &self);
	return err;
}

/*
 * Wake the pollers. Their callbacks run here, under the lock, and
 * current->in_eventfd keeps them from signalling an eventfd in turn.
 */
static void eventfd_wake_pollers(struct eventfd_ctx *ctx, __poll_t events)
{
	/* Pollers queue themselves under this lock, and it is held. */
	if (waitqueue_active(&ctx->wqh)) {
		current->in_eventfd = 1;
		wake_up_locked_poll(&ctx->wqh, events);
		current->in_eventfd = 0;
	}
}

/*
 * Add @n, which fits, and wake the pollers: for every add, even of zero and
 * whatever the counter was, as edge-triggered pollers rely on it. The caller wakes
 * the readers after that: an in-kernel poller may take the counter in its callback,
 * and then there is nothing to wake a reader for.
 */
static void eventfd_add(struct eventfd_ctx *ctx, u64 n, __poll_t events)
{
	lockdep_assert_held(&ctx->wqh.lock);

	if (IS_ENABLED(CONFIG_64BIT))
		/*
		 * A poller that takes no lock may see the new count before the
		 * unlock, and is not ordered by it: so this store is a release
		 * itself. Pairs with the acquire in eventfd_peek().
		 */
		smp_store_release(&ctx->count, ctx->count + n);
	else
		WRITE_ONCE(ctx->count, ctx->count + n);
	/* With POLL_CLAIM set a woken poller polls again, to claim, before it reports. */
	eventfd_wake_pollers(ctx, EPOLLIN | events | ctx->claim);
}

/*
 * Take @n, which is there, and wake the writers that now fit. The pollers are left
 * to the caller: not every caller may wake them.
 */
static void eventfd_take(struct eventfd_ctx *ctx, u64 n)
{
	lockdep_assert_held(&ctx->wqh.lock);

	WRITE_ONCE(ctx->count, ctx->count - n);
	eventfd_wake_writers(ctx, n);
}

static void eventfd_free_ctx(struct eventfd_ctx *ctx)
{
	if (ctx->id >= 0)
		ida_free(&eventfd_ida, ctx->id);
	kfree(ctx);
}

static void eventfd_free(struct kref *kref)
{
	eventfd_free_ctx(container_of(kref, struct eventfd_ctx, kref));
}

/**
 * eventfd_ctx_put - drop a reference to an eventfd
 * @ctx: what eventfd_ctx_fdget() or eventfd_ctx_fileget() returned
 *
 * Context: any but NMI, nor a hard interrupt with PREEMPT_RT. Does not sleep; the
 * last reference frees @ctx.
 */
void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	kref_put(&ctx->kref, eventfd_free);
}
EXPORT_SYMBOL_GPL(eventfd_ctx_put);

/**
 * eventfd_signal_mask - add one to the counter, wake its pollers and a reader
 * @ctx: the eventfd to signal
 * @mask: events for the pollers' wake callbacks, beside EPOLLIN
 *
 * A full counter takes one more signal, which brings it to %ULLONG_MAX: poll
 * reports that as EPOLLERR until somebody reads. From there on a signal still
 * wakes, but adds nothing.
 *
 * Must not be called from a wake callback of an eventfd: it then warns and does
 * nothing. Ask eventfd_signal_allowed() where that can be.
 *
 * Context: any but NMI, nor a hard interrupt with PREEMPT_RT. Does not sleep. Takes
 * the lock of the eventfd's wait queue with interrupts off.
 */
void eventfd_signal_mask(struct eventfd_ctx *ctx, __poll_t mask)
{
	unsigned long flags;

	if (WARN_ON_ONCE(!eventfd_signal_allowed()))
		return;

	spin_lock_irqsave(&ctx->wqh.lock, flags);
	eventfd_add(ctx, ctx->count != EVENTFD_OVERFLOW, mask);
	eventfd_wake_readers(ctx, 1);
	spin_unlock_irqrestore(&ctx->wqh.lock, flags);
}
EXPORT_SYMBOL_GPL(eventfd_signal_mask);

/*
 * At the last close only users in the kernel that hold just the context are left to
 * be told EPOLLHUP. A poll of user space holds the file open until it ends. An epoll
 * does not, but its items are gone: __fput() calls eventpoll_release() before this.
 */
static int eventfd_release(struct inode *inode, struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	spin_lock_irq(&ctx->wqh.lock);
	eventfd_wake_pollers(ctx, EPOLLHUP);
	spin_unlock_irq(&ctx->wqh.lock);
	eventfd_ctx_put(ctx);
	return 0;
}

/*
 * Returns the counter to a poller that does not hold the lock.
 *
 * No event is missed by that. A poller that means to sleep queues itself before
 * it reads, and queueing takes the lock, as every change of the counter does.
 * So the one that has the lock first is seen by the other:
 *
 *	poller first				signaller first
 *
 *	poller		signaller		poller		signaller
 *	------		---------		------		---------
 *	lock							lock
 *	queue							count += n
 *	unlock							nobody queued
 *			lock					unlock
 *			count += n		lock
 *			wakes pollers		queue
 *			unlock			unlock
 *	reads, n or not				reads n
 *
 * On the left the read may come at any time and return either count: the signaller
 * finds the poller on the queue, and wakes it. Only where the poller is exclusive
 * may the walk end at an earlier one, which then has to deliver the event; for
 * poll(2) and select(2) pollwake() in fs/select.c says why it does. On the right the
 * poller took the lock that the signaller had dropped, and with it all that was
 * written under it. The read must not move up before the queueing, and cannot, as
 * that acquires the lock. A poller that looks without queueing, or looks again, is
 * still on the queue from before or does not mean to sleep. This, and all else that
 * this file says about order, is checked in Documentation/litmus-tests/eventfd/.
 *
 * A 32-bit machine reads the two halves one after the other. A counter that
 * moves between 0xffffffff and 0x100000000 could show the low half of the one
 * and the high half of the other, which is zero: a ready eventfd reported as
 * not ready. There the lock is taken.
 */
static u64 eventfd_peek(struct eventfd_ctx *ctx)
{
	u64 count;

	if (IS_ENABLED(CONFIG_64BIT)) {
		count = READ_ONCE(ctx->count);
		/*
		 * A poller that is told of a signal sees what its sender did
		 * before it. Pairs with the release in eventfd_add().
		 */
		if (count)
			smp_acquire__after_ctrl_dep();
	} else {
		unsigned long flags;

		spin_lock_irqsave(&ctx->wqh.lock, flags);
		count = ctx->count;
		spin_unlock_irqrestore(&ctx->wqh.lock, flags);
	}
	return count;
}

/* Returns the events that a poller is told of when the counter is @count. */
static __poll_t eventfd_events(u64 count)
{
	__poll_t events = 0;

	if (count > 0)
		events |= EPOLLIN;
	if (count < EVENTFD_FULL)
		events |= EPOLLOUT;
	if (count == EVENTFD_OVERFLOW)
		events |= EPOLLERR;

	return events;
}

/* This is rare, and out of line: inlined, it makes each claim save registers. */
static noinline void eventfd_wake_pollers_for_space(struct eventfd_ctx *ctx)
{
	eventfd_wake_pollers(ctx, EPOLLOUT);
}

/*
 * Take the whole counter for a poller that is about to report it. The unlocked
 * read before this call promises nothing: another claim, or a read, may have been
 * faster, and then there is nothing to report but space.
 *
 * A claim wakes pollers for space only if the counter was full: there was space
 * before.
 *
 * A claiming caller reports to user space, so it runs in process context, with
 * interrupts on. A caller that does not claim may poll from any context.
 */
static __poll_t eventfd_claim(struct eventfd_ctx *ctx)
{
	u64 count;

	spin_lock_irq(&ctx->wqh.lock);
	count = ctx->count;
	if (count) {
		eventfd_take(ctx, count);
		if (unlikely(count >= EVENTFD_FULL))
			eventfd_wake_pollers_for_space(ctx);
	}
	spin_unlock_irq(&ctx->wqh.lock);

	return eventfd_events(count) | EPOLLOUT;
}

/* A claimer has left, perhaps without what it was woken for. */
static void eventfd_wake_next_claimer(struct eventfd_ctx *ctx)
{
	spin_lock_irq(&ctx->wqh.lock);
	if (ctx->count)
		eventfd_wake_pollers(ctx, EPOLLIN | ctx->claim);
	spin_unlock_irq(&ctx->wqh.lock);
}

static __poll_t eventfd_poll(struct file *file, poll_table *wait)
{
	struct eventfd_ctx *ctx = file->private_data;

	poll_wait(file, &ctx->wqh, wait);
	return eventfd_events(eventfd_peek(ctx));
}

/* Poll an eventfd that has EFD_AUTORESET. */
static __poll_t eventfd_poll_autoreset(struct file *file, poll_table *wait)
{
	struct eventfd_ctx *ctx = file->private_data;
	__poll_t wanted = poll_requested_events(wait);
	u64 count;

	/*
	 * A claim takes all, unless the poller asks for space, too, or has
	 * EPOLLWAKEUP, which keeps the system awake until it polls again. The
	 * key is where a file says so, see POLL_CLAIM_WHOLE.
	 */
	if ((wanted & (POLL_CLAIM | EPOLLIN | EPOLLOUT | EPOLLWAKEUP)) ==
	    (POLL_CLAIM | EPOLLIN))
		wait->_key |= EPOLLET;
	poll_wait(file, &ctx->wqh, wait);
	count = eventfd_peek(ctx);

	if (count && wanted == POLL_CLAIM_NEXT)
		eventfd_wake_next_claimer(ctx);
	if (!count || !(wanted & EPOLLIN))
		return eventfd_events(count);

	if (wanted & POLL_CLAIM)
		return eventfd_claim(ctx);
	/* A caller that only looks reports nothing, and takes nothing. */
	return eventfd_events(count) | POLL_CLAIM;
}

/**
 * eventfd_ctx_do_read - take from the counter, from inside a wake callback
 * @ctx: the eventfd
 * @cnt: where to store what was taken, 0 if there was nothing: one unit of an
 *	 EFD_SEMAPHORE eventfd, else the whole counter
 *
 * For a kernel user that consumes the eventfd in its wake callback. Blocked
 * writers are woken if they now fit. Pollers are not woken, for this call
 * comes from within a wake-up of theirs.
 *
 * Context: any. The lock of the eventfd's wait queue is held and interrupts are
 * off, as they are in a wake callback.
 */
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *cnt)
{
	*cnt = eventfd_next(ctx);
	eventfd_take(ctx, *cnt);
}
EXPORT_SYMBOL_GPL(eventfd_ctx_do_read);

/**
 * eventfd_ctx_remove_wait_queue - stop listening and take what has come
 * @ctx: the eventfd
 * @wait: the entry to take off its wait queue
 * @cnt: where to store what was taken, as by eventfd_ctx_do_read()
 *
 * Both in one step: a signal is either delivered to @wait, before, or part of
 * what this returns or leaves to others, after. None falls in between.
 *
 * Context: any but NMI, nor a hard interrupt with PREEMPT_RT, nor a wake callback
 * of an eventfd. Does not sleep. Takes the lock of the eventfd's wait queue with
 * interrupts off.
 * Return: 0, or -EAGAIN if the counter was zero. @wait is removed either way.
 */
int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx,
				  wait_queue_entry_t *wait, __u64 *cnt)
{
	unsigned long flags;

	spin_lock_irqsave(&ctx->wqh.lock, flags);
	__remove_wait_queue(&ctx->wqh, wait);
	*cnt = eventfd_next(ctx);
	if (*cnt) {
		eventfd_take(ctx, *cnt);
		eventfd_wake_pollers(ctx, EPOLLOUT);
	}
	spin_unlock_irqrestore(&ctx->wqh.lock, flags);

	return *cnt ? 0 : -EAGAIN;
}
EXPORT_SYMBOL_GPL(eventfd_ctx_remove_wait_queue);

/*
 * Copy out what a read takes of a positive counter, and take it. Both happen under
 * the lock, so that a read either delivers what it takes or takes nothing, and
 * nobody ever sees the counter without it in between. A page that is not present
 * cannot be waited for here: the caller does that. This is inline, as each read
 * goes through it and the second caller would make it a function of its own.
 */
static __always_inline bool eventfd_deliver(struct eventfd_ctx *ctx,
					    struct iov_iter *to)
{
	u64 count = ctx->count;
	u64 value = ctx->is_semaphore ? 1 : count;
	size_t copied;

	pagefault_disable();
	copied = copy_to_iter(&value, sizeof(value), to);
	pagefault_enable();
	if (unlikely(copied != sizeof(value))) {
		iov_iter_revert(to, copied);
		return false;
	}
	eventfd_take(ctx, value);
	return true;
}

static bool eventfd_may_block(const struct kiocb *iocb)
{
	return !(iocb->ki_filp->f_flags & O_NONBLOCK) &&
	       !(iocb->ki_flags & IOCB_NOWAIT);
}

/*
 * Deliver a read whose buffer was not in memory at first. This is rare, and out of
 * line, so that other reads save no registers for it.
 */
static noinline int eventfd_fault_in_and_deliver(struct eventfd_ctx *ctx,
						 const struct kiocb *iocb,
						 struct iov_iter *to)
	__must_hold(&ctx->wqh.lock)
{
	int tries = EVENTFD_FAULT_TRIES;
	size_t missing;
	int err;

	do {
		/* The count was not taken, and may serve another reader meanwhile. */
		eventfd_wake_readers(ctx, 1);
		spin_unlock_irq(&ctx->wqh.lock);
		/* Only a real fault grows a stack, and the second call makes none. */
		fault_in_iov_iter_readable(to, sizeof(u64));
		missing = fault_in_iov_iter_writeable(to, sizeof(u64));
		spin_lock_irq(&ctx->wqh.lock);
		if (missing || !tries--)
			return -EFAULT;
		if (!ctx->count) {
			if (!eventfd_may_block(iocb))
				return -EAGAIN;
			err = eventfd_wait(ctx, EVENTFD_REQUEUED, 1);
			if (err)
				return err;
		}
	} while (!eventfd_deliver(ctx, to));

	return 0;
}

static ssize_t eventfd_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct eventfd_ctx *ctx = iocb->ki_filp->private_data;
	int err = 0;

	if (iov_iter_count(to) < sizeof(u64))
		return -EINVAL;

	spin_lock_irq(&ctx->wqh.lock);
	if (unlikely(!ctx->count)) {
		if (!eventfd_may_block(iocb)) {
			spin_unlock_irq(&ctx->wqh.lock);
			return -EAGAIN;
		}
		err = eventfd_wait(ctx, EVENTFD_READERS, 1);
	}
	if (!err && unlikely(!eventfd_deliver(ctx, to)))
		err = eventfd_fault_in_and_deliver(ctx, iocb, to);
	if (!err)
		eventfd_wake_pollers(ctx, EPOLLOUT);
	spin_unlock_irq(&ctx->wqh.lock);

	return err ?: sizeof(u64);
}

/*
 * Get the value that a write adds. Machines that may load it from any address do
 * that, as it is shorter than a copy of eight bytes. This is inline, so that the
 * value can stay in a register.
 */
static __always_inline bool eventfd_get_value(u64 *value, const char __user *buf)
{
	if (IS_ENABLED(CONFIG_64BIT) &&
	    IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return !get_user(*value, (const u64 __user *)buf);

	return !copy_from_user(value, buf, sizeof(*value));
}

static ssize_t eventfd_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	struct eventfd_ctx *ctx = file->private_data;
	u64 value;
	int err;

	if (count != sizeof(value))
		return -EINVAL;
	if (!eventfd_get_value(&value, buf))
		return -EFAULT;
	if (value > EVENTFD_FULL)
		return -EINVAL;

	spin_lock_irq(&ctx->wqh.lock);
	if (unlikely(!eventfd_fits(ctx, value))) {
		if (file->f_flags & O_NONBLOCK) {
			spin_unlock_irq(&ctx->wqh.lock);
			return -EAGAIN;
		}
		err = eventfd_wait(ctx, EVENTFD_WRITERS, value);
		if (err) {
			spin_unlock_irq(&ctx->wqh.lock);
			return err;
		}
	}
	eventfd_add(ctx, value, 0);
	eventfd_wake_readers(ctx, value);
	spin_unlock_irq(&ctx->wqh.lock);

	return sizeof(value);
}

#ifdef CONFIG_PROC_FS
static void eventfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	seq_printf(m, "eventfd-count: %16llx\neventfd-id: %d\n",
		   eventfd_peek(ctx), ctx->id);
	/* These are constant strings, so that the fourth line makes this no slower. */
	seq_puts(m, ctx->is_semaphore ? "eventfd-semaphore: 1\n" :
					"eventfd-semaphore: 0\n");
	seq_puts(m, ctx->claim ? "eventfd-autoreset: 1\n" :
				 "eventfd-autoreset: 0\n");
}
#endif

/*
 * These have ->write and not ->write_iter: so writev(2) is one write for each of
 * its segments, and user space can tell.
 */
static const struct file_operations eventfd_fops = {
	.release	= eventfd_release,
	.poll		= eventfd_poll,
	.read_iter	= eventfd_read,
	.write		= eventfd_write,
	.llseek		= noop_llseek,
#ifdef CONFIG_PROC_FS
	.show_fdinfo	= eventfd_show_fdinfo,
#endif
};

/* The flag has a table of its own, so that the poll of others need not test it. */
static const struct file_operations eventfd_autoreset_fops = {
	.release	= eventfd_release,
	.poll		= eventfd_poll_autoreset,
	.read_iter	= eventfd_read,
	.write		= eventfd_write,
	.llseek		= noop_llseek,
#ifdef CONFIG_PROC_FS
	.show_fdinfo	= eventfd_show_fdinfo,
#endif
};

static bool file_is_eventfd(const struct file *file)
{
	return file->f_op == &eventfd_fops ||
	       file->f_op == &eventfd_autoreset_fops;
}

/**
 * eventfd_fget - the open file behind an eventfd's descriptor
 * @fd: a descriptor of the calling task
 *
 * Context: process context. Does not sleep.
 * Return: the file with a reference that fput() drops; ERR_PTR(-EBADF) if @fd
 * is not open, ERR_PTR(-EINVAL) if it is something else than an eventfd.
 */
struct file *eventfd_fget(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file_is_eventfd(file))
		return file;

	fput(file);
	return ERR_PTR(-EINVAL);
}
EXPORT_SYMBOL_GPL(eventfd_fget);

/**
 * eventfd_ctx_fdget - hold the eventfd behind a descriptor
 * @fd: a descriptor of the calling task
 *
 * The context outlives the descriptor: after the last close it can still be
 * signalled, only nobody can read it any more.
 *
 * Context: process context. Does not sleep.
 * Return: the eventfd with a reference that eventfd_ctx_put() drops, or an error
 * pointer as from eventfd_fget().
 */
struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	CLASS(fd, f)(fd);

	return fd_empty(f) ? ERR_PTR(-EBADF) : eventfd_ctx_fileget(fd_file(f));
}
EXPORT_SYMBOL_GPL(eventfd_ctx_fdget);

/**
 * eventfd_ctx_fileget - hold the eventfd behind an open file
 * @file: any open file, which the caller keeps open meanwhile
 *
 * Context: any. Does not sleep.
 * Return: the eventfd with a reference that eventfd_ctx_put() drops, or
 * ERR_PTR(-EINVAL) if @file is something else than an eventfd.
 */
struct eventfd_ctx *eventfd_ctx_fileget(struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	if (!file_is_eventfd(file))
		return ERR_PTR(-EINVAL);

	kref_get(&ctx->kref);
	return ctx;
}
EXPORT_SYMBOL_GPL(eventfd_ctx_fileget);

static int do_eventfd(unsigned int count, int flags)
{
	const struct file_operations *fops;
	struct eventfd_ctx *ctx;
	struct file *file;
	int f_flags;
	int fd;

	BUILD_BUG_ON(EFD_CLOEXEC != O_CLOEXEC);
	BUILD_BUG_ON(EFD_NONBLOCK != O_NONBLOCK);
	BUILD_BUG_ON(EFD_SEMAPHORE != (1 << 0));
	BUILD_BUG_ON(EFD_AUTORESET != (1 << 6));
	BUILD_BUG_ON((EFD_SEMAPHORE | EFD_AUTORESET) & EFD_SHARED_FCNTL_FLAGS);

	if (flags & ~EFD_FLAGS_SET)
		return -EINVAL;
	/* A poll could take one unit or all: refused until one of these has a user. */
	if ((flags & EFD_SEMAPHORE) && (flags & EFD_AUTORESET))
		return -EINVAL;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;

	kref_init(&ctx->kref);
	init_waitqueue_head(&ctx->wqh);
	plist_head_init(&ctx->waiters);
	ctx->count = count;
	ctx->is_semaphore = !!(flags & EFD_SEMAPHORE);
	ctx->claim = flags & EFD_AUTORESET ? POLL_CLAIM : 0;
	/* An eventfd works as well without a number to be shown by. */
	ctx->id = ida_alloc(&eventfd_ida, GFP_KERNEL);

	f_flags = O_RDWR | (flags & EFD_SHARED_FCNTL_FLAGS);
	fd = get_unused_fd_flags(f_flags);
	if (fd < 0)
		goto free_ctx;

	fops = flags & EFD_AUTORESET ? &eventfd_autoreset_fops : &eventfd_fops;
	file = anon_inode_getfile("[eventfd]", fops, ctx, f_flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto free_ctx;
	}

	/* io_uring may ask us to read without blocking: IOCB_NOWAIT is heeded. */
	file->f_mode |= FMODE_NOWAIT;
	fd_install(fd, file);
	return fd;

free_ctx:
	eventfd_free_ctx(ctx);
	return fd;
}

SYSCALL_DEFINE2(eventfd2, unsigned int, count, int, flags)
{
	return do_eventfd(count, flags);
}

SYSCALL_DEFINE1(eventfd, unsigned int, count)
{
	return do_eventfd(count, 0);
}

#ifdef CONFIG_EVENTFD_KUNIT_TEST
#include "tests/eventfd_kunit.c"
#endif
