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
