# SPDX-License-Identifier: GPL-2.0
"""Let tasks do everything at once to a few eventfds, in a debug kernel, and keep the books.

Boots to the suite's eventfd_stress for S seconds (60), under the kernel of DEBUG=1, or with DEBUG=0
the one of "make run". SEED is printed; the same one gives the same schedule of operations. Exit
status: 0 if the books were right, nobody slept in vain and the kernel complained of nothing; 1 if
not; 2 for bad input.
"""
import argparse
import random

from core import processes
from core.command import Command
from core.options import Options
from core.places import SUITE
from core.report import say
from guest import qemu, session
from source import theirs

# The name that the guest's runner knows the program by: it passes no arguments.
PROBE = 'stress'


def stress(options: Options, _arguments: argparse.Namespace) -> int:
    # The debug kernel, unless it is asked for another one.
    options = options.asking(DEBUG=options.asked.get('DEBUG', '1'))
    seed = random.randrange(10 ** 6) if options.seed is None else options.seed
    qemu.accelerator(options)
    theirs.need_ours(options, 'make stress')
    processes.lock()
    image, initrd, objects, _ = session.build(options)
    say(f'stress: {options.seconds} s, SEED={seed}')
    program = f'#!/bin/sh\nexec ./eventfd_stress {options.seconds} {seed}\n'
    files: session.Files = {f'/kselftest/{SUITE}/{PROBE}': (program, 0o755),
                            '/kselftest/kselftest-list.txt': (f'{SUITE}:{PROBE}\n', 0o644),
                            '/etc/suite': (f"TESTS='-o {options.seconds + 120}'\n", 0o644)}
    outcome, result = session.run_guest(options, image, initrd, objects, [PROBE], name='stress', files=files,
                                        said='stressing eventfd', limits=qemu.Limits(suite=options.seconds + 600))
    for note in [note for program in result.programs for note in program.notes if note.startswith('# ')][-1:]:
        say(f'  {note.removeprefix("# ")}')
    return session.report(options, outcome, result)


COMMANDS = (Command('stress', 'everything at once to a few eventfds for S seconds, in a debug kernel',
                    stress),)
