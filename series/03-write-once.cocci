// SPDX-License-Identifier: GPL-2.0
//
// eventfd: annotate lockless accesses for KCSAN

// expect: signal fs/eventfd.c eventfd_signal_mask 1
@signal@
symbol ctx;
position p;
@@
- ctx->count++@p
+ WRITE_ONCE(ctx->count, ctx->count + 1)
 ;

// expect: take fs/eventfd.c eventfd_ctx_do_read 1
@take@
symbol ctx;
expression n;
position p;
@@
- ctx->count -=@p n
+ WRITE_ONCE(ctx->count, ctx->count - n)
 ;

// expect: add fs/eventfd.c eventfd_write 1
@add@
symbol ctx;
expression n;
position p;
@@
- ctx->count +=@p n
+ WRITE_ONCE(ctx->count, ctx->count + n)
 ;

// expect: may_be_interrupted include/linux/eventfd.h eventfd_signal_allowed 1
@may_be_interrupted@
symbol current;
position p;
@@
- return !current->in_eventfd@p;
+ /* An interrupt that signals meanwhile leaves it as it was. */
+ return data_race(!current->in_eventfd);

// expect: asked_alike fs/eventfd.c eventfd_signal_mask 1
@asked_alike@
symbol current;
position p;
@@
 WARN_ON_ONCE(
- current->in_eventfd@p
+ !eventfd_signal_allowed()
 )
