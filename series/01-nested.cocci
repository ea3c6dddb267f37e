// SPDX-License-Identifier: GPL-2.0
//
// eventfd: set in_eventfd for every wake-up
//
// All wake-ups go through eventfd_wake_pollers(), which 01-nested.lines brings.

// expect: at_signal fs/eventfd.c eventfd_signal_mask 1
@at_signal@
symbol ctx, current;
expression events;
position p;
@@
eventfd_signal_mask(...)
{
...
- current->in_eventfd = 1;
 if (ctx->count < ULLONG_MAX) ctx->count++;
- if (waitqueue_active(&ctx->wqh)) wake_up_locked_poll@p(&ctx->wqh, events);
- current->in_eventfd = 0;
+ eventfd_wake_pollers(ctx, events);
...
}

// expect: at_close fs/eventfd.c eventfd_release 1
@at_close@
symbol ctx;
position p;
@@
+ spin_lock_irq(&ctx->wqh.lock);
- wake_up_poll@p(&ctx->wqh, EPOLLHUP);
+ eventfd_wake_pollers(ctx, EPOLLHUP);
+ spin_unlock_irq(&ctx->wqh.lock);

// expect: at_removal fs/eventfd.c eventfd_ctx_remove_wait_queue 1
@at_removal@
symbol ctx, cnt;
position p;
@@
 if (*cnt != 0
- && waitqueue_active(&ctx->wqh)
 )
- wake_up_locked_poll@p(&ctx->wqh, EPOLLOUT);
+ eventfd_wake_pollers(ctx, EPOLLOUT);

// expect: at_read fs/eventfd.c eventfd_read 1
@at_read@
symbol ctx, current;
position p;
@@
eventfd_read(...)
{
...
- current->in_eventfd = 1;
- if (waitqueue_active(&ctx->wqh)) wake_up_locked_poll@p(&ctx->wqh, EPOLLOUT);
- current->in_eventfd = 0;
+ eventfd_wake_pollers(ctx, EPOLLOUT);
...
}

// expect: at_write fs/eventfd.c eventfd_write 1
@at_write@
symbol ctx, current, ucnt;
position p;
@@
 ctx->count += ucnt;
- current->in_eventfd = 1;
- if (waitqueue_active(&ctx->wqh)) wake_up_locked_poll@p(&ctx->wqh, EPOLLIN);
- current->in_eventfd = 0;
+ eventfd_wake_pollers(ctx, EPOLLIN);
