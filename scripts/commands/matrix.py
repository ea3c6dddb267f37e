# SPDX-License-Identifier: GPL-2.0
"""All checks that need a booted kernel, on every kernel and machine, with one table at the end.

Each row is a call of make, in the order of the list below; ROW is a pattern for names of rows. What a
row came to is kept under build/matrix, with its log, and counts for as long as what it is about stays as it is: for
most of them what is booted, the kernel's files with all that the series makes of them and the suite, but no comment in
these; for check, all but the pages. So a run that was interrupted goes on where it was, and a row that failed is run again.
"document" puts the table into Documentation/dev-tools/eventfd.rst, where a row counts likewise, on other machines too.
All of it takes hours.

Exit status: 0 if every row holds, 1 if one does not, 2 for bad input.
"""
import argparse
import dataclasses
import fnmatch
import functools
import hashlib
import json
import pathlib
import re
import subprocess
import textwrap
import time
from collections.abc import Iterator, Mapping

from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import BUILD, ROOT, project_files, write_if_changed
from core.report import Broken, refuse, say
from core.tables import put_between, simple_table
from source import trees

FOLDER = BUILD / 'matrix'
PAGE = ROOT / 'Documentation/dev-tools/eventfd.rst'
# Of what a row says, in characters.
WIDTH = 60
# Marks a row that ran with another state of what it is about.
EARLIER = '(earlier)'
FIRST, LAST = '.. From "make matrix"', '.. End of what "make matrix-doc" writes'

# What make is called with, and what else of its log belongs into the table.
ROWS = {
    'check': '',                # with the suites of the plain kernel and of DEBUG=1, and stock beside them
    'compare KCSAN=1': r'stock: the kernel complained: (BUG: KCSAN: .*)',
    'run PREEMPT=1': '',
    'run SMP=0': '',
    'run KERNEL=7.3': '',
    'run ARCH=i386': '',
    'compare ARCH=i386 T=NeverZero': r'stock says, .* not_readable Which is: (\d+) .*(of \d+ polls)',
    'run ARCH=arm64': '',
    'run ARCH=s390x': '',
    'coverage': '',
    'programs': '',             # with the boots of ours and of stock for their tests
    'test ROUNDS=100000 T=ClaimRace': '',   # a usual run has 200
    'stress S=600': r'  (\d+ operations.*)',
    'mutants': '',
}
# What a row is about beside what is booted. Where nothing is named, all but the pages.
ABOUT: Mapping[str, tuple[str, ...]] = {'check': (), 'mutants': ('scripts/commands/mutants.txt', 'scripts/commands/mutants.py'),
                                        'programs': ('scripts/commands/programs.py', 'scripts/guest/known_programs.py',
                                                     'scripts/guest/program_tests.py', 'scripts/programs/'),
                                        'coverage': ('scripts/commands/coverage.txt', 'scripts/commands/coverage.py')}
BOOTED = ('scripts/config/', 'scripts/rootfs/')
# What of C and C++ is a comment, beside what only looks like one: strings, characters.
COMMENT = re.compile(rb'(//(?:\\\n|[^\n])*|/\*.*?\*/)|R"([^\s()\\]{0,16})\(.*?\)\2"|"(?:\\.|[^"\\\n])*"|'
                     rb'(?:(?<!\w)|(?<=\b[LuU])|(?<=\bu8))\'(?:\\.|[^\'\\\n])+\'|<[\w./-]+>', re.S)
# A row's log ends with a line that says what it came to; what is before the number is of no use in a table.
SAYS = re.compile(r'(?:verdict|compare|coverage|mutants|programs): (?:PASS|FAIL): (.*)|(\d+ passed, \d+ failed.*)')


@dataclasses.dataclass(frozen=True)
class Row:
    """What a row came to; kept as JSON."""
    state: str          # of the files that it ran with
    status: int         # 0 if it holds
    seconds: int
    said: str

    @property
    def holds(self) -> bool:
        return not self.status

    @property
    def minutes(self) -> float:
        return self.seconds / 60


@functools.cache
def booted() -> dict[str, bytes]:
    """The files that differ from the kernel's in what is booted; what a page says of them is not among them."""
    source = trees.pristine(Options.of({}))
    files = {str(name): data for name, data in trees.contents(source, 'ours').items()}
    return {name: data for name, data in files.items() if not name.startswith(('Documentation/', 'MAINTAINERS'))}


def without_words(name: str, data: bytes) -> bytes:
    """A file without what is said in it to people: comments, and what a command of ours says for help.

    (The numbers of lines move with these, and a row's result does not go by them.)
    """
    if name.endswith('.py'):
        return data.partition(b'\nCOMMANDS = (')[0]
    if not name.endswith(('.c', '.h', '.cpp', '.hpp')):
        return data
    code = COMMENT.sub(lambda match: b' ' if match[1] else match[0], data)
    return b'\n'.join(line.rstrip() for line in code.splitlines() if line.strip())


def state(row: str) -> str:
    """Names what a row is about."""
    names = ABOUT.get(row, BOOTED)
    files = {name: (ROOT / name).read_bytes() for name in (project_files(*names, *BOOTED) if names else project_files())
             if not name.startswith(('Documentation/', 'README'))}
    if names:
        files.update(booted())
    digest = hashlib.sha256()
    for name in sorted(files):
        data = without_words(name, files[name]) if names else files[name]
        digest.update(f'{name}\0'.encode() + data + b'\0')
    return digest.hexdigest()[:16]


def result_of(log: str, more: str = '') -> str:
    """What a row says of itself: the last line of its kind, and what is wanted beside it; nothing, if either is missing."""
    lines = log.splitlines()
    found = [(match.group(1) or match.group(2)).split('; ')[0] for match in map(SAYS.match, lines) if match]
    wanted = [' '.join(match.groups()) for match in (re.match(more, line) for line in lines if more) if match]
    if not found or more and not wanted:
        return ''
    return '; '.join([found[-1], *dict.fromkeys(wanted)])


def file_of(name: str) -> pathlib.Path:
    return FOLDER / re.sub(r'\W+', '-', name)


def last(name: str) -> Row | None:
    """What this row came to when it last held: here, or as the page has it."""
    path = file_of(name).with_suffix('.json')
    row = Row(**json.loads(path.read_text())) if path.exists() else None
    if row and row.holds:
        return row
    kept = re.search(rf'^   {re.escape(name)} \| (\S+) \| (\d+) \| (.*)$', PAGE.read_text(), re.M)
    return Row(kept[1], 0, int(kept[2]), kept[3]) if kept else None


def known(name: str, now: str) -> Row | None:
    """The same if it was in this state."""
    row = last(name)
    return row if row and row.state == now else None


def examine(name: str, more: str, now: str) -> Row:
    """Run a row: what there is to know of it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = file_of(name).with_suffix('.log')
    start = time.monotonic()
    with open(log, 'w', encoding='utf-8') as out:
        child = subprocess.Popen(processes.ending_with_us(['make', '--no-print-directory', *name.split()]), cwd=ROOT,
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                 env=processes.environment(), start_new_session=True)
        stop = processes.stop_at_exit(child)
        status = child.wait()
        stop()
    said = result_of(log.read_text(errors='replace'), more)
    # A make that ends well and says nothing of what it did has not done it.
    row = Row(now, status or (0 if said else 1), round(time.monotonic() - start), said)
    write_if_changed(file_of(name).with_suffix('.json'), json.dumps(dataclasses.asdict(row)) + '\n')
    return row


def line_of(name: str, row: Row) -> str:
    """What the table says of a row that ran."""
    return f'{"make " + name:<24} {"holds" if row.holds else "DOES NOT HOLD":<14} {row.minutes:6.1f} min  {row.said}'.rstrip()


def matrix(chosen: Mapping[str, str]) -> int:
    """Run these rows, but for those that hold already, and show the table; the exit status."""
    rows: dict[str, Row] = {}
    for name, more in chosen.items():
        now = state(name)
        row = known(name, now)
        if not row:
            say(f'make {name} ...')
            row = examine(name, more, now)
            booted.cache_clear()
            if state(name) != now:
                raise Broken('files changed while a row ran: what it says is of neither state; run it again')
        rows[name] = row
        say(line_of(name, row))
    say()
    for name, row in rows.items():
        say(line_of(name, row))
    bad = sum(not row.holds for row in rows.values())
    say(f'matrix: {"FAIL" if bad else "PASS"}: {len(rows) - bad} rows hold, {bad} do not; the logs are in {FOLDER}')
    return 1 if bad else 0


def cells_of(name: str, row: Row) -> Iterator[tuple[str, str, str]]:
    """The lines of the page's table for a row."""
    first, *more = textwrap.wrap(row.said, WIDTH, break_long_words=False, break_on_hyphens=False)
    call, mark, _ = name.partition(f' {EARLIER}')
    yield f'``make {call}``{mark}', first, f'{row.minutes:.0f}'
    for line in more:
        yield '', line, ''


def write_page(_options: Options, _arguments: argparse.Namespace) -> int:
    cells: list[tuple[str, str, str]] = []
    kept: list[str] = []
    for name in ROWS:
        row = last(name)
        if not row:
            refuse(f'make {name} has never held: "make matrix" first')
        cells += cells_of(name if row.state == state(name) else f'{name} {EARLIER}', row)
        kept.append(f'   {name} | {row.state} | {row.seconds} | {row.said}')
    put_between(PAGE, FIRST, LAST, [
        f'{FIRST}; "make matrix-doc" writes this part', '', *simple_table(('', 'says', 'minutes'), cells, left=2),
        '.. What each row was about when it ran, for "make matrix" to know it by:', '', *kept, ''])
    say(f'wrote {PAGE.relative_to(ROOT)}')
    return 0


def run_rows(_options: Options, arguments: argparse.Namespace) -> int:
    patterns = arguments.rows or ['*']
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in ROWS):
            refuse(f'"{pattern}" is no row: there are {", ".join(ROWS)}')
    return matrix({name: more for name, more in ROWS.items()
                   if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)})


COMMANDS = (
    Command('matrix', 'all that boots, on every kernel and machine, with a table (hours)',
            run_rows, [Argument('rows', 'patterns for names of rows; all, if there is none', '*')]),
    Command('matrix-doc', 'put the table of make matrix into the documentation', write_page),
)
