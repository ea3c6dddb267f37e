# SPDX-License-Identifier: GPL-2.0
"""The table of make matrix: a row holds only if its call ended well and said what it did."""
import argparse
import contextlib
import io
import pathlib
import shutil
import tempfile
import unittest
from unittest import mock

from commands import compare, matrix
from core.options import Options
from core.places import ROOT
from core.report import Refusal
from guest import verdicts

VERDICT = 'verdict: PASS: 1322 passed, 0 failed, 0 skipped; Linux 6.12, x86_64, tcg, 25 s\n'


class Words(unittest.TestCase):
    def test_the_last_word_of_a_log_is_what_counts(self) -> None:
        for log, says in ((f'{VERDICT}coverage: PASS: 282 of 282 lines, 3 listed; page\n', '282 of 282 lines, 3 listed'),
                          (VERDICT, '1322 passed, 0 failed, 0 skipped'),
                          ('failed: bench: x\n3110 passed, 1 failed, 39 skipped\nmake: *** [Makefile:66: check] Error 1\n',
                           '3110 passed, 1 failed, 39 skipped'),
                          ('nothing of the kind\n', '')):
            with self.subTest(log=log):
                self.assertEqual(matrix.result_of(log), says)

    def test_what_is_wanted_beside_it_is_said_once(self) -> None:
        race = 'stock: the kernel complained: BUG: KCSAN: data-race in eventfd_poll\n'
        self.assertEqual(matrix.result_of(f'{race}{race}{VERDICT}', matrix.ROWS['compare KCSAN=1']),
                         '1322 passed, 0 failed, 0 skipped; BUG: KCSAN: data-race in eventfd_poll')

    def test_without_what_is_wanted_beside_it_a_row_says_nothing(self) -> None:
        self.assertEqual(matrix.result_of(VERDICT, matrix.ROWS['compare KCSAN=1']), '')

    def test_how_often_stock_is_torn_is_read_from_what_its_test_says(self) -> None:
        notes = ['#   9.1  eventfd_poll.cpp:325: Failure', '#   9.1  Expected equality of these values:',
                 '#   9.1    not_readable', '#   9.1      Which is: 410', '#   9.1    0u', '#   9.1      Which is: 0',
                 '#   9.1  of 3000000 polls', 'not ok 1 Poll.NeverZero # XFAIL stock reads halves (failed, 9.100 s)']
        program = verdicts.Program('eventfd_poll', 0.0, tests=[verdicts.Test('failed', 'Poll.NeverZero', 1)], notes=notes)
        said = [f'stock says, {line}' for line in compare.complaints_of(verdicts.Verdict([program], {}, []))]
        wanted = next(more for name, more in matrix.ROWS.items() if 'NeverZero' in name)
        self.assertEqual(matrix.result_of('\n'.join([*said, VERDICT]), wanted),
                         '1322 passed, 0 failed, 0 skipped; 410 of 3000000 polls')

    def test_every_row_is_a_target(self) -> None:
        targets = {line.split(':')[0] for line in (ROOT / 'Makefile').read_text().splitlines() if ':' in line}
        self.assertLessEqual({name.split()[0] for name in matrix.ROWS}, targets)


class Rows(unittest.TestCase):
    """Rows that are real calls of make, of the Makefile that a test writes."""

    def setUp(self) -> None:
        self.now = 'first'
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, value in (('FOLDER', self.folder / 'matrix'), ('ROOT', self.folder), ('state', lambda name: self.now), ('PAGE', self.folder / 'page.rst')):
            self.enterContext(mock.patch.object(matrix, name, value))
        (self.folder / 'page.rst').write_text('\n')

    def run_rows(self, **targets: str) -> tuple[int, str, dict[str, int]]:
        """(exit status, what is said, how often each target ran) for targets with these commands."""
        (self.folder / 'Makefile').write_text(''.join(f'{name}:\n\t@echo >>{name}.ran; {command}\n'
                                                      for name, command in targets.items()))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = matrix.matrix(dict.fromkeys(targets, ''))
        ran = {name: len((self.folder / f'{name}.ran').read_text().splitlines()) for name in targets
               if (self.folder / f'{name}.ran').exists()}
        return status, said.getvalue(), ran

    def test_a_row_holds_if_it_ends_well_and_says_so(self) -> None:
        status, said, _ = self.run_rows(good=f"echo '{VERDICT.strip()}'")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r'(?m)^make good +holds +\d+\.\d min  1322 passed, 0 failed, 0 skipped$')
        self.assertIn('matrix: PASS: 1 rows hold, 0 do not', said)

    def test_one_that_fails_turns_all_of_it_red(self) -> None:
        status, said, _ = self.run_rows(good=f"echo '{VERDICT.strip()}'", bad=f"echo '{VERDICT.strip()}'; false")
        self.assertEqual(status, 1)
        self.assertRegex(said, r'(?m)^make bad +DOES NOT HOLD')

    def test_one_that_says_nothing_does_not_hold(self) -> None:
        status, said, _ = self.run_rows(silent='true')
        self.assertEqual(status, 1)
        self.assertRegex(said, r'(?m)^make silent +DOES NOT HOLD')

    def test_what_held_is_not_run_again_until_something_changes(self) -> None:
        rows = {'good': f"echo '{VERDICT.strip()}'", 'bad': 'false'}
        self.run_rows(**rows)
        self.assertEqual(self.run_rows(**rows)[2], {'good': 1, 'bad': 2})
        self.now = 'second'
        self.assertEqual(self.run_rows(**rows)[2], {'good': 2, 'bad': 3})

    def test_what_the_page_says_counts_on_another_machine_until_something_changes(self) -> None:
        (self.folder / 'page.rst').write_text('before\n.. From "make matrix"\nx\n.. End of what "make matrix-doc" writes\nafter\n')
        good, other = {'good': f"echo '{VERDICT.strip()}'"}, {'other': f"echo '{VERDICT.strip()}'"}
        self.run_rows(**good, **other)
        with mock.patch.object(matrix, 'ROWS', {'good': '', 'other': ''}), \
                mock.patch.object(matrix, 'state', lambda name: self.now if name == 'good' else 'second'), \
                contextlib.redirect_stdout(io.StringIO()):
            matrix.write_page(Options.of({}), argparse.Namespace())
        page = (self.folder / 'page.rst').read_text()
        self.assertRegex(page, r'(?m)^``make good`` +1322 passed, 0 failed, 0 skipped +0$')
        self.assertRegex(page, r'(?m)^``make other`` \(earlier\) +1322 passed')
        self.assertTrue(page.startswith('before\n') and page.endswith('\nafter\n'))
        shutil.rmtree(self.folder / 'matrix')
        self.assertEqual(self.run_rows(**good)[2], {'good': 1})
        self.now = 'second'
        self.assertEqual(self.run_rows(**good)[2], {'good': 2})

    def test_a_page_wants_each_row_to_have_held_once(self) -> None:
        with mock.patch.object(matrix, 'ROWS', {'good': ''}), self.assertRaisesRegex(Refusal, 'make good has never held'):
            matrix.write_page(Options.of({}), argparse.Namespace())


class States(unittest.TestCase):
    """What a row is about."""

    def setUp(self) -> None:
        self.files = {'fs/eventfd.c': b'one'}
        self.enterContext(mock.patch.object(matrix, 'booted', lambda: self.files))

    def test_is_what_is_booted_and_for_some_what_they_go_by(self) -> None:
        before = {row: matrix.state(row) for row in matrix.ROWS}
        self.files = {'fs/eventfd.c': b'two'}
        after = {row: matrix.state(row) for row in matrix.ROWS}
        self.assertEqual({row for row in matrix.ROWS if before[row] == after[row]}, {'check'})
        self.assertEqual(len(set(before.values())), 5)

    def test_a_comment_is_no_part_of_what_is_booted(self) -> None:
        before = {row: matrix.state(row) for row in matrix.ROWS}
        self.files = {'fs/eventfd.c': b'/* Why:\n * so. */\n\none\t// and so\n'}
        self.assertEqual({row: matrix.state(row) for row in matrix.ROWS}, before)

    def test_what_only_looks_like_a_comment_is_code(self) -> None:
        for code in (b'puts("/* no */ //");', b"'\"' // x\n'/*' '*/'", b'R"x(" // )" )x"', b"1'000'000", b'a = b / *c;', b'"\\"//"', b"L'//'",
                     b'R"a-b( " // )a-b"', b'#include <sys//x.h>'):
            with self.subTest(code=code):
                kept = code.replace(b' // x', b'')
                self.assertEqual(matrix.without_words('a.cpp', code), kept)
                self.assertEqual(matrix.without_words('a.cpp', b'/* " */ ' + code + b' // \''), b'  ' + kept)
        self.assertEqual(matrix.without_words('a.txt', b'// is the text'), b'// is the text')

    def test_what_a_command_says_for_help_is_no_part_of_it_either(self) -> None:
        code = b"def f() -> None: ...\n\n\nCOMMANDS = (Command('f', 'what it is', f),)\n"
        self.assertEqual(matrix.without_words('a.py', code), matrix.without_words('a.py', code.replace(b'what it is', b'which')))
        self.assertNotEqual(matrix.without_words('a.py', code), matrix.without_words('a.py', code.replace(b'...', b'pass')))
