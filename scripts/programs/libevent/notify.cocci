// SPDX-License-Identifier: GPL-2.0
//
// libevent's notify descriptor: an eventfd that the backend's poll resets
//
// One thread at a time runs a base's loop, and what its backend reports stays active until its callback has run. No
// backend polls this one edge-triggered.

// expect: of_base event.c evthread_make_base_notifiable_nolock_ 1
@of_base@
symbol base, cb, evthread_notify_drain_eventfd;
expression flags;
position p;
@@
evthread_make_base_notifiable_nolock_(...)
{
<...
- base->th_notify_fd[0] = evutil_eventfd_@p(0, flags);
+ base->th_notify_fd[0] = evthread_notify_eventfd(&cb);
...>
}

// expect: callback event.c evthread_make_base_notifiable_nolock_ 1
@callback@
symbol cb, evthread_notify_drain_eventfd;
position p;
@@
- cb =@p evthread_notify_drain_eventfd;
