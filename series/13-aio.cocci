// SPDX-License-Identifier: GPL-2.0
//
// aio: claim what IOCB_CMD_POLL reports
//
// The work item claims: once it has found something it completes the request
// with it, even if that is being cancelled. What a wake-up or the poll at
// submission say is to be claimed cannot complete the request. It schedules the
// work in place of that, and the request stays on the queue, in case somebody
// else is faster.

// expect: claim_in_work fs/aio.c aio_poll_complete_work 1
@claim_in_work@
identifier table;
expression wanted;
position p;
@@
struct poll_table_struct table =@p { ._key = wanted
+ | POLL_CLAIM
};

// expect: claim_after_wake fs/aio.c aio_poll_wake 1
@claim_after_wake@
expression mask, req, lock, flags;
position p;
@@
if (mask && !req->work_scheduled
+ && !(mask & POLL_CLAIM)
 &&@p spin_trylock_irqsave(lock, flags)) { ... } else { ... }

// expect: declare_claim fs/aio.c aio_poll 1
@declare_claim@
symbol cancel, false;
position p;
@@
bool cancel = false;@p
+ bool claim;

// expect: no_claim_at_submission fs/aio.c aio_poll 1
@no_claim_at_submission@
identifier poll_mask, table;
symbol events;
expression req;
position p;
@@
poll_mask =@p vfs_poll(req->file, &table.pt)
- & req->events
;
+ /* what is to be claimed is left to aio_poll_complete_work() */
+ claim = poll_mask & POLL_CLAIM;
+ poll_mask = claim ? 0 : poll_mask & req->events;

// expect: claim_after_submission fs/aio.c aio_poll 1
@claim_after_submission@
symbol req, aio_poll_cancel;
expression iocb;
position p;
@@
iocb->ki_cancel = aio_poll_cancel;@p
+ if (claim && !req->work_scheduled) {
+	schedule_work(&req->work);
+	req->work_scheduled = true;
+ }
