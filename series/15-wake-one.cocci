// SPDX-License-Identifier: GPL-2.0
//
// select, poll, epoll: wake one of those who claim
//
// Where a claim takes all that is asked for, one of those who claim is enough: a wake-up ends with
// the first that it reaches. See include/linux/poll_claim.h.

// Noted by select and poll: whether the poller is sure to scan once more.
// expect: note_who_will_claim include/linux/poll.h - 1
@note_who_will_claim@
position p;
@@
struct poll_wqueues {
...
int triggered;@p
+ int will_claim;
...
};

// expect: queue_claimer fs/select.c __pollwait 1
@queue_claimer@
expression entry, address, table, queues, without;
position p;
@@
 entry->key = table->_key & without;
 ...
 entry->wait.private = queues;
+ if ((table->_key & POLL_CLAIM_WHOLE) == POLL_CLAIM_WHOLE) {
+ /* poll_initwait() need not: only exclusive entries use it */
+ WRITE_ONCE(queues->will_claim, 0);
+ add_wait_queue_exclusive(address, &entry->wait);
+ return;
+ }
 add_wait_queue(address, &entry->wait);@p

// A poller that is awake is in its scan, and may leave for another file's event
// without a look at this one: the wake-up goes on to the next one. The same holds
// for one that sleeps in its scan, for a mutex in another file's ->poll().
// expect: wake_claimer fs/select.c pollwake 1
@wake_claimer@
expression mode, sync, key;
identifier wait;
position p;
@@
+ if (wait->flags & WQ_FLAG_EXCLUSIVE) {
+ struct poll_wqueues *pwq = wait->private;
+ int will_claim;
+
+/*
+		 * The walk may end here only if this poller scans once more:
+		 * it then sees what it is woken for. Pairs with smp_store_mb()
+		 * in poll_schedule_timeout(). As soon as it runs it may clear
+		 * what is read here, so that is read before the wake-up.
+		 */
+ smp_mb();
+ will_claim = READ_ONCE(pwq->will_claim);
+ return __pollwake(wait, mode, sync, key) && will_claim;
+ }
 return __pollwake(wait, mode, sync, key);@p

// expect: say_who_will_claim fs/select.c poll_schedule_timeout 1
@say_who_will_claim@
expression queues, state;
position p;
@@
+ /* whatever ends this sleep, a scan follows that claims what there is */
+ WRITE_ONCE(queues->will_claim, 1);
 set_current_state(state);@p
 ...
 __set_current_state(TASK_RUNNING);
+ WRITE_ONCE(queues->will_claim, 0);
 smp_store_mb(queues->triggered, 0);

// The scan may have passed the file by all the same: another thread has closed the
// descriptor.
// expect: pass_on_what_is_not_claimed fs/select.c free_poll_entry 1
@pass_on_what_is_not_claimed@
expression entry;
position p;
@@
 remove_wait_queue(entry->wait_address, &entry->wait);@p
+ if (entry->wait.flags & WQ_FLAG_EXCLUSIVE) {
+ poll_table next;
+
+ init_poll_funcptr(&next, NULL);
+ next._key = POLL_CLAIM_NEXT;
+ /* this poller may leave an event that it was woken for */
+ vfs_poll(entry->filp, &next);
+ }

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
