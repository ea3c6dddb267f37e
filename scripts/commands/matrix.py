# SPDX-License-Identifier: GPL-2.0
"""All checks that need a booted kernel, on every kernel and machine, with one table at the end.

Each row is a call of make, in the order of the list below; ROW is a pattern for names of rows. What a
row came to is kept under build/matrix, with its log, and counts for as long as nothing but pages has
changed: a run that was interrupted goes on where it was, and a row that failed is run again.
"document" puts the table into Documentation/dev-tools/eventfd.rst. All of it takes hours.

Exit status: 0 if every row holds, 1 if one does not, 2 for bad input.
"""
import fnmatch
import hashlib
import json
import re
import subprocess
import textwrap
import time

from core import processes
from core.command import Argument, Command
from core.places import BUILD, ROOT, project_files, write_if_changed
from core.report import Broken, refuse, say
from core.tables import simple_table

FOLDER = BUILD / 'matrix'
PAGE = ROOT / 'Documentation/dev-tools/eventfd.rst'
# Of what a row says, in characters.
WIDTH = 60
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
    'stress S=600': r'  (\d+ operations.*)',
    'mutants': '',
}
# A row's log ends with a line that says what it came to; what is before the number is of no use in a table.
SAYS = re.compile(r'(?:verdict|compare|coverage|mutants): (?:PASS|FAIL): (.*)|(\d+ passed, \d+ failed.*)')


def state():
    """Names what is checked: every file but the pages, which say what came of it."""
    digest = hashlib.sha256()
    for name in sorted(project_files()):
        if not name.startswith(('Documentation/', 'README')):
            digest.update(f'{name}\0'.encode() + (ROOT / name).read_bytes() + b'\0')
    return digest.hexdigest()


def result_of(log, more=''):
    """What a row says of itself: the last line of its kind, and what is wanted beside it; nothing, if either is missing."""
    lines = log.splitlines()
    found = [next(filter(None, match.groups())).split('; ')[0] for match in map(SAYS.match, lines) if match]
    wanted = [' '.join(match.groups()) for match in (re.match(more, line) for line in lines if more) if match]
    if not found or more and not wanted:
        return ''
    return '; '.join([found[-1], *dict.fromkeys(wanted)])


def file_of(name):
    return FOLDER / re.sub(r'\W+', '-', name)


def known(name, now):
    """What this row came to in this state, if that was good; else nothing."""
    path = file_of(name).with_suffix('.json')
    row = json.loads(path.read_text()) if path.exists() else {}
    return row if row.get('state') == now and not row['status'] else None


def examine(name, more, now):
    """Run a row: what there is to know of it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = file_of(name).with_suffix('.log')
    start = time.monotonic()
    with open(log, 'w', encoding='utf-8') as out:
        child = subprocess.Popen(['make', '--no-print-directory', *name.split()], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, env=processes.environment(), start_new_session=True)
        stop = processes.stop_at_exit(child)
        status = child.wait()
        stop()
    said = result_of(log.read_text(errors='replace'), more)
    # A make that ends well and says nothing of what it did has not done it.
    row = {'state': now, 'status': status or (0 if said else 1), 'seconds': round(time.monotonic() - start), 'said': said}
    write_if_changed(file_of(name).with_suffix('.json'), json.dumps(row) + '\n')
    return row


def table(rows):
    """A line for each row that ran."""
    for name, row in rows:
        verdict = 'holds' if not row['status'] else 'DOES NOT HOLD'
        yield f'{"make " + name:<24} {verdict:<14} {row["seconds"] / 60:6.1f} min  {row["said"]}'.rstrip()


def matrix(chosen):
    now = state()
    rows = []
    for name, more in chosen.items():
        row = known(name, now)
        if not row:
            say(f'make {name} ...')
            row = examine(name, more, now)
            if state() != now:
                raise Broken('files changed while a row ran: what it says is of neither state; run it again')
        rows.append((name, row))
        say(next(table(rows[-1:])))
    say()
    for line in table(rows):
        say(line)
    bad = sum(1 for _, row in rows if row['status'])
    say(f'matrix: {"FAIL" if bad else "PASS"}: {len(rows) - bad} rows hold, {bad} do not; the logs are in {FOLDER}')
    return 1 if bad else 0


def document():
    now = state()
    rows = [(name, known(name, now)) for name in ROWS]
    missing = [name for name, row in rows if not row]
    if missing:
        refuse(f'make {missing[0]} does not hold, or was not run, in this state: "make matrix" first')
    cells = []
    for name, row in rows:
        first, *rest = textwrap.wrap(row['said'], WIDTH, break_long_words=False, break_on_hyphens=False)
        cells += [(f'``make {name}``', first, f'{row["seconds"] / 60:.0f}'), *(('', line, '') for line in rest)]
    text = '\n'.join(['.. From "make matrix"; "make matrix-doc" writes this part', '',
                      *simple_table(('', 'says', 'minutes'), cells, left=2)])
    before, _, rest = PAGE.read_text().partition(FIRST)
    _, _, after = rest.partition(LAST)
    if not after:
        raise Broken(f'{PAGE} has lost the lines between which the table goes')
    write_if_changed(PAGE, f'{before}{text}\n{LAST}{after}')
    say(f'wrote {PAGE.relative_to(ROOT)}')
    return 0


def main(_options, arguments):
    patterns = arguments.rows or ['*']
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in ROWS):
            refuse(f'"{pattern}" is no row: there are {", ".join(ROWS)}')
    return matrix({name: more for name, more in ROWS.items()
                   if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)})


def documented(_options, _arguments):
    return document()


COMMANDS = (
    Command('matrix', 'all that needs a booted kernel, on every kernel and machine, with a table at the end (hours)', main, [
        Argument('rows', 'patterns for names of rows; all, if there is none', '*')]),
    Command('matrix-doc', 'put the table of make matrix into the documentation', documented),
)
