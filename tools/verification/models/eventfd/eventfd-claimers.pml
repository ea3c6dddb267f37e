/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pollers of an EFD_AUTORESET eventfd as a model for Spin: with which of them a
 * wake-up may end.
 *
 * What select(2) and poll(2) find there they claim, so an event is for one of
 * them, and they queue exclusively: a wake-up goes along the wait queue and
 * ends with the first poller that it counts for. See pollwake() and
 * poll_schedule_timeout() in fs/select.c. It must not count for one that leaves
 * without a look at this eventfd. So whenever nobody is on the way, no event
 * may be left while a poller sleeps, see proctype quiet.
 *
 * A poller looks at other files, too. It may find one of them ready and leave.
 * It may sleep for a mutex in another file's ->poll(), where a wake-up reaches
 * it as well; here it does so after it looked at the eventfd, for one that has
 * yet to look will see what is there. Its sleep in poll_schedule_timeout() may
 * end with a signal, as its time is up, or for no reason at all.
 *
 * What is done with the lock of the wait queue is one step, but for a wake-up,
 * which the others wait for. In that, and wherever a poller has no lock, each
 * access is a step of its own, in the order of the code. That the barriers keep
 * that order is shown by the litmus tests in
 * Documentation/litmus-tests/eventfd, claimer-rescans and its twin.
 *
 * The size is set by -D: CLAIMERS (who queue exclusively), SHARERS (who claim
 * as well but are each woken, as epoll is), POSTERS, and MOST, the counter's
 * greatest value. A poster adds one or nothing, or reads.
 *
 * With CLOSES a poller's descriptor may be closed while it sleeps: it is still on
 * the wait queue, but does not look at this eventfd again. One that leaves looks
 * whether an event is there, and if so has the next one woken, see
 * free_poll_entry() in fs/select.c and POLL_CLAIM_NEXT. With SILENT it does not:
 * where no descriptor is closed, the wake-ups that count are enough.
 *
 * -DMUTANT_... breaks one thing, and that must be found. scripts/checks/model.py has
 * the list, the sizes, and runs it all.
 */

#ifdef MUTANT_LEAVES_WITHOUT_A_WORD
#define SILENT
#endif

#ifndef CLAIMERS
#define CLAIMERS	2
#endif
#ifndef SHARERS
#define SHARERS		0
#endif
#ifndef POSTERS
#define POSTERS		1
#endif
#ifndef MOST
#define MOST		1
#endif

#define POLLERS		(SHARERS + CLAIMERS)
#define IS_EXCLUSIVE(x)	((x) >= SHARERS)

/* struct eventfd_ctx, and its wait queue, the front first */
byte count;
bit locked;			/* by a wake-up: all others have it for one step */
byte queue_len;
byte queue[POLLERS];

/* struct poll_wqueues */
bit triggered[POLLERS];
bit will_claim[POLLERS];

/* What the scheduler knows of a poller: does a wake-up do anything to it? */
bit asleep[POLLERS];

/* asleep in poll_schedule_timeout(), and not for a mutex */
bit waits[POLLERS];

/* How many are on their way: inside of a call, and not asleep in there. */
byte running;

/* Used within a step and meaningless after it. */
hidden byte nth, spot;

inline queue_add(x)
{
	spot = queue_len;
	do
	:: !IS_EXCLUSIVE(x) && spot > 0 ->
		queue[spot] = queue[spot - 1];
		spot--
	:: else -> break
	od;
	queue[spot] = x;
	queue_len++
}

inline queue_remove(x)
{
	nth = 0;
	do
	:: queue[nth] != x -> nth++
	:: else -> break
	od;
	queue_len--;
	do
	:: nth < queue_len ->
		queue[nth] = queue[nth + 1];
		nth++
	:: else -> break
	od;
	queue[queue_len] = 0
}

/* ---- the wake-up ---- */

/* try_to_wake_up() */
inline wake(x, did)
{
	did = asleep[x];
	asleep[x] = 0;
	if
	:: waits[x] ->
		waits[x] = 0;
		running++
	:: else
	fi
}

#if defined(MUTANT_COUNTS_IF_AWAKE)
#define COUNTS		true
#elif defined(MUTANT_COUNTS_IF_ASLEEP)
#define COUNTS		woke
#else
#define COUNTS		(woke && claims)
#endif

/* The lock is held: __wake_up_common(), and pollwake() for each poller. */
inline walk()
{
	do
	:: at < queue_len ->
#ifndef MUTANT_READ_BEFORE_ADD
		claims = will_claim[queue[at]];
#else
		claims = (early >> queue[at]) & 1;
#endif
		triggered[queue[at]] = 1;
		d_step {
			wake(queue[at], woke);
			at = (IS_EXCLUSIVE(queue[at]) && COUNTS -> queue_len : at + 1);
			claims = 0;
			woke = 0
		}
	:: d_step {
		at >= queue_len ->
		at = 0;
		locked = 0;
		running--
	   };
	   break
	od
}

proctype poster()
{
	byte at;
	bit claims, woke;
#ifdef MUTANT_READ_BEFORE_ADD
	byte early;
#endif

	do
	:: atomic {		/* write(2), of zero too, and eventfd_signal() */
		!locked ->
		locked = 1;
		running++
#ifdef MUTANT_READ_BEFORE_ADD
		;
		early = 0;
		nth = 0;
		do
		:: nth < POLLERS ->
			early = early | (will_claim[nth] << nth);
			nth++
		:: else -> break
		od
	   };
	   atomic {
#else
		;
#endif
		if
		:: count < MOST -> count++
		:: true
		fi
	   };
	   walk()
	:: d_step {		/* read(2) */
		!locked && count > 0 ->
		count = 0
	   }
	od
}

/* ---- select(2), poll(2) ---- */

/* In another file's ->poll(): it goes on when it has the mutex, woken or not. */
inline other_poll()
{
	do
	:: asleep[me] = 1;
	   asleep[me] = 0
	:: break
	od
}

inline leave()
{
	d_step {
		!locked ->
		queue_remove(me);
		/* The next call has a poll_wqueues of its own. */
		triggered[me] = 0;
		will_claim[me] = 0;
#ifndef SILENT
		/* The lock is dropped in between, but others have it for a step. */
		if
		:: IS_EXCLUSIVE(me) && count > 0 -> locked = 1; passes = 1
		:: else -> running--
		fi;
		skip	/* Spin lets no d_step end in a choice */
#else
		running--
#endif
	}
#ifndef SILENT
	;
	if
	:: passes ->
		passes = 0;
		walk()
	:: else
	fi
#endif
}

proctype poller(byte me)
{
#ifndef SILENT
	byte at;
	bit claims, woke, passes;
#endif

outside:
	skip;	/* Spin lets no goto lead into a d_step */
#ifdef MUTANT_NOT_CLEARED_WHEN_QUEUED
	d_step {
		!locked ->
		running++;
		will_claim[me] = 1;	/* whatever was on the stack */
		queue_add(me)
	};
#else
	d_step {	/* __pollwait(); will_claim is 0 since leave() */
		!locked ->
		running++;
		queue_add(me)
	};
#endif
scan:
#ifdef MUTANT_SET_BEFORE_SCAN
	will_claim[me] = 1;
#endif
	if
	:: d_step {	/* eventfd_claim() */
		count > 0 && !locked ->
		count = 0
	   };
	   goto leaves
	:: count == 0
	fi;
#ifdef MUTANT_CLEARED_AFTER_SCAN
	will_claim[me] = 0;
#endif
	other_poll();
	if
	:: goto leaves		/* another file is ready, or a signal has come */
	:: will_claim[me] = 1	/* poll_schedule_timeout() */
	fi;
	asleep[me] = 1;
	if
	:: d_step {
		!triggered[me] ->
		if
		:: asleep[me] ->
			waits[me] = 1;
			running--
		:: else
		fi
	   };
	   if
	   :: !waits[me]
	   :: d_step {	/* a signal, the time is up, or for no reason */
		waits[me] ->
		wake(me, spot)
	      }
	   fi
	:: triggered[me]
	fi;
	asleep[me] = 0;
#ifndef MUTANT_CLEARED_AFTER_SCAN
	will_claim[me] = 0;
#endif
	triggered[me] = 0;
#if defined(MUTANT_TIME_OUT_LEAVES) || defined(CLOSES)
	/* A wake-up and the end of its time may have come both. */
	if
	:: goto leaves
	:: goto scan
	fi;
#else
	goto scan;
#endif
leaves:
	leave();
	goto outside
}

/* ---- nobody is left behind ---- */

/*
 * Everybody is outside or asleep in poll_schedule_timeout(). From here on
 * nothing need ever happen.
 */
active proctype quiet()
{
end:
	do
	:: d_step {
		running == 0 ->
		nth = 0;
		do
		:: nth < POLLERS ->
			assert(!waits[nth] || count == 0);
			nth++
		:: else -> break
		od;
		skip	/* Spin lets no d_step end in a loop */
	   }
	od
}

init {
	atomic {
		byte n;

		do
		:: n < POLLERS ->
			run poller(n);
			n++
		:: else -> break
		od;
		n = 0;
		do
		:: n < POSTERS ->
			run poster();
			n++
		:: else -> break
		od;
		n = 0
	}
}
