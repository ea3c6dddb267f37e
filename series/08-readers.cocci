// SPDX-License-Identifier: GPL-2.0
//
// eventfd: wake one blocked reader for one event

// expect: after_signal fs/eventfd.c eventfd_signal_mask 1
@after_signal@
symbol ctx, mask;
position p;
@@
 eventfd_add@p(ctx, ctx->count < ULLONG_MAX, mask);
+ eventfd_wake_readers(ctx, 1);

// expect: after_write fs/eventfd.c eventfd_write 1
@after_write@
symbol ctx, ucnt;
position p;
@@
 eventfd_add@p(ctx, ucnt, 0);
+ eventfd_wake_readers(ctx, ucnt);
