// SPDX-License-Identifier: GPL-2.0
//
// eventfd: do not let poll see a torn counter on 32-bit

// expect: peek fs/eventfd.c eventfd_poll 1
@peek@
symbol count, ctx;
position p;
@@
 count =@p
- READ_ONCE(ctx->count)
+ eventfd_peek(ctx)
 ;
