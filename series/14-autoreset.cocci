// SPDX-License-Identifier: GPL-2.0
//
// eventfd: add EFD_AUTORESET

// expect: known_flag include/linux/eventfd.h - 1
@known_flag@
position p;
@@
- #define EFD_FLAGS_SET (EFD_SHARED_FCNTL_FLAGS | EFD_SEMAPHORE)@p
+ #define EFD_FLAGS_SET (EFD_SHARED_FCNTL_FLAGS | EFD_SEMAPHORE | EFD_AUTORESET)

// expect: flag include/uapi/linux/eventfd.h - 1
@flag@
position p;
@@
#define EFD_SEMAPHORE (1 << 0)@p
+#define EFD_AUTORESET (1 << 6)

// expect: events_of_counter fs/eventfd.c eventfd_poll 1
@events_of_counter@
typedef __poll_t;
symbol count, ctx, events;
position p;
@@
eventfd_poll(...)
{
...
- __poll_t events =@p 0;
...
- if (count > 0) events |= EPOLLIN;
- if (count == ULLONG_MAX) events |= EPOLLERR;
- if (ULLONG_MAX - 1 > count) events |= EPOLLOUT;
-
- return events;
+ return eventfd_events(count);
}

// expect: file_of_either_kind fs/eventfd.c eventfd_fget 1
@file_of_either_kind@
symbol file, eventfd_fops;
position p;
@@
eventfd_fget(...)
{
<...
- file->f_op !=@p &eventfd_fops
+ !file_is_eventfd(file)
...>
}

// expect: context_of_either_kind fs/eventfd.c eventfd_ctx_fileget 1
@context_of_either_kind@
symbol file, eventfd_fops;
position p;
@@
eventfd_ctx_fileget(...)
{
<...
- file->f_op !=@p &eventfd_fops
+ !file_is_eventfd(file)
...>
}

// expect: flags_of_their_own fs/eventfd.c do_eventfd 1
@flags_of_their_own@
position p;
@@
 BUILD_BUG_ON@p(EFD_SEMAPHORE != (1 << 0));
+ BUILD_BUG_ON(EFD_AUTORESET != (1 << 6));
+ BUILD_BUG_ON((EFD_SEMAPHORE | EFD_AUTORESET) & EFD_SHARED_FCNTL_FLAGS);

// expect: claim fs/eventfd.c do_eventfd 1
@claim@
symbol ctx, flags;
position p;
@@
 ctx->is_semaphore =@p !!(flags & EFD_SEMAPHORE);
+ ctx->claim = flags & EFD_AUTORESET ? POLL_CLAIM : 0;

// expect: table fs/eventfd.c do_eventfd 1
@table@
symbol ctx, eventfd_fops;
position p;
@@
do_eventfd(...)
{
<...
-&eventfd_fops@p
+fops
...>
}
