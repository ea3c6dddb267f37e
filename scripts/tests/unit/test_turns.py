# SPDX-License-Identifier: GPL-2.0
"""Which tests a patch turns: as they declare it, and as two boots have it."""
import unittest

from commands import series_check
from guest import verdicts
from source import messages, patch_series, turns


def results(**outcomes: str) -> series_check.Results:
    """{test: "OUTCOME TEXT"}; __ stands for / in a name, and _ for a point."""
    names = {name.replace('__', '/').replace('_', '.'): text.partition(' ') for name, text in outcomes.items()}
    return {('program', name): verdicts.Result(name, outcome, text, 0.0, []) for name, (outcome, _, text) in names.items()}


class Declared(unittest.TestCase):
    def test_each_change_has_tests(self) -> None:
        for change in turns.names().values():
            with self.subTest(change=change):
                self.assertTrue(turns.turned_by([change]))

    def test_a_test_that_needs_two_changes_is_that_of_the_later_one(self) -> None:
        name = 'AutoresetCounter.OfFourBlockedReadersOneGetsAWrite'
        self.assertIn(name, turns.turned_by(['autoreset'])['eventfd_autoreset'])
        self.assertNotIn('eventfd_autoreset', turns.turned_by(['wake_one']))

    def test_a_parameter_may_need_another_change_than_the_other(self) -> None:
        name = 'ChangesInARowForUnits.WakeNoMoreThanTheyServe'
        self.assertIn(f'{name}/Reader', turns.turned_by(['wake_one'])['eventfd_waiters'])
        self.assertIn(f'{name}/Writer', turns.turned_by(['wake_fitting_writers'])['eventfd_waiters'])

    def test_a_message_names_them_in_front_of_what_it_fixes(self) -> None:
        for patch in messages.patches():
            text = patch_series.message(patch)
            with self.subTest(patch=patch.path.stem):
                self.assertEqual('eventfd/eventfd_' in text, bool(patch.turns))
                self.assertTrue(text.startswith(f'{patch.subject}\n\n'))
                self.assertEqual(text.count('Fixes: '), patch.body.count('Fixes: '))
                self.assertNotIn('\n\n\n', text)
                if 'Fixes: ' in text:
                    self.assertRegex(text, r'\n\nFixes: [0-9a-f]{12} \(".*"\)\n$')


class Seen(unittest.TestCase):
    BEFORE = results(A_one='XFAIL', Each__A_two__X='XFAIL', Each__A_two__Y='passed', A_three='skipped needs wake_one: x',
                     A_four='skipped no /dev/kvm', A_five='passed')

    def misplaced(self, now: series_check.Results, *declared: str, changes: tuple[str, ...] = ('wake_one',)) -> list[str]:
        return list(series_check.misplaced(changes, {'program': declared}, self.BEFORE, now))

    def now(self, **outcomes: str) -> series_check.Results:
        return {**self.BEFORE, **results(**outcomes)}

    def test_what_is_declared_turns_and_nothing_else(self) -> None:
        now = self.now(A_one='passed', Each__A_two__X='passed', A_three='passed')
        self.assertEqual(self.misplaced(now, 'A.one', 'A.two/X'), [])
        self.assertEqual(self.misplaced(now, 'A.one', 'A.two'), [])
        self.assertEqual(self.misplaced(self.BEFORE), [])

    def test_what_turns_and_is_not_declared(self) -> None:
        [said] = self.misplaced(self.now(A_one='passed', Each__A_two__X='passed'), 'A.one', 'A.two/Y')[:1]
        self.assertEqual(said, 'program: Each/A.two/X passes from here on, and is not declared for this patch')
        for name in ('A_three', 'A_four'):
            self.assertEqual(len(self.misplaced(self.now(**{name: 'passed'}), changes=())), 1)
        self.assertEqual(len(self.misplaced(self.now(A_four='passed'))), 1)

    def test_what_is_declared_and_does_not_turn(self) -> None:
        self.assertEqual(self.misplaced(self.BEFORE, 'A.one', 'A.five', 'A.six'), [
            'program: A.one is declared for this patch and does not turn: XFAIL',
            'program: A.five is declared for this patch and does not turn: passed',
            'program: A.six is declared for this patch and does not turn: did not run'])

    def test_what_cannot_be_shown_here_may_be_skipped(self) -> None:
        self.assertEqual(self.misplaced(self.BEFORE, 'A.four'), [])
