# SPDX-License-Identifier: GPL-2.0
"""The seed of make stress, and nothing else, says what its workers do."""
import subprocess
import unittest

from core.places import SUITE
from tests.support import built


class Schedule(unittest.TestCase):
    def schedule(self, seed: int) -> list[str]:
        """What each worker of eventfd_stress would do first, a line each."""
        program = built().installed / SUITE / 'eventfd_stress'
        done = subprocess.run([program, '--schedule', '200', str(seed)], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def test_the_same_seed_is_the_same_schedule(self) -> None:
        self.assertEqual(self.schedule(7), self.schedule(7))

    def test_another_seed_is_another_schedule_for_each_worker(self) -> None:
        for one, other in zip(self.schedule(7), self.schedule(8), strict=True):
            self.assertNotEqual(one, other)

    def test_no_two_workers_do_the_same(self) -> None:
        steps = [line.split(':', 1)[1] for line in self.schedule(7)]
        self.assertGreater(len(steps), 1)
        self.assertEqual(len(set(steps)), len(steps))
