# SPDX-License-Identifier: GPL-2.0
"""The rows on other systems that claim to be Linux: QEMU's user mode and gVisor, beside what is known to differ there.

Each program that shows a row by itself (scripts/checks/shown.py) is built for the system's machine and run on it, and so
is the conformance program, which has all tests of a row. What differs there is in a list of the project's,
scripts/checks/others/SYSTEM-VERSION.txt, a line each: the row, and what the system does otherwise. A row that differs and
is in no list is a failure, and so is one in the list that does not differ any more. A system that this machine has not, or
of a version without a list, is skipped, with the reason.

gVisor's runsc comes from Debian 13, unpacked under build/, and QEMU's user mode from the Debian that runs here. Exit
status: 0 if what differs is what the lists say, 1 if not, 2 for bad input.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from checks import behaviours, conformance, shown
from core import processes
from core.command import Command
from core.machines import ARCHES
from core.options import Options
from core.places import BUILD, ROOT, write_if_changed
from core.report import Broken, Refusal, refuse, say, tell
from source import debian

LISTS = pathlib.Path(__file__).with_name('others')
PAGE = 'Documentation/userspace-api/eventfd-elsewhere.rst'
# Whose programs QEMU's user mode runs: the processor's own ones, 32-bit ones, and big-endian ones.
EMULATED = ('x86_64', 'i386', 's390x')
# In which of these ways gVisor catches the system calls is nothing to eventfds. The first one that starts is used.
PLATFORMS = ('systrap', 'ptrace')
# How long a run may take to show that the system starts at all.
START = 60
# What a reason begins with where the row's own program is as on Linux, and some other test of the row is not.
SUITE_ALONE = 'in its tests alone: '
# How long the conformance program may take; it ends by itself before.
WHOLE = 400
# In the table's cells; a blank is an error of reStructuredText's there.
OTHERWISE, AS_LINUX = 'x', '\\-'
# What the conformance program calls the tests that belong to no row, and what the page does.
NO_ROW, REST = '-', 'others'
# Of a sandbox each is a few processes.
BESIDE = 4


class System(NamedTuple):
    """One that is here and starts."""
    name: str                   # of its list, without the version: gvisor, qemu-user
    version: str
    machine: str                # whose programs it runs
    runner: tuple[str, ...]     # what comes before a program's path

    @property
    def label(self) -> str:
        return '-'.join((self.name, self.version, *([self.machine] if self.name == 'qemu-user' else [])))

    @property
    def list(self) -> pathlib.Path:
        return LISTS / f'{self.label}.txt'


class Absent(NamedTuple):
    """One that is not."""
    label: str
    reason: str


def parse(text: str) -> dict[str, str]:
    """{row: what is otherwise} of a list's lines, which are a row and its reason, or begin with #."""
    entries: dict[str, str] = {}
    for count, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith('#'):
            continue
        row, _, reason = line.partition(' ')
        if not reason.strip():
            refuse(f'line {count} of the list says nothing of row {row}: write what the system does otherwise')
        if row in entries:
            refuse(f'line {count} of the list names row {row} a second time: leave one of them')
        entries[row] = reason.strip()
    return entries


def title(text: str) -> str:
    """What a list is of: its second comment."""
    comments = [line.lstrip('# ').strip() for line in text.splitlines() if line.startswith('#') and line.strip('# ')]
    return comments[1].rstrip('.') if len(comments) > 1 else ''


def first_line(words: Sequence[str]) -> str:
    """What a program says of its version."""
    try:
        return subprocess.run([*words], capture_output=True, text=True, check=False, timeout=START).stdout.partition('\n')[0]
    except (OSError, subprocess.TimeoutExpired):
        return ''


def starts(runner: Sequence[str], program: str) -> str:
    """Why a program does not run there, or nothing. What it says goes through a pipe, as a sandbox may have its own file positions."""
    try:
        done = subprocess.run([*runner, program], input='', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors='replace', check=False, timeout=START)
    except OSError as error:
        return f'{runner[0]}: {error.strerror}'
    except subprocess.TimeoutExpired:
        return f'{runner[0]} does not start in {START} s'
    last = (done.stdout.strip().splitlines() or [f'exit status {done.returncode}'])[-1]
    return f'{runner[0]} does not start: {last}' if done.returncode else ''


def emulator(machine: str) -> System | Absent:
    program = f'qemu-{machine}'
    version = re.search(r'version (\d+\.\d+)', first_line([program, '--version']))
    if not version:
        return Absent(f'qemu-user {machine}', f'there is no {program}: apt-get install qemu-user')
    return System('qemu-user', version[1], machine, (program,))


def runscs() -> Iterator[str]:
    """Where gVisor's runsc is: Debian 13's, and the one that is installed."""
    folder = debian.DOWNLOADS / 'runsc'
    if not folder.exists():
        try:
            debian.need_apt('gVisor', 'use a machine with Debian, or a container of it')
            debian.DOWNLOADS.mkdir(parents=True, exist_ok=True)
            debian.unpack(['runsc'], debian.apart('stable', debian.STABLE), folder)
        except (Broken, Refusal) as reason:
            say(f'Debian 13\'s runsc cannot be had: {reason}')
    if (folder / 'usr/bin/runsc').exists():
        yield str(folder / 'usr/bin/runsc')
    installed = shutil.which('runsc')
    if installed:
        yield installed


def sandboxes() -> Iterator[System | Absent]:
    seen: set[str] = set()
    for path in runscs():
        version = re.search(r'20\d{6}', first_line([path, '--version']))
        if not version or version[0] in seen:
            continue
        seen.add(version[0])
        why: list[str] = []
        for platform in PLATFORMS:
            runner = (path, '--rootless', '--network=none', f'--platform={platform}', 'do')
            why.append(starts(runner, '/bin/true'))
            if not why[-1]:
                yield System('gvisor', version[0], 'x86_64', runner)
                break
        else:
            yield Absent(f'gvisor-{version[0]}', why[-1])
    if not seen:
        yield Absent('gvisor', 'there is no runsc')


def systems() -> Iterator[System | Absent]:
    for machine in EMULATED:
        yield emulator(machine)
    yield from sandboxes()


def programs_for(machine: str) -> dict[str, pathlib.Path]:
    """All programs, static, as the libraries of another machine are nowhere here."""
    return shown.build(BUILD / f'host-{machine}/rows', f'{ARCHES[machine].cross}gcc', '-static', '-s')


def judge(label: str, known: Mapping[str, str], said: Mapping[str, shown.Said]) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each row: it differs, and the list has to say so, or it does not."""
    known = {row: reason for row, reason in known.items() if not reason.startswith(SUITE_ALONE)}
    for row, one in said.items():
        if one.reason:
            continue
        name = f'{label}: row {row}'
        if row not in known:
            yield f'{name} is as on Linux', f'it differs, and is not in the list: {one.wrong}' if one.wrong else ''
        else:
            yield f'{name} differs, as is known: {known[row]}', '' if one.wrong else 'it does not differ any more: take it out of the list'
    for row in known:
        if row not in said:
            yield f'{label}: row {row}', 'it is in the list, and no program shows it'


def examine(system: System) -> dict[str, shown.Said]:
    """Run all on the system. What is not as its list says is run again, alone: a busy machine is no difference."""
    programs = programs_for(system.machine)
    said = shown.run_all(programs, system.runner, beside=BESIDE)
    known = parse(system.list.read_text())
    for row, one in said.items():
        if not one.reason and bool(one.wrong) != (row in known and not known[row].startswith(SUITE_ALONE)):
            said[row] = shown.run(programs[row], system.runner)
    return said


def suite_of(system: System, program: pathlib.Path, *words: str) -> dict[str, Any]:
    """What the conformance program says on the system, beside the list."""
    done = subprocess.run([*system.runner, str(program), '--json', f'--expect={system.list}', *words], input='',
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors='replace', check=False,
                          timeout=WHOLE)
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stdout.strip().splitlines() or ['nothing'])[-1]
        raise Broken(f'{system.label}: the conformance program says "{last}", exit status {done.returncode}') from None
    return said


def judge_suite(label: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each row that the suite can judge there."""
    for row in rows:
        name = f'{label}: all tests of row {row["row"]}'
        if row['status'] == 'differs':
            first = row['failures'][0]
            yield name, (f'it differs, and is not in the list: {first["test"]}: expected {first["expected"]}, '
                         f'saw {first["seen"]}')
        elif row['status'] == 'mended':
            yield name, 'it does not differ any more: take it out of the list'
        elif row['status'] != 'unknown':
            yield name, ''


def examine_by_suite(system: System, program: pathlib.Path) -> list[tuple[str, str]]:
    """All tests on the system. A row that is not as its list says is judged again, alone."""
    rows = suite_of(system, program)['rows']
    for place, row in enumerate(rows):
        if row['status'] in ('differs', 'mended'):
            # The last row is that of the tests that no other has, and is not asked for by its name.
            only = row['row'] if row['row'] != NO_ROW else ':'.join(one['test'] for one in row['failures'])
            again = suite_of(system, program, f'--filter={only}')['rows'] if only else []
            rows[place] = next((one for one in again if one['row'] == row['row']), row)
    return list(judge_suite(system.label, rows))


def all_results(here: Sequence[System]) -> dict[str, list[tuple[str, str]]]:
    """{label: what there is to say of each row}. The suite sleeps more than it runs: two systems at a time."""
    programs = {machine: conformance.build(Options.of({'ARCH': machine})) for machine in sorted({one.machine for one in here})}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        by_suite = list(pool.map(lambda one: examine_by_suite(one, programs[one.machine]), here))
    return {one.label: [*judge(one.label, parse(one.list.read_text()), examine(one)), *found] for one, found in zip(here, by_suite)}


def check_all() -> tuple[int, list[str], int]:
    """How many rows are as they should be, a line for each that is not, and how many systems were skipped."""
    passed = skipped = 0
    wrong: list[str] = []
    here: list[System] = []
    for one in systems():
        if isinstance(one, System) and not one.list.exists():
            one = Absent(one.label, f'there is no list {one.list.relative_to(ROOT)}: no one has looked at this version')
        if isinstance(one, Absent):
            say(f'skipped: {one.label}: {one.reason}')
            skipped += 1
        else:
            here.append(one)
    found_of = all_results(here)
    for one in here:
        found = found_of[one.label]
        unlike = [(name, why) for name, why in found if why]
        tell(unlike)
        say(f'{one.label}: {len(found) - len(unlike)} rows as they should be, {len(parse(one.list.read_text()))} of them known to differ, '
            f'{len(unlike)} not')
        passed += len(found) - len(unlike)
        wrong += [f'{name}: {why}' for name, why in unlike]
    return passed, wrong, skipped


def check_others(_options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    passed, wrong, skipped = check_all()
    say(f'others: {passed} passed, {len(wrong)} failed, {skipped} systems skipped')
    return 1 if wrong or not passed else 0


HEAD = '''.. SPDX-License-Identifier: GPL-2.0

.. Made by "scripts/eventfd others-doc" from scripts/checks/others: change that.

=================
Eventfd elsewhere
=================

Systems that run Linux's programs without being Linux have an eventfd of their
own, or pass the calls on. What each of these does otherwise was seen by the
row's own program, which "eventfd_conformance --show ROW" prints, or, where the
entry says so, by the row's other tests; "make check-others" looks whether it
still is. ("make conformance-tarball" builds that program, and says where it is.)
In the table "x" is otherwise than on Linux, and "-" is as on Linux, or cannot be
asked there. A row that is not in it is as on Linux on all of them, as far as it
can be shown there. An entry "others" is about tests that belong to no row.

'''


def render(lists: Mapping[str, str], rows: Sequence[behaviours.Row]) -> str:
    """The page: a table of systems and rows, then a list for each system. lists: {label: text}."""
    known = {label: parse(text) for label, text in lists.items()}
    texts = {row.number: row.text for row in rows}
    out = [HEAD, 'The systems:\n']
    letters = {label: chr(ord('A') + index) for index, label in enumerate(known)}
    out += [f'* {letters[label]}: {title(text)}, {len(known[label].keys() - {NO_ROW})} rows differ' for label, text in lists.items()]
    out += ['', '.. list-table::', '   :header-rows: 1', f'   :widths: 8 60{" 5" * len(known)}', '', '   * - row', '     - on Linux']
    out += [f'     - {letters[label]}' for label in known]
    for row in texts:
        if any(row in entries for entries in known.values()):
            out += [f'   * - {row}', f'     - {behaviours.prose(texts[row])}',
                    *(f'     - {OTHERWISE if row in entries else AS_LINUX}' for entries in known.values())]
    for label, text in lists.items():
        head = f'{letters[label]}. {title(text)}'
        out += ['', head, '=' * len(head), '', '.. list-table::', '   :widths: 8 92', '']
        for row, reason in known[label].items():
            out += [f'   * - {REST if row == NO_ROW else row}', f'     - {behaviours.prose(reason)}']
    return '\n'.join(out) + '\n'


def page() -> str:
    lists = {path.stem: path.read_text() for path in sorted(LISTS.glob('*.txt'))}
    return render(lists, behaviours.parse((ROOT / behaviours.ROWS).read_text())[0])


def complaint() -> str:
    """What is wrong with the page, or nothing."""
    target = ROOT / PAGE
    return '' if target.is_file() and target.read_text() == page() else \
        f'{PAGE} is not what {LISTS.relative_to(ROOT)} makes: run "scripts/eventfd others-doc"'


def write_page(_options: Options, _arguments: argparse.Namespace) -> int:
    write_if_changed(ROOT / PAGE, page())
    say(f'wrote {PAGE}')
    return 0


COMMANDS = (
    Command('check-others', "the rows on gVisor and QEMU's user mode, beside what is known of these", check_others),
    Command('others-doc', 'write the page of what other systems do otherwise', write_page),
)
