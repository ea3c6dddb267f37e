# SPDX-License-Identifier: GPL-2.0
"""The end of "make check": what failed is said there by name, and nothing that failed is lost."""
import contextlib
import io
import unittest
from collections.abc import Callable

from core.report import Broken
from core.totals import Totals


class TheEnd(unittest.TestCase):
    def ends(self, *parts: Callable[[Totals], None]) -> tuple[list[str], int]:
        """The lines and the exit status after parts that do this."""
        totals, said = Totals(), io.StringIO()
        with contextlib.redirect_stdout(said):
            for number, part in enumerate(parts):
                with totals.part(f'part {number}'):
                    part(totals)
            said.truncate(said.seek(0))
            status = totals.status()
        return said.getvalue().split('\n'), status

    def test_what_failed_is_named_where_a_log_is_read_first(self) -> None:
        def breaks(_: Totals) -> None:
            raise Broken('gcc was not there')

        lines, status = self.ends(lambda totals: totals.check('good', ''), lambda totals: totals.check('bad', 'why'),
                                  breaks, lambda totals: totals.fail('one', 'two'))
        self.assertEqual(lines, ['', 'failed: part 1: bad', 'failed: part 2: gcc was not there',
                                 'failed: part 3: one', 'failed: part 3: two', '1 passed, 4 failed, 0 skipped', ''])
        self.assertEqual(status, 1)

    def test_all_is_well_only_if_something_ran(self) -> None:
        self.assertEqual(self.ends(lambda totals: totals.check('good', '')), (['', '1 passed, 0 failed, 0 skipped', ''], 0))
        self.assertEqual(self.ends(), (['', '0 passed, 0 failed, 0 skipped', ''], 1))
