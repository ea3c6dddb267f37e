# SPDX-License-Identifier: GPL-2.0
"""The table of eventfd's behaviours: what each row says, and which tests show it.

The rows are those of rows.txt, in the suite's folder, which says its format itself. write makes
Documentation/userspace-api/eventfd-behaviours.rst from them. check looks whether that is up to date
and whether each row has tests, or a reason for none, and the built programs have those tests: "make
run" builds them. Exit status: 0 if all is well, 1 with a line for each row that is not, 2 for bad
input.
"""
import argparse
import dataclasses
import fnmatch
import pathlib
import re
import subprocess
from collections.abc import Collection, Iterator, Sequence

from core.command import Command
from core.options import Options
from core.places import ROOT, SUITE, write_if_changed
from core.report import refuse, say
from guest import rootfs

ROWS = f'tools/testing/selftests/{SUITE}/rows.txt'
# What reads them, here as for the suite's own programs.
READER = f'tools/testing/selftests/{SUITE}/rows.awk'
TABLE = 'Documentation/userspace-api/eventfd-behaviours.rst'
KUNIT = 'fs/tests/eventfd_kunit.c'

SECTIONS = {
    '1a': 'Creation and flags',
    '1b': 'Read and write: values and sizes',
    '1c': 'Tasks that wait',
    '1d': 'poll, select and epoll',
    '1e': 'Other file operations, and /proc',
    '1f': 'Users in the kernel',
    '2': 'The implementation, from top to bottom',
    '3': 'EFD_AUTORESET',
}

HEAD = f'''.. SPDX-License-Identifier: GPL-2.0

.. Made by "scripts/eventfd rows-doc" from {ROWS}: change that.

=====================
Behaviours of eventfd
=====================

What user space can see of an eventfd, row by row, and the tests of
``tools/testing/selftests/{SUITE}`` that assert it. "Full" is 2^64 - 2, which
is as far as write(2) goes; "overflowed" is 2^64 - 1, which only the kernel's
own signals reach. In the name of a test ``*`` stands for any part of it.
'''


@dataclasses.dataclass
class Row:
    number: str
    text: str
    line: int                # of rows.txt
    tests: list[str] = dataclasses.field(default_factory=list)
    kunit: list[str] = dataclasses.field(default_factory=list)
    reason: str = ''         # why it is not tested

    @property
    def section(self) -> str:
        return self.number.split('.')[0]


def parse(text: str) -> tuple[list[Row], list[str]]:
    """The rows of a rows.txt, and what is wrong with its lines."""
    rows: list[Row] = []
    wrong: list[str] = []
    read = subprocess.run(['awk', '-f', ROOT / READER], input=text, capture_output=True, text=True, check=True)
    for line in read.stdout.splitlines():
        kind, value, *more = line.split('\t')
        if kind == 'row':
            rows.append(Row(value, more[1], int(more[0])))
        elif kind == 'wrong':
            wrong.append('\t'.join([value, *more]))
        elif kind == 'reason':
            rows[-1].reason = value
        else:
            (rows[-1].kunit if kind == 'kunit' else rows[-1].tests).append(value)
    return rows, wrong


def misplaced(rows: Sequence[Row]) -> Iterator[str]:
    """The rows of each section have to be numbered from 1 on, and the sections known."""
    expected = [f'{section}.{place}' for section in SECTIONS
                for place in range(1, 1 + sum(row.section == section for row in rows))]
    for row in rows:
        if row.section not in SECTIONS:
            yield f'row {row.number} is of no known section: use {", ".join(SECTIONS)}'
            return
    for row, number in zip(rows, expected):
        if row.number != number:
            yield f'row {row.number} on line {row.line} stands where row {number} should'
            return


def tests_of(program: pathlib.Path) -> list[str]:
    """The full names of a program's tests, asked of itself."""
    said = subprocess.run([program, '--gtest_list_tests'], capture_output=True, text=True, check=False, timeout=60)
    suite = ''
    names: list[str] = []
    # One that is no GoogleTest program says something else.
    for line in said.stdout.splitlines() if not said.returncode else ():
        name = line.split('#')[0].rstrip()
        if not line.startswith(' '):
            suite = name if re.fullmatch(r'[\w/]+\.', name) else ''
        elif suite and 'DISABLED_' not in suite + name:
            names.append(suite + name.strip())
    return names


def listed(installed: pathlib.Path) -> set[str]:
    """The full names of all tests."""
    # Programs that need a kernel of their own kind are among them: they are built for any.
    return {name for program in rootfs.needs(installed) for name in tests_of(installed / SUITE / program)}


def kunit_cases() -> set[str]:
    """The cases that the KUnit suite lists."""
    path = ROOT / KUNIT
    text = path.read_text() if path.is_file() else ''
    return set(re.findall(r'\bKUNIT_CASE(?:_\w+)?\(\s*(\w+)', text))


def complaints(text: str, tests: Collection[str], cases: Collection[str], table: str) -> list[str]:
    """What is wrong, a line each: with the rows, with the tests that they name, and with the table."""
    rows, wrong = parse(text)
    wrong += misplaced(rows)
    if not rows:
        wrong.append('there are no rows')
    for row in rows:
        if not (row.tests or row.kunit or row.reason):
            wrong.append(f'row {row.number} has neither a test nor a reason why not ("not tested: why")')
        if row.reason and (row.tests or row.kunit):
            wrong.append(f'row {row.number} has tests and says that it is not tested')
        wrong += [f'row {row.number} names the test {name}, which no program has' for name in row.tests
                  if not fnmatch.filter(tests, name.replace('[', '[[]').replace('?', '[?]'))]
        wrong += [f'row {row.number} names the KUnit case {name}, which {KUNIT} does not have' for name in row.kunit
                  if name not in cases]
    if table != render(rows):
        wrong.append(f'{TABLE} is not what {ROWS} makes: run "scripts/eventfd rows-doc"')
    return wrong


def prose(text: str) -> str:
    """Text that reStructuredText takes as it is."""
    return re.sub(r'_(?=\W|$)', r'\\_', re.sub(r'([\\*`|])', r'\\\1', text))


def cell(row: Row) -> list[str]:
    """What shows a row, as lines of a table's cell."""
    shown = [f'``{name}``' for name in row.tests] + [f'KUnit ``{name}``' for name in row.kunit]
    return [f'| {line}' for line in shown] or [f'not tested: {prose(row.reason)}']


def render(rows: Sequence[Row]) -> str:
    """The table of the documentation."""
    out = [HEAD]
    for section, title in SECTIONS.items():
        own = [row for row in rows if row.section == section]
        if not own:
            continue
        out.append(f'{section}. {title}\n{"=" * (len(section) + 2 + len(title))}\n')
        out.append('.. list-table::\n   :header-rows: 1\n   :widths: 6 47 47\n\n'
                   '   * - row\n     - behaviour\n     - tests')
        for row in own:
            first, *more = cell(row)
            out.append('\n'.join([f'   * - {row.number}', f'     - {prose(row.text)}', f'     - {first}',
                                  *(f'       {line}' for line in more)]))
        out.append('')
    return '\n'.join(out)


def built(options: Options) -> pathlib.Path:
    """Where the built suite is."""
    installed = options.work / 'kselftest'
    if not rootfs.programs(installed):
        refuse(f'{installed} has no suite: "make run" builds it')
    return installed


def check(installed: pathlib.Path) -> list[str]:
    """What is wrong with the rows as they are, a line each."""
    table = ROOT / TABLE
    return complaints((ROOT / ROWS).read_text(), listed(installed), kunit_cases(),
                      table.read_text() if table.is_file() else '')


def write_page(_options: Options, _arguments: argparse.Namespace) -> int:
    rows, wrong = parse((ROOT / ROWS).read_text())
    if wrong:
        refuse(f'{ROWS}: {wrong[0]}')
    write_if_changed(ROOT / TABLE, render(rows))
    tested = sum(not row.reason for row in rows)
    say(f'{TABLE}: {len(rows)} rows, {tested} of them with tests')
    return 0


def check_rows(options: Options, _arguments: argparse.Namespace) -> int:
    wrong = check(built(options))
    for line in wrong:
        say(line)
    return 1 if wrong else 0


COMMANDS = (
    Command('rows-doc', 'write the page of behaviours from rows.txt', write_page),
    Command('rows-check', 'whether that page is up to date, and each row has tests that are there', check_rows),
)
