/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_POLL_CLAIM_H
#define _LINUX_POLL_CLAIM_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/linux/eventpoll.h>

/*
 * POLL_CLAIM: polling for an event that only one poller is to get
 *
 * Some files want an event to be gone once it was reported, so that nobody has
 * to come and fetch it: an eventfd with EFD_AUTORESET resets its counter. But
 * most calls of ->poll() report nothing to anybody. They ask whether it is
 * worth coming back, and an event taken by one of those is an event lost.
 *
 * One bit keeps the two apart. It belongs to the kernel: user space can neither
 * ask for it nor be shown it. It says something else in each direction.
 *
 * From a caller of ->poll(), in the key of the poll table: the caller is about to
 * report what ->poll() returns. It promises that each event of the result gets to
 * its user, even if the request is cancelled or its time runs out in the meantime;
 * not so if the user is killed, or gives memory that cannot be written to.
 * ->poll() takes what it reports, and of several claims for one event only one
 * succeeds. No table (NULL), or a table as init_poll_funcptr() leaves it, never
 * claims. So code that does not know of the bit cannot lose an event.
 *
 * From a file, in the result of ->poll() or in the key of a wake-up: ready, but
 * nothing was taken. A caller polls again, with the bit, before it reports this. By
 * then another claim may have been faster, and a caller that finds nothing goes
 * back to waiting. A result never has the bit if the key had it, and the key of a
 * wake-up never has it together with POLLFREE.
 *
 * The files without such events, which are all the others, ignore the bit.
 *
 * Its value is the highest that is free in epoll_event.events, below
 * EPOLL_URING_WAKE. POLL_CLAIM_BIT is the same as a plain number, for a result
 * that is kept in an int.
 */
#define POLL_CLAIM_BIT	BIT(26)
#define POLL_CLAIM	((__force __poll_t)POLL_CLAIM_BIT)

/*
 * POLL_CLAIM_WHOLE: a claim that takes all that is asked for
 *
 * Such a claim leaves nothing for a second poller, and nothing to be reported
 * again: each event is an edge. A file says so from within ->poll(): it adds
 * EPOLLET to the key of the claim before it calls poll_wait(). The key is how a file
 * answers the caller, and this is the one case in which it writes to a poll_table.
 *
 * select(2) and poll(2) then queue the claimer exclusively, so that an event wakes
 * one of them and not all. A wake-up ends with a claimer only if that is about to
 * scan its files once more, see pollwake(). epoll_wait(2) does not poll a
 * level-triggered item again before the next wake-up.
 *
 * A wake-up that each poller has to see must not end early: it needs nr_exclusive 0,
 * unless no claimer can be queued, as at the last close of an eventfd, which wakes
 * for EPOLLHUP.
 */
#define POLL_CLAIM_WHOLE	(POLL_CLAIM | EPOLLET)

/*
 * POLL_CLAIM_NEXT: a claimer leaves the wait queue
 *
 * It may leave an event that it was woken for: another thread has closed its
 * descriptor. So it polls with this key once it is off the queue, and asks for no
 * event. If there is one to be claimed, the file wakes its pollers.
 */
#define POLL_CLAIM_NEXT		POLL_CLAIM

/* Is an event reported once: edge-triggered, or by a claim that takes it whole? */
static inline bool poll_edge_or_claim(__poll_t key)
{
	return key & EPOLLET;
}

#endif /* _LINUX_POLL_CLAIM_H */
