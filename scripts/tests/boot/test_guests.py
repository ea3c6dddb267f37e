# SPDX-License-Identifier: GPL-2.0
"""Guests in which something goes wrong that only a boot can show: the verdict has to say what it was.

What a verdict makes of a report and a console is shown without boots, in unit/test_verdicts.py.
"""
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from core.options import Options
from guest import qemu, verdicts
from tests.support import boot_each, boot_guests, guest, init_script, leaking_program, script

PLAN_OF_ONE = ('echo TAP version 13', 'echo 1..1')
GOOD = script(*PLAN_OF_ONE, 'echo ok 1 Good.Test')
PANICS = script(*PLAN_OF_ONE, 'echo c > /proc/sysrq-trigger', 'sleep 60')
# What init does last.
OFF = '\n"$(cat /etc/off)" -f'
# What programs can do wrong, and what the runner in the guest, or the guest's end, says of it.
PROGRAMS = {'fails': script('echo TAP version 13', 'echo 1..2', 'echo ok 1 Good.Test', 'echo not ok 2 Bad.Test', 'exit 1'),
            'half': script('echo TAP version 13', 'echo 1..5', 'echo ok 1 Good.Test'),
            'killed': script(*PLAN_OF_ONE, 'kill -9 $$'),
            'silent': script('exit 0')}
COMPLAINTS = ('WARNING: CPU: 0 PID: 1 at fs/eventfd.c:1', 'BUG: sleeping function called',
              'INFO: task probe:1 blocked for more than 30 seconds')


class Guests(unittest.TestCase):
    ended: dict[str, tuple[qemu.Outcome, verdicts.Verdict]]

    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            leak = leaking_program(pathlib.Path(scratch))
        assert OFF in init_script()
        # Where it can power off, a reboot is wrong enough: of a reset that sysrq asks for on another processor than an
        # s390x's first, QEMU says that it was a power-off.
        last = 'echo b > /proc/sysrq-trigger' if Options.of().arch.board.off == 'reboot' else 'reboot -f'
        stays = init_script().replace(OFF, f'\n{last}; sleep 60')
        wrong = script(*PLAN_OF_ONE, *(f'echo "<3>{line}" > /dev/kmsg' for line in COMPLAINTS),
                       'echo 64 > /proc/sys/kernel/tainted',
                       '/leak', 'echo ok 1 Good.Test')
        cls.ended = boot_each(
            guest('good', GOOD, [verdicts.KUNIT]), guest('programs', PROGRAMS),
            guest('wrong', wrong, files={'/leak': (leak, 0o755), '/etc/leaks': ('look\n', 0o644)}),
            guest('panics', PANICS), guest('init-dies', '', files={'/init': (script('exit 3'), 0o755)}),
            guest('stays', GOOD, files={'/init': (stays, 0o755)}))

    def assert_reasons(self, name: str, *patterns: str) -> verdicts.Verdict:
        """The verdict is red for these reasons, and for no other."""
        _, result = self.ended[name]
        self.assertEqual(len(result.reasons), len(patterns), result.reasons)
        for reason, pattern in zip(result.reasons, patterns):
            self.assertRegex(reason, pattern)
        return result

    def test_one_in_which_all_is_well_passes_and_the_kernels_own_tests_count(self) -> None:
        result = self.assert_reasons('good')
        [cases] = [program for program in result.programs if program.name == verdicts.KUNIT]
        self.assertEqual(cases.count('passed'), cases.planned)
        self.assertGreater(cases.planned, 20)
        self.assertGreater(cases.seconds, 0)
        self.assertEqual(result.count('passed'), cases.planned + 1)
        root = ElementTree.parse(self.ended['good'][0].console.with_suffix('.junit.xml')).getroot()
        self.assertEqual([(suite.get('name'), int(suite.attrib['tests'])) for suite in root],
                         [(verdicts.KUNIT, cases.planned), ('probe', 1), ('boot', 1)])

    def test_what_a_program_does_wrong_is_heard_and_the_others_go_on(self) -> None:
        result = self.assert_reasons(
            'programs', '^fails: Bad.Test failed$', r'^half: 1 of 5 planned tests reported a result .the last one: Good.Test',
            '^killed: 0 of 1 planned tests', '^killed: exit=137$', '^silent: 0 of 0 planned tests')
        self.assertEqual((result.count('passed'), result.count('failed')), (2, 1))

    def test_complaints_of_the_kernel_a_taint_and_a_leaked_eventfd_turn_it_red(self) -> None:
        self.assert_reasons('wrong', *(f'^the kernel complained: {line}' for line in COMPLAINTS),
                            '^an eventfd was leaked: a fresh one had id 0 before the suite and 1 after it$',
                            '^the guest could not look for leaked memory', '^the kernel is tainted: 64$')

    def test_a_kernel_that_panics_turns_it_red(self) -> None:
        _, result = self.ended['panics']
        self.assertRegex(result.reasons[0], '^the kernel panicked: ')
        self.assertIn('the guest did not come to the end of its run', result.reasons)

    def test_an_init_that_dies_turns_it_red(self) -> None:
        self.assertRegex(self.ended['init-dies'][1].reasons[0], '^the kernel panicked: Attempted to kill init')

    def test_a_guest_that_does_not_power_off_cleanly_turns_it_red(self) -> None:
        result = self.assert_reasons('stays', '^the guest did not power off cleanly')
        self.assertIn('end', result.facts)


class Watched(unittest.TestCase):
    """Guests that the watchdog has to end."""

    def test_an_init_or_a_test_that_hangs_turns_it_red(self) -> None:
        ended = boot_each(guest('hangs', '', files={'/init': (script('while :; do sleep 1; done'), 0o755)}),
                          guest('stuck', script(*PLAN_OF_ONE, 'sleep 600')), limits=qemu.Limits(boot=20, silent=8))
        self.assertIn('the kernel did not reach the suite in 20 s', ended['hangs'][1].reasons)
        reasons = ended['stuck'][1].reasons
        self.assertTrue(any(reason.startswith('the suite was silent for 8 s after') for reason in reasons), reasons)
        for outcome, _ in ended.values():
            self.assertLess(outcome.seconds, 45)


class SideBySide(unittest.TestCase):
    """Two guests, and one verdict on them: what is wrong in either turns it red, and its console is shown."""

    def test_one_panics_beside_one_with_a_processor(self) -> None:
        well = script(*PLAN_OF_ONE, 'nproc | sed "s/.*/ok 1 Good.On&/"')
        outcome, result = boot_guests(guest('well', well), guest('one', well, cpus=1))
        self.assertEqual(result.reasons, [])
        self.assertEqual([test.name for program in result.programs for test in program.tests], ['Good.On2', 'Good.On1'])
        self.assertEqual(outcome.ended, '')
        outcome, result = boot_guests(guest('well', well), guest('worse', PANICS))
        self.assertTrue(any(reason.startswith('the kernel panicked: ') for reason in result.reasons), result.reasons)
        self.assertEqual((outcome.console.name, result.count('passed')), ('harness-worse.console', 1))
