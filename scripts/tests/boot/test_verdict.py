# SPDX-License-Identifier: GPL-2.0
"""Guests in which something is wrong: each boots, and the verdict has to say what it was.

Not called by itself: "make check-harness" runs it.
"""
import json
import pathlib
import tempfile
import unittest
from unittest import mock

from tests.support import ROOT, boot, boot_guests, guest, init_script, leaking_program, script

from core.options import Options
from core.places import SUITE
from guest import qemu, session, verdicts

PLAN_OF_ONE = ('echo TAP version 13', 'echo 1..1')
# What init does last.
OFF = '\n"$(cat /etc/off)" -f'


class Verdict(unittest.TestCase):
    def expect(self, result, *reasons):
        """The verdict is red for these reasons, and for no other."""
        self.assertEqual(len(result.reasons), len(reasons), result.reasons)
        for reason, pattern in zip(result.reasons, reasons):
            self.assertRegex(reason, pattern)

    def test_a_guest_in_which_all_is_well_passes(self):
        _, result = boot('good', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test'))
        self.expect(result)
        self.assertEqual(result.count('passed'), 1)

    def test_the_kernels_own_tests_count(self):
        _, result = boot('kunit', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test'), [verdicts.KUNIT])
        self.expect(result)
        cases = next(program for program in result.programs if program.name == verdicts.KUNIT)
        self.assertEqual(cases.count('passed'), cases.planned)
        self.assertGreater(cases.planned, 20)
        self.assertGreater(cases.seconds, 0)
        self.assertEqual(result.count('passed'), cases.planned + 1)

    def test_a_case_of_the_kernels_that_is_missing_turns_it_red(self):
        init = init_script().replace('cat "$results"', 'sed "/^    ok 3 /d" "$results"')
        _, result = boot('kunit-gap', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test'), [verdicts.KUNIT],
                         files={'/init': (init, 0o755)})
        self.expect(result, rf'{verdicts.KUNIT}: (\d+) of \d+ planned tests reported a result')

    def test_a_kernel_without_its_own_tests_turns_it_red(self):
        init = init_script().replace('mount -t debugfs', ': mount -t debugfs')
        _, result = boot('kunit-none', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test'), [verdicts.KUNIT],
                         files={'/init': (init, 0o755)})
        self.expect(result, f'{verdicts.KUNIT}: never started', 'the kernel is tainted: 262144')

    def test_a_kernel_that_cannot_look_for_leaks_turns_it_red(self):
        _, result = boot('unscanned', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test'),
                         files={'/etc/leaks': ('look\n', 0o644)})
        self.expect(result, 'the guest could not look for leaked memory')

    def test_a_test_that_fails_turns_it_red(self):
        _, result = boot('fail', script('echo TAP version 13', 'echo 1..2', 'echo ok 1 Good.Test',
                                        'echo not ok 2 Bad.Test', 'exit 1'))
        self.expect(result, 'probe: Bad.Test failed')
        self.assertEqual((result.count('passed'), result.count('failed')), (1, 1))

    def test_a_suite_that_dies_half_way_turns_it_red(self):
        _, result = boot('half', script('echo TAP version 13', 'echo 1..5', 'echo ok 1 Good.Test'))
        self.expect(result, 'probe: 1 of 5 planned tests reported a result .the last one: Good.Test')

    def test_a_program_that_is_killed_turns_it_red(self):
        _, result = boot('killed', script(*PLAN_OF_ONE, 'kill -9 $$'))
        self.expect(result, 'probe: 0 of 1 planned tests', 'probe: exit=137', 'no test ran')

    def test_a_program_without_a_plan_turns_it_red(self):
        _, result = boot('silent', script('exit 0'))
        self.expect(result, 'probe: 0 of 0 planned tests', 'no test ran')

    def test_a_result_that_comes_twice_does_not_stand_in_for_one_that_is_missing(self):
        _, result = boot('twice', script('echo TAP version 13', 'echo 1..2', 'echo ok 1 A.B', 'echo ok 1 A.B'))
        self.expect(result, 'probe: 2 of 2 planned tests')

    def test_a_guest_that_powers_off_half_way_turns_it_red(self):
        _, result = boot('early', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test', 'sleep 1', 'reboot -f', 'sleep 60'))
        self.expect(result, 'probe: never finished', 'the guest did not come to the end of its run')

    def test_a_kernel_that_panics_turns_it_red(self):
        _, result = boot('panic', script(*PLAN_OF_ONE, 'echo c > /proc/sysrq-trigger', 'sleep 60'))
        self.assertRegex(result.reasons[0], 'the kernel panicked: ')
        self.assertTrue(any('did not come to the end' in reason for reason in result.reasons), result.reasons)

    def test_an_init_that_dies_turns_it_red(self):
        _, result = boot('init', '', files={'/init': (script('exit 3'), 0o755)})
        self.assertRegex(result.reasons[0], 'the kernel panicked: Attempted to kill init')

    def test_an_init_that_hangs_turns_it_red(self):
        outcome, result = boot('hang', '', files={'/init': (script('while :; do sleep 1; done'), 0o755)},
                               limits=qemu.Limits(boot=12))
        self.assertIn('the kernel did not reach the suite in 12 s', result.reasons)
        self.assertLess(outcome.seconds, 30)

    def test_a_test_that_hangs_turns_it_red(self):
        outcome, result = boot('stuck', script(*PLAN_OF_ONE, 'sleep 600'), limits=qemu.Limits(silent=8))
        self.assertTrue(any(reason.startswith('the suite was silent for 8 s after') for reason in result.reasons),
                        result.reasons)
        self.assertLess(outcome.seconds, 40)

    def test_a_suite_that_takes_too_long_turns_it_red(self):
        _, result = boot('slow', script(*PLAN_OF_ONE, 'while :; do echo "# still here"; sleep 1; done'),
                         limits=qemu.Limits(suite=12))
        self.assertIn('the suite was not done after 12 s', result.reasons)

    def test_a_complaint_of_the_kernel_turns_it_red(self):
        for number, line in enumerate(('WARNING: CPU: 0 PID: 1 at fs/eventfd.c:1', 'BUG: sleeping function called',
                                       'INFO: task probe:1 blocked for more than 30 seconds')):
            with self.subTest(line=line):
                _, result = boot(f'complaint{number}', script(*PLAN_OF_ONE, f'echo "<3>{line}" > /dev/kmsg',
                                                              'echo ok 1 Good.Test'))
                self.expect(result, f'the kernel complained: {line[:12]}')

    def test_a_tainted_kernel_turns_it_red(self):
        _, result = boot('taint', script(*PLAN_OF_ONE, 'echo 64 > /proc/sys/kernel/tainted', 'echo ok 1 Good.Test'))
        self.expect(result, 'the kernel is tainted: 64')

    def test_a_leaked_eventfd_turns_it_red(self):
        with tempfile.TemporaryDirectory() as scratch:
            leak = leaking_program(pathlib.Path(scratch))
        _, result = boot('leak', script(*PLAN_OF_ONE, '/leak', 'echo ok 1 Good.Test'),
                         files={'/leak': (leak, 0o755)})
        self.expect(result, 'an eventfd was leaked: a fresh one had id 0 before the suite and 1 after it')

    def ending_with(self, last):
        """The verdict on a guest in which all is well but for its end."""
        self.assertIn(OFF, init_script())
        init = init_script().replace(OFF, f'\n{last}; sleep 60')
        _, result = boot('off', script(*PLAN_OF_ONE, 'echo ok 1 Good.Test'), files={'/init': (init, 0o755)})
        self.assertIn('end', result.facts)
        return result

    def test_a_guest_that_does_not_power_off_cleanly_turns_it_red(self):
        # Where it can power off, a reboot is wrong enough: of a reset that sysrq asks for on another processor than an
        # s390x's first, QEMU says that it was a power-off.
        last = 'echo b > /proc/sysrq-trigger' if Options.of().arch.board.off == 'reboot' else 'reboot -f'
        self.expect(self.ending_with(last), 'the guest did not power off cleanly')

    def test_a_guest_that_panics_after_its_last_word_turns_it_red(self):
        self.expect(self.ending_with('echo c > /proc/sysrq-trigger'), 'the kernel panicked',
                    'the guest did not power off cleanly')


class SideBySide(unittest.TestCase):
    """Two guests, and one verdict on them."""
    GOOD = script(*PLAN_OF_ONE, 'nproc | sed "s/.*/ok 1 Good.On&/"')

    def test_what_passed_in_either_is_counted(self):
        outcome, result = boot_guests(guest('two', self.GOOD), guest('one', self.GOOD, cpus=1))
        self.assertEqual(result.reasons, [])
        self.assertEqual([name for program in result.programs for _, name, _ in program.tests], ['Good.On2', 'Good.On1'])
        self.assertEqual(outcome.ended, '')

    def test_what_is_wrong_in_either_turns_it_red_and_its_console_is_shown(self):
        bad = {'fails': (script(*PLAN_OF_ONE, 'echo not ok 1 Bad.Test', 'exit 1'), 'probe: Bad.Test failed'),
               'panics': (script(*PLAN_OF_ONE, 'echo c > /proc/sysrq-trigger', 'sleep 60'), 'the kernel panicked: '),
               'hangs': (script(*PLAN_OF_ONE, 'sleep 600'), 'the suite was silent for 8 s after'),
               'is-gone': (script('exit 0'), 'no test ran')}
        for name, (program, reason) in bad.items():
            for guests in ([guest('well', self.GOOD), guest(name, program)], [guest(name, program), guest('well', self.GOOD)]):
                with self.subTest(first=guests[0].name, second=guests[1].name):
                    outcome, result = boot_guests(*guests, limits=qemu.Limits(silent=8))
                    self.assertTrue(any(line.startswith(reason) for line in result.reasons), result.reasons)
                    self.assertEqual(outcome.console.name, f'harness-{name}.console')
                    self.assertEqual('end' in result.facts, name in ('fails', 'is-gone'))
                    self.assertEqual(result.count('passed'), 1)

    def test_a_guest_that_hangs_is_shown_before_one_in_which_a_test_fails(self):
        outcome, result = boot_guests(guest('fails', script(*PLAN_OF_ONE, 'echo not ok 1 Bad.Test', 'exit 1')),
                                      guest('hangs', script(*PLAN_OF_ONE, 'sleep 600')), limits=qemu.Limits(silent=8))
        self.assertIn('probe: Bad.Test failed', result.reasons)
        self.assertEqual(outcome.console.name, 'harness-hangs.console')
        self.assertRegex(outcome.ended, 'the suite was silent for 8 s')


class SharedOut(unittest.TestCase):
    """Which guest runs what. Nothing is booted."""
    PROGRAMS = ['eventfd_wakeups', 'eventfd_values', 'eventfd_poll', 'eventfd_aio']

    def shares(self, *, pattern=None, accel='tcg', here=2, **env):
        """What each guest has to run, and on how many processors."""
        with mock.patch.object(qemu, 'accelerator', return_value=accel), mock.patch('os.cpu_count', return_value=here):
            guests = session.shared_out(Options.of(env), self.PROGRAMS, pattern, kunit=True)
        for each in guests:
            for program in self.PROGRAMS:
                self.assertEqual(f'-t {SUITE}:{program}' in each.files['/etc/suite'][0], program in each.expected)
        return [(each.expected, each.cpus) for each in guests]

    def test_each_program_runs_in_one_guest_and_races_where_there_are_two_processors(self):
        self.assertEqual(self.shares(), [(['eventfd_wakeups', 'eventfd_poll', verdicts.KUNIT], None),
                                         (['eventfd_values', 'eventfd_aio'], 1)])

    def test_all_run_in_one_where_two_would_not_be_quicker_or_more_is_asked_for(self):
        for case in ({'pattern': '*'}, {'accel': 'kvm'}, {'here': 1}, {'ROUNDS': '2000'}, {'DEBUG': '1'}, {'KCSAN': '1'},
                     {'SMP': '0'}, {'PREEMPT': '1'}, {'FAULTS': '1'}):
            with self.subTest(**case):
                self.assertEqual(self.shares(**case), [([*self.PROGRAMS, verdicts.KUNIT], None)])

    def test_programs_that_need_one_processor_are_there(self):
        folder = ROOT / 'tools/testing/selftests' / SUITE
        missing = [name for name in session.ONE_PROCESSOR if not (folder / f'{name}.cpp').exists()]
        # The kernel's own.
        self.assertEqual(missing, ['eventfd_test'])


class PowerOff(unittest.TestCase):
    """What was said of a guest's end makes it a clean one, or not. Nothing is booted."""
    REPORT = [(1.0, f'harness: {fact}') for fact in ('started 1', 'eventfd-id 0 0', 'tainted 0', 'end')]
    WORDS = '[    9.9] reboot: Restarting system\n'

    def clean(self, words, reason=None, status=0):
        """The verdict's view, by the words on the console, and by QEMU's reason where it was asked for one."""
        with tempfile.TemporaryDirectory() as scratch:
            console = pathlib.Path(scratch) / 'run.console'
            console.write_text(words)
            if reason is not None:
                event = {'event': 'SHUTDOWN', 'data': {'guest': True, 'reason': reason}}
                said = ['{"return": {}}', *([json.dumps(event)] if reason else [])]
                console.with_suffix('.qmp').write_text('\n'.join(said))
            reasons = verdicts.judge(self.REPORT, console, [], status=status).reasons
        unclean = [why for why in reasons if why.startswith('the guest did not power off cleanly')]
        self.assertEqual(reasons, [*unclean, 'no test ran'])
        return not unclean

    def test_on_a_board_that_can_only_reset_the_last_words_tell(self):
        self.assertTrue(self.clean(self.WORDS))
        self.assertFalse(self.clean(''))
        self.assertFalse(self.clean(self.WORDS, status=1))

    def test_on_a_board_that_powers_off_qemus_reason_tells(self):
        self.assertTrue(self.clean('', 'guest-shutdown'))
        self.assertFalse(self.clean('', 'guest-shutdown', status=1))
        for reason in ('guest-reset', 'guest-panic', 'host-signal', ''):
            with self.subTest(reason=reason):
                self.assertFalse(self.clean('', reason))
                self.assertFalse(self.clean(self.WORDS, reason))
