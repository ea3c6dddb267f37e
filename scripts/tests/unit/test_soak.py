# SPDX-License-Identifier: GPL-2.0
"""Boots in a row: one that fails is counted and kept, and does not end the others.

Not called by itself: "make check-harness" runs it.
"""
import contextlib
import io
import itertools
import unittest

from tests.support import boot, script

from commands import soak
from core.options import Options

GOOD = script('echo TAP version 13', 'echo 1..1', 'echo ok 1 Good.Test')
BAD = script('echo TAP version 13', 'echo 1..2', 'echo ok 1 Good.Test', 'echo not ok 2 Bad.Test', 'exit 1')


class Soak(unittest.TestCase):
    def soak(self, *programs):
        """One boot for each program; (what failed, what was said)."""
        options = Options.of({'N': str(len(programs))})
        order = itertools.chain(programs)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            failed = soak.soak(options, lambda: boot('soak', next(order), said=''))
        return options, failed, said.getvalue()

    def test_a_failure_is_counted_and_does_not_end_it(self):
        options, failed, said = self.soak(GOOD, BAD, GOOD, BAD)
        self.assertEqual(failed, {'probe: Bad.Test': [2, 4]})
        for number, word in enumerate(('PASS', 'FAIL', 'PASS', 'FAIL'), 1):
            self.assertRegex(said, rf'(?m)^boot {number}/4: {word}: ')
        self.assertRegex(said, r'(?m)^ +2/4 +probe: Bad\.Test \(boot 2, 4\)$')
        self.assertRegex(said, r'(?m)^soak: FAIL: 2 of 4 boots passed')
        kept = {path.name for path in (options.work / 'soak').iterdir()}
        suffixes = ('console', 'report', *(['qmp'] if Options.of().arch.board.off == 'poweroff' else []))
        self.assertEqual(kept, {f'{number}.{suffix}' for number in ('0002', '0004') for suffix in suffixes})
        self.assertIn('not ok 2 Bad.Test', (options.work / 'soak/0004.report').read_text())

    def test_boots_that_pass_leave_nothing(self):
        options, failed, said = self.soak(GOOD)
        self.assertEqual((failed, said.splitlines()[-1]), ({}, 'soak: PASS: 1 of 1 boots passed'))
        self.assertFalse((options.work / 'soak').exists())
