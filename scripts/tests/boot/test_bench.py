# SPDX-License-Identifier: GPL-2.0
"""The benchmark counts exactly, and a bound that is broken is seen."""
import pathlib
import unittest

from commands import bench
from core.options import Options
from guest import session


class Counting(unittest.TestCase):
    options: Options
    built: bench.Built

    @classmethod
    def setUpClass(cls) -> None:
        cls.options = Options.of()
        cls.built = bench.build(cls.options)

    def counted(self, pattern: str, **images: pathlib.Path) -> dict[bench.Key, float]:
        """The figures of these kernels."""
        return bench.figures({name: bench.run(self.options, image, self.built.initrd, name, pattern, 'count')
                              for name, image in images.items()})

    def test_two_runs_agree_to_the_last_digit(self) -> None:
        pattern = '^(getppid|write/|write_poll_read/|ping_pong/|mutex_yield/semaphore/2)'
        first, again = (self.counted(pattern, ours=self.built.images['ours']) for _ in range(2))
        self.assertGreater(len(first), 10)
        self.assertEqual(first, again)

    def test_a_write_that_is_slower_breaks_its_bounds(self) -> None:
        slow = session.variant_image(self.options, 'slow')
        lines, broken = bench.judge(self.counted('^write/', stock=self.built.images['stock'], ours=slow), '^write/')
        self.assertEqual(len(broken), 2, lines)
        for kind in ('eventfd', 'semaphore'):
            self.assertRegex('\n'.join(lines), rf'ours:write/{kind} .* stock:write/{kind} .* DOES NOT HOLD')
