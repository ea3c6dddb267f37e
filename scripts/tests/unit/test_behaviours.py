# SPDX-License-Identifier: GPL-2.0
"""The table of behaviours: each way in which it can be wrong is found, and said with row and test.

Not called by itself: "make check-harness" runs it.
"""
import functools
import unittest

from tests.support import ROOT, built

from checks import behaviours


@functools.cache
def tests():
    """What the programs of the built suite list."""
    return frozenset(behaviours.listed(built()[3]))


class Table(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / behaviours.ROWS).read_text()
        self.table = (ROOT / behaviours.TABLE).read_text()

    def complaints(self, before, after, table=None):
        """What the check says when this one place of rows.txt is changed, and the table made of that."""
        self.assertEqual(self.text.count(before), 1)
        text = self.text.replace(before, after)
        return behaviours.complaints(text, tests(), behaviours.kunit_cases(), table or behaviours.render(behaviours.parse(text)[0]))

    def test_as_it_is_there_is_nothing_to_say(self):
        self.assertGreater(len(tests()), 300)
        self.assertEqual(behaviours.complaints(self.text, tests(), behaviours.kunit_cases(), self.table), [])

    def test_a_test_that_does_not_exist(self):
        found = self.complaints('    Creation.FlagsAreThoseOfOpen\n', '    Creation.FlagsAreThoseOfClose\n')
        self.assertEqual(found, ['row 1a.5 names the test Creation.FlagsAreThoseOfClose, which no program has'])

    def test_a_pattern_that_matches_no_test(self):
        found = self.complaints('    Preadv2.*\n', '    Preadv3.*\n')
        self.assertEqual(found, ['row 2.20 names the test Preadv3.*, which no program has'])

    def test_a_test_that_is_disabled_does_not_run_and_so_does_not_count(self):
        found = self.complaints('    Creation.FlagsAreThoseOfOpen\n',
                                '    AfterExecve.DISABLED_OnlyTheKeptDescriptorIsThere\n')
        self.assertRegex(found[0], r'^row 1a\.5 names the test AfterExecve\.DISABLED_')

    def test_a_kunit_case_that_does_not_exist(self):
        found = self.complaints('    Creation.FlagsAreThoseOfOpen\n', '    kunit: no_such_case\n')
        self.assertEqual(found, [f'row 1a.5 names the KUnit case no_such_case, which {behaviours.KUNIT} does not have'])

    def test_a_row_with_neither_test_nor_reason(self):
        found = self.complaints('    Creation.FlagsAreThoseOfOpen\n', '')
        self.assertEqual(found, ['row 1a.5 has neither a test nor a reason why not ("not tested: why")'])

    def test_a_reason_that_says_nothing(self):
        found = self.complaints('    Creation.FlagsAreThoseOfOpen\n', '    not tested:\n')
        self.assertIn('row 1a.5 is not tested, and does not say why', found)

    def test_a_row_that_is_missing(self):
        found = self.complaints('[1a.5] ', '[1a.6] ')
        self.assertRegex(found[0], r'^row 1a\.6 on line \d+ stands where row 1a\.5 should$')

    def test_a_section_that_is_not_known(self):
        found = self.complaints('[1a.5] ', '[9.5] ')
        self.assertRegex(found[0], r'^row 9\.5 is of no known section')

    def test_a_line_that_is_no_part_of_a_row(self):
        found = self.complaints('    Creation.FlagsAreThoseOfOpen\n', 'Creation.FlagsAreThoseOfOpen\n')
        self.assertRegex(found[0], r'^line \d+ is neither a row nor part of one: Creation\.FlagsAreThoseOfOpen$')

    def test_a_table_that_is_out_of_date(self):
        found = self.complaints('[1a.5] EFD_CLOEXEC and', '[1a.5] both EFD_CLOEXEC and', self.table)
        self.assertEqual(found, [f'{behaviours.TABLE} is not what {behaviours.ROWS} makes: run "scripts/eventfd rows-doc"'])
