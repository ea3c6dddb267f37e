// SPDX-License-Identifier: GPL-2.0
//
// eventfd: do not consume the counter if read() faults

// expect: take fs/eventfd.c eventfd_ctx_do_read 1
@take@
symbol ctx;
expression n;
position p;
@@
- WRITE_ONCE@p(ctx->count, ctx->count - n)
+ eventfd_take(ctx, n)
 ;
