// SPDX-License-Identifier: GPL-2.0
//
// eventfd: store EFD_SEMAPHORE as a bool

// expect: members fs/eventfd.c - 1
@members@
typedef __u64;
position p;
@@
struct eventfd_ctx {
 struct kref kref;
+ int id;
 ...
 __u64 count;@p
- unsigned int flags;
- int id;
+ bool is_semaphore;
};

// expect: tests fs/eventfd.c eventfd_ctx_do_read 1
@tests@
symbol ctx;
position p;
@@
eventfd_ctx_do_read(...)
{
<...
- (ctx->flags & EFD_SEMAPHORE@p)
+ ctx->is_semaphore
...>
}

// expect: delivered fs/eventfd.c eventfd_deliver 1
@delivered@
symbol ctx;
position p;
@@
eventfd_deliver(...)
{
<...
- ctx->flags & EFD_SEMAPHORE@p
+ ctx->is_semaphore
...>
}

// expect: shown fs/eventfd.c eventfd_show_fdinfo 1
@shown@
symbol ctx;
position p;
@@
- !!(ctx->flags & EFD_SEMAPHORE@p)
+ ctx->is_semaphore

// expect: made fs/eventfd.c do_eventfd 1
@made@
symbol ctx, flags;
position p;
@@
- ctx->flags =@p flags;
+ ctx->is_semaphore = !!(flags & EFD_SEMAPHORE);
