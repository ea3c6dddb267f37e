/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eventfd for the rest of the kernel: find the context behind a descriptor,
 * hold it, signal it, consume from it. The contract of each function stands
 * at its definition in fs/eventfd.c.
 */
#ifndef _LINUX_EVENTFD_H
#define _LINUX_EVENTFD_H

#include <linux/compiler.h>
#include <linux/wait.h>
#include <linux/err.h>
#include <linux/percpu-defs.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <uapi/linux/eventfd.h>

/*
 * Two of the EFD_* flags are O_* flags under another name, and more may come.
 * A flag of eventfd's own takes a bit whose O_* meaning no eventfd can have,
 * and never one of these.
 */
#define EFD_SHARED_FCNTL_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define EFD_FLAGS_SET (EFD_SHARED_FCNTL_FLAGS | EFD_SEMAPHORE | EFD_AUTORESET)

struct eventfd_ctx;
struct file;

#ifdef CONFIG_EVENTFD

struct file *eventfd_fget(int fd);
struct eventfd_ctx *eventfd_ctx_fdget(int fd);
struct eventfd_ctx *eventfd_ctx_fileget(struct file *file);
void eventfd_ctx_put(struct eventfd_ctx *ctx);

void eventfd_signal_mask(struct eventfd_ctx *ctx, __poll_t mask);
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *cnt);
int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx,
				  wait_queue_entry_t *wait, __u64 *cnt);

/**
 * eventfd_signal_allowed - may this task signal an eventfd right now?
 *
 * A wake callback runs inside the signal that woke it, with that eventfd's
 * lock held. If it signalled in turn, two eventfds that watch one another
 * would deadlock or eat the stack.
 *
 * Context: any.
 * Return: false inside a wake callback of an eventfd: defer the signal, to a
 * work item say. True everywhere else.
 */
static inline bool eventfd_signal_allowed(void)
{
	/* An interrupt that signals meanwhile leaves it as it was. */
	return data_race(!current->in_eventfd);
}

#else /* !CONFIG_EVENTFD */

/* No descriptor is an eventfd, so nobody holds a context to call these with. */

static inline struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	return ERR_PTR(-ENOSYS);
}

static inline void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
}

static inline void eventfd_signal_mask(struct eventfd_ctx *ctx, __poll_t mask)
{
}

static inline void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *cnt)
{
}

static inline int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx,
						wait_queue_entry_t *wait,
						__u64 *cnt)
{
	return -ENOSYS;
}

static inline bool eventfd_signal_allowed(void)
{
	return true;
}

#endif /* !CONFIG_EVENTFD */

/**
 * eventfd_signal - add one to the counter and wake who waits for it
 * @ctx: the eventfd to signal
 *
 * eventfd_signal_mask() without any further event.
 *
 * Context: as for eventfd_signal_mask().
 */
static inline void eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal_mask(ctx, 0);
}

#endif /* _LINUX_EVENTFD_H */
