// SPDX-License-Identifier: GPL-2.0
//
// eventpoll: claim what epoll_wait(2) delivers
//
// Only the poll in front of a delivery claims. EPOLL_CTL_ADD and EPOLL_CTL_MOD
// poll to learn whether the item belongs on the ready list. Whoever polls an
// epoll file learns whether a call of epoll_wait(2) would find something: that
// poll of the items has a table of its own, which does not claim, even where
// the outer poll does.

// expect: claim_in_delivery fs/eventpoll.c ep_send_events 1
@claim_in_delivery@
identifier table;
position p;
@@
ep_send_events(...)
{
<+...
init_poll_funcptr(&table, NULL);@p
+ /* what is found gets delivered */
+ table._key = POLL_CLAIM;
...+>
}

// expect: keep_claim_for_item fs/eventpoll.c ep_item_poll 1
@keep_claim_for_item@
expression table, item;
position p;
@@
table->_key =@p item->event.events
+ | (table->_key & POLL_CLAIM)
;

// expect: no_claim_from_user fs/eventpoll.c do_epoll_ctl|do_epoll_ctl_file 2
@no_claim_from_user@
expression event;
position p;
@@
event->events |=@p EPOLLERR | EPOLLHUP;
+ event->events &= ~POLL_CLAIM;
