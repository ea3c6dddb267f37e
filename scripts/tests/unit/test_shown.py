# SPDX-License-Identifier: GPL-2.0
"""The programs that show a row each: there, and short. That they are right: boot/test_shown.py."""
import unittest

from checks import behaviours, shown
from core.places import ROOT

class Text(unittest.TestCase):
    def rows(self) -> list[behaviours.Row]:
        return behaviours.parse((ROOT / behaviours.ROWS).read_text())[0]

    def programs(self) -> dict[str, str]:
        return {row: path.read_text() for row, path in shown.shown().items()}

    def test_each_row_has_a_program_or_a_reason_for_none(self) -> None:
        self.assertEqual(list(shown.complaints(self.rows(), self.programs(), shown.unshown())), [])

    def test_one_that_is_missing_or_says_something_else_is_named(self) -> None:
        programs = self.programs()
        del programs['1b.11']
        programs['1b.12'] = programs['1b.12'].replace('EINVAL */', 'EAGAIN */')
        programs['9.9'] = ''
        said = list(shown.complaints(self.rows(), programs, {**shown.unshown(), '1b.13': 'why'}))
        self.assertEqual([line[:30] for line in said],
                         [line[:30] for line in ('row 1b.11 has neither a program', 'rows/1b.12.c does not begin with',
                                                 'row 1b.13 has both a program and', 'there is no row 9.9')])

    def test_each_is_short(self) -> None:
        for row, text in self.programs().items():
            with self.subTest(row=row):
                body = text.partition('#include "show.h"')[2]
                self.assertTrue(body)
                self.assertLessEqual(len(body.splitlines()), 60)
                self.assertIn('SPDX-License-Identifier: GPL-2.0 OR MIT', text.splitlines()[0])
