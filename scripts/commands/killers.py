# SPDX-License-Identifier: GPL-2.0
"""Record for each mutant all tests that kill it, to see which tests kill none that others do not.

Each mutant has a boot of its own to the whole suite, with fewer rounds of races than usual, which ends early where so many
tests have failed that the mutant says nothing of a single one. What was found is in killers.txt beside this file, where the
next run takes it up: those that are not in it, and those whose change is another one now.

Exit status: 0, 1 if the unchanged file fails a test, 2 for bad input.
"""
import argparse
import functools
import hashlib
import threading
from collections.abc import Collection, Sequence

from commands import mutants
from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import write_if_changed
from core.report import Broken, say
from guest import qemu
from source import theirs, trees

TABLE = mutants.LIST.with_name('killers.txt')
PACE = mutants.Pace(limit=5, rounds=60, red=12, late=5)
# How many guests are up at a time.
GUESTS = 3
# In a name's place: no test, but the kernel itself saw it.
KERNEL, MORE = 'kernel: ', 'more'

HEAD = f'''# SPDX-License-Identifier: GPL-2.0
#
# The tests that kill each mutant, by "scripts/eventfd killers"; "{MORE}" stands for those that were not looked at, as there
# were enough. The number behind a mutant's name is of the change that these were seen with.
'''
# {mutant: (which change, tests)}
Entry = tuple[str, list[str]]
Found = dict[str, Entry]
NOTHING: Entry = ('', [])


def parse(text: str) -> Found:
    """What a table says."""
    found: Found = {}
    tests: list[str] = []
    for line in text.splitlines():
        if line.startswith('mutant: '):
            _, name, mark = line.split()
            tests = []
            found[name] = (mark, tests)
        elif line.startswith('\t'):
            tests.append(line[1:])
    return found


def render(found: Found, order: Sequence[str]) -> str:
    """The table, in the order of the list of mutants; what is not in that any more is not in it."""
    out = [HEAD]
    for name in order:
        if name in found:
            mark, tests = found[name]
            out.append('\n'.join([f'mutant: {name} {mark}', *(f'\t{test}' for test in tests)]) + '\n')
    return '\n'.join(out)


def complaints(text: str, tests: Collection[str]) -> list[str]:
    """What is wrong with a table, a line each: a mutant or a test that there is not, or not any more."""
    found = parse(text)
    names = {mutant.name for mutant in mutants.parse(mutants.LIST.read_text())}
    wrong = [f'{TABLE.name}: there is no mutant {name}' for name in found if name not in names]
    wrong += [f'{TABLE.name}: {name}: the suite has no test {test}' for name, (_, killers) in found.items()
              for test in killers if test != MORE and not test.startswith(KERNEL) and test not in tests]
    return wrong


def mark_of(mutant: mutants.Mutant) -> str:
    """What an entry is of: the wrong change, whatever the list calls it."""
    return hashlib.sha256('\n'.join(mutant.hunk).encode()).hexdigest()[:12]


class Record:
    """What is known so far, kept at each step."""

    def __init__(self, listed: Sequence[mutants.Mutant]):
        self.order = [mutant.name for mutant in listed]
        self.lock = threading.Lock()
        self.found = parse(TABLE.read_text()) if TABLE.exists() else {}

    def has(self, mutant: mutants.Mutant) -> bool:
        mark, tests = self.found.get(mutant.name, NOTHING)
        return bool(tests) and mark == mark_of(mutant)

    def keep(self, mutant: mutants.Mutant, tests: Sequence[str]) -> None:
        with self.lock:
            self.found[mutant.name] = (mark_of(mutant), list(tests))
            write_if_changed(TABLE, render(self.found, self.order))


def look(laboratory: mutants.Laboratory, job: mutants.Job, guest: str) -> list[str]:
    """The tests that kill the mutant, and what the kernel says of it."""
    boot = laboratory.boot([job._replace(whole=True)], guest, PACE)
    if not (boot.found or boot.reasons) and not job.whole:
        # A race that is rarely lost: those that should see it, as often as that takes.
        boot = laboratory.boot([job], guest, PACE)
    found = boot.found.get(job.mutant.name, [])
    tests = list(dict.fromkeys(name.removesuffix(mutants.LATE) for name in found))
    # Where enough was seen, that the guest was ended is no word of the kernel's.
    return [*tests, MORE] if PACE.enough(found) else [*tests, *(KERNEL + reason for reason in boot.reasons[:1])]


def look_at_all(laboratory: mutants.Laboratory, jobs: Sequence[mutants.Job], record: Record) -> None:
    """A few guests at a time."""
    left = iter(jobs)
    lock = threading.Lock()

    def work(guest: str) -> None:
        while True:
            with lock:
                job = next(left, None)
            if job is None:
                return
            tests = look(laboratory, job, guest)
            record.keep(job.mutant, tests)
            say(f'{job.mutant.name}: {len(tests)}: {", ".join([*tests[:3], *tests[3:][-1:]])}')

    workers = [processes.Background(functools.partial(work, f'killers-{number}')) for number in range(GUESTS)]
    for worker in workers:
        worker.result()


def record_killers(options: Options, arguments: argparse.Namespace) -> int:
    listed = mutants.parse(mutants.LIST.read_text())
    wanted = [mutant for mutant in mutants.chosen(listed, arguments.names, options.pattern) if mutant.killers]
    qemu.accelerator(options)
    theirs.need_ours(options, 'make mutants')
    processes.lock()
    laboratory = mutants.Laboratory(options)
    record = Record(listed)
    try:
        new = [mutant for mutant in wanted if not record.has(mutant)]
        files = [mutant for mutant in new if mutant.file == 'fs/eventfd.c']
        if files:
            jobs = laboratory.build_all(files)
            unchanged = look(laboratory, mutants.UNCHANGED, 'killers-0')
            if unchanged:
                raise Broken(f'without any mutant: {", ".join(unchanged[:5])}')
            look_at_all(laboratory, jobs, record)
        for mutant in new:
            if mutant.file != 'fs/eventfd.c':
                laboratory.build_with_patch(mutant)
                look_at_all(laboratory, [mutants.Job(0, mutant)], record)
    finally:
        trees.prepare(options)
    say(f'killers: {len(wanted)} mutants, {len(new)} of them looked at now: {TABLE}')
    return 0


COMMANDS = (Command('killers', 'record for each mutant all tests that kill it (an hour)', record_killers,
                    [Argument('names', 'of mutants; all, if none is named', '*')]),)
