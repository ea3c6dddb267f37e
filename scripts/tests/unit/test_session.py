# SPDX-License-Identifier: GPL-2.0
"""What guests are told to run, who of them runs what, and what becomes of several beside one another. None boots."""
import contextlib
import io
import json
import pathlib
import re
import tempfile
import time
import unittest
from collections.abc import Mapping
from types import MappingProxyType
from unittest import mock

from core import processes
from core.options import Options
from core.places import ROOT, SUITE, SUITE_FOLDER
from core.report import Refusal
from guest import qemu, rootfs, session, verdicts
from source import theirs
from tests.recorded import ALL, Boot

GOOD = Boot.read('good')
BAD = Boot.of_probe('1..1', 'not ok 1 Bad.Test')
GONE = Boot.of_probe()
PANIC = Boot.of_probe('1..1').until('^ok 1 ')._replace(console='[    9.1] Kernel panic - not syncing: sysrq triggered crash\n')


CHANGES = f'export EVENTFD_CHANGES={",".join(session.changes())}'


class SharedOut(unittest.TestCase):
    PROGRAMS = ['eventfd_wakeups', 'eventfd_values', 'eventfd_poll', 'eventfd_aio']

    def shares(self, pattern: str | None = None, accel: str = 'tcg', here: int = 2,
               given: Mapping[str, str] = MappingProxyType({})) -> list[tuple[list[str], int | None]]:
        """What each guest has to run, and on how many processors."""
        needs = {'eventfd_values': [rootfs.ONE_PROCESSOR], 'eventfd_aio': [rootfs.ONE_PROCESSOR]}
        with mock.patch.object(qemu, 'accelerator', return_value=accel), mock.patch.object(processes, 'processors', return_value=here), \
                mock.patch.object(rootfs, 'needs', return_value=needs):
            guests = session.shared_out(Options.of(given), self.PROGRAMS, pattern, kunit='eventfd')
        for each in guests:
            assert each.files
            for program in self.PROGRAMS:
                self.assertEqual(f'-t {SUITE}:{program}' in str(each.files['/etc/suite'][0]), program in each.expected)
        return [(list(each.expected), each.cpus) for each in guests]

    def test_each_program_runs_in_one_guest_and_races_where_there_are_two_processors(self) -> None:
        self.assertEqual(self.shares(), [(['eventfd_wakeups', 'eventfd_poll', verdicts.KUNIT], None),
                                         (['eventfd_values', 'eventfd_aio'], 1)])

    def test_all_run_in_one_where_two_would_not_be_quicker_or_more_is_asked_for(self) -> None:
        alone = [([*self.PROGRAMS, verdicts.KUNIT], None)]
        self.assertEqual(self.shares(pattern='*'), alone)
        self.assertEqual(self.shares(accel='kvm'), alone)
        self.assertEqual(self.shares(here=1), alone)
        for name, value in (('ROUNDS', '2000'), ('DEBUG', '1'), ('KCSAN', '1'), ('SMP', '0'), ('PREEMPT', '1'),
                            ('FAULTS', '1')):
            with self.subTest(name=name):
                self.assertEqual(self.shares(given={name: value}), alone)

    def test_what_a_program_may_need_is_what_the_suite_knows(self) -> None:
        text = (ROOT / SUITE_FOLDER / 'support/program.cpp').read_text()
        self.assertEqual(re.findall(r'known = {"(.*)", "(.*)"}', text), [(rootfs.ONE_PROCESSOR, rootfs.FAULT_INJECTION)])


class Settings(unittest.TestCase):
    """What the guest's init is told, in /etc/suite."""

    def lines(self, *programs: str, pattern: str | None = None, **given: str) -> list[str]:
        [(name, (text, mode))] = session.settings(Options.of(given), programs, pattern).items()
        self.assertEqual((name, mode), ('/etc/suite', 0o644))
        return str(text).splitlines()

    def test_all_programs(self) -> None:
        self.assertEqual(self.lines(), [CHANGES, "TESTS=''"])

    def test_some_tests_of_some_programs(self) -> None:
        self.assertEqual(self.lines('a', 'b', pattern="Poll.*:-It's*"), [
            CHANGES,
            'export GTEST_FILTER=\'Poll.*:-It\'"\'"\'s*\'', f"TESTS='-t {SUITE}:a -t {SUITE}:b'"])

    def test_a_pattern_that_is_for_the_kernels_own_tests_alone(self) -> None:
        self.assertEqual(self.lines(pattern='eventfd.*')[-1], 'KUNIT_ONLY=1')

    def test_more_rounds_and_time_for_them(self) -> None:
        self.assertEqual(self.lines('a', ROUNDS='2000'), [
            CHANGES, 'export EVENTFD_AUTORESET_ROUNDS=2000', 'export EVENTFD_RACE_ROUNDS=501',
            'export EVENTFD_DEATH_ROUNDS=101', f"TESTS='-t {SUITE}:a -o 7200'"])

    def test_a_kernel_that_takes_its_time(self) -> None:
        self.assertIn('export EVENTFD_TEST_TIMEOUT=80', self.lines(DEBUG='1'))

    def test_the_watchdog_has_as_much_patience(self) -> None:
        usual = session.limits(Options.of({}))
        self.assertEqual(usual, qemu.Limits())
        for given in ({'DEBUG': '1'}, {'ROUNDS': '100000'}):
            more = session.limits(Options.of(given))
            self.assertGreater((more.silent, more.suite), (usual.silent, usual.suite))


class Chosen(unittest.TestCase):
    """Which programs a pattern is for, asked of themselves."""

    def setUp(self) -> None:
        self.installed = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        suite = self.installed / SUITE
        suite.mkdir(parents=True)
        for name, group, test in (('eventfd_poll', 'Poll', 'TakesNothing'), ('eventfd_values', 'Read', 'ReturnsEight')):
            (suite / name).write_text('#!/bin/sh\n'
                                      f'case $2 in "--gtest_filter={group}.*"|"--gtest_filter=*{group}*")\n'
                                      f'\tprintf "{group}.\\n  {test}\\n" ;;\nesac\n')
            (suite / name).chmod(0o755)
        needs = {'eventfd_poll': [], 'eventfd_values': [rootfs.ONE_PROCESSOR], 'eventfd_fails': [rootfs.FAULT_INJECTION]}
        (self.installed / rootfs.NEEDS).write_text(json.dumps(needs))
        (self.installed / 'kselftest-list.txt').write_text(f'{SUITE}:eventfd_poll\n{SUITE}:eventfd_values\nother:program\n')

    def chosen(self, pattern: str, others: str | None = None) -> tuple[list[str], str | None]:
        return session.chosen(Options.of({'T': pattern}), self.installed, others)

    def test_all_where_there_is_none(self) -> None:
        self.assertEqual(self.chosen(''), (['eventfd_poll', 'eventfd_values'], None))

    def test_a_part_of_a_name(self) -> None:
        self.assertEqual(self.chosen('Poll'), (['eventfd_poll'], '*Poll*'))

    def test_a_pattern(self) -> None:
        self.assertEqual(self.chosen('Read.*'), (['eventfd_values'], 'Read.*'))

    def test_one_that_matches_nothing_is_refused_unless_it_is_for_others(self) -> None:
        with self.assertRaisesRegex(Refusal, 'T=Nothing matches no test: .*; those of eventfd_fails need FAULTS=1'):
            self.chosen('Nothing')
        self.assertEqual(self.chosen('Nothing', 'eventfd'), ([], '*Nothing*'))

    def test_a_name_that_is_a_part_of_another_one(self) -> None:
        for pattern, filtered in (('=Read.ReturnsEight', 'Read.ReturnsEight'), ('Read.ReturnsEight', '*Read.ReturnsEight*'),
                                  ('=All/Read.Is/Epoll', 'All/Read.Is/Epoll'), ('Read.Returns*', 'Read.Returns*')):
            with self.subTest(pattern=pattern):
                self.assertEqual(session.gtest_filter(pattern), filtered)
        (self.installed / SUITE / 'eventfd_values').write_text(
            '#!/bin/sh\n[ "$2" != --gtest_filter=Read.Returns ] || printf "Read.\\n  Returns\\n"\n')
        self.assertEqual(self.chosen('=Read.Returns'), (['eventfd_values'], 'Read.Returns'))
        with self.assertRaisesRegex(Refusal, 'T==Read.Ret matches no test'):
            self.chosen('=Read.Ret')

    def test_what_a_pattern_is_for_in_the_kernel(self) -> None:
        for pattern, glob in (('eventfd.*', 'eventfd.*'), ('*claim*', 'eventfd.*claim*'), ('*Poll*', None),
                              ('*claim*:*signal*', 'eventfd'), ('context_outlives_the_file',
                                                                'eventfd.*context_outlives_the_file*'),
                              ('*claim*-*late*', 'eventfd.*claim*'),
                              ('=eventfd.context_outlives_the_file', 'eventfd.context_outlives_the_file'),
                              ('=context_outlives_the_file', 'eventfd.context_outlives_the_file'),
                              ('=eventfd.context_outlives', None), ('=Poll.TakesNothing', None)):
            with self.subTest(pattern=pattern):
                self.assertEqual(session.kunit_selection(Options.of({'T': pattern})), glob)


class Beside(unittest.TestCase):
    """Guests that run beside one another, and leave what is recorded."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_guests(self, *boots: tuple[str, Boot, str], kunit: str | None = None) -> tuple[qemu.Outcome, verdicts.Verdict]:
        """Guests of these names, and how their boots ended."""
        left = {name: (boot, ended) for name, boot, ended in boots}
        self.asked: dict[str, dict[str, object]] = {}

        def booted(_options: Options, _image: object, _initrd: object, name: str, **more: object) -> qemu.Outcome:
            boot, ended = left[name]
            self.asked[name] = more
            on_line = more['on_line']
            assert callable(on_line)
            for _, line in boot.report:
                on_line(line)
            time.sleep(0.01)
            return qemu.Outcome(boot.write(self.folder, name), boot.report, ended, 0, 10.0 + len(name), 'tcg')

        guests = [session.Guest(name, ALL if boot.report is GOOD.report else ['probe']) for name, boot, _ in boots]
        self.said = io.StringIO()
        with mock.patch.object(qemu, 'boot', booted), contextlib.redirect_stdout(self.said):
            return session.run_guests(Options.of({'ACCEL': 'tcg'}), self.folder / 'image', self.folder / 'initrd', self.folder,
                                      guests, kunit=kunit)

    def test_what_passed_in_each_is_counted(self) -> None:
        outcome, result = self.run_guests(('well', GOOD, ''), ('better', Boot.of_probe('1..1', 'ok 1 A.B'), ''))
        self.assertEqual((result.reasons, result.count('passed'), outcome.ended), ([], 9, ''))
        # As long as the one that took longest.
        self.assertEqual(outcome.seconds, 16.0)
        self.assertRegex(self.said.getvalue(), r'^running the suite \(tcg, 2 guests\): 13 results, 0 s\n$')

    def test_each_leaves_a_junit_file(self) -> None:
        self.run_guests(('well', GOOD, ''), ('fails', BAD, ''))
        for name, word in (('well', 'FlagsAreThoseOfOpen'), ('fails', 'failure')):
            self.assertIn(word, (self.folder / f'{name}.junit.xml').read_text())

    def test_the_kernels_own_tests_run_where_they_are_expected(self) -> None:
        self.run_guests(('well', GOOD, ''), ('fails', BAD, ''))
        self.assertEqual({name: more['kunit'] for name, more in self.asked.items()}, {'well': 'eventfd', 'fails': None})
        self.run_guests(('well', GOOD, ''), kunit='eventfd.*claim*')
        self.assertEqual(self.asked['well']['kunit'], 'eventfd.*claim*')

    def test_what_is_wrong_in_either_turns_it_red_and_its_console_is_shown(self) -> None:
        silent = 'the suite was silent for 8 s after "# TAP version 13"'
        bad = {'fails': (BAD, '', 'probe: Bad.Test failed'),
               'panics': (PANIC, '', 'the kernel panicked: sysrq triggered crash'),
               'hangs': (Boot.of_probe('1..1').until('^ok 1 '), silent, silent),
               'is-gone': (GONE, '', 'no test ran')}
        for name, (boot, ended, reason) in bad.items():
            for turn in (1, -1):
                with self.subTest(name=name, turn=turn):
                    outcome, result = self.run_guests(*[('well', GOOD, ''), (name, boot, ended)][::turn])
                    self.assertIn(reason, result.reasons)
                    self.assertEqual(outcome.console.name, f'{name}.console')
                    self.assertEqual('end' in result.facts, name in ('fails', 'is-gone'))
                    self.assertEqual(result.count('passed'), 8)

    def test_the_one_that_went_worst_is_shown(self) -> None:
        silent = 'the suite was silent for 8 s after "x"'
        order = [('fails', BAD, ''), ('panics', PANIC, ''), ('hangs', PANIC, silent)]
        for several in (order, order[::-1], order[:2], order[1::-1]):
            outcome, result = self.run_guests(*several)
            self.assertEqual(outcome.console.name, 'hangs.console' if len(several) == 3 else 'panics.console')
            self.assertIn('probe: Bad.Test failed', result.reasons)

    def test_what_goes_wrong_with_a_boot_itself_is_raised(self) -> None:
        with mock.patch.object(qemu, 'boot', side_effect=Refusal('no QEMU')), self.assertRaisesRegex(Refusal, 'no QEMU'), \
                contextlib.redirect_stdout(io.StringIO()):
            session.run_guests(Options.of({'ACCEL': 'tcg'}), self.folder, self.folder, self.folder, [session.Guest('one', [])])


class Report(unittest.TestCase):
    """What is said at the end of make run."""

    def said_of(self, boot: Boot, *expected: str, ended: str = '', **given: str) -> tuple[int, list[str]]:
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(said):
            console = boot.write(pathlib.Path(scratch))
            outcome = qemu.Outcome(console, boot.report, ended, 0, 25.4, 'tcg')
            status = session.report(Options.of(given), outcome, verdicts.judge(boot.report, console, expected, ended=ended))
        return status, said.getvalue().splitlines()

    def test_a_pass(self) -> None:
        status, said = self.said_of(GOOD, *ALL)
        self.assertEqual((status, said[-1]),
                         (0, 'verdict: PASS: 8 passed, 0 failed, 0 skipped; Linux 6.12.117, x86_64, tcg, 25 s'))

    def test_one_of_the_users_own_eventfd_says_whose_it_is_and_why(self) -> None:
        tree = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (tree / 'fs').mkdir()
        (tree / theirs.NAME).write_text('/* mine */\n')
        verdict = 'verdict: PASS: 8 passed, 0 failed, 0 skipped; Linux 6.12.117, x86_64, tcg, 25 s'
        for own, why in (('', f'has a {theirs.NAME} that is neither as released nor ours'), ('1', '')):
            with self.subTest(own=own):
                status, said = self.said_of(GOOD, *ALL, KDIR=str(tree), OWN=own)
                self.assertEqual((status, said[-1]), (0, verdict + (f'; the eventfd of {tree}, which {why}' if why else '')))

    def test_what_was_asked_for_is_in_the_call_that_runs_a_test_alone(self) -> None:
        _, said = self.said_of(BAD, 'probe', ARCH='arm64', DEBUG='1')
        self.assertIn('  the first to fail: Bad.Test; alone: make test ARCH=arm64 DEBUG=1 T==Bad.Test', said)

    def test_where_the_files_are_of_one_that_fails(self) -> None:
        status, said = self.said_of(GOOD, 'eventfd_poll')
        self.assertEqual(status, 1)
        self.assertRegex(said[-1], r'^the console is .*/run\.console, the report .*/run\.report$')
        self.assertNotIn('the end of the console:', said)

    def test_the_end_of_the_console_of_one_that_did_not_come_to_its_end(self) -> None:
        for boot, ended in ((PANIC, ''), (GOOD, 'the suite was not done after 900 s')):
            _, said = self.said_of(boot, ended=ended)
            self.assertIn(f'  {boot.console.splitlines()[-1]}', said[said.index('the end of the console:'):])
