/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fs/eventfd.c as a model for Spin: who sleeps, who calls whom, who is woken.
 *
 * Readers, writers, pollers, claimers and signals from the kernel do what they
 * like, for ever. After each critical section what fs/eventfd.c says of its
 * lines has to be true, see check_lines(). And whenever nobody is on his way,
 * nobody may sleep beside what he waits for, see proctype quiet.
 *
 * A critical section is one step here, for the counter and the lines are
 * touched by those who have the lock alone. There are two exceptions. What poll
 * reads without the lock is a step of its own; that it may be unlocked is shown
 * by the litmus tests, in Documentation/litmus-tests/eventfd. The wake-ups come
 * after the lock was dropped, one by one, and anything may happen in between.
 *
 * A sleeping task may go on at any time: for a signal, as it is killed, or for
 * no reason at all. Every read may find that its buffer's page is not there. To
 * be woken decides but this: whether a task will go on, or perhaps never does.
 *
 * The size is set by -D: READERS, WRITERS, POLLERS (for EPOLLIN), ROOM_POLLERS
 * (for EPOLLOUT), SIGNALLERS (callers of eventfd_signal()), FULL (EVENTFD_FULL;
 * one more is the overflow), LEAST and MOST (what is written). SEMAPHORE and
 * AUTORESET are the flags. With IRQFD there is a consumer in the kernel, which
 * takes in its wake callback.
 *
 * -DMUTANT_... breaks one thing, and that must be found. scripts/model.py has
 * the list, the sizes, and runs it all.
 */

#ifndef READERS
#define READERS		2
#endif
#ifndef WRITERS
#define WRITERS		2
#endif
#ifndef POLLERS
#define POLLERS		1
#endif
#ifndef ROOM_POLLERS
#define ROOM_POLLERS	1
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
#define ROOM		(OVERFLOW - count)
#define TASKS		(READERS + WRITERS)
#define ALL_POLLERS	(POLLERS + ROOM_POLLERS)
#define IS_READER(x)	((x) < READERS)

#ifdef SEMAPHORE
#define SERVABLE	count
#define NEXT		(count > 0 -> 1 : 0)
#else
#define SERVABLE	(count > 0 -> 1 : 0)
#define NEXT		count
#endif

typedef line_t {
	byte n;
	byte who[TASKS];
};

/* struct eventfd_ctx */
byte count;
line_t readers, writers;
byte readers_due, room_due;
byte spoken_for = OVERFLOW;

/* struct eventfd_sleeper, and what the scheduler knows of its task */
bit called[TASKS];
byte add[TASKS];
bit in_wake_q[TASKS];		/* somebody has it on his list of whom to wake */
bit woken[TASKS];		/* since it last said that it sleeps */
bit parked[TASKS];		/* in schedule() */

/* the pollers' wait queue; no array can be empty */
bit queued[ALL_POLLERS + 1];
bit poll_parked[ALL_POLLERS + 1];

/* What was added and has not reached anybody: it has to be in the counter. */
byte undelivered;

/* How many are on their way: inside of a call, and not asleep. */
byte running;

/* Used within a step and meaningless after it, so no part of the state. */
hidden byte i, j, k, t, sum, was_called, goes_on, one;

/* A range may be empty, which a for loop's may not. */
#define EACH(x, first, past)	x = first; do :: x < (past) ->
#define END(x)			; x++ :: else -> break od

/* ---- lines ---- */

inline line_at_end(line, x)
{
	EACH(j, 0, line.n)
		assert(line.who[j] != x)
	END(j);
	line.who[line.n] = x;
	line.n++
}

inline line_at_front(line, x)
{
	j = line.n;
	do
	:: j > 0 ->
		line.who[j] = line.who[j - 1];
		assert(line.who[j] != x);
		j--
	:: else -> break
	od;
	line.who[0] = x;
	line.n++
}

inline line_remove_nth(line, nth)
{
	j = nth;
	line.n--;
	do
	:: j < line.n ->
		line.who[j] = line.who[j + 1];
		j++
	:: else -> break
	od;
	line.who[line.n] = 0
}

inline line_remove(line, x)
{
	k = 0;
	do
	:: k < line.n && line.who[k] != x -> k++
	:: else -> break
	od;
	assert(k < line.n);
	line_remove_nth(line, k)
}

/* ---- calling ---- */

inline update_spoken_for()
{
	if
	:: readers.n == 0 -> spoken_for = OVERFLOW
	:: else ->
#ifdef SEMAPHORE
		spoken_for = readers_due
#else
		spoken_for = (readers_due > 0 -> OVERFLOW : 0)
#endif
	fi
}

/* wake_q_add(): who is on a list already is left to whoever put it there. */
inline wake_later(x)
{
	if
	:: !in_wake_q[x] ->
		in_wake_q[x] = 1;
		wake = wake | (1 << x)
	:: else
	fi
}

inline call(line, nth)
{
	t = line.who[nth];
#ifdef MUTANT_WAKE_BEFORE_UNLINK
	unlink_late = t + 1;
#else
	line_remove_nth(line, nth);
#endif
	called[t] = 1;
	wake_later(t)
}

inline call_readers()
{
	do
	:: count > spoken_for ->
#ifndef MUTANT_TWO_FOR_ONE
		readers_due++;
#endif
		call(readers, 0);
		update_spoken_for();
		/* Each unit has one reader called for it, and no second one. */
		sum = 0;
		EACH(j, 0, READERS)
			sum = sum + called[j]
		END(j);
		assert(sum <= SERVABLE)
#ifdef MUTANT_WAKE_BEFORE_UNLINK
		; break
#endif
	:: else -> break
	od
}

inline call_writers()
{
	i = 0;
	do
	:: i < writers.n && ROOM > room_due ->
		t = writers.who[i];
		if
		:: add[t] < ROOM - room_due ->
#ifndef MUTANT_TWO_FOR_ONE
			room_due = room_due + add[t];
#endif
			call(writers, i);
			/* All who were called fit beside one another. */
			sum = 0;
			EACH(j, READERS, TASKS)
				sum = sum + (called[j] -> add[j] : 0)
			END(j);
			assert(sum < ROOM)
#ifdef MUTANT_WAKE_BEFORE_UNLINK
			; break
#endif
		:: else -> i++
		fi
	:: else -> break
	od
}

inline turn_over(x)
{
	called[x] = 0;
#ifndef MUTANT_TWO_FOR_ONE
	if
	:: IS_READER(x) ->
		readers_due--;
		update_spoken_for()
	:: else -> room_due = room_due - add[x]
	fi
#endif
}

/* What the comment "Lines" in fs/eventfd.c promises: true whenever the lock is dropped. */
inline check_lines()
{
	assert(count <= OVERFLOW);
	assert(undelivered == count);
#ifndef MUTANT_WAKE_BEFORE_UNLINK
	assert(readers.n == 0 || readers_due >= SERVABLE);
	assert(count <= spoken_for);
	EACH(i, 0, writers.n)
		assert(ROOM <= room_due || add[writers.who[i]] >= ROOM - room_due)
	END(i);
#endif
#ifndef MUTANT_TWO_FOR_ONE
	sum = 0;
	EACH(i, 0, READERS)
		sum = sum + called[i]
	END(i);
	assert(sum == readers_due);
	sum = 0;
	EACH(i, READERS, TASKS)
		sum = sum + (called[i] -> add[i] : 0)
	END(i);
	assert(sum == room_due);
#endif
	skip
}

/* ---- the counter ---- */

inline take(n)
{
	assert(n <= count);
	count = count - n;
	call_writers()
}

/* A poller's callback wakes it at once, under the lock. */
inline wake_pollers(first, past)
{
	EACH(k, first, past)
		if
		:: queued[k] ->
			if
			:: poll_parked[k] ->
				poll_parked[k] = 0;
				running++
			:: else
			fi
		:: else
		fi
	END(k)
}

inline wake_pollers_in()
{
	wake_pollers(0, POLLERS)
}

inline wake_pollers_out()
{
	wake_pollers(POLLERS, ALL_POLLERS)
}

inline add_to_counter(n)
{
	undelivered = undelivered + n;
	count = count + n;
	wake_pollers_in();
#ifdef IRQFD
	/* eventfd_ctx_do_read(), called by its wake callback */
	undelivered = undelivered - NEXT;
	take(NEXT);
#endif
	call_readers()
}

/* ---- sleeping ---- */

/* What a task does next, after it has woken whom it called. */
#define OUTSIDE	0	/* nothing: its call is over */
#define DONE	1
#define SLEEPS	2
#define PARKED	3
#define FAULTS	4
#define QUEUES	5

inline park(x)
{
	if
	:: !woken[x] ->
		parked[x] = 1;
		running--
	:: else
	fi;
	next = PARKED
}

inline say_asleep(x)
{
#ifdef MUTANT_STATE_AFTER_UNLOCK
	next = SLEEPS
#else
	woken[x] = 0;
	if
	:: wake == 0 -> park(x)
	:: else -> next = SLEEPS
	fi
#endif
}

inline unpark(x)
{
	if
	:: parked[x] ->
		parked[x] = 0;
		running++
	:: else
	fi
}

inline leave_call()
{
	next = OUTSIDE;
	running--
}

/* The end of a critical section, and of the call if nobody is to be woken. */
inline unlock()
{
	check_lines();
	if
	:: next == DONE && wake == 0 -> leave_call()
	:: else
	fi
}

/* The lock is dropped: wake who was called. */
inline wake_called()
{
	do
	:: wake != 0 ->
		d_step {
			t = 0;
			do
			:: (wake & (1 << t)) == 0 -> t++
			:: else -> break
			od;
			wake = wake & ~(1 << t);
			in_wake_q[t] = 0;
			woken[t] = 1;
			unpark(t)
		}
	:: else -> break
	od
#ifdef MUTANT_WAKE_BEFORE_UNLINK
	;
	skip;
	d_step {
		if
		:: unlink_late != 0 && IS_READER(unlink_late - 1) ->
			line_remove(readers, unlink_late - 1)
		:: unlink_late != 0 && !IS_READER(unlink_late - 1) ->
			line_remove(writers, unlink_late - 1)
		:: else
		fi;
		unlink_late = 0
	}
#endif
}

inline schedule(x)
{
	d_step {
#ifdef MUTANT_STATE_AFTER_UNLOCK
		woken[x] = 0;
#endif
		park(x)
	}
}

inline either(choice)
{
	if
	:: choice = 0
	:: choice = 1
	fi
}

/* The way out of eventfd_sleep() without what it slept for. */
inline give_up(line, x)
{
	line_remove(line, x);
	update_spoken_for();
#ifndef MUTANT_SIGNALLED_KEEPS_TURN
	if
	:: IS_READER(x) -> call_readers()
	:: else -> call_writers()
	fi;
#endif
	next = DONE
}

/* After schedule(), with the lock. */
inline come_back(line, x, can_go_on)
{
	unpark(x);
	goes_on = 0;
	was_called = called[x];
	if
	:: called[x] ->
		turn_over(x);
		line_at_front(line, x);
#ifndef MUTANT_BACK_IN_LINE_UNKNOWN
		update_spoken_for()
#endif
	:: else
	fi;
	if
	:: killed -> give_up(line, x)
#ifdef MUTANT_NO_RECHECK
	:: !killed && (was_called || can_go_on) ->
#else
	:: !killed && can_go_on ->
#endif
		line_remove(line, x);
		update_spoken_for();
		goes_on = 1
	:: else ->
		if
		:: signalled -> give_up(line, x)
		:: else ->
#ifndef MUTANT_BEATEN_CALLS_NOBODY
			if
			:: IS_READER(x) -> call_readers()
			:: else -> call_writers()
			fi;
#endif
			say_asleep(x)
		fi
	fi
}

/* ---- read(2) ---- */

/* With the lock, and something to take. */
inline copy_out()
{
	assert(NEXT > 0);
	if
	:: missing ->
#ifdef MUTANT_FAULT_TAKES
		take(NEXT);
#endif
#ifndef MUTANT_FAULT_KEEPS_TURN
		call_readers();
#endif
		next = FAULTS
	:: else ->
		undelivered = undelivered - NEXT;
		take(NEXT);
		wake_pollers_out();
		next = DONE
	fi
}

inline read_locked()
{
	if
	:: count == 0 ->
#ifdef MUTANT_CHECK_THEN_QUEUE
		next = QUEUES
#else
		line_at_end(readers, me);
		update_spoken_for();
		say_asleep(me)
#endif
	:: else -> copy_out()
	fi;
	unlock();
	missing = 0
}

proctype reader(byte me)
{
	byte wake, next;
	bit missing, signalled, killed;
#ifdef MUTANT_WAKE_BEFORE_UNLINK
	byte unlink_late;
#endif

outside:
	atomic {
		either(missing);
		d_step {
			running++;
			read_locked()
		}
	};
unlocked:
	if
	:: next == OUTSIDE -> goto outside
	:: next == PARKED -> goto asleep
	:: else
	fi;
	wake_called();
	if
	:: next == DONE ->
		d_step {
			leave_call()
		};
		goto outside
	:: next == FAULTS ->
		if
		:: d_step {	/* EFAULT */
			leave_call()
		   };
		   goto outside
		:: atomic {	/* the page has come */
			either(missing);
			d_step {
				read_locked()
			};
			goto unlocked
		   }
		fi
#ifdef MUTANT_CHECK_THEN_QUEUE
	:: next == QUEUES ->
		d_step {
			line_at_end(readers, me);
			update_spoken_for();
			say_asleep(me);
			unlock()
		};
		goto unlocked
#endif
	:: next == SLEEPS ->
		schedule(me)
	fi;
asleep:
	atomic {
		either(missing);
		either(signalled);
		either(killed);
		d_step {
			come_back(readers, me, count > 0);
			if
			:: goes_on -> copy_out()
			:: else
			fi;
			unlock();
			missing = 0;
			signalled = 0;
			killed = 0
		};
		goto unlocked
	}
}

/* ---- write(2) ---- */

inline forget_value()
{
	if
	:: next == OUTSIDE -> add[me] = 0
	:: else
	fi
}

inline write_fits()
{
	add_to_counter(add[me]);
	next = DONE
}

proctype writer(byte me)
{
	byte wake, next;
	bit signalled, killed;
#ifdef MUTANT_WAKE_BEFORE_UNLINK
	byte unlink_late;
#endif

outside:
	atomic {
		select(next : LEAST .. MOST);
		d_step {
			running++;
			add[me] = next;
			if
			:: add[me] < ROOM -> write_fits()
			:: else ->
				line_at_end(writers, me);
				say_asleep(me)
			fi;
			unlock();
			forget_value()
		}
	};
unlocked:
	if
	:: next == OUTSIDE -> goto outside
	:: next == PARKED -> goto asleep
	:: else
	fi;
	wake_called();
	if
	:: next == DONE ->
		d_step {
			leave_call();
			forget_value()
		};
		goto outside
	:: next == SLEEPS ->
		schedule(me)
	fi;
asleep:
	atomic {
		either(signalled);
		either(killed);
		d_step {
			come_back(writers, me, add[me] < ROOM);
			if
			:: goes_on -> write_fits()
			:: else
			fi;
			unlock();
			forget_value();
			signalled = 0;
			killed = 0
		};
		goto unlocked
	}
}

/* ---- eventfd_signal() ---- */

proctype signaller()
{
	byte wake, next;
#ifdef MUTANT_WAKE_BEFORE_UNLINK
	byte unlink_late;
#endif

outside:
	skip;
	d_step {
		running++;
		one = (count != OVERFLOW -> 1 : 0);
		add_to_counter(one);
		next = DONE;
		unlock()
	};
	wake_called();
	if
	:: next == DONE ->
		d_step {
			leave_call()
		}
	:: else
	fi;
	goto outside
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
#ifdef MUTANT_CLAIM_CALLS_NOBODY
		count = 0;
#else
		take(count);
#endif
#ifndef MUTANT_CLAIM_WAKES_NOBODY
		if
		:: seen -> wake_pollers_out()
		:: else
		fi;
#endif
		claimed = 1
	:: else
	fi;
	seen = 0;
	check_lines()
}

/*
 * One that only looks, as EPOLL_CTL_ADD does, and reports nothing: with all
 * that is well it changes nothing.
 */
inline look()
{
#ifdef MUTANT_LOOK_CLAIMS
	d_step {
		take(count);
		check_lines()
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
	byte wake, seen;
	bit claimed;
#ifdef MUTANT_WAKE_BEFORE_UNLINK
	byte unlink_late;
#endif

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
	:: atomic { !seen -> goto sleep }
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
	   wake_called();
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
sleep:
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

/* ---- nobody is left behind ---- */

/*
 * Nobody is on his way: all are outside, or sleep and are not woken. From here
 * on nothing need ever happen. So nobody may sleep who could go on.
 */
active proctype quiet()
{
end:
	do
	:: d_step {
		running == 0 ->
		EACH(i, 0, TASKS)
			assert(!called[i]);
			assert(!in_wake_q[i]);
			assert(!parked[i] || (IS_READER(i) -> count == 0 : add[i] >= ROOM))
		END(i);
		EACH(i, 0, ALL_POLLERS)
			assert(!poll_parked[i] || (i < POLLERS -> count == 0 : count >= FULL))
		END(i)
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
