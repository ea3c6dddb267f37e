# SPDX-License-Identifier: GPL-2.0
"""Boots in a row: one that fails is counted and kept, and does not end the others."""
import contextlib
import io
import pathlib
import tempfile
import unittest
from unittest import mock

from commands import soak
from core.options import Options
from guest import qemu, verdicts
from tests.recorded import Boot

GOOD = Boot.of_probe('TAP version 13', '1..1', 'ok 1 Good.Test')
BAD = Boot.of_probe('TAP version 13', '1..2', 'ok 1 Good.Test', 'not ok 2 Bad.Test')
PANIC = Boot.read('panic')


class Soak(unittest.TestCase):
    def setUp(self) -> None:
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        # Where the build directory is.
        self.enterContext(mock.patch('core.options.BUILD', self.work))
        (self.work / 'boots').mkdir()

    def soak(self, *boots: Boot, qmp: bool = False) -> tuple[dict[str, list[int]], str]:
        """(what failed, what was said) for these boots, each of which leaves its files where the one before did."""
        options = Options.of({'N': str(len(boots))})
        order = iter(boots)

        def boot() -> tuple[qemu.Outcome, verdicts.Verdict]:
            each = next(order)
            console = each.write(self.work / 'boots', 'soak')
            if qmp:
                console.with_suffix('.qmp').write_text('{"reason": "guest-shutdown"}')
            result = verdicts.judge(each.report, console, ['probe'])
            return qemu.Outcome(console, each.report, '', 0, 12.0, 'tcg'), result

        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            failed = soak.soak(options, boot)
        self.kept = options.work / 'soak'
        return dict(failed), said.getvalue()

    def test_a_failure_is_counted_and_does_not_end_it(self) -> None:
        failed, said = self.soak(GOOD, BAD, GOOD, BAD)
        self.assertEqual(failed, {'probe: Bad.Test': [2, 4]})
        for number, word in enumerate(('PASS', 'FAIL', 'PASS', 'FAIL'), 1):
            self.assertRegex(said, rf'(?m)^boot {number}/4: {word}: 1 passed, ')
        self.assertRegex(said, r'(?m)^ +2/4 +probe: Bad\.Test \(boot 2, 4\)$')
        self.assertRegex(said, r'(?m)^soak: FAIL: 2 of 4 boots passed; the consoles and reports of the others are in ')
        self.assertEqual({path.name for path in self.kept.iterdir()},
                         {f'{number}.{suffix}' for number in ('0002', '0004') for suffix in ('console', 'report')})
        self.assertIn('not ok 2 Bad.Test', (self.kept / '0004.report').read_text())

    def test_what_qemu_said_is_kept_where_there_is_some(self) -> None:
        self.soak(BAD, qmp=True)
        self.assertEqual({path.name for path in self.kept.iterdir()}, {'0001.console', '0001.report', '0001.qmp'})

    def test_whatever_else_turned_a_boot_red_counts_too(self) -> None:
        failed, said = self.soak(GOOD, PANIC)
        self.assertEqual(failed['the kernel panicked: Fatal exception'], [2])
        self.assertEqual(failed['probe: never started'], [2])
        self.assertRegex(said, r'(?m)^boot 2/2: FAIL: .*: the kernel panicked: Fatal exception$')

    def test_what_fails_most_often_is_named_first(self) -> None:
        _, said = self.soak(PANIC, BAD, BAD)
        table = [line for line in said.splitlines() if ' (boot ' in line]
        self.assertRegex(table[0], r'^ +2/3 +probe: Bad\.Test \(boot 2, 3\)$')
        self.assertTrue(all(line.startswith('   1/3') for line in table[1:]), table)

    def test_boots_that_pass_leave_nothing(self) -> None:
        failed, said = self.soak(GOOD)
        self.assertEqual((failed, said.splitlines()[-1]), ({}, 'soak: PASS: 1 of 1 boots passed'))
        self.assertFalse(self.kept.exists())

    def test_what_an_earlier_soak_kept_goes(self) -> None:
        self.soak(BAD)
        self.soak(GOOD)
        self.assertFalse(self.kept.exists())
