/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fs/eventfd.c as a model for Spin: who waits, who wakes whom, who goes on.
 *
 * Readers, writers, pollers, claimers and signals from the kernel do what they
 * like, for ever. After each critical section what fs/eventfd.c says of its
 * waiters has to be true, see check_waiters(). And once all who were woken have
 * run, nobody may wait for what is there, see proctype quiet.
 *
 * A critical section is one step here, for the counter and the wait list are
 * touched by those who have the lock alone, and wake-ups are made under it. To
 * drop the lock and to sleep is one step too: a wake-up in between would find a
 * task that says it sleeps, as if it came after. There is one exception. What
 * poll reads without the lock is a step of its own; that it may be unlocked is
 * shown by the litmus tests, in Documentation/litmus-tests/eventfd.
 *
 * A waiter may go on at any time: for a signal, as it is killed, or for no
 * reason at all. Every read may find that its buffer's page is not there. To be
 * woken decides but this: whether a task will go on, or perhaps never does.
 *
 * The wait list has readers in front of writers. Beside that nothing that is
 * shown here depends on who comes first. So priorities, the order of arrival,
 * and that a waiter is requeued in front of its equals are not followed: of its
 * kind, a waiter may come to stand at any place, when it is queued and when it
 * is requeued.
 *
 * The pollers here are those of epoll and the like, each of which is woken. Of
 * those that queue exclusively, see eventfd-claimers.pml.
 *
 * The size is set by -D: READERS, WRITERS, POLLERS (for EPOLLIN), SPACE_POLLERS
 * (for EPOLLOUT), SIGNALLERS (callers of eventfd_signal()), FULL (EVENTFD_FULL;
 * one more is the overflow), LEAST and MOST (what is written). SEMAPHORE and
 * AUTORESET are the flags. With IRQFD there is a consumer in the kernel, which
 * takes in its wake callback.
 *
 * -DMUTANT_... breaks one thing, and that must be found even with END_ONLY,
 * which leaves out what is promised in between. scripts/checks/model.py has the list,
 * the sizes, and runs it all.
 */

#ifndef READERS
#define READERS		2
#endif
#ifndef WRITERS
#define WRITERS		2
#endif
#ifndef POLLERS
#define POLLERS		0
#endif
#ifndef SPACE_POLLERS
#define SPACE_POLLERS	0
#endif
#ifndef SIGNALLERS
#define SIGNALLERS	0
#endif
#ifndef FULL
#define FULL		2
#endif
#ifndef LEAST
#define LEAST		1
#endif
#ifndef MOST
#define MOST		2
#endif

#define OVERFLOW	(FULL + 1)
#define SPACE		(OVERFLOW - count)
#define TASKS		(READERS + WRITERS)
#define ALL_POLLERS	(POLLERS + SPACE_POLLERS)
#define IS_READER(x)	((x) < READERS)

/* How many readers the counter can serve, and what the first one takes. */
#ifdef SEMAPHORE
#define SERVABLE	count
#define NEXT		(count > 0 -> 1 : 0)
#else
#define SERVABLE	(count > 0 -> 1 : 0)
#define NEXT		count
#endif

/* struct eventfd_ctx */
byte count;
byte waiting;			/* how many are on the wait list */
byte waiter[TASKS];		/* the wait list, its front first */

/* struct eventfd_waiter, and what the scheduler knows of its task */
byte adds[TASKS];		/* ->n of a writer */
bit woken[TASKS];		/* off the list, and has not had the lock since */
bit parked[TASKS];		/* in schedule() */

/* the pollers' wait queue; no array can be empty */
bit queued[ALL_POLLERS + 1];
bit poll_parked[ALL_POLLERS + 1];

/* What was added and has not reached anybody: it has to be in the counter. */
byte undelivered;

/* How many are on their way: inside of a call, and not asleep. */
byte running;

#ifdef MUTANT_WAKE_AFTER_UNLOCK
byte late;			/* off the list, but their wake-up is to come */
#endif

/*
 * Used within a step and meaningless after it, so no part of the state. None
 * may have the name of a variable in Spin's verifier, as "t" has.
 */
hidden byte nth, spot, whom, found, units, space, sum, taken, one, goes_on, was_woken;

/* A range may be empty, which a for loop's may not. */
#define EACH(x, first, past)	x = first; do :: x < (past) ->
#define END(x)			; x++ :: else -> break od

/* ---- the wait list ---- */

inline list_insert(x, at)
{
	spot = waiting;
	do
	:: spot > at ->
		waiter[spot] = waiter[spot - 1];
		spot--
	:: else -> break
	od;
	waiter[at] = x;
	waiting++
}

inline list_remove_nth(at)
{
	waiting--;
	EACH(spot, at, waiting)
		waiter[spot] = waiter[spot + 1]
	END(spot);
	waiter[waiting] = 0
}

/* Where x is on the list; its length if x is on none. */
inline list_find(x)
{
	found = 0;
	do
	:: found < waiting && waiter[found] != x -> found++
	:: else -> break
	od
}

inline list_remove_if_there(x)
{
	list_find(x);
	if
	:: found < waiting -> list_remove_nth(found)
	:: else
	fi
}

/* Readers are in front of writers; of its kind, it comes to stand anywhere. */
inline list_add(x)
{
#ifdef MUTANT_KINDS_ARE_MIXED
	found = (place < waiting -> place : waiting);
#else
	found = 0;
	do
	:: found < waiting && (IS_READER(waiter[found]) == IS_READER(x) -> found < place : !IS_READER(x)) ->
		found++
	:: else -> break
	od;
#endif
	list_insert(x, found)
}

/* ---- to wake and to be woken ---- */

inline unpark(x)
{
	if
	:: parked[x] ->
		parked[x] = 0;
		running++
	:: else
	fi
}

inline wake(x, at)
{
#ifdef MUTANT_STAYS_ON_LIST
	at++;
#else
	assert(!woken[x]);
	list_remove_nth(at);
#endif
	woken[x] = 1;
#ifdef MUTANT_WAKE_AFTER_UNLOCK
	late = late | (1 << x)
#else
	unpark(x)
#endif
}

inline wake_readers(many)
{
	units = many;
	if
	:: units > SERVABLE -> units = SERVABLE
	:: else
	fi;
#ifdef MUTANT_WAKES_ONE_READER
	units = (units > 1 -> 1 : units);
#endif
	nth = 0;
	do
	:: nth < waiting && IS_READER(waiter[nth]) && units > 0 ->
		whom = waiter[nth];
		wake(whom, nth);
		units--
	:: else -> break
	od
}

inline wake_writers(many)
{
	units = many;
	space = SPACE;
	/* The last one tells whether there is a writer at all. */
	nth = (waiting > 0 && IS_READER(waiter[waiting - 1]) -> waiting : 0);
	do
	:: nth < waiting && units > 0 ->
		whom = waiter[nth];
		if
		:: !IS_READER(whom) && adds[whom] < space ->
			wake(whom, nth);
			space = space - adds[whom];
#ifdef MUTANT_WAKES_ONE_WRITER
			units = 0
#else
			units = (units > adds[whom] -> units - adds[whom] : 0)
#endif
		:: else ->
#ifdef MUTANT_SMALL_MAY_NOT_PASS
			units = (IS_READER(whom) -> units : 0);
#endif
			nth++
		fi
	:: else -> break
	od
}

/*
 * What the comment "Waiters" in fs/eventfd.c promises, true whenever the lock
 * is dropped. Who is woken and has not run yet is off the list. While a reader
 * is on it, at least as many readers are woken as the counter can serve. A
 * writer that is on it does not fit beside those that are woken.
 */
inline check_waiters()
{
	assert(count <= OVERFLOW);
	assert(undelivered == count);
#ifndef END_ONLY
	found = 0;
	EACH(nth, 0, waiting)
		whom = waiter[nth];
		assert(!woken[whom]);
		found = (IS_READER(whom) -> 1 : found)
	END(nth);
	sum = 0;
	EACH(nth, 0, READERS)
		sum = sum + woken[nth]
	END(nth);
	assert(!found || sum >= SERVABLE);
	sum = 0;
	EACH(nth, READERS, TASKS)
		sum = sum + (woken[nth] -> adds[nth] : 0)
	END(nth);
	EACH(nth, 0, waiting)
		whom = waiter[nth];
		assert(IS_READER(whom) || adds[whom] + sum >= SPACE)
	END(nth);
#endif
	skip	/* Spin lets no d_step end in a loop */
}

/* ---- the counter ---- */

inline take(many)
{
	assert(many <= count);
	count = count - many;
	wake_writers(many)
}

/* A poller's callback wakes it at once, under the lock. */
inline wake_pollers(first, past)
{
	EACH(nth, first, past)
		if
		:: queued[nth] && poll_parked[nth] ->
			poll_parked[nth] = 0;
			running++
		:: else
		fi
	END(nth)
}

inline wake_pollers_in()
{
	wake_pollers(0, POLLERS)
}

inline wake_pollers_out()
{
	wake_pollers(POLLERS, ALL_POLLERS)
}

inline add_to_counter(many)
{
	undelivered = undelivered + many;
	count = count + many;
	wake_pollers_in();
#ifdef IRQFD
	/* eventfd_ctx_do_read(), called by its wake callback */
	taken = NEXT;
	undelivered = undelivered - taken;
#ifdef MUTANT_DO_READ_WAKES_NO_WRITER
	count = count - taken;
#else
	take(taken);
#endif
#endif
	skip
}

/* ---- to wait ---- */

/* What a task does next. */
#define OUTSIDE	0	/* nothing: its call is over */
#define PARKED	1
#define FAULTS	2
#define QUEUES	3
#define SLEEPS	4

/* How the wait of a task may end, beside by a wake-up or for no reason. */
#define SIGNALLED	1
#define KILLED		2

inline park(x)
{
	parked[x] = 1;
	running--
}

/* It says that it sleeps, drops the lock, and sleeps if it was not woken. */
inline sleep(x)
{
#ifdef MUTANT_STATE_AFTER_UNLOCK
	next = SLEEPS
#else
	park(x);
	next = PARKED
#endif
}

inline start_to_wait(x)
{
	list_add(x);
	sleep(x)
}

inline leave_call()
{
	next = OUTSIDE;
	running--
}

inline pass_on(x)
{
	if
	:: IS_READER(x) -> wake_readers(1)
#ifdef MUTANT_PASSES_ONE_UNIT_ON
	:: else -> wake_writers(1)
#else
	:: else -> wake_writers(adds[x])
#endif
	fi
}

#ifdef MUTANT_INTERRUPTED_PASSES_NOTHING_ON
#define LOSES_SIGNALLED	(fate == SIGNALLED)
#else
#define LOSES_SIGNALLED	false
#endif
#ifdef MUTANT_KILLED_PASSES_NOTHING_ON
#define LOSES_KILLED	(fate == KILLED)
#else
#define LOSES_KILLED	false
#endif
#ifdef MUTANT_REQUEUED_PASSES_NOTHING_ON
#define LOSES_REQUEUED	(fate == 0)
#else
#define LOSES_REQUEUED	false
#endif
#ifdef MUTANT_NO_RECHECK
#define GOES_ON(can)	((can) || was_woken)
#else
#define GOES_ON(can)	(can)
#endif

/* After schedule(), with the lock. */
inline come_back(x, can_go_on)
{
	unpark(x);
	was_woken = woken[x];
	woken[x] = 0;
	goes_on = 0;
	if
	:: fate != KILLED && GOES_ON(can_go_on) -> goes_on = 1
	:: else ->
		if
		:: was_woken && !(LOSES_SIGNALLED || LOSES_KILLED || LOSES_REQUEUED) ->
			pass_on(x)
		:: else
		fi
	fi;
	if
	:: goes_on || fate != 0 ->
		list_remove_if_there(x);
		if
		:: !goes_on -> leave_call()
		:: else
		fi
	:: else ->
#ifndef MUTANT_STAYS_ON_LIST
		if
		:: was_woken -> list_add(x)
		:: else
		fi;
#endif
		sleep(x)
	fi
}

inline either(choice)
{
	if
	:: choice = 0
	:: choice = 1
	fi
}

/* What a task cannot know before it has the lock. */
inline choose_place()
{
	select(place : 0 .. TASKS - 1);
	skip	/* Spin lets no loop lead into a d_step */
}

inline choose_fate()
{
	select(fate : 0 .. 2);
	choose_place()
}

inline forget_choices()
{
	fate = 0;
	place = 0
}

/* ---- read(2) ---- */

/* With the lock, and something to take. */
inline copy_out()
{
	assert(NEXT > 0);
	if
	:: missing ->
#ifdef MUTANT_FAULT_TAKES
		taken = NEXT;
		take(taken);
#endif
#ifndef MUTANT_FAULT_KEEPS_WAKE_UP
		wake_readers(1);
#endif
		next = FAULTS
	:: else ->
		taken = NEXT;
		undelivered = undelivered - taken;
		take(taken);
		wake_pollers_out();
		leave_call()
	fi
}

inline read_locked()
{
	if
	:: count == 0 ->
#ifdef MUTANT_CHECK_THEN_QUEUE
		next = QUEUES
#else
		start_to_wait(me)
#endif
	:: else -> copy_out()
	fi;
	check_waiters();
	missing = 0;
	forget_choices()
}

proctype reader(byte me)
{
	byte next, fate, place;
	bit missing;

outside:
	atomic {
		either(missing);
		choose_place();
		d_step {
			running++;
			read_locked()
		}
	};
unlocked:
	if
	:: next == OUTSIDE -> goto outside
	:: next == PARKED
	:: next == FAULTS ->
		if
		:: d_step {	/* EFAULT */
			leave_call()
		   };
		   goto outside
		:: atomic {	/* the page has come */
			either(missing);
			choose_place();
			d_step {
				read_locked()
			};
			goto unlocked
		   }
		fi
#ifdef MUTANT_CHECK_THEN_QUEUE
	:: next == QUEUES ->
		d_step {
			start_to_wait(me);
			check_waiters()
		}
#endif
#ifdef MUTANT_STATE_AFTER_UNLOCK
	:: next == SLEEPS ->
		d_step {
			park(me)
		}
#endif
	fi;
	/* asleep */
	atomic {
		either(missing);
		choose_fate();
		d_step {
			come_back(me, count > 0);
			if
			:: goes_on -> copy_out()
			:: else
			fi;
			check_waiters();
			missing = 0;
			forget_choices()
		};
		goto unlocked
	}
}

/* ---- write(2) ---- */

inline write_fits()
{
	add_to_counter(adds[me]);
	wake_readers(adds[me]);
	leave_call()
}

inline forget_value()
{
	if
	:: next == OUTSIDE -> adds[me] = 0
	:: else
	fi
}

proctype writer(byte me)
{
	byte next, fate, place;

outside:
	atomic {
		select(next : LEAST .. MOST);
		choose_place();
		d_step {
			running++;
			adds[me] = next;
			if
			:: adds[me] < SPACE -> write_fits()
			:: else -> start_to_wait(me)
			fi;
			check_waiters();
			forget_value();
			forget_choices()
		}
	};
unlocked:
	if
	:: next == OUTSIDE -> goto outside
	:: next == PARKED
#ifdef MUTANT_STATE_AFTER_UNLOCK
	:: next == SLEEPS ->
		d_step {
			park(me)
		}
#endif
	fi;
	/* asleep */
	atomic {
		choose_fate();
		d_step {
			come_back(me, adds[me] < SPACE);
			if
			:: goes_on -> write_fits()
			:: else
			fi;
			check_waiters();
			forget_value();
			forget_choices()
		};
		goto unlocked
	}
}

/* ---- eventfd_signal() ---- */

proctype signaller()
{
	do
	:: d_step {
		true ->
		one = (count != OVERFLOW -> 1 : 0);
		add_to_counter(one);
		wake_readers(1);
		check_waiters()
	   }
	od
}

/* ---- poll(2) and its like ---- */

#define IS_READY	(me < POLLERS -> count > 0 : count < FULL)
#ifdef AUTORESET
#define CLAIMS		(me < POLLERS)
#else
#define CLAIMS		false
#endif

inline claim()
{
	if
#ifdef MUTANT_CLAIM_TRUSTS_PEEK
	:: true ->
		undelivered = undelivered - seen;
#else
	:: count > 0 ->
		undelivered = undelivered - count;
#endif
		seen = (count >= FULL -> 1 : 0);
		taken = count;
#ifdef MUTANT_CLAIM_WAKES_NO_WRITER
		count = 0;
#else
		take(taken);
#endif
#ifndef MUTANT_CLAIM_WAKES_NO_POLLER
		if
		:: seen -> wake_pollers_out()
		:: else
		fi;
#endif
		claimed = 1
	:: else
	fi;
	seen = 0;
	check_waiters()
}

/*
 * One that only looks, as EPOLL_CTL_ADD does, and reports nothing: with all
 * that is well it changes nothing.
 */
inline look()
{
#ifdef MUTANT_LOOK_CLAIMS
	d_step {
		taken = count;
		take(taken);
		check_waiters()
	}
#else
	skip
#endif
}

/*
 * To find nothing and to sleep is one step: a wake-up in between would be
 * remembered in the poller's poll_wqueues, as if it came after.
 */
inline poll_wakes()
{
	if
	:: poll_parked[me] ->
		poll_parked[me] = 0;
		running++
	:: else
	fi
}

inline leave_poll()
{
	queued[me] = 0;
	claimed = 0;
	running--
}

proctype poller(byte me)
{
	byte seen;
	bit claimed;

outside:
	look();
#ifdef MUTANT_READ_THEN_QUEUE
	d_step {
		running++;
		seen = IS_READY
	};
	d_step {
		queued[me] = 1;
		if
		:: !seen ->
			poll_parked[me] = 1;
			running--
		:: else
		fi
	};
	if
	:: atomic { !seen -> goto asleep }
	:: else -> seen = 0
	fi;
#else
	d_step {
		running++;
		queued[me] = 1
	};
#endif
again:
	if
	:: atomic {
		IS_READY && !CLAIMS ->
		d_step {
			leave_poll()
		};
		goto outside
	   }
	:: atomic {
		IS_READY && CLAIMS ->
		seen = count
	   };
	   d_step {
		claim()
	   };
	   if
	   :: claimed ->
		d_step {
			leave_poll()
		};
		goto outside
	   :: else -> goto again
	   fi
	:: d_step {
		!IS_READY ->
		poll_parked[me] = 1;
		running--
	   }
	fi;
#ifdef MUTANT_READ_THEN_QUEUE
asleep:
#endif
	/* Woken, or a signal, or the time is up. */
	if
	:: d_step {
		true ->
		poll_wakes()
	   };
	   goto again
	:: d_step {
		true ->
		poll_wakes();
		leave_poll()
	   };
	   goto outside
	fi
}

#ifdef MUTANT_WAKE_AFTER_UNLOCK
/* By then a waiter may have gone on for a reason of its own, and its frame with it. */
active proctype late_waker()
{
end:
	do
	:: d_step {
		late != 0 ->
		nth = 0;
		do
		:: (late & (1 << nth)) == 0 -> nth++
		:: else -> break
		od;
		late = late & ~(1 << nth);
		list_find(nth);
		assert(woken[nth] || found < waiting);
		unpark(nth)
	   }
	od
}
#define NOBODY_RUNS	(running == 0 && late == 0)
#else
#define NOBODY_RUNS	(running == 0)
#endif

/* ---- nobody is left behind ---- */

/*
 * All who were woken have run: everybody is outside, or sleeps. From here on
 * nothing need ever happen. So nobody may sleep who could go on, and of readers
 * and writers only one kind has to wait.
 */
active proctype quiet()
{
end:
	do
	:: d_step {
		NOBODY_RUNS ->
		sum = 0;
		EACH(nth, 0, TASKS)
			sum = sum + parked[nth];
			assert(!woken[nth]);
			assert(!parked[nth] || (IS_READER(nth) -> count == 0 : adds[nth] >= SPACE))
		END(nth);
		assert(sum == waiting);
		EACH(nth, 0, waiting)
			assert(IS_READER(waiter[nth]) == IS_READER(waiter[0]))
		END(nth);
		EACH(nth, 0, ALL_POLLERS)
			assert(!poll_parked[nth] || (nth < POLLERS -> count == 0 : count >= FULL))
		END(nth);
		skip	/* as above */
	   }
	od
}

init {
	atomic {
		byte n;

		EACH(n, 0, READERS)
			run reader(n)
		END(n);
		EACH(n, READERS, TASKS)
			run writer(n)
		END(n);
		EACH(n, 0, ALL_POLLERS)
			run poller(n)
		END(n);
		EACH(n, 0, SIGNALLERS)
			run signaller()
		END(n);
		n = 0
	}
}
