# SPDX-License-Identifier: GPL-2.0
"""Kernels that do wrong what the suite tests: the tests that name it have to turn red."""
import unittest

from core.report import Refusal
from guest import verdicts
from tests.support import boot_variant, options_for

# What EFD_AUTORESET did wrong as it was first posted, a test for each.
LOST = (
    'EventFromBeforeItWasAddedToAnEpoll',
    'EventFromBeforeItsEntryWasModified',
    'EventBehindAnEpollInsideAnEpoll',
    'EventBehindAnEpollThatWasPolled',
    'SpaceThatABlockedWriterWaitsFor',
    'ResetByAnIoUringPollThatWasArmedBeforeTheWrite',
    'ResetByAnAioPollThatWasArmedBeforeTheWrite',
    'EventThatAnIoUringMultishotReadWaitsFor',
    'EventThatAnIoUringReadWaitsFor',
)

# And what the kernel's own tests see of it.
LOST_IN_THE_KERNEL = (
    'signal_of_an_autoreset_eventfd_is_to_be_claimed',
    'poll_takes_only_what_it_claims',
    'claim_lets_a_blocked_writer_go_on',
)


class Variants(unittest.TestCase):
    def test_each_flaw_of_the_first_autoreset_is_seen(self) -> None:
        seen: dict[str, str] = {}
        # The last one is a race, for so many seconds: a busy machine may not come to it in one boot.
        for pattern in ('AutoresetLosesNo.*', *[f'AutoresetLosesNo.{LOST[-1]}'] * 2):
            result = boot_variant('rfc', 'eventfd_autoreset', pattern, [verdicts.KUNIT])
            seen |= {name: kind for program in result.programs if program.name != verdicts.KUNIT
                     for kind, name, _ in program.tests}
            if seen.get(f'AutoresetLosesNo.{LOST[-1]}') != 'passed':
                break
        self.assertEqual(seen, {f'AutoresetLosesNo.{name}': 'failed' for name in LOST})
        for name in LOST_IN_THE_KERNEL:
            self.assertIn(f'{verdicts.KUNIT}: {name} failed', result.reasons)

    def test_a_case_that_dies_in_the_kernel_turns_it_red(self) -> None:
        result = boot_variant('careless', 'eventfd_id', '*', [verdicts.KUNIT])
        self.assertRegex(result.reasons[0], 'the kernel panicked: ')
        self.assertIn(f'{verdicts.KUNIT}: never started', result.reasons)
        self.assertEqual(result.count('passed'), 0)


class Flavours(unittest.TestCase):
    """Kernels that look for bugs, with one. A first build takes its time, and is left to who wants it."""

    def boot(self, variant: str, program: str, tests: str, **switches: str) -> verdicts.Verdict:
        try:
            options = options_for(**switches)
        except Refusal as error:
            self.skipTest(str(error))
        if not (options.work / 'obj' / options.arch.image).exists():
            self.skipTest(f'{options.label} is not built: "make run {options.flavours[0].switch}" builds it')
        return boot_variant(variant, program, tests, **switches)

    def test_a_counter_that_is_written_plainly_is_seen_by_kcsan(self) -> None:
        result = self.boot('racy', 'eventfd_poll', '*', KCSAN='1')
        self.assertRegex(result.reasons[0], 'the kernel complained: BUG: KCSAN: data-race in eventfd_')

    def test_a_context_that_is_never_freed_is_seen_by_kmemleak(self) -> None:
        result = self.boot('leaky', 'eventfd_creation', 'Creation.FlagsAreThoseOfOpen', DEBUG='1')
        self.assertRegex(result.reasons[0], 'the kernel complained: unreferenced object 0x')
