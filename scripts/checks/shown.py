# SPDX-License-Identifier: GPL-2.0
"""The programs that show a row each, by themselves: tools/testing/selftests/filesystems/eventfd/rows.

They are compiled as whoever gets one from "eventfd_conformance --show ROW" compiles it, with all warnings, and run on
the running kernel. Each says as Linux (exit status 0), otherwise (1, or a signal if it hangs), or that it cannot be
asked here (2), and why. Exit status: 0 if none differs, 1 if one does, 2 for bad input.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from checks import behaviours
from core import processes
from core.command import Command
from core.options import Options, need_programs_here
from core.places import BUILD, ROOT, SUITE_FOLDER
from core.report import tell

FOLDER = ROOT / SUITE_FOLDER / 'rows'
UNSHOWN = FOLDER / 'unshown.txt'
# What all of them include, and --show puts into each.
COMMON = FOLDER / 'show.h'
FLAGS = ('-Wall', '-Wextra', '-Werror', '-O1', '-pthread')
# What a program may say where it has exit status 2.
REASON = re.compile(r'^cannot be asked: (.*)$', re.M)
# They sleep more than they run.
BESIDE = 8


class Said(NamedTuple):
    """What a program came to."""
    status: int         # negative: the signal that ended it
    text: str

    @property
    def reason(self) -> str:
        """Why it cannot be asked, where it cannot."""
        found = REASON.search(self.text)
        return found[1] if self.status == 2 and found else ''

    @property
    def wrong(self) -> str:
        """What differs, or nothing."""
        if self.status == 0 or self.reason:
            return ''
        lines = [line for line in self.text.splitlines() if line] or ['it says nothing']
        return f'exit status {self.status}: {"; ".join(lines[-3:])}'


def shown() -> dict[str, pathlib.Path]:
    """{row: its program's source}."""
    return {path.stem: path for path in sorted(FOLDER.glob('*.c'))}


def unshown() -> dict[str, str]:
    """{row: why no program shows it}."""
    lines = [line.split(' ', 1) for line in UNSHOWN.read_text().splitlines() if line and not line.startswith('#')]
    return {row: why for row, why in lines}


def complaints(rows: Sequence[behaviours.Row], programs: Mapping[str, str], without: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the folder: each row has a program, {row: text}, which says what it is of, or a reason for none."""
    for row in rows:
        if (row.number in programs) == (row.number in without):
            yield f'row {row.number} has {"both" if row.number in programs else "neither"} a program and a reason for none'
        elif row.number in programs:
            comment = re.match(r'// SPDX[^\n]*\n/\*(.*?)\*/', programs[row.number], re.S)
            says = ' '.join(re.sub(r'^ \*', '', comment[1], flags=re.M).split()) if comment else ''
            if says != f'Row {row.number}: {row.text}':
                yield f'rows/{row.number}.c does not begin with what the row says: {says}'
    known = {row.number for row in rows}
    for number in {**programs, **without}:
        if number not in known:
            yield f'there is no row {number}'


def build(folder: pathlib.Path, compiler: str, *flags: str) -> dict[str, pathlib.Path]:
    """Compile all, beside one another; {row: program}."""
    folder.mkdir(parents=True, exist_ok=True)

    def one(row: str, source: pathlib.Path) -> pathlib.Path:
        target = folder / row
        newest = max(path.stat().st_mtime for path in (source, COMMON))
        if not target.exists() or target.stat().st_mtime < newest:
            processes.run([compiler, *FLAGS, *flags, '-o', target, source], folder / f'{row}.log', f'compiling {source.name}')
        return target
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(shown(), pool.map(one, shown(), shown().values())))


def run(program: pathlib.Path, runner: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Said:
    # Its input is no file of the machine's: gVisor gives what it has for that to the user it runs as, and that was /dev/null.
    done = subprocess.run([*runner, str(program)], input='', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', check=False, timeout=120, env={**os.environ, **(env or {})})
    return Said(done.returncode, done.stdout)


def run_all(programs: Mapping[str, pathlib.Path], runner: Sequence[str] = (), env: Mapping[str, str] | None = None,
            beside: int = BESIDE) -> dict[str, Said]:
    """All of them, some beside one another; {row: what it came to}."""
    with concurrent.futures.ThreadPoolExecutor(beside) as pool:
        return dict(zip(programs, pool.map(lambda program: run(program, runner, env), programs.values())))


def results() -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each program, on the running kernel."""
    for row, said in run_all(build(BUILD / 'host/rows', 'gcc')).items():
        yield f'row {row} by itself{f", which cannot be asked here: {said.reason}" if said.reason else ""}', said.wrong


def check_shown(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'scripts/eventfd rows-shown')
    processes.lock()
    _, wrong = tell(results())
    return 1 if wrong else 0


COMMANDS = (Command('rows-shown', 'the programs that show a row each, on the running kernel', check_shown),)
