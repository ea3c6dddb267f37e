# SPDX-License-Identifier: GPL-2.0
"""Ours against stock: what is not as declared turns the comparison red.

Not called by itself: "make check-harness" runs it.
"""
import contextlib
import functools
import io
import unittest

from tests.support import built

from commands import compare
from core.options import Options
from guest import rootfs, session, verdicts

# Tests that are declared, some that are not, and one that the stock kernel has no flag for.
SOME = 'FailedReads.*:Creation.*:AutoresetFlag.*'


@functools.cache
def options():
    chosen = Options.of()
    chosen.pattern = SOME
    return chosen


@functools.cache
def verdict(image, kernel):
    """Some tests on a kernel's image, told that it is this kernel."""
    _, initrd, objects, installed = built()
    expected, pattern = session.chosen(options(), installed)
    path = session.variant_image(options(), image) if image != 'ours' else built()[0]
    return session.run_guest(options(), path, initrd, objects, expected, name=f'harness-{image}-as-{kernel}',
                     files=session.settings(options(), expected, pattern, kernel=kernel))[1]


def rows(ours, stock, why):
    return list(compare.rows(ours, stock, why, rootfs.programs(built()[3])))


@functools.cache
def declared():
    return compare.declared(built()[3])


class Outcomes(unittest.TestCase):

    def test_what_is_declared_may_be_skipped_only_where_stock_lacks_it(self):
        lacks = 'this kernel has no EFD_AUTORESET'
        self.assertEqual(compare.judge('passed', 'skipped', lacks, 'why'), (lacks, ''))
        self.assertEqual(compare.judge('passed', 'skipped', 'no /dev/kvm', 'why'),
                         ('why', 'is declared, and skipped on stock'))
        self.assertEqual(compare.judge('passed', 'skipped', 'no /dev/kvm', ''), ('', 'differs, and is not declared'))
        self.assertEqual(compare.judge('skipped', 'skipped', lacks, ''), ('', ''))


class Races(unittest.TestCase):
    """What KCSAN says of stock: it has to say something, and it has to be about eventfd."""
    RACE = 'the kernel complained: BUG: KCSAN: data-race in eventfd_poll / eventfd_write'
    OTHER = 'the kernel complained: BUG: KCSAN: data-race in other_poll / other_write'

    def problems(self, *reasons, **env):
        with contextlib.redirect_stdout(io.StringIO()):
            return compare.stock_problems(Options.of(env), verdicts.Verdict([], {}, list(reasons)))

    def test_a_race_in_eventfd_is_as_it_should_be(self):
        self.assertEqual(self.problems(self.RACE, KCSAN='1'), [])

    def test_a_race_elsewhere_is_not(self):
        self.assertEqual(self.problems(self.RACE, self.OTHER, KCSAN='1'), [f'stock: {self.OTHER}'])

    def test_no_race_at_all_is_not(self):
        self.assertEqual(self.problems(KCSAN='1'), ['stock: KCSAN found no data race in eventfd'])

    def test_a_kernel_that_does_not_look_finds_none(self):
        self.assertEqual(self.problems(), [])


class Compare(unittest.TestCase):
    def wrong(self, stock, why):
        """What is wrong with ours beside this: {test: problem}."""
        entries = rows(verdict('ours', 'ours'), stock, why)
        self.assertGreater(len(entries), 10)
        return {row.test: row.problem for row in entries if row.problem}

    def test_stock_differs_as_declared_and_nowhere_else(self):
        self.assertEqual(self.wrong(verdict('stock', 'stock'), declared()), {})
        kinds = {row.kind for row in rows(verdict('ours', 'ours'), verdict('stock', 'stock'), declared())}
        self.assertEqual(kinds, {'agree', 'declared', 'not for stock'})

    def test_a_lost_declaration_turns_it_red(self):
        lost = 'FailedReads.OfAFullCounterLeaveItFull'
        self.assertIn(('eventfd_faults', lost), declared())
        fewer = {key: why for key, why in declared().items() if key[1] != lost}
        self.assertEqual(self.wrong(verdict('stock', 'stock'), fewer), {lost: 'differs, and is not declared'})

    def test_a_difference_that_nobody_declared_turns_it_red(self):
        # The stock kernel, with test programs that take it for ours: they declare nothing, and fail.
        wrong = self.wrong(verdict('stock', 'ours'), {})
        self.assertEqual({problem for name, problem in wrong.items() if name.startswith('FailedReads')},
                         {'differs, and is not declared'})

    def test_a_declared_test_that_passes_on_stock_turns_it_red(self):
        # Our kernel in the place of stock: nothing that is declared fails there.
        wrong = self.wrong(verdict('ours', 'stock'), declared())
        self.assertEqual({name for name in wrong if name.startswith('FailedReads')},
                         {name for _, name in declared() if name.startswith('FailedReads')})
        self.assertEqual(set(wrong.values()), {'is declared, and passes on stock'})

    def test_a_test_that_ran_on_one_only_turns_it_red(self):
        ours, stock = verdict('ours', 'ours'), verdict('stock', 'stock')
        fewer = type(stock)([program for program in stock.programs if program.name != 'eventfd_creation'], {}, [])
        problems = {row.problem for row in rows(ours, fewer, declared()) if row.program == 'eventfd_creation'}
        self.assertEqual(problems, {'ran on ours only'})
        problems = {row.problem for row in rows(fewer, stock, declared()) if row.program == 'eventfd_creation'}
        self.assertEqual(problems, {'ran on stock only'})
