# SPDX-License-Identifier: GPL-2.0
"""Count what of fs/eventfd.c the booted suite runs: each line, and each way out of each branch.

Builds a kernel that counts, with fault injection, boots it to the whole suite and the kernel's own
tests, or to those that T names, and reads the counts with gcov. coverage.txt beside it lists what they
cannot reach, with the reason. The counts are in build/KERNEL-ARCH-coverage/coverage.txt, and in
html/ beside it. Exit status: 0 if the tests passed, all that is not listed was reached, and nothing
that is; 1 if not; 2 for bad input.
"""
import argparse
import binascii
import gzip
import json
import pathlib
import re
import shutil
from collections.abc import Mapping, Sequence

from core import processes
from core.command import Command
from core.options import Options
from core.places import write_if_changed
from core.report import Broken, say
from guest import qemu, session, verdicts
from source import theirs

LIST = pathlib.Path(__file__).with_name('coverage.txt')
SOURCE = 'fs/eventfd.c'

# (function, text of the line)
Place = tuple[str, str]
# How often a line ran, and how often each way out of it was taken.
Count = tuple[int, list[int]]


def listed(text: str) -> dict[Place, str]:
    """Why not all of these is reached, as coverage.txt says it."""
    reasons: dict[Place, str] = {}
    place: Place | None = None
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.partition(': ')
        if not line or line.startswith('#'):
            continue
        if word == 'line' and ': ' in rest:
            function, _, code = rest.partition(': ')
            place = function, code
            reasons[place] = ''
        elif word == 'why' and place:
            reasons[place] = f'{reasons[place]} {rest}'.strip()
        else:
            raise Broken(f'{LIST}:{number}: "{line}" is neither "line: FUNCTION: TEXT" nor, after one, "why: REASON"')
    for place, why in reasons.items():
        if not why:
            raise Broken(f'{LIST}: "{": ".join(place)}" has no reason: add "why: REASON"')
    return reasons


def counts(folder: pathlib.Path, data: bytes) -> dict[int, Count]:
    """gcov's account of the file, by the number of the line."""
    (folder / 'eventfd.gcda').write_bytes(data)
    processes.run(['gcov', '--json-format', '--branch-probabilities', 'eventfd.gcda'], folder / 'gcov.log', 'gcov',
                  cwd=folder)
    result: dict[int, Count] = {}
    with gzip.open(folder / 'eventfd.gcov.json.gz') as packed:
        for file in json.load(packed)['files']:
            if not file['file'].endswith(f'/{SOURCE}'):
                continue
            # What is inlined comes once for each place.
            for line in file['lines']:
                ran, ways = result.get(line['line_number'], (0, []))
                result[line['line_number']] = (ran + line['count'],
                                               ways + [branch['count'] for branch in line['branches']])
    if not result:
        raise Broken(f'gcov knows nothing of {SOURCE}; the log is {folder / "gcov.log"}')
    return result


def function_of(text: Sequence[str], number: int) -> str:
    """The function that a line is in: in the kernel's style nothing else with a parenthesis starts a line."""
    for line in reversed(text[:number]):
        match = re.match(r'(?:[A-Za-z_][^=;(]*[\s*])?([A-Za-z_]\w*)\(', line)
        if match:
            return match.group(1)
    return ''


def judge(seen: Mapping[int, Count], text: Sequence[str], reasons: Mapping[Place, str]) -> tuple[list[str], list[str], int]:
    """(the lines of the report, what is wrong, how many lines are listed) for the counts of a source text."""
    report: list[str] = []
    wrong: list[str] = []
    used: set[Place] = set()
    for number, (ran, ways) in sorted(seen.items()):
        line = text[number - 1].strip()
        place = function_of(text, number), line
        missing = not ran or 0 in ways
        mark = ' '
        if missing and place in reasons:
            mark = '-'
            used.add(place)
        elif missing:
            mark = '!'
            wrong.append(f'{SOURCE}:{number}: ' + (f'of its ways out {ways.count(0)} of {len(ways)} were never taken'
                                                   if ran else 'never ran') + f': {": ".join(place)}')
        report.append(f'{mark} {number:5} {ran:10}  {" ".join(map(str, ways)):30}  {text[number - 1]}'.rstrip())
    wrong += [f'{LIST.name} says that not all of this is reached, and it is, or it is not there: {": ".join(place)}'
              for place in reasons if place not in used]
    return report, wrong, len(used)


def write_pages(folder: pathlib.Path, target: pathlib.Path) -> None:
    """The same as HTML."""
    branches = ['--rc', 'lcov_branch_coverage=1']
    for command in (['lcov', *branches, '--capture', '--directory', '.', '--output-file', 'all.info'],
                    ['lcov', *branches, '--extract', 'all.info', f'*/{SOURCE}', '--output-file', 'eventfd.info'],
                    ['genhtml', '--branch-coverage', '--output-directory', str(target), 'eventfd.info']):
        processes.run(command, folder / f'{command[0]}.log', command[0], cwd=folder)


def count_lines(options: Options, _arguments: argparse.Namespace) -> int:
    options = options.flavoured('coverage')
    qemu.accelerator(options)
    theirs.need_ours(options, 'make coverage')
    processes.lock()
    reasons = listed(LIST.read_text())
    image, initrd, objects, installed = session.build(options)
    kunit = session.kunit_selection(options)
    programs, pattern = session.chosen(options, installed, others=kunit)
    expected = [*programs, *([verdicts.KUNIT] if kunit else [])]
    outcome, result = session.run_guest(options, image, initrd, objects, expected, name='coverage', kunit=kunit,
                                        files=session.settings(options, programs, pattern),
                                        limits=session.limits(options))
    failed = session.report(options, outcome, result)
    if 'gcda' not in result.facts:
        raise Broken('the guest sent no counts: it did not come to its end, or its kernel has no gcov')
    folder = options.work / 'gcov'
    folder.mkdir(exist_ok=True)
    shutil.copyfile(objects / 'fs/eventfd.gcno', folder / 'eventfd.gcno')
    seen = counts(folder, binascii.a2b_base64(result.facts['gcda']))
    text = (options.work / 'tree' / SOURCE).read_text().splitlines()
    report, wrong, used = judge(seen, text, reasons)
    write_if_changed(options.work / 'coverage.txt', ''.join(f'{line}\n' for line in report))
    write_pages(folder, options.work / 'html')
    say()
    for line in wrong:
        say(f'  {line}')
    ways = [count for _, branches in seen.values() for count in branches]
    say(f'coverage: {"FAIL" if wrong or failed else "PASS"}: {sum(1 for ran, _ in seen.values() if ran)} of {len(seen)} '
        f'lines, {sum(1 for way in ways if way)} of {len(ways)} branches, {used} lines listed with the reason; '
        f'{options.work}/html/index.html')
    return 1 if wrong or failed else 0


COMMANDS = (
    Command('coverage', 'the lines and branches of fs/eventfd.c that the suite runs',
            count_lines),
)
