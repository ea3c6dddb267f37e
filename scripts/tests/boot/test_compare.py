# SPDX-License-Identifier: GPL-2.0
"""Ours in the place of stock: what is declared to fail there has to be missed.

That stock differs as declared, and nowhere else, is what "make compare" shows; what is wrong with two verdicts
beside one another is in unit/test_compare.py.
"""
import os
import re
import subprocess
import unittest

from commands import compare
from core.places import SUITE
from guest import rootfs, session, verdicts
from tests.support import boot_each, built, options_for

# Tests that are declared, some that are not, and one that the stock kernel has no flag for.
SOME = 'FailedReads.*:Creation.*:AutoresetFlag.*'


class Changes(unittest.TestCase):
    """The names of the changes: the suite has them, in one place."""

    def test_each_declaration_is_of_changes_that_there_are(self) -> None:
        named = {name for why in session.declared(built()[3]).values() for name in re.findall(r'(?:^|; )(\w+): ', why)}
        self.assertGreater(len(named), 3)
        self.assertLessEqual(named, set(session.changes()))

    def test_a_parameter_may_need_a_change_of_its_own(self) -> None:
        needs = {test.rpartition('/')[2]: why.partition(':')[0] for (_, test), why in session.declared(built()[3]).items()
                 if 'ChangesInARowForUnits.WakeNoMoreThanTheyServe' in test}
        self.assertEqual(needs, {'Reader': 'wake_one', 'Writer': 'wake_fitting_writers'})

    def test_who_does_not_say_what_the_kernel_has_is_told_once_what_is_missing(self) -> None:
        """On the kernel that runs here."""
        program = built()[3] / SUITE / 'eventfd_autoreset_poll'
        unset = {name: value for name, value in os.environ.items() if name != 'EVENTFD_CHANGES'}
        each, once = (subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
                                     env=env).stdout.splitlines() for env in ({**unset, 'EVENTFD_CHANGES': ''}, unset))
        skipped = [line for line in each if re.match(r'ok .* # SKIP needs autoreset: ', line)]
        if len(skipped) == 0:
            self.skipTest('this kernel has EFD_AUTORESET')
        self.assertGreater(len(skipped), 10)
        self.assertRegex('\n'.join(once), rf'(?m)^ok \d+ {len(skipped)} tests # SKIP needs autoreset: there is no EFD_AUTORESET$')
        results = [line for line in once if re.match(r'(not )?ok ', line)]
        self.assertEqual(len(results), len([line for line in each if re.match(r'(not )?ok ', line)]) - len(skipped) + 1)
        self.assertIn(f'1..{len(results)}', once)
        self.assertNotIn('Planned tests', '\n'.join(once))

    def test_a_name_that_is_none_ends_the_program(self) -> None:
        program = built()[3] / SUITE / 'eventfd_values'
        for names in ('wake_nobody', 'wake_one,,autoreset', 'wake_one,', f'{",".join(session.changes())},more', 'wake_one '):
            with self.subTest(names=names):
                done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                                      timeout=60, env={**os.environ, 'EVENTFD_CHANGES': names})
                self.assertEqual((done.returncode, done.stdout), (2, ''))
                self.assertRegex(done.stderr, r'\Aerror: EVENTFD_CHANGES names a change ".*", and there are only '
                                              + ', '.join(session.changes()) + r'\n\Z')


class Compare(unittest.TestCase):
    def test_a_declared_test_that_passes_on_stock_turns_it_red(self) -> None:
        options = options_for().but(pattern=SOME)
        made = built()
        programs, pattern = session.chosen(options, made.installed)
        # Either is our kernel; the programs of one are told that it is stock's.
        verdict = {side: result for side, (_, result) in boot_each(*(
            session.Guest(f'harness-as-{side}', programs, session.settings(options, programs, pattern, [] if side == 'stock' else None))
            for side in ('ours', 'stock'))).items()}
        declared = session.declared(made.installed)
        rows = list(compare.rows(verdict['as-ours'], verdict['as-stock'], declared, rootfs.programs(made.installed)))
        self.assertGreater(len(rows), 10)
        wrong = {row.test: row.problem for row in rows if row.problem}
        self.assertEqual({name for name in wrong if name.startswith('FailedReads')},
                         {name for _, name in declared if name.startswith('FailedReads')})
        self.assertEqual(set(wrong.values()), {'is declared, and passes on stock'})
        self.assertEqual(verdict['as-ours'].reasons, [])
        self.assertNotEqual([test for program in verdict['as-stock'].programs for test in verdicts.results(program)
                             if test.outcome == 'XPASS'], [])
