# SPDX-License-Identifier: GPL-2.0
"""The programs that show a row each, in the booted kernel, which has EFD_AUTORESET."""
import functools
import pathlib
import re
import subprocess
import tempfile
import unittest

from checks import behaviours, conformance, shown
from core.options import Options
from core.places import ROOT
from guest import carried
from tests.support import boot, script

# What cannot be asked in the guest, and why.
NOT_ASKED: dict[str, str] = {}
# They sleep more than they run, and so some run beside one another.
ALL = ('echo TAP version 13', 'echo 1..1', 'echo ok 1 Good.Test', 'cd /rows',
       'for row in *; do (./$row >/tmp/$row 2>&1 </dev/null; echo $row $? >/tmp/status-$row) & '
       'n=$((n + 1)); [ $((n % 8)) != 0 ] || wait; done', 'wait',
       'cat /tmp/status-* | sed "s/^/# status /"',
       'grep "cannot be asked" /tmp/* | sed "s/^/# /"')


class Booted(unittest.TestCase):
    def test_each_is_as_linux_and_none_lacks_the_flag(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            # Not static: of each other, they share what they are linked with.
            programs = shown.build(pathlib.Path(folder), f'{Options.of().arch.cross}gcc', '-s')
            files = {name: (file.read_bytes(), 0o755) for name, file in carried.program_files(programs['1a.1']).items()
                     if file != programs['1a.1']}
            files |= {f'/rows/{row}': (path.read_bytes(), 0o755) for row, path in programs.items()}
        outcome, _ = boot('shown', script(*ALL), files=files)
        said = [line for _, line in outcome.report]
        status = {found[1]: int(found[2]) for found in (re.search(r'# status (\S+) (\d+)$', line) for line in said) if found}
        self.assertEqual(set(status), set(programs))
        self.assertEqual({row: code for row, code in status.items() if code and row not in NOT_ASKED}, {},
                         [line for line in said if 'cannot be asked' in line])
        self.assertEqual({row: status[row] for row in NOT_ASKED}, {row: 2 for row in NOT_ASKED})


class Program(unittest.TestCase):
    """They are in the conformance program."""
    @functools.cached_property
    def program(self) -> pathlib.Path:
        return conformance.build(Options.of())

    def show(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([self.program, '--show', *words], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    def test_it_prints_the_program_of_each_row_or_says_why_there_is_none(self) -> None:
        shorter, reasons = shown.shown(), shown.unshown()
        for row in behaviours.parse((ROOT / behaviours.ROWS).read_text())[0]:
            with self.subTest(row=row.number):
                expected = shorter[row.number].read_text() if row.number in shorter \
                    else f'row {row.number} has no program: {reasons[row.number]}\n'
                self.assertEqual(self.show(row.number), (0, expected))

    def test_what_is_no_row_is_refused_in_a_line(self) -> None:
        for row in ('9.9', '', '1b', '1b.2 ', '#'):
            with self.subTest(row=row):
                self.assertEqual(self.show(row), (2, f'error: there is no row "{row}": --list says which there are\n'))
