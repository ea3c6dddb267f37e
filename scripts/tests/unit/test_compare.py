# SPDX-License-Identifier: GPL-2.0
"""Ours against stock, by recorded boots: what is not as declared turns the comparison red."""
import contextlib
import io
import pathlib
import tempfile
import unittest
from unittest import mock

from commands import compare
from core.options import Options
from guest import session, verdicts
from tests.recorded import Boot

STOCK = Boot.read('stock')
WHY = 'stock has taken the count before it finds the buffer bad'
# The same tests on ours, where all pass.
OURS = Boot([(seconds, f'# ok {line.split()[2]} {line.split()[3]} #  0.001 s' if line.startswith('# ok ') else line)
             for seconds, line in STOCK.report], STOCK.console)
LOST, OTHER = 'FailedReads.OfAFullCounterLeaveItFull', 'FailedReads.AreNoEventForOutput'
DECLARED = {('eventfd_faults', name): WHY for name in (LOST, OTHER)}
PROGRAMS = ('eventfd_creation', 'eventfd_faults', 'eventfd_autoreset')


def rows(ours: Boot, stock: Boot, declared: dict[tuple[str, str], str] = DECLARED) -> list[compare.Row]:
    return list(compare.rows(ours.judged(), stock.judged(), declared, PROGRAMS))


def wrong(*args: object) -> dict[str, str]:
    """What is wrong, test by test."""
    return {row.test: row.problem for row in rows(*args) if row.problem}    # type: ignore[arg-type]  # those of rows()


class Outcomes(unittest.TestCase):
    LACKS = 'needs autoreset: there is no EFD_AUTORESET'

    def test_what_is_declared_may_be_skipped_only_where_stock_lacks_it(self) -> None:
        self.assertEqual(compare.judge('passed', 'skipped', self.LACKS, 'why'), (self.LACKS, ''))
        self.assertEqual(compare.judge('passed', 'skipped', 'no /dev/kvm', 'why'),
                         ('why', 'is declared, and skipped on stock'))
        self.assertEqual(compare.judge('passed', 'skipped', 'no /dev/kvm', ''), ('', 'differs, and is not declared'))
        self.assertEqual(compare.judge('skipped', 'skipped', self.LACKS, ''), ('', ''))

    def test_what_fails_on_ours_is_wrong_whatever_stock_does(self) -> None:
        for stock, problem in (('passed', 'fails on ours'), ('XFAIL', 'fails on ours'), ('failed', 'fails on both')):
            with self.subTest(stock=stock):
                self.assertEqual(compare.judge('failed', stock, '', 'why')[1], problem)


class Races(unittest.TestCase):
    """What KCSAN says of stock: it has to say something, and it has to be about eventfd."""
    RACE = 'the kernel complained: BUG: KCSAN: data-race in eventfd_poll / eventfd_write'
    ELSEWHERE = 'the kernel complained: BUG: KCSAN: data-race in other_poll / other_write'

    def problems(self, *reasons: str, **given: str) -> list[str]:
        with contextlib.redirect_stdout(io.StringIO()):
            return compare.stock_problems(Options.of(given), verdicts.Verdict([], {}, list(reasons)))

    def test_a_race_in_eventfd_is_as_it_should_be(self) -> None:
        self.assertEqual(self.problems(self.RACE, KCSAN='1'), [])

    def test_a_race_elsewhere_is_not(self) -> None:
        self.assertEqual(self.problems(self.RACE, self.ELSEWHERE, KCSAN='1'), [f'stock: {self.ELSEWHERE}'])

    def test_no_race_at_all_is_not(self) -> None:
        self.assertEqual(self.problems(KCSAN='1'), ['stock: KCSAN found no data race in eventfd'])

    def test_a_kernel_that_does_not_look_finds_none(self) -> None:
        self.assertEqual(self.problems(), [])


class Rows(unittest.TestCase):
    def test_stock_differs_as_declared_and_nowhere_else(self) -> None:
        self.assertEqual(wrong(OURS, STOCK), {})
        self.assertEqual({row.test: row.kind for row in rows(OURS, STOCK)}, {
            'Creation.FlagsAreThoseOfOpen': 'agree', 'Creation.TakesTheLowestFreeDescriptor': 'agree', LOST: 'declared',
            OTHER: 'declared', 'FailedReads.LeaveWhatIsBeforeTheBufferAlone': 'agree',
            'AutoresetFlag.WithSemaphoreIsEinval': 'not for stock',
            'AutoresetPoll.TwiceAfterOneWriteReportsItOnce': 'not for stock'})

    def test_a_lost_declaration_turns_it_red(self) -> None:
        fewer = {key: why for key, why in DECLARED.items() if key[1] != LOST}
        self.assertEqual(wrong(OURS, STOCK, fewer), {LOST: 'differs, and is not declared'})

    def test_a_difference_that_nobody_declared_turns_it_red(self) -> None:
        # As test programs say that take stock for ours.
        bare = Boot([(seconds, line.replace('# ok ', '# not ok ').replace(f'# XFAIL {WHY} (failed', '#  failed')
                      if 'XFAIL' in line else line) for seconds, line in STOCK.report], STOCK.console)
        self.assertEqual(wrong(OURS, bare, {}), {LOST: 'differs, and is not declared', OTHER: 'differs, and is not declared'})

    def test_a_declared_test_that_passes_on_stock_turns_it_red(self) -> None:
        # As they say where the runner takes a surprise for a failure, and where it does not.
        surprise = OURS.changed(f'ok 1 {LOST} #  0.001 s', f'not ok 1 {LOST} #  XPASS passes, but is declared: {WHY}')
        self.assertEqual(wrong(OURS, surprise)[LOST], 'is declared, and passes on stock')
        self.assertEqual(wrong(OURS, OURS),
                         {LOST: 'is declared, and passed on stock', OTHER: 'is declared, and passed on stock'})

    def test_a_test_that_fails_on_ours_turns_it_red(self) -> None:
        flawed = OURS.changed(f'ok 2 {OTHER} #  0.001 s', f'not ok 2 {OTHER} #  failed, 0.001 s')
        self.assertEqual(wrong(flawed, STOCK), {OTHER: 'fails on ours'})

    def test_a_test_that_ran_on_one_only_turns_it_red(self) -> None:
        fewer = STOCK.without('Creation|eventfd_creation')
        for here, there, side in ((OURS, fewer, 'ours'), (fewer, OURS, 'stock')):
            problems = {row.problem for row in rows(here, there, {}) if row.program == 'eventfd_creation'}
            self.assertEqual(problems, {f'ran on {side} only'})

    def test_the_small_series_has_to_come_to_the_same_as_ours(self) -> None:
        programs = {program.name for program in OURS.judged().programs}
        for there, problems in ((OURS, set()), (STOCK, {'XFAIL on small', 'skipped on small'})):
            found = compare.rows(OURS.judged(), there.judged(), {}, programs, 'small')
            self.assertEqual({row.problem for row in found} - {''}, problems)

    def test_what_runs_in_the_kernel_itself_is_not_for_both(self) -> None:
        here = Boot.read('good').judged()
        found = compare.rows(here, here, {}, ('eventfd_creation', 'eventfd_test'))
        self.assertEqual({row.program for row in found}, {'eventfd_creation', 'eventfd_test'})


class Shown(unittest.TestCase):
    def shown(self, entries: list[compare.Row], *reasons: str) -> tuple[list[str], list[str], str]:
        """(what is wrong, what was said, the whole table)"""
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as scratch, mock.patch('core.options.BUILD', pathlib.Path(scratch)):
            options = Options.of({})
            with contextlib.redirect_stdout(said):
                found = compare.show(options, entries, list(reasons))
            return found, said.getvalue().splitlines(), (options.work / 'compare.txt').read_text()

    def test_a_pass(self) -> None:
        found, said, table = self.shown(rows(OURS, STOCK))
        self.assertEqual(found, [])
        self.assertRegex(said[-1],
                         '^compare: PASS: 7 tests: 3 agree, 2 fail on stock as declared, 2 are not for stock, 0 wrong; ')
        # What is not for stock would be most of it.
        self.assertNotIn('AutoresetFlag', '\n'.join(said))
        self.assertIn('AutoresetFlag', table)
        self.assertRegex(table, rf'(?m)^eventfd_faults: {LOST} +passed +XFAIL +{WHY}$')

    def test_what_is_wrong_is_said_and_comes_back(self) -> None:
        found, said, _ = self.shown(rows(OURS, STOCK, {}), 'ours: the kernel panicked: x')
        self.assertEqual(found, [f'eventfd_faults: {name}: differs, and is not declared' for name in (LOST, OTHER)]
                         + ['ours: the kernel panicked: x'])
        self.assertRegex(said[-1], '^compare: FAIL: 7 tests: .* 2 wrong; ')

    def test_no_test_at_all_is_no_pass(self) -> None:
        found, said, _ = self.shown([])
        self.assertEqual(found, ['no test ran'])
        self.assertRegex(said[-1], '^compare: FAIL: 0 tests')

    def test_what_is_wrong_with_a_whole_boot_is_told_from_tests_that_fail(self) -> None:
        flawed = Boot.read('flawed').changed('eventfd-id 1 1', 'eventfd-id 0 1').judged()
        [said] = compare.problems('ours', flawed)
        self.assertRegex(said, '^ours: an eventfd was leaked')

    def test_what_tests_say_that_fail_as_declared(self) -> None:
        said = list(compare.complaints_of(STOCK.judged()))
        self.assertEqual(said[1], f'{OTHER}: eventfd_faults.cpp:129: Value of: EpollWait(epoll) Expected: is empty '
                         'Actual: { {fd 3: POLLOUT (0x4)} }, whose size is 1')


class Declared(unittest.TestCase):
    """What programs say that stock does wrong."""

    def test_is_asked_of_each(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            suite = folder / 'filesystems/eventfd'
            suite.mkdir(parents=True)
            for name, text in (('eventfd_one', 'printf "A.B\\twhy it fails\\nA.C\\tbecause\\n"'), ('eventfd_two', 'exit 0'),
                               ('eventfd_test', 'echo "unknown option"; exit 1')):
                (suite / name).write_text(f'#!/bin/sh\n[ "$*" = --list-declared ] || exit 3\n{text}\n')
                (suite / name).chmod(0o755)
            (folder / 'kselftest-list.txt').write_text(''.join(f'filesystems/eventfd:{name}\n' for name in
                                                               ('eventfd_one', 'eventfd_two', 'eventfd_test')))
            self.assertEqual(session.declared(folder),
                             {('eventfd_one', 'A.B'): 'why it fails', ('eventfd_one', 'A.C'): 'because'})
