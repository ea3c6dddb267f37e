// SPDX-License-Identifier: GPL-2.0
//
// select, poll: claim what is found
//
// Both return as soon as a look at the files found something, and whatever each
// look found is part of what they return. So every look of theirs may claim.

// POLL_CLAIM cannot be in what comes back from a poll that claims. So it may be
// part of the constant that is or-ed to the events that poll(2) asks for.
// expect: claim_in_poll fs/select.c do_pollfd 1
@claim_in_poll@
identifier filter;
expression events;
position p;
@@
filter =@p events | EPOLLERR | EPOLLHUP
+ | POLL_CLAIM
;

// expect: claim_in_select fs/select.c wait_key_set|select_poll_one 1
@claim_in_select@
expression table, busy;
position p;
@@
table->_key =@p POLLEX_SET | busy
+ | POLL_CLAIM
;

// A wake-up that says "come and claim" is nothing to those who wait for other
// events than the ones which it is about.
// expect: no_claim_in_wait_entry fs/select.c __pollwait 1
@no_claim_in_wait_entry@
expression entry, table;
position p;
@@
entry->key =@p table->_key
+ & ~POLL_CLAIM
;

// Where a claim takes all that is asked for, one of those who claim is enough: a
// wake-up ends with the first that it reaches. See include/linux/poll_claim.h.
// expect: queue_claimer fs/select.c __pollwait 1
@queue_claimer@
expression entry, address, table, queues;
position p;
@@
 entry->key = table->_key & ~POLL_CLAIM;
 ...
 entry->wait.private = queues;
+ if ((table->_key & POLL_CLAIM_WHOLE) == POLL_CLAIM_WHOLE) {
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
+ vfs_poll(entry->filp, &next);
+ }
