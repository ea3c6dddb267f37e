#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Let tasks do everything at once to a few eventfds, in a debug kernel, and keep the books.

Usage: [S=SECONDS] [SEED=N] [KERNEL=6.12 | KDIR=PATH] [DEBUG=0] [ACCEL=tcg|kvm] scripts/stress.py

Boots to the suite's eventfd_stress for S seconds (60), under the kernel of DEBUG=1, or with DEBUG=0
the one of "make run". SEED is printed; the same one gives the same schedule of operations. Exit
status: 0 if the books were right, nobody slept in vain and the kernel complained of nothing; 1 if
not; 2 for bad input.
"""
import os
import random

import boot
import harness
import run
from harness import SUITE, refuse, say

# The name that the guest's runner knows the program by: it passes no arguments.
PROBE = 'stress'


def number(name, least, what, otherwise):
    text = os.environ.get(name) or str(otherwise)
    if not text.isdigit() or int(text) < least:
        refuse(f'{name}={text} is no number from {least} up: it is {what}')
    return int(text)


def main():
    options = harness.Options({**os.environ, 'DEBUG': os.environ.get('DEBUG') or '1'})
    seconds = number('S', 1, 'for how many seconds to go on, 600 for example', 60)
    seed = number('SEED', 0, 'the seed of the schedule, as an earlier run printed it', random.randrange(10 ** 6))
    boot.accelerator(options)
    harness.lock()
    image, initrd, objects, _ = run.build(options)
    say(f'stress: {seconds} s, SEED={seed}')
    program = f'#!/bin/sh\nexec ./eventfd_stress {seconds} {seed}\n'
    files = {f'/kselftest/{SUITE}/{PROBE}': (program, 0o755),
             '/kselftest/kselftest-list.txt': (f'{SUITE}:{PROBE}\n', 0o644),
             '/etc/suite': (f"TESTS='-o {seconds + 120}'\n", 0o644)}
    outcome, result = run.suite(options, image, initrd, objects, [PROBE], name='stress', files=files,
                                said='stressing eventfd', suite_limit=seconds + 600)
    for note in [note for program in result.programs for note in program.notes if note.startswith('# ')][-1:]:
        say(f'  {note.removeprefix("# ")}')
    return run.report(options, outcome, result)


if __name__ == '__main__':
    harness.main(main)
