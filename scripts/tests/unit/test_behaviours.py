# SPDX-License-Identifier: GPL-2.0
"""The table of behaviours: each way in which it can be wrong is found, and said with row and test."""
import pathlib
import tempfile
import unittest

from checks import behaviours
from core.places import ROOT

TESTS = {'Creation.FlagsAreThoseOfOpen', 'Creation.TakesTheLowestFreeDescriptor', 'Preadv2.OfZero', 'Preadv2.OfOne',
         'All/Flags.CombinationIsAccepted/None', 'AutoresetPoll.TakesIt'}
CASES = {'signal_adds_one_and_wakes', 'context_outlives_the_file'}
ROWS = '''# SPDX-License-Identifier: GPL-2.0

[1a.1] eventfd2(0, 0) returns a descriptor,
  | the lowest that is free
    Creation.TakesTheLowestFreeDescriptor
    All/Flags.CombinationIsAccepted/*
[1a.2] EFD_CLOEXEC and EFD_NONBLOCK are those of open
    Creation.FlagsAreThoseOfOpen
[1f.1] a signal adds 1 * n to f_count
    kunit: signal_adds_one_and_wakes
[2.1] preadv2 reads
    Preadv2.*
[2.2] a page that cannot be had
    not tested: nobody can take it away
[3.1] a poll takes it
    AutoresetPoll.TakesIt
'''
TEST = '    Creation.FlagsAreThoseOfOpen\n'


class Table(unittest.TestCase):
    def complaints(self, before: str = '', after: str = '', table: str | None = None) -> list[str]:
        """What the check says when this one place of the rows is changed, and the table made of that."""
        if before:
            self.assertEqual(ROWS.count(before), 1)
        text = ROWS.replace(before, after) if before else ROWS
        return behaviours.complaints(text, TESTS, CASES,
                                     behaviours.render(behaviours.parse(text)[0]) if table is None else table)

    def test_as_it_is_there_is_nothing_to_say(self) -> None:
        self.assertEqual(self.complaints(), [])

    def test_a_test_that_does_not_exist(self) -> None:
        self.assertEqual(self.complaints(TEST, '    Creation.FlagsAreThoseOfClose\n'),
                         ['row 1a.2 names the test Creation.FlagsAreThoseOfClose, which no program has'])

    def test_a_pattern_that_matches_no_test(self) -> None:
        self.assertEqual(self.complaints('    Preadv2.*\n', '    Preadv3.*\n'),
                         ['row 2.1 names the test Preadv3.*, which no program has'])

    def test_no_sign_but_a_star_stands_for_others(self) -> None:
        for name in ('Preadv?.OfZero', 'Preadv[2].OfZero'):
            self.assertEqual(self.complaints('    Preadv2.*\n', f'    {name}\n'),
                             [f'row 2.1 names the test {name}, which no program has'])

    def test_a_kunit_case_that_does_not_exist(self) -> None:
        self.assertEqual(self.complaints(TEST, '    kunit: no_such_case\n'),
                         [f'row 1a.2 names the KUnit case no_such_case, which {behaviours.KUNIT} does not have'])

    def test_a_row_with_neither_test_nor_reason(self) -> None:
        self.assertEqual(self.complaints(TEST, ''), ['row 1a.2 has neither a test nor a reason why not ("not tested: why")'])

    def test_a_row_with_both(self) -> None:
        self.assertEqual(self.complaints(TEST, f'{TEST}    not tested: too hard\n'),
                         ['row 1a.2 has tests and says that it is not tested'])

    def test_a_reason_that_says_nothing(self) -> None:
        self.assertIn('row 1a.2 is not tested, and does not say why', self.complaints(TEST, '    not tested:\n'))

    def test_a_row_that_is_missing(self) -> None:
        self.assertEqual(self.complaints('[1a.2] ', '[1a.3] '), ['row 1a.3 on line 7 stands where row 1a.2 should'])

    def test_sections_that_are_mixed(self) -> None:
        self.assertEqual(self.complaints('[3.1] ', '[1a.3] ')[0], 'row 1f.1 on line 9 stands where row 1a.3 should')

    def test_a_section_that_is_not_known(self) -> None:
        self.assertEqual(self.complaints('[1a.2] ', '[9.2] ')[0],
                         'row 9.2 is of no known section: use 1a, 1b, 1c, 1d, 1e, 1f, 2, 3')

    def test_a_line_that_is_no_part_of_a_row(self) -> None:
        self.assertEqual(self.complaints(TEST, TEST.lstrip())[0],
                         'line 8 is neither a row nor part of one: Creation.FlagsAreThoseOfOpen')

    def test_no_rows_at_all(self) -> None:
        self.assertEqual(behaviours.complaints('', TESTS, CASES, behaviours.render([])), ['there are no rows'])

    def test_a_table_that_is_out_of_date(self) -> None:
        old = behaviours.render(behaviours.parse(ROWS)[0])
        self.assertEqual(self.complaints('EFD_CLOEXEC and', 'both EFD_CLOEXEC and', old),
                         [f'{behaviours.TABLE} is not what {behaviours.ROWS} makes: run "scripts/eventfd rows-doc"'])

    def test_it_says_what_the_rows_do(self) -> None:
        text = behaviours.render(behaviours.parse(ROWS)[0])
        for part in ('   * - 1a.1\n     - eventfd2(0, 0) returns a descriptor, the lowest that is free\n'
                     '     - | ``Creation.TakesTheLowestFreeDescriptor``\n       | ``All/Flags.CombinationIsAccepted/*``\n',
                     '     - a signal adds 1 \\* n to f_count\n     - | KUnit ``signal_adds_one_and_wakes``\n',
                     '     - not tested: nobody can take it away\n', '3. EFD_AUTORESET\n================\n'):
            self.assertIn(part, text)


class OfOurs(unittest.TestCase):
    """The rows of the suite, but for what its programs say of themselves: that is for make check-static."""
    TEXT = (ROOT / behaviours.ROWS).read_text()

    def test_the_page_is_up_to_date_and_each_row_has_a_test_or_a_reason(self) -> None:
        rows, wrong = behaviours.parse(self.TEXT)
        self.assertEqual([*wrong, *behaviours.misplaced(rows)], [])
        self.assertGreater(len(rows), 200)
        self.assertEqual((ROOT / behaviours.TABLE).read_text(), behaviours.render(rows))
        self.assertEqual([row.number for row in rows if not (row.tests or row.kunit or row.reason)], [])

    def test_the_cases_in_the_kernel_are_there(self) -> None:
        rows, _ = behaviours.parse(self.TEXT)
        self.assertGreater(len(behaviours.kunit_cases()), 30)
        self.assertLessEqual({case for row in rows for case in row.kunit}, behaviours.kunit_cases())


class Listed(unittest.TestCase):
    """The tests of programs, asked of themselves."""

    def names(self, script: str) -> list[str]:
        with tempfile.TemporaryDirectory() as scratch:
            program = pathlib.Path(scratch) / 'program'
            program.write_text(f'#!/bin/sh\n{script}\n')
            program.chmod(0o755)
            return behaviours.tests_of(program)

    def test_full_names(self) -> None:
        self.assertEqual(self.names('printf "Poll.\\n  TakesNothing\\n  IsLeft  # why\\n"; '
                                    'printf "All/Flags.  # TypeParam = x\\n  Is/None  # GetParam() = 0\\n"'),
                         ['Poll.TakesNothing', 'Poll.IsLeft', 'All/Flags.Is/None'])

    def test_one_that_is_disabled_does_not_run_and_so_does_not_count(self) -> None:
        self.assertEqual(self.names('printf "Poll.\\n  DISABLED_Never\\n  Is\\nDISABLED_All.\\n  Other\\n"'), ['Poll.Is'])

    def test_a_program_that_is_none_of_googletests(self) -> None:
        self.assertEqual(self.names('printf "usage: x\\n  global.x\\n"'), [])
        self.assertEqual(self.names('printf "Poll.\\n  Is\\n"; exit 1'), [])
