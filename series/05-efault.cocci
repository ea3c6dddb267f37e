// SPDX-License-Identifier: GPL-2.0
//
// eventfd: a read that fails takes nothing

// expect: take fs/eventfd.c eventfd_ctx_do_read 1
@take@
symbol ctx;
expression n;
position p;
@@
- WRITE_ONCE@p(ctx->count, ctx->count - n)
+ eventfd_take(ctx, n)
 ;
