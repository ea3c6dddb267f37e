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

// What a claim has taken whole is not there any more: the item is not looked at
// again before the next wake-up, no more than an edge-triggered one. The key has
// the item's events, and what the file added; both tests share one load of it.
// expect: not_again_if_claimed fs/eventpoll.c ep_deliver_event|ep_send_events 1
@not_again_if_claimed@
expression item, table;
position p;
@@
 ep_item_poll(item, table, 1)
 ...
 if (
- item->event.events
+ table->_key
 & EPOLLONESHOT) { ... } else if (
- !(item->event.events & EPOLLET)
+ !poll_edge_or_claim(table->_key)
 )@p { ... }
