#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check the model of fs/eventfd.c exhaustively with Spin, and find its mutants.

Usage: scripts/model.py [quick|full]

full (the default) takes some minutes and up to 4 GB of memory, quick less than one minute. Each
size is searched to its end. Each mutant has to break a promise that the model makes; one that does
not says that the model no longer checks what it should.

Exit status: 0 if the model holds and all mutants are found, 1 if not, 2 if Spin is missing.
"""
import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import BUILD, ROOT, refuse, say

MODEL = ROOT / 'tools/verification/models/eventfd/eventfd.pml'
MEMORY = 5500   # MB, at most

Size = collections.namedtuple('Size', 'name quick options')
SIZES = (
    Size('2 readers, 1 writer', True, 'READERS=2 WRITERS=1 POLLERS=0 ROOM_POLLERS=0'),
    Size('2 readers of a semaphore, 1 writer', True, 'SEMAPHORE READERS=2 WRITERS=1 POLLERS=0 ROOM_POLLERS=0'),
    Size('1 reader, 2 writers, a signaller, values from 0', True,
         'READERS=1 WRITERS=2 POLLERS=0 ROOM_POLLERS=0 SIGNALLERS=1 LEAST=0'),
    Size('autoreset: 1 writer, 2 claimers', True, 'AUTORESET READERS=0 WRITERS=1 POLLERS=2 ROOM_POLLERS=0'),
    Size('2 readers, 2 writers', False, 'READERS=2 WRITERS=2 POLLERS=0 ROOM_POLLERS=0'),
    Size('2 readers, 1 writer, 2 pollers', False, 'READERS=2 WRITERS=1 POLLERS=1 ROOM_POLLERS=1'),
    Size('2 readers of a semaphore, 2 writers', False, 'SEMAPHORE READERS=2 WRITERS=2 POLLERS=0 ROOM_POLLERS=0'),
    Size('autoreset: 1 reader, 1 writer, 2 claimers, 1 poller for room', False,
         'AUTORESET READERS=1 WRITERS=1 POLLERS=2 ROOM_POLLERS=1'),
    Size('autoreset: 1 reader, 2 writers, 1 claimer, a signaller', False,
         'AUTORESET READERS=1 WRITERS=2 POLLERS=1 ROOM_POLLERS=0 SIGNALLERS=1'),
    Size('1 reader, 3 writers of 1 to 3', False, 'READERS=1 WRITERS=3 POLLERS=0 ROOM_POLLERS=0 FULL=3 MOST=3'),
    Size('3 readers of a semaphore, 1 writer of 1 to 3', False,
         'SEMAPHORE READERS=3 WRITERS=1 POLLERS=0 ROOM_POLLERS=0 FULL=3 MOST=3'),
    Size('a consumer in the kernel: semaphore, 1 reader, 2 writers, a signaller', False,
         'SEMAPHORE IRQFD READERS=1 WRITERS=2 POLLERS=0 ROOM_POLLERS=0 SIGNALLERS=1'),
    Size('2 readers, 2 writers, 2 pollers, a counter of at most 1', False,
         'READERS=2 WRITERS=2 POLLERS=1 ROOM_POLLERS=1 FULL=1 MOST=1'),
)

READING = 'READERS=2 WRITERS=1 POLLERS=0 ROOM_POLLERS=0'
WRITING = 'READERS=1 WRITERS=3 POLLERS=0 ROOM_POLLERS=0 FULL=3 MOST=3'
CLAIMING = 'AUTORESET READERS=1 WRITERS=1 POLLERS=2 ROOM_POLLERS=1'
MUTANTS = (
    Size('NO_RECHECK', True, READING),              # who was called takes without a look
    Size('WAKE_BEFORE_UNLINK', True, READING),      # woken first, off the line later
    Size('BEATEN_CALLS_NOBODY', True, WRITING),     # who was beaten calls no other one
    Size('SIGNALLED_KEEPS_TURN', True, READING),    # who goes for a signal calls no other one
    Size('TWO_FOR_ONE', True, READING),             # what is spoken for is not counted: readers
    Size('CLAIM_CALLS_NOBODY', True, CLAIMING),     # a claim tells no writer
    Size('CLAIM_TRUSTS_PEEK', True, CLAIMING),      # a claim reports what it read without the lock
    Size('READ_THEN_QUEUE', True, 'READERS=0 WRITERS=1'),   # a poller looks before it queues itself
    Size('BACK_IN_LINE_UNKNOWN', True, READING),    # who was beaten is in line, and spoken_for is not told
    Size('TWO_FOR_ONE', False, WRITING),            # likewise: writers
    Size('CLAIM_WAKES_NOBODY', False, CLAIMING),    # a claim of a full counter tells no poller for room
    Size('LOOK_CLAIMS', False, CLAIMING),           # who only looks takes
    Size('FAULT_TAKES', False, READING),            # a read that fails has taken
    Size('FAULT_KEEPS_TURN', False, READING),       # a read that faults calls no other one meanwhile
    Size('CHECK_THEN_QUEUE', False, READING),       # the lock is dropped between the look and the line
    Size('STATE_AFTER_UNLOCK', False, READING),     # the lock is dropped before the task says it sleeps
)


class Search:
    """What Spin says of one size of the model."""

    def __init__(self, text):
        self.text = text
        found = re.search(r'^(?:State-vector.*, )?depth reached .*errors: (\d+)|errors: (\d+)', text, re.M)
        self.errors = int(next(group for group in found.groups() if group)) if found else None
        states = re.search(r'^\s*(\d+) states, stored', text, re.M)
        self.states = int(states.group(1)) if states else 0
        self.broken = (re.findall(r'^pan:\d+: (.*?)(?: \(at depth \d+\))?$', text, re.M) or [''])[0]
        self.complete = self.errors == 0 and not re.search(r'too small|Search not completed|out of memory', text)


def search(folder, options):
    """Make a verifier of the model and run it to the first error or to the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder / 'log'
    flags = [f'-D{word}' for word in options.split()]
    harness.run(['spin', *flags, '-a', MODEL], log, 'translating the model', cwd=folder)
    harness.run(['gcc', '-O2', '-w', '-DSAFETY', '-DCOLLAPSE', f'-DMEMLIM={MEMORY}', '-o', 'pan', 'pan.c'], log,
                'compiling the model', cwd=folder)
    limit = '20000000' if 'MUTANT' not in options else '5000000'
    done = subprocess.run([folder / 'pan', f'-m{limit}', '-w24', '-n'], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    harness.write_if_changed(log, done.stdout)
    return Search(done.stdout)


def results(quick=False):
    """(name, what is wrong, how much was searched) of each size and each mutant."""
    if not shutil.which('spin'):
        refuse('no spin, so nothing was checked: install Debian\'s package spin')
    top = BUILD / 'model'
    sizes = [size for size in SIZES if size.quick or not quick]
    mutants = [mutant for mutant in MUTANTS if mutant.quick or not quick]
    # The large sizes one after the other: each may need most of the memory.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() if quick else 1) as pool:
        holding = [pool.submit(search, top / f'size-{number}', size.options) for number, size in enumerate(sizes)]
        broken = [pool.submit(search, top / f'mutant-{number}', f'{mutant.options} MUTANT_{mutant.name}')
                  for number, mutant in enumerate(mutants)]
        for number, (size, future) in enumerate(zip(sizes, holding)):
            found = future.result()
            wrong = ''
            if found.errors:
                wrong = (f'{found.broken}\nthe steps to it: cd {top}/size-{number} && spin '
                         f'{" ".join(f"-D{word}" for word in size.options.split())} -t -p -g {MODEL}')
            elif not found.complete:
                wrong = f'the search did not come to its end; the log is {top}/size-{number}/log'
            yield size.name, wrong, f'{found.states} states'
        for number, (mutant, future) in enumerate(zip(mutants, broken)):
            found = future.result()
            # Found means: a promise was seen broken, not: the verifier did not work.
            wrong = '' if found.errors and 'assertion violated' in found.broken else (
                f'not found; the log is {top}/mutant-{number}/log')
            yield f'mutant {mutant.name}', wrong, 'found'


def main():
    if sys.argv[1:] not in ([], ['full'], ['quick']):
        refuse('usage: scripts/model.py [quick|full]')
    harness.lock()
    right = wrong = 0
    for name, complaint, searched in results(sys.argv[1:] == ['quick']):
        say(f'{"not ok" if complaint else "ok"}  {name}: {complaint or searched}')
        right, wrong = right + (not complaint), wrong + bool(complaint)
    say(f'\n{right} checks of the model passed, {wrong} failed')
    return 0 if right and not wrong else 1


if __name__ == '__main__':
    harness.main(main)
