// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd: a 64-bit counter behind a file descriptor.
 *
 * write(2) adds to the counter and read(2) takes from it: all of it, or one
 * unit with EFD_SEMAPHORE. A read sleeps while there is nothing to take, a
 * write while its value does not fit below EVENTFD_FULL. The kernel signals an
 * eventfd by adding one, from any context, without ever sleeping.
 *
 * One lock, that of the wait queue which pollers sit on, guards everything in
 * struct eventfd_ctx that changes. Only two functions change the counter:
 * eventfd_add() and eventfd_take(). All that user space and the rest of the
 * kernel can do to an eventfd is made of these two.
 *
 * Tasks that sleep in read(2) or write(2) are not on the pollers' queue but in
 * two lines of their own, first come, first served. Whoever changes the counter
 * calls just as many of them as can go on; see "Lines" below.
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
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sched/wake_q.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

/* As far as write(2) can fill the counter, and as far as it can be signalled. */
#define EVENTFD_FULL		(ULLONG_MAX - 1)
#define EVENTFD_OVERFLOW	ULLONG_MAX

/* How often a read faults its buffer in before it gives up on it. */
#define EVENTFD_FAULT_TRIES	8

/* The numbers that tell eventfds apart in /proc/PID/fdinfo. */
static DEFINE_IDA(eventfd_ida);

/**
 * struct eventfd_ctx - the counter, and who waits for it
 * @kref:	 one for the open file, one for each kernel user
 * @id:		 shown in fdinfo; negative if there was none to be had
 * @wqh:	 the pollers; its lock guards all that follows and can change
 * @count:	 the counter; poll reads it unlocked, so no write of it is plain
 * @readers:	 tasks that sleep in read(2), the one to be served next in front
 * @writers:	 likewise for write(2)
 * @room_due:	 what the called writers that are still to come will add
 * @spoken_for:	 as far as the counter can go with no reader to be called
 * @claim:	 POLL_CLAIM with EFD_AUTORESET, else 0: what a wake-up says on
 *		 top of EPOLLIN
 * @is_semaphore: EFD_SEMAPHORE was given
 * @readers_due: readers that were called and are still to come
 */
struct eventfd_ctx {
	struct kref kref;
	int id;
	wait_queue_head_t wqh;
	u64 count;
	struct list_head readers;
	struct list_head writers;
	u64 room_due;
	u64 spoken_for;
	__poll_t claim;
	unsigned int is_semaphore : 1;
	unsigned int readers_due : 31;
};

/**
 * struct eventfd_sleeper - a task in one of the lines, on that task's stack
 * @node:   its place in the line
 * @task:   whom to wake
 * @line:   ctx->readers or ctx->writers
 * @add:    what a writer has to add; zero for a reader
 * @called: taken off the line and woken, but it has not come for its turn yet
 */
struct eventfd_sleeper {
	struct list_head node;
	struct task_struct *task;
	struct list_head *line;
	u64 add;
	bool called;
};

/* What a read would get. */
static u64 eventfd_next(const struct eventfd_ctx *ctx)
{
	return ctx->is_semaphore && ctx->count ? 1 : ctx->count;
}

/* May @n be added to the counter without it passing EVENTFD_FULL? */
static bool eventfd_fits(const struct eventfd_ctx *ctx, u64 n)
{
	return n < EVENTFD_OVERFLOW - ctx->count;
}

/*
 * Lines
 *
 * To be called is to be taken off the line and to be woken once the lock is
 * dropped. It is no hand-over: a task that never slept may take what was there
 * before the called one gets the lock (a strict hand-over would cost a context
 * switch for every operation on a contended semaphore). The called task looks
 * again, and if it was beaten it goes back to the head of its line.
 *
 * The @..._due fields keep track of what is spoken for, so that each unit, and
 * each piece of room, has one task woken for it and no second one:
 *
 *	while there are readers in line, at least as many are due as the
 *	counter can serve: it is not beyond @spoken_for;
 *
 *	no writer in line would fit beside those that are due, in the order
 *	of the line.
 *
 * Every change that could break one of these is followed by an unlock that
 * makes up for it, eventfd_unlock_irq() or eventfd_unlock_irqrestore(), which is
 * told whose line to look at: that of the readers when the counter went up, of
 * the writers when it went down, and a task's own when it leaves without having
 * used its turn. Where nobody is in line, and that is nearly always, they cost
 * no more than a look.
 */

static void eventfd_call(struct eventfd_sleeper *sleeper,
			 struct wake_q_head *wake)
{
	list_del_init(&sleeper->node);
	sleeper->called = true;
	wake_q_add(wake, sleeper->task);
}

/* After each change of the readers' line, or of how many are due. */
static void eventfd_update_spoken_for(struct eventfd_ctx *ctx)
{
	if (list_empty(&ctx->readers))
		ctx->spoken_for = EVENTFD_OVERFLOW;
	else if (ctx->is_semaphore)
		ctx->spoken_for = ctx->readers_due;
	else
		/* Of several readers only one can have it, and it has all. */
		ctx->spoken_for = ctx->readers_due ? EVENTFD_OVERFLOW : 0;
}

static void eventfd_call_readers(struct eventfd_ctx *ctx,
				 struct wake_q_head *wake)
{
	while (ctx->count > ctx->spoken_for) {
		ctx->readers_due++;
		eventfd_call(list_first_entry(&ctx->readers,
					      struct eventfd_sleeper, node),
			     wake);
		eventfd_update_spoken_for(ctx);
	}
}

static void eventfd_call_writers(struct eventfd_ctx *ctx,
				 struct wake_q_head *wake)
{
	struct eventfd_sleeper *writer, *next;

	/* A small value may pass a larger one that does not fit yet. */
	list_for_each_entry_safe(writer, next, &ctx->writers, node) {
		u64 room = EVENTFD_OVERFLOW - ctx->count;

		/* Less than what is due, if somebody was faster. */
		if (room <= ctx->room_due)
			return;
		if (writer->add >= room - ctx->room_due)
			continue;
		ctx->room_due += writer->add;
		eventfd_call(writer, wake);
	}
}

/* Is there anyone in @line to be called? Of writers this may say so in vain. */
static bool eventfd_has_to_call(const struct eventfd_ctx *ctx,
				const struct list_head *line)
{
	if (line == &ctx->readers)
		return ctx->count > ctx->spoken_for;
	return !list_empty(line);
}

/* Call who can go on in @line. */
static void eventfd_call_line(struct eventfd_ctx *ctx,
			      const struct list_head *line,
			      struct wake_q_head *wake)
{
	if (line == &ctx->readers)
		eventfd_call_readers(ctx, wake);
	else
		eventfd_call_writers(ctx, wake);
}

static noinline void eventfd_call_and_unlock_irq(struct eventfd_ctx *ctx,
						 const struct list_head *line)
	__releases(&ctx->wqh.lock)
{
	DEFINE_WAKE_Q(wake);

	eventfd_call_line(ctx, line, &wake);
	spin_unlock_irq(&ctx->wqh.lock);
	wake_up_q(&wake);
}

static inline void eventfd_unlock_irq(struct eventfd_ctx *ctx,
				      const struct list_head *line)
	__releases(&ctx->wqh.lock)
{
	if (likely(!eventfd_has_to_call(ctx, line)))
		spin_unlock_irq(&ctx->wqh.lock);
	else
		eventfd_call_and_unlock_irq(ctx, line);
}

static noinline void
eventfd_call_and_unlock_irqrestore(struct eventfd_ctx *ctx,
				   const struct list_head *line,
				   unsigned long flags)
	__releases(&ctx->wqh.lock)
{
	DEFINE_WAKE_Q(wake);

	eventfd_call_line(ctx, line, &wake);
	spin_unlock_irqrestore(&ctx->wqh.lock, flags);
	wake_up_q(&wake);
}

static inline void eventfd_unlock_irqrestore(struct eventfd_ctx *ctx,
					     const struct list_head *line,
					     unsigned long flags)
	__releases(&ctx->wqh.lock)
{
	if (likely(!eventfd_has_to_call(ctx, line)))
		spin_unlock_irqrestore(&ctx->wqh.lock, flags);
	else
		eventfd_call_and_unlock_irqrestore(ctx, line, flags);
}

/* A called task has come: what was kept for it is no longer spoken for. */
static void eventfd_turn_over(struct eventfd_ctx *ctx,
			      struct eventfd_sleeper *sleeper)
{
	sleeper->called = false;
	if (sleeper->line == &ctx->readers) {
		ctx->readers_due--;
		eventfd_update_spoken_for(ctx);
	} else {
		ctx->room_due -= sleeper->add;
	}
}

static bool eventfd_can_go_on(const struct eventfd_ctx *ctx,
			      const struct eventfd_sleeper *sleeper)
{
	if (sleeper->line == &ctx->readers)
		return ctx->count;
	return eventfd_fits(ctx, sleeper->add);
}

/*
 * Sleep in @line until there is something to read, or room for @add. Called,
 * and returns, with the lock held, and drops it to sleep.
 *
 * Returns 0, or -ERESTARTSYS for a signal that came while there was nothing to
 * be had. A task that is being killed could not use what it takes: it goes at
 * once. Either way the caller unlocks for @line, and whoever is next gets the
 * turn.
 */
static int eventfd_sleep(struct eventfd_ctx *ctx, struct list_head *line,
			 u64 add)
	__must_hold(&ctx->wqh.lock)
{
	struct eventfd_sleeper self = {
		.task = current,
		.line = line,
		.add = add,
	};
	bool beaten = false;
	int err = 0;

	list_add_tail(&self.node, line);
	eventfd_update_spoken_for(ctx);
	for (;;) {
		/*
		 * Still under the lock: who calls us after this finds a task
		 * that its wake-up can reach.
		 */
		set_current_state(TASK_INTERRUPTIBLE);
		/* What was too little for us may still do for a smaller one. */
		if (beaten)
			eventfd_unlock_irq(ctx, line);
		else
			spin_unlock_irq(&ctx->wqh.lock);
		schedule();
		spin_lock_irq(&ctx->wqh.lock);

		beaten = self.called;
		if (self.called)
			eventfd_turn_over(ctx, &self);
		if (fatal_signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (eventfd_can_go_on(ctx, &self))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (beaten) {
			list_add(&self.node, line);
			eventfd_update_spoken_for(ctx);
		}
	}
	list_del(&self.node);
	eventfd_update_spoken_for(ctx);
	return err;
}

/*
 * Wake those who poll. Their callbacks run here, under the lock, and
 * current->in_eventfd keeps them from signalling an eventfd in turn.
 */
static void eventfd_wake_pollers(struct eventfd_ctx *ctx, __poll_t events)
{
	/* Pollers queue themselves under the lock that we hold. */
	if (waitqueue_active(&ctx->wqh)) {
		current->in_eventfd = 1;
		wake_up_locked_poll(&ctx->wqh, events);
		current->in_eventfd = 0;
	}
}

/*
 * Add @n, which fits, and tell the pollers. They hear of every add, of zero too
 * and whatever the counter was: an edge-triggered one counts on it. The readers
 * are called after that, as the lock is dropped: an in-kernel poller may take
 * the counter on the spot, and then there is nothing to call a reader for.
 */
static void eventfd_add(struct eventfd_ctx *ctx, u64 n, __poll_t events)
{
	lockdep_assert_held(&ctx->wqh.lock);

	if (IS_ENABLED(CONFIG_64BIT))
		/*
		 * Our unlock is no release for a poller that does not lock: it
		 * may see this before. Pairs with the acquire in eventfd_peek().
		 */
		smp_store_release(&ctx->count, ctx->count + n);
	else
		WRITE_ONCE(ctx->count, ctx->count + n);
	/* If it is to be claimed, they look again before they report it. */
	eventfd_wake_pollers(ctx, EPOLLIN | events | ctx->claim);
}

/*
 * Take @n, which is there. The writers that now fit are called as the lock is
 * dropped. Pollers are the caller's to wake: not all callers may.
 */
static void eventfd_take(struct eventfd_ctx *ctx, u64 n)
{
	lockdep_assert_held(&ctx->wqh.lock);

	WRITE_ONCE(ctx->count, ctx->count - n);
}

/**
 * eventfd_signal_mask - add one to the counter and wake who waits for it
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
 * Context: any but NMI. Does not sleep. Takes the lock of the eventfd's wait
 * queue with interrupts off.
 */
void eventfd_signal_mask(struct eventfd_ctx *ctx, __poll_t mask)
{
	unsigned long flags;

	if (WARN_ON_ONCE(!eventfd_signal_allowed()))
		return;

	spin_lock_irqsave(&ctx->wqh.lock, flags);
	eventfd_add(ctx, ctx->count != EVENTFD_OVERFLOW, mask);
	eventfd_unlock_irqrestore(ctx, &ctx->readers, flags);
}
EXPORT_SYMBOL_GPL(eventfd_signal_mask);

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
 * Context: any but NMI. Does not sleep; the last reference frees @ctx.
 */
void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	kref_put(&ctx->kref, eventfd_free);
}
EXPORT_SYMBOL_GPL(eventfd_ctx_put);

/*
 * The last close. A user's poller holds the file open, so the only ones left
 * to hear EPOLLHUP are those in the kernel that hold just the context.
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
 * The counter, for a poller that does not hold the lock.
 *
 * Nothing is missed by that. A poller that means to sleep queues itself before
 * it reads, and queueing takes the lock, as every change of the counter does.
 * So whoever had the lock first is seen by the other:
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
 *			wakes the poller	queue
 *			unlock			unlock
 *	reads, n or not				reads n
 *
 * On the left the read may come at any time and find anything: there is a wake
 * on its way. On the right the poller took the lock that the signaller had
 * dropped, and with it all that was written under it. What must not happen is
 * that the read moves up before the queueing: it cannot pass a lock's acquire.
 * A poller that looks without queueing, or looks again, is still on the queue
 * from before or does not mean to sleep. This, and all else that this file says
 * about order, is checked in Documentation/litmus-tests/eventfd/.
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
		 * Who is told of a signal may rely on seeing what its sender
		 * did before it. Pairs with the release in eventfd_add().
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

/* What a poller is told of a counter that stands at @count. */
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

/* Rare, and out of line: inlined, each claim would save registers for it. */
static noinline void eventfd_wake_pollers_for_room(struct eventfd_ctx *ctx)
{
	eventfd_wake_pollers(ctx, EPOLLOUT);
}

/*
 * Take the whole counter for a poller that is about to report it. The unlocked
 * read that brought us here promises nothing: another claim, or a read, may
 * have been faster, and then there is nothing to report but room.
 *
 * To wake pollers for room after each claim would be in vain for all but a
 * full counter: there was room before.
 *
 * Who claims reports to user space, and so is in process context, with
 * interrupts on. Others may poll from anywhere.
 */
static __poll_t eventfd_claim(struct eventfd_ctx *ctx)
{
	u64 count;

	spin_lock_irq(&ctx->wqh.lock);
	count = ctx->count;
	if (count) {
		eventfd_take(ctx, count);
		if (unlikely(count >= EVENTFD_FULL))
			eventfd_wake_pollers_for_room(ctx);
	}
	eventfd_unlock_irq(ctx, &ctx->writers);

	return eventfd_events(count) | EPOLLOUT;
}

static __poll_t eventfd_poll(struct file *file, poll_table *wait)
{
	struct eventfd_ctx *ctx = file->private_data;

	poll_wait(file, &ctx->wqh, wait);
	return eventfd_events(eventfd_peek(ctx));
}

/* The same with EFD_AUTORESET. */
static __poll_t eventfd_poll_autoreset(struct file *file, poll_table *wait)
{
	struct eventfd_ctx *ctx = file->private_data;
	__poll_t wanted = poll_requested_events(wait);
	u64 count;

	poll_wait(file, &ctx->wqh, wait);
	count = eventfd_peek(ctx);

	if (!count || !(wanted & EPOLLIN))
		return eventfd_events(count);

	/* Not all who poll will report what they find: some only look. */
	if (wanted & POLL_CLAIM)
		return eventfd_claim(ctx);
	return eventfd_events(count) | POLL_CLAIM;
}

/**
 * eventfd_ctx_do_read - take from the counter, from inside a wake callback
 * @ctx: the eventfd
 * @cnt: where to store what was taken, 0 if there was nothing: one unit of an
 *	 EFD_SEMAPHORE eventfd, else the whole counter
 *
 * For a kernel user that consumes the eventfd in its wake callback. Blocked
 * writers are called if they now fit. Pollers are not woken, for this call
 * comes from within a wake-up of theirs.
 *
 * Context: any. The lock of the eventfd's wait queue is held and interrupts are
 * off, as they are in a wake callback.
 */
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *cnt)
{
	DEFINE_WAKE_Q(wake);

	*cnt = eventfd_next(ctx);
	eventfd_take(ctx, *cnt);
	/* The lock is the caller's: woken now, they wait for it. */
	eventfd_call_writers(ctx, &wake);
	wake_up_q(&wake);
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
 * Context: any but NMI, and not from a wake callback of this eventfd. Does not
 * sleep. Takes the lock of the eventfd's wait queue with interrupts off.
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
	eventfd_unlock_irqrestore(ctx, &ctx->writers, flags);

	return *cnt ? 0 : -EAGAIN;
}
EXPORT_SYMBOL_GPL(eventfd_ctx_remove_wait_queue);

/*
 * Copy out what there is, which must not be nothing, and take it. Both under
 * the lock, so that a read either delivers what it takes or takes nothing, and
 * nobody ever sees the counter without it in between. A page that is not there
 * cannot be waited for here: the caller does that.
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

static bool eventfd_may_sleep(const struct kiocb *iocb)
{
	return !(iocb->ki_filp->f_flags & O_NONBLOCK) &&
	       !(iocb->ki_flags & IOCB_NOWAIT);
}

/* The same as a read does at first, where its buffer was not in memory. */
static noinline int eventfd_fault_in_and_deliver(struct eventfd_ctx *ctx,
						 const struct kiocb *iocb,
						 struct iov_iter *to)
	__must_hold(&ctx->wqh.lock)
{
	int tries = EVENTFD_FAULT_TRIES;
	size_t missing;
	int err;

	do {
		/* It is still there: for another reader, meanwhile. */
		eventfd_unlock_irq(ctx, &ctx->readers);
		missing = fault_in_iov_iter_writeable(to, sizeof(u64));
		spin_lock_irq(&ctx->wqh.lock);
		if (missing || !tries--)
			return -EFAULT;
		if (!ctx->count) {
			if (!eventfd_may_sleep(iocb))
				return -EAGAIN;
			err = eventfd_sleep(ctx, &ctx->readers, 0);
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
		if (!eventfd_may_sleep(iocb)) {
			spin_unlock_irq(&ctx->wqh.lock);
			return -EAGAIN;
		}
		err = eventfd_sleep(ctx, &ctx->readers, 0);
	}
	if (!err && unlikely(!eventfd_deliver(ctx, to)))
		err = eventfd_fault_in_and_deliver(ctx, iocb, to);
	if (err) {
		/* Whoever is next may have more luck. */
		eventfd_unlock_irq(ctx, &ctx->readers);
		return err;
	}
	eventfd_wake_pollers(ctx, EPOLLOUT);
	eventfd_unlock_irq(ctx, &ctx->writers);

	return sizeof(u64);
}

/*
 * What a write is to add. One load where the machine may do it at any address:
 * that is shorter than a copy of eight bytes.
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
		err = eventfd_sleep(ctx, &ctx->writers, value);
		if (err) {
			eventfd_unlock_irq(ctx, &ctx->writers);
			return err;
		}
	}
	eventfd_add(ctx, value, 0);
	eventfd_unlock_irq(ctx, &ctx->readers);

	return sizeof(value);
}

#ifdef CONFIG_PROC_FS
static void eventfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;
	bool is_semaphore;
	u64 count;

	spin_lock_irq(&ctx->wqh.lock);
	count = ctx->count;
	is_semaphore = ctx->is_semaphore;
	spin_unlock_irq(&ctx->wqh.lock);

	seq_printf(m, "eventfd-count: %16llx\n", count);
	seq_printf(m, "eventfd-id: %d\n", ctx->id);
	seq_printf(m, "eventfd-semaphore: %d\n", is_semaphore);
	seq_printf(m, "eventfd-autoreset: %d\n", !!ctx->claim);
}
#endif

/*
 * ->write and not ->write_iter: writev(2) is one write for each of its
 * segments, and user space can tell.
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

/* A table of its own keeps the question out of every other eventfd's poll. */
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
	/* Is a poll to take one unit or all? Neither, until somebody needs it. */
	if ((flags & EFD_SEMAPHORE) && (flags & EFD_AUTORESET))
		return -EINVAL;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;

	kref_init(&ctx->kref);
	init_waitqueue_head(&ctx->wqh);
	INIT_LIST_HEAD(&ctx->readers);
	INIT_LIST_HEAD(&ctx->writers);
	ctx->count = count;
	ctx->spoken_for = EVENTFD_OVERFLOW;
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
