# SPDX-License-Identifier: GPL-2.0
"""Ours in the place of stock: what is declared to fail there has to be missed.

That stock differs as declared, and nowhere else, is what "make compare" shows; what is wrong with two verdicts
beside one another is in unit/test_compare.py.
"""
import unittest

from commands import compare
from guest import rootfs, session, verdicts
from tests.support import boot_each, built, options_for

# Tests that are declared, some that are not, and one that the stock kernel has no flag for.
SOME = 'FailedReads.*:Creation.*:AutoresetFlag.*'


class Compare(unittest.TestCase):
    def test_a_declared_test_that_passes_on_stock_turns_it_red(self) -> None:
        options = options_for().but(pattern=SOME)
        made = built()
        programs, pattern = session.chosen(options, made.installed)
        # Either is our kernel; the programs of one are told that it is stock's.
        verdict = {side: result for side, (_, result) in boot_each(*(
            session.Guest(f'harness-as-{side}', programs, session.settings(options, programs, pattern, kernel=side))
            for side in ('ours', 'stock'))).items()}
        declared = compare.declared(made.installed)
        rows = list(compare.rows(verdict['as-ours'], verdict['as-stock'], declared, rootfs.programs(made.installed)))
        self.assertGreater(len(rows), 10)
        wrong = {row.test: row.problem for row in rows if row.problem}
        self.assertEqual({name for name in wrong if name.startswith('FailedReads')},
                         {name for _, name in declared if name.startswith('FailedReads')})
        self.assertEqual(set(wrong.values()), {'is declared, and passes on stock'})
        self.assertEqual(verdict['as-ours'].reasons, [])
        self.assertNotEqual([test for program in verdict['as-stock'].programs for test in verdicts.results(program)
                             if test.outcome == 'XPASS'], [])
