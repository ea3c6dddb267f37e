# SPDX-License-Identifier: GPL-2.0
"""The benchmark counts exactly, and a bound that is broken is seen.

Not called by itself: "make check-harness" runs it.
"""
import pathlib
import tempfile
import unittest


from commands import bench
from core.options import Options
from core.report import Refusal
from guest import session


class Counting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.options = Options.of()
        cls.initrd, cls.images, _ = bench.build(cls.options)

    def counted(self, pattern, **images):
        return bench.figures(bench.count(self.options, {**self.images, **images}, self.initrd, pattern))

    def test_two_runs_agree_to_the_last_digit(self):
        pattern = '^(getppid|write/|write_poll_read/|ping_pong/|mutex_yield/semaphore/2)'
        first = self.counted(pattern)
        self.assertGreater(len(first), 20)
        self.assertEqual(first, self.counted(pattern))

    def test_a_write_that_is_slower_breaks_its_bounds(self):
        slow = session.variant_image(self.options, 'slow')
        lines, broken = bench.judge(self.counted('^write/', ours=slow), '^write/')
        self.assertEqual(len(broken), 2, lines)
        for kind in ('eventfd', 'semaphore'):
            self.assertRegex('\n'.join(lines), rf'ours:write/{kind} .* stock:write/{kind} .* DOES NOT HOLD')


class Judging(unittest.TestCase):
    def bounds(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / 'bounds'
        path.write_text(text)
        return path

    def judged(self, text, found):
        figures = {(name, case, 'instructions'): value for (name, case), value in found.items()}
        return len(bench.judge(figures, path=self.bounds(text))[1])

    def test_a_ratio_at_the_bound_holds_and_one_above_does_not(self):
        text = 'ours:write <= 1.00 stock:write\n'
        self.assertEqual(self.judged(text, {('ours', 'write'): 100.0, ('stock', 'write'): 100.0}), 0)
        self.assertEqual(self.judged(text, {('ours', 'write'): 100.01, ('stock', 'write'): 100.0}), 1)

    def test_what_was_not_measured_does_not_hold(self):
        self.assertEqual(self.judged('ours:write <= 1.00 stock:write\n', {('ours', 'write'): 1.0}), 1)
        self.assertEqual(self.judged('ours:write/* <= 1.00 stock:write/*\n', {}), 1)

    def test_a_star_stands_for_each_case(self):
        found = {(name, f'write/{size}'): size for name in bench.KERNELS for size in (1, 2)}
        found['ours', 'write/2'] = 3
        self.assertEqual(self.judged('ours:write/* <= 1.00 stock:write/*\n', found), 1)

    def test_a_line_that_is_no_bound_is_refused(self):
        with self.assertRaisesRegex(Refusal, 'line 2 is no bound'):
            bench.bounds(self.bounds('# a comment\nours:write < stock:write\n'))
