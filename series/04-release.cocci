// SPDX-License-Identifier: GPL-2.0
//
// eventfd: order poll after the signaller's earlier stores

// expect: signal fs/eventfd.c eventfd_signal_mask 1
@signal@
symbol ctx, mask;
position p;
@@
- if@p (ctx->count < ULLONG_MAX) WRITE_ONCE(ctx->count, ctx->count + 1);
- eventfd_wake_pollers(ctx, EPOLLIN | mask);
+ eventfd_add(ctx, ctx->count < ULLONG_MAX, mask);

// expect: add fs/eventfd.c eventfd_write 1
@add@
symbol ctx, ucnt;
position p;
@@
- WRITE_ONCE@p(ctx->count, ctx->count + ucnt);
- eventfd_wake_pollers(ctx, EPOLLIN);
+ eventfd_add(ctx, ucnt, 0);

// expect: acquire fs/eventfd.c eventfd_peek 1
@acquire@
symbol ctx;
position p;
@@
 if (IS_ENABLED(CONFIG_64BIT))
+ /* Pairs with the release in eventfd_add(). */
- return READ_ONCE@p(ctx->count);
+ return smp_load_acquire(&ctx->count);
