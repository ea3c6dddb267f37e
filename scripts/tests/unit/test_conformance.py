# SPDX-License-Identifier: GPL-2.0
"""What is read in the report of the conformance program."""
import unittest

from checks import conformance

REPORT = '''eventfd_conformance: Linux 6.18.44
as stock    1b.12    a read that fails has taken the count
            FailedReads.OfAFullCounterLeaveItFull: failed
conformant  1a.1     eventfd2(0, 0) returns a descriptor
differs     3.4      room that a blocked writer waits for
            AutoresetLosesNo.SpaceThatABlockedWriterWaitsFor: timed out after 4 s
            All/Claim.Is/Epoll: failed
differs     3.5      an event
unknown     1c.2     who is woken
            Waiters.AreWoken: skipped: /proc does not show whether a task sleeps
tests: 0 passed, 0 failed as stock does, 9 failed
rows: 1 conformant, 1 as stock, 2 differ, 1 unknown; see rows.txt
'''.splitlines()


class Report(unittest.TestCase):
    def test_a_line_for_each_row_that_differs_with_its_tests(self) -> None:
        self.assertEqual(conformance.differing(REPORT), [
            'row 3.4: AutoresetLosesNo.SpaceThatABlockedWriterWaitsFor All/Claim.Is/Epoll', 'row 3.5:'])

    def test_where_none_differs_there_is_none(self) -> None:
        self.assertEqual(conformance.differing(line for line in REPORT if 'differs' not in line), [])

    def test_the_summary(self) -> None:
        found = conformance.SUMMARY.match(REPORT[-1])
        assert found
        self.assertEqual([int(number) for number in found.groups()], [1, 1, 2, 1])
