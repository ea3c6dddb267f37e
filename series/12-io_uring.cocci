// SPDX-License-Identifier: GPL-2.0
//
// io_uring/poll: claim what IORING_OP_POLL_ADD reports
//
// A poll request has POLL_CLAIM among the events that it waits for. Other
// requests use the same code to learn when to try again, and never have it: a
// read has to find its event.
//
// The claim is made in io_poll_check_events(), whose key is the events of the
// request. What that finds is posted, whatever happens to the request in the
// meantime. Where a wake-up, or the poll at arming, finds something that is to
// be claimed, the request is only sent there: it does not trust what they saw
// but polls for itself, and goes back to waiting if somebody else was faster.

// expect: claim_in_poll_add io_uring/poll.c io_poll_add_prep 1
@claim_in_poll_add@
symbol poll;
position p;
@@
poll->events =@p io_poll_parse_events(...)
+ | POLL_CLAIM
;

// What a wake-up or the poll at arming saw is kept in the result until then.
// expect: claim_what_was_seen io_uring/poll.c io_poll_check_events 1
@claim_what_was_seen@
symbol req;
position p;
@@
if (!req->cqe.res@p
+ || (req->cqe.res & POLL_CLAIM_BIT)
 ) { ... struct poll_table_struct pt = ...; ... }

// The bit is not an event that a wake-up can be for.
// expect: no_wake_for_claim io_uring/poll.c - 1
@no_wake_for_claim@
position p;
@@
- #define IO_ASYNC_POLL_COMMON (EPOLLONESHOT | EPOLLPRI)@p
+ #define IO_ASYNC_POLL_COMMON (EPOLLONESHOT | EPOLLPRI | POLL_CLAIM)

// expect: no_claim_when_arming io_uring/poll.c __io_arm_poll_handler 1
@no_claim_when_arming@
expression table, mask;
position p;
@@
table->pt._key =@p mask
+ & ~POLL_CLAIM
;

// Two places complete a request that is being armed from what that poll saw:
// one if there is no queue to wait on, the other if one event is enough. (That
// second condition is laid out anew, as spatch moves the line and checkpatch
// wants its spaces then.)
// expect: not_complete_without_queue io_uring/poll.c __io_arm_poll_handler 1
@not_complete_without_queue@
expression mask, poll;
position p;
@@
if (mask
+ && !(mask & POLL_CLAIM)
 &&@p (poll->events & EPOLLET)) { ... return 1; }

// expect: not_complete_at_once io_uring/poll.c __io_arm_poll_handler 1
@not_complete_at_once@
expression mask, poll;
position p;
@@
if (mask
+ && !(mask & POLL_CLAIM)
 &&@p (
- (poll->events & (EPOLLET | EPOLLONESHOT)) == (EPOLLET | EPOLLONESHOT)
+ (poll->events & (EPOLLET | EPOLLONESHOT)) == (EPOLLET | EPOLLONESHOT)
 )) { ... }
