# SPDX-License-Identifier: GPL-2.0
"""Boot the whole suite N times in a row, to find the test that fails once in a while.

A line for each boot, and at the end a table of what ever failed. A failure does not end it; each boot
that fails leaves its console and report in build/*/soak. Exit status: 0 if every boot passed, 1 if
not, 2 for bad input.
"""
import argparse
import collections
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping

from core import processes
from core.command import Command
from core.options import Options
from core.report import say
from guest import qemu, session, verdicts


def failures(result: verdicts.Verdict) -> list[str]:
    """What failed in a boot: tests by name, and whatever else made it red."""
    tests = [f'{program.name}: {test.name}' for program in result.programs for test in program.tests
             if test.kind == 'failed']
    return tests + [reason for reason in result.reasons if reason.removesuffix(' failed') not in tests]


def keep(outcome: qemu.Outcome, folder: pathlib.Path, number: int) -> None:
    """Put aside what a boot left; the next one would write over it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (outcome.console, *map(outcome.console.with_suffix, ('.report', '.qmp'))):
        if path.exists():
            shutil.copyfile(path, folder / f'{number:04}{path.suffix}')


def table(failed: Mapping[str, list[int]], boots: int) -> Iterator[str]:
    """Lines: how often each thing failed, most often first, and in which boots."""
    if failed:
        yield f'{"failed":>8}  what'
    for what, numbers in sorted(failed.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        yield f'{len(numbers):4}/{boots:<3}  {what} (boot {", ".join(map(str, numbers))})'


def soak(options: Options, boot: Callable[[], tuple[qemu.Outcome, verdicts.Verdict]]) -> dict[str, list[int]]:
    """Boot as often as asked for. Returns the failures, each with the numbers of its boots."""
    folder = options.work / 'soak'
    shutil.rmtree(folder, ignore_errors=True)
    failed: dict[str, list[int]] = collections.defaultdict(list)
    red = 0
    for number in range(1, options.boots + 1):
        outcome, result = boot()
        for what in failures(result):
            failed[what].append(number)
        if result.reasons:
            red += 1
            keep(outcome, folder, number)
        say(f'boot {number}/{options.boots}: {"FAIL" if result.reasons else "PASS"}: '
            + ', '.join(f'{result.count(kind)} {kind}' for kind in ('passed', 'failed', 'skipped'))
            + f', {outcome.seconds:.0f} s' + (f': {result.reasons[0]}' if result.reasons else ''))
    say()
    for line in table(failed, options.boots):
        say(line)
    say(f'soak: {"FAIL" if red else "PASS"}: {options.boots - red} of {options.boots} boots passed'
        + (f'; the consoles and reports of the others are in {folder}' if red else ''))
    return failed


def boot_often(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    image, initrd, objects, installed = session.build(options)
    guests = session.shared_out(options, *session.chosen(options, installed), name='soak')
    failed = soak(options, lambda: session.run_guests(options, image, initrd, objects, guests, said='',
                                                      limits=session.limits(options)))
    return 1 if failed else 0


COMMANDS = (Command('soak', 'boot the suite N times, and say which tests ever failed', boot_often),)
