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
 * From a caller of ->poll(), in the key of the poll table: I am about to report
 * what you return. Whoever sets it promises that each event of the result gets
 * to its user, even if the request is cancelled or its time runs out in the
 * meantime. ->poll() takes what it reports, and of several claims for one event
 * only one succeeds. No table (NULL), or a table as init_poll_funcptr() leaves
 * it, never claims. So code that does not know of the bit cannot lose an event.
 *
 * From a file, in the result of ->poll() or in the key of a wake-up: ready, but
 * nothing was taken. Poll again and claim before you report this. By then
 * somebody else may have been faster, and a caller that finds nothing goes back
 * to waiting. A result never has the bit if the key had it, and the key of a
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
 * again. A file says so from within ->poll(): to the key of a claim it adds
 * EPOLLET, before it calls poll_wait(), as then each of its events is an edge.
 *
 * select(2) and poll(2) then queue exclusively, so that an event wakes one of
 * those who claim and not all. Which wake-ups count, see pollwake(). epoll_wait(2)
 * does not look at a level-triggered item again before the next wake-up.
 */
#define POLL_CLAIM_WHOLE	(POLL_CLAIM | EPOLLET)

/* Is an event reported once: edge-triggered, or by a claim that takes it whole? */
static inline bool poll_edge_or_claim(__poll_t key)
{
	return key & EPOLLET;
}

#endif /* _LINUX_POLL_CLAIM_H */
