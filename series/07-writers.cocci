// SPDX-License-Identifier: GPL-2.0
//
// eventfd: wake the blocked writers that fit

// expect: sleep fs/eventfd.c eventfd_write 1
@sleep@
symbol ctx, res, ucnt;
position p;
@@
 res =@p
- wait_event_interruptible_locked_irq(ctx->wqh, ULLONG_MAX - ctx->count > ucnt)
+ eventfd_wait(ctx, EVENTFD_WRITERS, ucnt)
 ;

// expect: init fs/eventfd.c do_eventfd 1
@init@
symbol ctx;
position p;
@@
 init_waitqueue_head@p(&ctx->wqh);
+ plist_head_init(&ctx->waiters);
+ ctx->waited_for = false;
