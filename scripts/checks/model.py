# SPDX-License-Identifier: GPL-2.0
"""Check the models of fs/eventfd.c exhaustively with Spin, and find their mutants.

full (the default) takes some minutes and up to 4 GB of memory, quick less than one minute. Each
size is searched to its end. Each mutant has to break a promise that its model makes; one that does
not says that the model no longer checks what it should. Those of the waiters have to leave somebody
behind, or to lose an event: what else is promised of the wait list is not looked at then.

Exit status: 0 if the model holds and all mutants are found, 1 if not, 2 if Spin is missing.
"""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import BUILD, ROOT, write_if_changed
from core.report import refuse, say

WAITERS = ROOT / 'tools/verification/models/eventfd/eventfd.pml'
CLAIMERS = ROOT / 'tools/verification/models/eventfd/eventfd-claimers.pml'
MEMORY = 2000   # MB, at most, for one search
AT_ONCE = 2     # searches of large sizes
# What gcc refuses from 14 on, and what an older one compiles: a variable that Spin has one of that name of, in its place.
MIXED_UP = ('-Werror=int-conversion', '-Werror=incompatible-pointer-types')


class Size(NamedTuple):
    """A model, with as many tasks and values as are to be searched."""
    name: str
    quick: bool             # in less than a minute
    options: str            # macros of the model
    model: pathlib.Path = WAITERS


class Mutant(NamedTuple):
    """A model that is wrong in one place."""
    name: str
    options: str
    model: pathlib.Path = WAITERS


SIZES = (
    Size('2 readers, 2 writers', True, 'READERS=2 WRITERS=2'),
    Size('2 readers of a semaphore, 2 writers', True, 'SEMAPHORE READERS=2 WRITERS=2'),
    Size('1 reader, 3 writers of 1 to 3', True, 'READERS=1 WRITERS=3 FULL=3 MOST=3'),
    Size('1 reader, 2 writers, a signaller, values from 0', True, 'READERS=1 WRITERS=2 SIGNALLERS=1 LEAST=0'),
    Size('autoreset: 1 writer, 2 claimers', True, 'AUTORESET READERS=0 WRITERS=1 POLLERS=2'),
    Size('2 exclusive claimers', True, 'CLAIMERS=2 SILENT', CLAIMERS),
    Size('2 exclusive claimers, of closed descriptors too', True, 'CLAIMERS=2 CLOSES', CLAIMERS),
    Size('3 readers, 3 writers', False, 'READERS=3 WRITERS=3'),
    Size('3 readers of a semaphore, 3 writers of 1 to 3', False, 'SEMAPHORE READERS=3 WRITERS=3 FULL=3 MOST=3'),
    Size('1 reader, 4 writers of 1 to 3', False, 'READERS=1 WRITERS=4 FULL=3 MOST=3'),
    Size('1 reader of a semaphore, 4 writers of 1 to 4', False, 'SEMAPHORE READERS=1 WRITERS=4 FULL=4 MOST=4'),
    Size('1 reader of a semaphore, 3 writers of 0 to 3, a signaller', False,
         'SEMAPHORE READERS=1 WRITERS=3 FULL=3 LEAST=0 MOST=3 SIGNALLERS=1'),
    Size('2 readers, 2 writers, 2 pollers', False, 'READERS=2 WRITERS=2 POLLERS=1 SPACE_POLLERS=1'),
    Size('2 readers, 2 writers, 2 pollers, a counter of at most 1', False,
         'READERS=2 WRITERS=2 POLLERS=1 SPACE_POLLERS=1 FULL=1 MOST=1'),
    Size('autoreset: 1 reader, 2 writers, 2 claimers, 1 poller for space, a signaller', False,
         'AUTORESET READERS=1 WRITERS=2 POLLERS=2 SPACE_POLLERS=1 SIGNALLERS=1'),
    Size('a consumer in the kernel: semaphore, 2 readers, 3 writers of 0 to 3, a signaller', False,
         'SEMAPHORE IRQFD READERS=2 WRITERS=3 FULL=3 LEAST=0 MOST=3 SIGNALLERS=1'),
    Size('3 exclusive claimers, of closed descriptors too', False, 'CLAIMERS=3 CLOSES', CLAIMERS),
    Size('2 exclusive claimers, 1 that is not, 2 posters', False, 'CLAIMERS=2 SHARERS=1 POSTERS=2', CLAIMERS),
    Size('2 exclusive claimers, a counter of at most 2', False, 'CLAIMERS=2 MOST=2', CLAIMERS),
)

READING = 'END_ONLY READERS=2 WRITERS=1'
COUNTING = 'END_ONLY SEMAPHORE READERS=2 WRITERS=2'
WRITING = 'END_ONLY READERS=1 WRITERS=3 FULL=3 MOST=3'
CLAIMING = 'END_ONLY AUTORESET READERS=1 WRITERS=1 POLLERS=2 SPACE_POLLERS=1'
POLLING = 'CLAIMERS=2 SILENT'
MUTANTS = (
    # Who is woken for a change of the counter.
    Mutant('WAKES_ONE_READER', COUNTING),       # one for several units of a semaphore
    Mutant('WAKES_ONE_WRITER', WRITING),        # one, where more fit beside it
    Mutant('KINDS_ARE_MIXED', READING),         # no reader behind a writer
    Mutant('SMALL_MAY_NOT_PASS', WRITING),      # nobody behind a writer that does not fit
    Mutant('STAYS_ON_LIST', WRITING),           # one that was woken is woken again in place of another
    Mutant('WAKE_AFTER_UNLOCK', READING),       # off the list under the lock, woken after it
    Mutant('CLAIM_WAKES_NO_WRITER', CLAIMING),
    Mutant('DO_READ_WAKES_NO_WRITER', 'END_ONLY SEMAPHORE IRQFD READERS=1 WRITERS=2 LEAST=0'),
    # What a waiter does with its wake-up.
    Mutant('NO_RECHECK', READING),              # it takes without a look
    Mutant('REQUEUED_PASSES_NOTHING_ON', WRITING),      # it finds too little
    Mutant('PASSES_ONE_UNIT_ON', WRITING),              # likewise, and it was woken for several
    Mutant('INTERRUPTED_PASSES_NOTHING_ON', WRITING),   # it goes because of a signal
    Mutant('KILLED_PASSES_NOTHING_ON', READING),        # it could take, but is killed
    Mutant('KILLED_PASSES_NOTHING_ON', WRITING),
    Mutant('FAULT_KEEPS_WAKE_UP', READING),     # it cannot take before its buffer's page is there
    Mutant('FAULT_TAKES', READING),             # a read that fails has taken
    # How it starts to wait.
    Mutant('CHECK_THEN_QUEUE', READING),        # the lock is dropped between the look and the list
    Mutant('STATE_AFTER_UNLOCK', READING),      # the lock is dropped before it says that it sleeps
    # Pollers, each of which is woken.
    Mutant('READ_THEN_QUEUE', 'END_ONLY READERS=0 WRITERS=1 POLLERS=1'),    # a look before it is queued
    Mutant('CLAIM_TRUSTS_PEEK', CLAIMING),      # a claim reports what it read without the lock
    Mutant('CLAIM_WAKES_NO_POLLER', CLAIMING),  # one of a full counter tells nobody of the space
    Mutant('LOOK_CLAIMS', CLAIMING),            # one who only looks takes
    # Pollers of which one is woken: the wake-up ends with ...
    Mutant('COUNTS_IF_AWAKE', POLLING, CLAIMERS),       # one that was awake
    Mutant('COUNTS_IF_ASLEEP', POLLING, CLAIMERS),      # one that slept for a mutex in its scan
    Mutant('READ_BEFORE_ADD', POLLING, CLAIMERS),       # one that slept before the event was there
    Mutant('CLEARED_AFTER_SCAN', POLLING, CLAIMERS),    # one that says too long that it will scan
    Mutant('SET_BEFORE_SCAN', POLLING, CLAIMERS),       # one that says so too early
    Mutant('NOT_CLEARED_WHEN_QUEUED', POLLING, CLAIMERS),   # one that has yet to scan for the first time
    Mutant('TIME_OUT_LEAVES', POLLING, CLAIMERS),       # one whose time was up, too: it does not scan
    Mutant('LEAVES_WITHOUT_A_WORD', 'CLAIMERS=2 CLOSES', CLAIMERS),     # one whose descriptor was closed
)


class Search:
    """What Spin says of one size of the model."""

    def __init__(self, text: str):
        self.text = text
        found = re.search(r'^(?:State-vector.*, )?depth reached .*errors: (\d+)|errors: (\d+)', text, re.M)
        self.errors = int(next(group for group in found.groups() if group)) if found else None
        states = re.search(r'^\s*(\d+) states, stored', text, re.M)
        self.states = int(states.group(1)) if states else 0
        self.broken = (re.findall(r'^pan:\d+: (.*?)(?: \(at depth \d+\))?$', text, re.M) or [''])[0]
        self.complete = self.errors == 0 and not re.search(r'too small|Search not completed|out of memory', text)


def search(folder: pathlib.Path, options: str, model: pathlib.Path = WAITERS, large: bool = False) -> Search:
    """Make a verifier of a model and run it to the first error or to the end."""
    # To optimise takes longer than to search what is small.
    optimise, depth, table = ('-O2', 20000000, 24) if large else ('-O0', 1000000, 20)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder / 'log'
    flags = [f'-D{word}' for word in options.split()]
    processes.run(['spin', *flags, '-a', model], log, 'translating the model', cwd=folder)
    # With -w these would be no errors. What else gcc warns of in Spin's code is in the log.
    processes.run(['gcc', optimise, *MIXED_UP, '-DSAFETY', '-DCOLLAPSE', f'-DMEMLIM={MEMORY}', '-o', 'pan', 'pan.c'], log,
                  'compiling the model', cwd=folder)
    done = subprocess.run([folder / 'pan', f'-m{depth}', f'-w{table}', '-n'], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    write_if_changed(log, done.stdout)
    return Search(done.stdout)


def results(quick: bool = False) -> Iterator[tuple[str, str, str]]:
    """(name, what is wrong, how much was searched) of each size and each mutant."""
    if not shutil.which('spin'):
        refuse('no spin, so nothing was checked: install Debian\'s package spin')
    top = BUILD / 'model'
    sizes = [size for size in SIZES if size.quick or not quick]
    # Not all of the large sizes at once: each needs much memory.
    with concurrent.futures.ThreadPoolExecutor(processes.processors() if quick else AT_ONCE) as pool:
        holding = [pool.submit(search, top / f'size-{number}', size.options, size.model, not size.quick)
                   for number, size in enumerate(sizes)]
        broken = [pool.submit(search, top / f'mutant-{number}', f'{mutant.options} MUTANT_{mutant.name}', mutant.model)
                  for number, mutant in enumerate(MUTANTS)]
        for number, (size, future) in enumerate(zip(sizes, holding)):
            found = future.result()
            wrong = ''
            if found.errors:
                wrong = (f'{found.broken}\nthe steps to it: cd {top}/size-{number} && spin '
                         f'{" ".join(f"-D{word}" for word in size.options.split())} -t -p -g {size.model}')
            elif not found.complete:
                wrong = f'the search did not come to its end; the log is {top}/size-{number}/log'
            yield size.name, wrong, f'{found.states} states'
        for number, (mutant, future) in enumerate(zip(MUTANTS, broken)):
            found = future.result()
            # Found means: a promise was seen broken, not: the verifier did not work.
            wrong = '' if found.errors and 'assertion violated' in found.broken else (
                f'not found; the log is {top}/mutant-{number}/log')
            yield f'mutant {mutant.name}', wrong, 'found'


def check_model(_options: Options, arguments: argparse.Namespace) -> int:
    processes.lock()
    right = wrong = 0
    for name, complaint, searched in results(arguments.size == 'quick'):
        say(f'{"not ok" if complaint else "ok"}  {name}: {complaint or searched}')
        right, wrong = right + (not complaint), wrong + bool(complaint)
    say(f'\n{right} checks of the model passed, {wrong} failed')
    return 0 if right and not wrong else 1


COMMANDS = (Command('model', 'Spin on the model of fs/eventfd.c and its mutants (minutes)',
                    check_model, [Argument('size', 'how much of it; full, if nothing is said', '?', ('quick', 'full'))]),)
