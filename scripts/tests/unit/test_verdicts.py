# SPDX-License-Identifier: GPL-2.0
"""The verdict on boots that are recorded: what is wrong turns it red, for that reason and no other."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from core.machines import FLAVOURS
from core.options import OPTIONS, Options
from guest import verdicts
from tests.calls import call_here
from tests.recorded import ALL, Boot

GOOD = Boot.read('good')
ONE = ('TAP version 13', '1..1', 'ok 1 Good.Test')
NOT_OK = 'not ok 1 selftests: filesystems/eventfd: probe'
# What the kernel says when something is wrong with it; each as a console has it.
COMPLAINTS = (
    'WARNING: CPU: 0 PID: 1 at fs/eventfd.c:1 eventfd_read+0x1/0x2',
    'BUG: sleeping function called from invalid context at fs/eventfd.c:1',
    'BUG: kernel NULL pointer dereference, address: 0000000000000010',
    'BUG: KASAN: slab-use-after-free in eventfd_write+0x1/0x2',
    'BUG: KCSAN: data-race in eventfd_poll / eventfd_write',
    'BUG: soft lockup - CPU#0 stuck for 22s! [eventfd_poll:1]',
    'INFO: task probe:1 blocked for more than 30 seconds.',
    'rcu: INFO: rcu_preempt self-detected stall on CPU',
    'WARNING: possible circular locking dependency detected',
    'WARNING: suspicious RCU usage',
    'unreferenced object 0xffff888001234567 (size 64):',
    'refcount_t: underflow; use-after-free.',
    'list_del corruption. prev->next should be ffff888001234567',
    'UBSAN: shift-out-of-bounds in fs/eventfd.c:1:2',
    'Oops: general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] SMP',
    'eventfd_poll invoked oom-killer: Out of memory',
)


class Verdicts(unittest.TestCase):
    def assert_reasons(self, verdict: verdicts.Verdict, *patterns: str) -> None:
        """The verdict is red for these reasons, and for no other."""
        self.assertEqual(len(verdict.reasons), len(patterns), verdict.reasons)
        for reason, pattern in zip(verdict.reasons, patterns):
            self.assertRegex(reason, pattern)


class Recorded(Verdicts):
    """Of whole boots, as they were and with something gone wrong."""

    def test_one_in_which_all_is_well_passes(self) -> None:
        result = GOOD.judged(ALL)
        self.assert_reasons(result)
        self.assertEqual([(program.name, program.planned, program.count('passed')) for program in result.programs],
                         [('kunit: eventfd', 3, 3), ('eventfd_creation', 3, 3), ('eventfd_test', 2, 2)])
        self.assertEqual([result.count(kind) for kind in ('passed', 'failed', 'skipped')], [8, 0, 0])
        self.assertEqual([round(program.seconds, 3) for program in result.programs], [0.345, 0.18, 0.61])
        self.assertEqual(result.facts, {'release': '6.12.117', 'cpus': '2', 'started': '0.99', 'eventfd-id': '0 0',
                                        'tainted': '262144', 'end': ''})

    def test_tests_that_fail_are_named(self) -> None:
        result = Boot.read('flawed').judged(['kunit: eventfd', 'eventfd_autoreset'])
        self.assert_reasons(result, r'^kunit: eventfd: claim_lets_a_blocked_writer_go_on failed$',
                            r'^eventfd_autoreset: AutoresetLosesNo\.EventFromBeforeItWasAddedToAnEpoll failed$',
                            r'^eventfd_autoreset: AutoresetLosesNo\.EventFromBeforeItsEntryWasModified failed$')
        self.assertEqual([result.count(kind) for kind in ('passed', 'failed')], [1, 3])

    def test_one_whose_kernel_died_before_init_began(self) -> None:
        result = Boot.read('panic').judged(ALL)
        self.assert_reasons(result, '^the kernel panicked: Fatal exception$',
                            '^the kernel complained: BUG: kernel NULL pointer dereference, address: 0000000000000010$',
                            r'^the kernel complained: Oops: Oops: 0000 \[#1\] SMP$',
                            '^kunit: eventfd: never started$', '^eventfd_creation: never started$',
                            '^eventfd_test: never started$', '^the guest never started the suite$', '^no test ran$')

    def test_stock_fails_as_declared_and_skips_what_is_not_for_it(self) -> None:
        result = Boot.read('stock').judged(['eventfd_creation', 'eventfd_faults', 'eventfd_autoreset'])
        self.assert_reasons(result)
        self.assertEqual([result.count(kind) for kind in ('passed', 'failed', 'skipped')], [5, 0, 2])

    def test_a_line_that_is_missing(self) -> None:
        self.assert_reasons(GOOD.without(r'# ok 2 Creation').judged(ALL), r'^eventfd_creation: 2 of 3 planned tests reported '
                            r'a result \(the last one: Creation\.FlagsAreThoseOfOpen\)$')

    def test_a_line_of_the_kernels_own_tests_that_is_missing(self) -> None:
        self.assert_reasons(GOOD.without(r'^    ok 3 ').judged(ALL), '^kunit: eventfd: 2 of 3 planned tests reported a result')

    def test_a_kernel_without_its_own_tests(self) -> None:
        gone = GOOD.without(r'^# kunit: |^    |^# eventfd: |^ok 1 eventfd|^# Totals|^KTAP')
        self.assert_reasons(gone.judged(ALL), '^kunit: eventfd: never started$', '^the kernel is tainted: 262144$')

    def test_a_program_that_never_started(self) -> None:
        self.assert_reasons(GOOD.judged([*ALL, 'eventfd_poll']), '^eventfd_poll: never started$')

    def test_a_guest_that_goes_in_the_middle_of_a_program(self) -> None:
        result = GOOD.until(r'# ok 2 global').judged(ALL)
        self.assert_reasons(result, r'^eventfd_test: 1 of 2 planned tests .*the last one: global\.eventfd_check_flag_rdwr',
                            '^eventfd_test: never finished$', '^the guest did not come to the end of its run$')

    def test_a_guest_that_goes_after_the_last_program(self) -> None:
        self.assert_reasons(GOOD.until('harness: eventfd-id').judged(ALL), '^the guest did not come to the end of its run$')

    def test_a_panic_after_the_last_word(self) -> None:
        last = GOOD._replace(console='[    9.1] Kernel panic - not syncing: sysrq triggered crash\n')
        self.assert_reasons(last.judged(ALL), '^the kernel panicked: sysrq triggered crash$',
                            r'^the guest did not power off cleanly \(QEMU exit status 0\)$')

    def test_what_the_watchdog_saw_is_a_reason(self) -> None:
        ended = 'the suite was silent for 120 s after "# ok 1 global.eventfd_check_flag_rdwr"'
        result = GOOD.until(r'# ok 2 global').judged(ALL, ended)
        self.assertIn(ended, result.reasons)

    def test_a_leaked_eventfd(self) -> None:
        self.assert_reasons(GOOD.changed('eventfd-id 0 0', 'eventfd-id 0 1').judged(ALL),
                            '^an eventfd was leaked: a fresh one had id 0 before the suite and 1 after it$')
        self.assert_reasons(GOOD.changed('eventfd-id 0 0', 'eventfd-id ').judged(ALL),
                            '^an eventfd was leaked: a fresh one had id none before the suite and none after it$')

    def test_a_taint_beside_that_of_tests_in_the_kernel(self) -> None:
        self.assert_reasons(GOOD.changed('tainted 262144', 'tainted 262208').judged(ALL), '^the kernel is tainted: 262208$')
        self.assert_reasons(GOOD.without('harness: tainted').judged(ALL), '^the kernel is tainted: None$')
        self.assert_reasons(GOOD.changed('tainted 262144', 'tainted 0').judged(ALL))

    def test_a_kernel_that_cannot_look_for_leaks(self) -> None:
        for scanned, patterns in (('1', ()), ('0', ('^the guest could not look for leaked memory: kmemleak is missing',))):
            report = [*GOOD.report[:-1], (2.46, f'harness: scanned {scanned}'), GOOD.report[-1]]
            self.assert_reasons(GOOD._replace(report=report).judged(ALL), *patterns)

    def test_a_complaint_of_the_kernels(self) -> None:
        for line in COMPLAINTS:
            for stamp in ('[    1.255470] ', '<4>[    1.255470] ', '[    1.255470][  T160] ', ''):
                with self.subTest(line=line, stamp=stamp):
                    result = GOOD.saying(f'{stamp}{line}', '[    1.3] more of it').judged(ALL)
                    self.assertEqual(result.reasons, [f'the kernel complained: {line}'])

    def test_a_complaint_that_comes_often_is_said_once_and_of_many_the_first(self) -> None:
        self.assertEqual(len(GOOD.saying(*['[    1.2] BUG: one'] * 9).judged(ALL).reasons), 1)
        self.assertEqual(len(GOOD.saying(*(f'[    1.2] BUG: {number}' for number in range(9))).judged(ALL).reasons), 5)

    def test_what_the_kernel_says_otherwise_is_no_complaint(self) -> None:
        self.assert_reasons(GOOD.saying('[    0.3] APIC timer disabled due to verification failure',
                                        '[    1.8] clocksource: Long readout interval, skipping watchdog check',
                                        '[    7.8] hrtimer: interrupt took 10748066 ns').judged(ALL))


class Probe(Verdicts):
    """Of what one program prints, and how it ends."""

    def test_one_that_passes(self) -> None:
        result = Boot.of_probe(*ONE).judged(['probe'])
        self.assert_reasons(result)
        self.assertEqual(result.count('passed'), 1)

    def test_a_test_that_fails(self) -> None:
        result = Boot.of_probe('TAP version 13', '1..2', 'ok 1 Good.Test', 'not ok 2 Bad.Test',
                               ends=f'{NOT_OK} # exit=1').judged()
        self.assert_reasons(result, '^probe: Bad.Test failed$')
        self.assertEqual((result.count('passed'), result.count('failed')), (1, 1))

    def test_a_test_that_fails_in_a_program_that_hides_it(self) -> None:
        self.assert_reasons(Boot.of_probe('1..1', 'not ok 1 Bad.Test').judged(), '^probe: Bad.Test failed$')

    def test_one_that_dies_half_way(self) -> None:
        self.assert_reasons(Boot.of_probe('1..5', 'ok 1 Good.Test').judged(),
                            r'^probe: 1 of 5 planned tests reported a result \(the last one: Good\.Test\)$')

    def test_one_that_is_killed(self) -> None:
        self.assert_reasons(Boot.of_probe('1..1', ends=f'{NOT_OK} # exit=137').judged(),
                            '^probe: 0 of 1 planned tests', '^probe: exit=137$', '^no test ran$')

    def test_one_that_takes_more_than_its_time(self) -> None:
        self.assert_reasons(Boot.of_probe(*ONE, ends=f'{NOT_OK} # TIMEOUT 300 seconds').judged(),
                            '^probe: TIMEOUT 300 seconds$')

    def test_one_without_a_plan(self) -> None:
        self.assert_reasons(Boot.of_probe().judged(), '^probe: 0 of 0 planned tests reported a result$', '^no test ran$')
        self.assert_reasons(Boot.of_probe('ok 1 Good.Test').judged(), '^probe: 1 of 0 planned tests')

    def test_one_of_which_nothing_is_heard_any_more(self) -> None:
        self.assert_reasons(Boot.of_probe(ends='').judged(), '^probe: died before it printed its plan$', '^no test ran$')
        self.assert_reasons(Boot.of_probe(*ONE, ends='').judged(), '^probe: never finished$')

    def test_a_result_that_comes_twice_does_not_stand_in_for_one_that_is_missing(self) -> None:
        self.assert_reasons(Boot.of_probe('1..2', 'ok 1 A.B', 'ok 1 A.B').judged(), '^probe: 2 of 2 planned tests')

    def test_a_result_too_many(self) -> None:
        self.assert_reasons(Boot.of_probe('1..1', 'ok 1 A.B', 'ok 2 A.C').judged(), '^probe: 2 of 1 planned tests')

    def test_a_test_that_is_skipped_has_not_passed(self) -> None:
        result = Boot.of_probe('1..2', 'ok 1 A.B # SKIP no such thing', 'ok 2 A.C').judged()
        self.assert_reasons(result)
        self.assertEqual([result.count(kind) for kind in ('passed', 'failed', 'skipped')], [1, 0, 1])

    def test_what_comes_after_the_runners_line_is_not_of_the_program(self) -> None:
        boot = Boot.of_probe(*ONE)
        report = [*boot.report[:-3], (9.0, '# ok 2 A.B'), *boot.report[-3:]]
        self.assertEqual(boot._replace(report=report).judged().count('passed'), 1)


class Results(unittest.TestCase):
    """Test by test, with what each printed."""

    def test_each_outcome(self) -> None:
        [program] = Boot.of_probe(
            '1..5', 'ok 1 A.Passes #  0.125 s', '# what it saw', 'not ok 2 A.Fails #  failed, 1.5 s',
            'ok 3 A.Lacks # SKIP no such thing here', 'ok 4 All/B.Declared/X # XFAIL stock does it (failed, 0.1 s)',
            'not ok 5 A.Surprise #  XPASS passes, but is declared: why').judged().programs
        self.assertEqual([(result.name, result.outcome, result.text, result.seconds) for result in verdicts.results(program)],
                         [('A.Passes', 'passed', '0.125 s', 0.125), ('A.Fails', 'failed', 'failed, 1.5 s', 1.5),
                          ('A.Lacks', 'skipped', 'no such thing here', 0.0),
                          ('All/B.Declared/X', 'XFAIL', 'stock does it (failed, 0.1 s)', 0.1),
                          ('A.Surprise', 'XPASS', 'passes, but is declared: why', 0.0)])
        notes = [result.notes for result in verdicts.results(program)]
        self.assertEqual(notes[1], ['# what it saw', 'not ok 2 A.Fails #  failed, 1.5 s'])


class PowerOff(unittest.TestCase):
    """What was said of a guest's end makes it a clean one, or not."""
    REPORT = [(1.0, f'harness: {fact}') for fact in ('started 1', 'eventfd-id 0 0', 'tainted 0', 'end')]
    WORDS = '[    9.9] reboot: Restarting system\n'

    def clean(self, words: str, reason: str | None = None, status: int = 0) -> bool:
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

    def test_on_a_board_that_can_only_reset_the_last_words_tell(self) -> None:
        self.assertTrue(self.clean(self.WORDS))
        self.assertFalse(self.clean(''))
        self.assertFalse(self.clean(self.WORDS, status=1))

    def test_on_a_board_that_powers_off_qemus_reason_tells(self) -> None:
        self.assertTrue(self.clean('', 'guest-shutdown'))
        self.assertFalse(self.clean('', 'guest-shutdown', status=1))
        for reason in ('guest-reset', 'guest-panic', 'host-signal', ''):
            with self.subTest(reason=reason):
                self.assertFalse(self.clean('', reason))
                self.assertFalse(self.clean(self.WORDS, reason))


class Together(unittest.TestCase):
    """One verdict on guests that ran beside one another."""

    def test_programs_and_reasons_are_those_of_all_and_facts_those_of_the_worst(self) -> None:
        good, flawed = GOOD.judged(ALL), Boot.read('flawed').judged(['eventfd_poll'])
        both = verdicts.together([good, flawed], 1)
        self.assertEqual(both.programs, good.programs + flawed.programs)
        self.assertEqual((both.reasons, both.facts), (flawed.reasons, flawed.facts))

    def test_what_both_say_is_said_once(self) -> None:
        panic = Boot.read('panic').judged()
        self.assertEqual(verdicts.together([panic, panic], 0).reasons, panic.reasons)


class Shown(unittest.TestCase):
    """What is printed of a verdict."""

    def shown(self, boot: Boot, *expected: str) -> list[str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            verdicts.show(boot.judged(expected), 'Linux 6.12')
        return said.getvalue().splitlines()

    def test_a_pass(self) -> None:
        self.assertEqual(self.shown(GOOD, *ALL), [
            'program           passed  failed  skipped  seconds',
            'kunit: eventfd         3       0        0      0.3',
            'eventfd_creation       3       0        0      0.2',
            'eventfd_test           2       0        0      0.6',
            '', 'verdict: PASS: 8 passed, 0 failed, 0 skipped; Linux 6.12'])

    def test_what_failed_tests_said(self) -> None:
        said = self.shown(Boot.read('flawed'))
        self.assertEqual(said[-1], 'verdict: FAIL: 1 passed, 3 failed, 0 skipped; Linux 6.12')
        self.assertIn('  eventfd_autoreset: AutoresetLosesNo.EventFromBeforeItWasAddedToAnEpoll failed', said)
        start = said.index('eventfd_autoreset said:')
        self.assertIn('  #   0.019    Actual: {}', said[start:])
        start = said.index('kunit: eventfd said:')
        self.assertIn('  Expected test_done(writer) to be true, but is false', said[start:])

    def test_where_to_look_first(self) -> None:
        flawed = Boot.read('flawed')
        self.assertEqual(verdicts.first_failure(flawed.judged()),
                         'the first to fail: eventfd.claim_lets_a_blocked_writer_go_on, '
                         'at fs/tests/eventfd_kunit.c:1302; alone: make test T==eventfd.claim_lets_a_blocked_writer_go_on')
        test = 'AutoresetLosesNo.EventFromBeforeItWasAddedToAnEpoll'
        alone = flawed.without('^# kunit:|^    |^# eventfd: pass')
        self.assertEqual(verdicts.first_failure(alone.judged()),
                         f'the first to fail: {test}, at eventfd_autoreset.cpp:350; alone: make test T=={test}')
        self.assertEqual(verdicts.first_failure(GOOD.judged()), '')

    def test_a_test_runs_alone_on_the_kernel_that_was_asked_for(self) -> None:
        boot = Boot.of_probe('1..1', 'not ok 1 All/Bad.Test/X')

        def call(**asked: str) -> str:
            return verdicts.first_failure(boot.judged(), Options.of(asked).asked).partition('alone: ')[2]

        self.assertEqual(call(KDIR="/my kernel's", OWN='1', DEBUG='1', ROUNDS='2000', ACCEL='tcg'),
                         """make test KDIR='/my kernel'"'"'s' OWN=1 ACCEL=tcg DEBUG=1 ROUNDS=2000 T==All/Bad.Test/X""")
        for flavour in FLAVOURS:
            if flavour.switch:
                self.assertEqual(call(**dict([flavour.switch.split('=')])), f'make test {flavour.switch} T==All/Bad.Test/X')
        for asked in ({'KERNEL': '7.3'}, {'ARCH': 'arm64'}, {'SMALL': '1'}, {'BUILD': '/b'}):
            [(name, value)] = asked.items()
            self.assertEqual(call(**asked), f'make test {name}={value} T==All/Bad.Test/X')
        # What was asked of another command, and which tests, is no part of it.
        self.assertEqual(call(T='Bad', S='60', SEED='1', N='3', CPUS='2'), 'make test T==All/Bad.Test/X')

    def test_it_is_shown_so(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            verdicts.show(Boot.of_probe('1..1', 'not ok 1 Bad.Test').judged(), 'Linux 6.12', {'ARCH': 'arm64'})
        self.assertIn('  the first to fail: Bad.Test; alone: make test ARCH=arm64 T==Bad.Test', said.getvalue().splitlines())

    def test_the_last_words_of_a_program_that_was_cut_short(self) -> None:
        said = self.shown(GOOD.until('# ok 2 global'))
        self.assertIn('  #            OK  global.eventfd_check_flag_cloexec', said[said.index('eventfd_test said:'):])

    def test_failures_that_are_declared_are_counted(self) -> None:
        self.assertIn('2 of the passed are expected failures: this kernel lacks the changes that they need',
                      self.shown(Boot.read('stock')))


class Elsewhere(unittest.TestCase):
    def test_what_is_about_other_commands_are_options_that_there_are(self) -> None:
        self.assertLessEqual(set(verdicts.ELSEWHERE), {option.name for option in OPTIONS})


class Table(unittest.TestCase):
    """As wide as there is room for."""
    PROGRAMS = [verdicts.Program('kunit: eventfd', 0.0, seconds=0.91, tests=[verdicts.Test('passed', 'A.B', 1)] * 35),
                verdicts.Program('eventfd_autoreset_consumers', 0.0, seconds=103.2, tests=[verdicts.Test('passed', 'A.B', 1)] * 1234)]

    def test_names_and_figures_in_full(self) -> None:
        self.assertEqual(list(verdicts.table(self.PROGRAMS, 80)), [
            'program                      passed  failed  skipped  seconds',
            'kunit: eventfd                   35       0        0      0.9',
            'eventfd_autoreset_consumers    1234       0        0    103.2'])

    def test_forty_columns_are_enough(self) -> None:
        lines = list(verdicts.table(self.PROGRAMS, 40))
        self.assertEqual(lines, ['program              good bad skip   s', 'kunit: eventfd         35   0    0   1',
                                 'autoreset_consumers  1234   0    0 103'])
        self.assertLessEqual(max(map(len, lines)), 40)


class Earlier(unittest.TestCase):
    """An earlier boot, judged by the files that it left."""

    def judged(self, boot: Boot, *programs: str, **asked: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as scratch:
            console = boot.write(pathlib.Path(scratch))
            return call_here('verdict', str(console), str(console.with_suffix('.report')), *programs, **asked)

    def test_one_that_passed(self) -> None:
        status, said = self.judged(GOOD, *ALL)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r'(?m)^verdict: PASS: 8 passed, 0 failed, 0 skipped; .*run\.report$')

    def test_one_that_did_not(self) -> None:
        status, said = self.judged(GOOD, *ALL, 'eventfd_poll')
        self.assertEqual(status, 1, said)
        self.assertRegex(said, r'(?m)^  eventfd_poll: never started$')

    def test_one_that_was_of_what_is_asked_for(self) -> None:
        _, said = self.judged(Boot.of_probe('1..1', 'not ok 1 Bad.Test'), 'probe', KERNEL='7.3')
        self.assertIn('alone: make test KERNEL=7.3 T==Bad.Test\n', said)
