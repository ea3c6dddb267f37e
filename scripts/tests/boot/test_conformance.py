# SPDX-License-Identifier: GPL-2.0
"""The conformance program on a system that differs."""
import re
import unittest

from checks import conformance
from core.options import Options
from tests.support import boot, script, variant


class Conformance(unittest.TestCase):
    def test_a_system_that_differs(self) -> None:
        """A kernel whose EFD_AUTORESET loses events, some of them for ever: the tests of that hang."""
        program = conformance.build(Options.of())
        guest = script('echo TAP version 13', 'echo 1..1', 'echo ok 1 Good.Test', 'export EVENTFD_TEST_TIMEOUT=4',
                       'export EVENTFD_AUTORESET_ROUNDS=4000',
                       '/eventfd_conformance --filter="AutoresetLosesNo.*" > /tmp/rows', 'status=$?',
                       'sed "s/^/# /" /tmp/rows', 'echo "# status $status"')
        outcome, _ = boot('conformance', guest, files={'/eventfd_conformance': (program.read_bytes(), 0o755)},
                          image=variant('rfc'))
        said = [line.removeprefix('# # ') for _, line in outcome.report]
        self.assertIn('# # status 1', [line for _, line in outcome.report])
        self.assertTrue(any(re.match(r'differs     \S+ ', line) for line in said), said)
        self.assertTrue(any('AutoresetLosesNo.SpaceThatABlockedWriterWaitsFor: ' in line for line in said), said)
        self.assertTrue(any(line.startswith('tests: 0 passed, 0 failed as stock does, 9 failed') for line in said),
                        said)
        self.assertRegex('\n'.join(conformance.differing(said)),
                         r'(?m)^row \S+:.* AutoresetLosesNo\.SpaceThatABlockedWriterWaitsFor\b')
