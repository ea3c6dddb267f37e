# SPDX-License-Identifier: GPL-2.0
"""The bounds on what eventfd costs: one that is broken is seen, and so is a figure that is missing."""
import pathlib
import tempfile
import unittest

from commands import bench
from core.report import Refusal


class Bounds(unittest.TestCase):
    def bounds(self, text: str) -> pathlib.Path:
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / 'bounds'
        path.write_text(text)
        return path

    def judged(self, text: str, found: dict[tuple[str, str], float], chosen: str | None = None) -> tuple[int, int]:
        """How many bounds there are lines for, and how many do not hold."""
        figures = {(name, case, 'instructions'): value for (name, case), value in found.items()}
        lines, broken = bench.judge(figures, chosen, self.bounds(text))
        self.assertEqual([line for line in lines if line.endswith('DOES NOT HOLD')], broken)
        return len(lines), len(broken)

    def test_a_ratio_at_the_bound_holds_and_one_above_does_not(self) -> None:
        text = 'ours:write <= 1.00 stock:write\n'
        self.assertEqual(self.judged(text, {('ours', 'write'): 100.0, ('stock', 'write'): 100.0}), (1, 0))
        self.assertEqual(self.judged(text, {('ours', 'write'): 100.01, ('stock', 'write'): 100.0}), (1, 1))

    def test_with_another_compiler_a_ratio_of_instructions_may_be_a_little_more(self) -> None:
        path = self.bounds('ours:a <= 1.00 stock:a\nours:a <= 1.00 stock:b\nours:a:switches <= 1.00 stock:a:switches\n'
                           'ours:b <= 100.00\n')
        for value, broken in ((100.0, 0), (100.4, 2), (100.6, 3), (105.1, 4)):
            found = {(name, case, counter): value if name == 'ours' else 100.0 for name in ('ours', 'stock')
                     for case in ('a', 'b') for counter in ('instructions', 'switches')}
            self.assertEqual(len(bench.judge(found, path=path, gcc=14)[1]), broken)
            self.assertEqual(len(bench.judge(found, path=path)[1]), 4 if broken else 0)

    def test_the_compiler_is_that_of_the_kernel(self) -> None:
        for text, version in (('CONFIG_CC_IS_GCC=y\nCONFIG_GCC_VERSION=140200\n', 14), ('CONFIG_GCC_VERSION=0\n', 0), ('', 0)):
            self.assertEqual(bench.compiler(self.bounds(text)), version)

    def test_a_bound_of_its_own_is_met_exactly(self) -> None:
        text = 'ours:write == 2.00\n'
        for value, broken in ((2.0, 0), (1.99, 1), (2.01, 1)):
            self.assertEqual(self.judged(text, {('ours', 'write'): value}), (1, broken))

    def test_another_counter(self) -> None:
        path = self.bounds('ours:write:context_switches <= 1.00\n')
        for counter, broken in (('context_switches', 1), ('instructions', 1)):
            self.assertEqual(len(bench.judge({('ours', 'write', counter): 2.0}, path=path)[1]), broken)
        self.assertEqual(bench.judge({('ours', 'write', 'context_switches'): 1.0}, path=path)[1], [])

    def test_what_was_not_measured_does_not_hold(self) -> None:
        self.assertEqual(self.judged('ours:write <= 1.00 stock:write\n', {('ours', 'write'): 1.0}), (1, 1))
        self.assertEqual(self.judged('ours:write/* <= 1.00 stock:write/*\n', {}), (1, 1))

    def test_where_some_cases_were_chosen_the_others_are_not_missed(self) -> None:
        self.assertEqual(self.judged('ours:write <= 1.00 stock:write\n', {}, '^read'), (0, 0))

    def test_a_star_stands_for_each_case(self) -> None:
        found: dict[tuple[str, str], float] = {(name, f'write/{size}'): size for name in bench.KERNELS for size in (1, 2)}
        found['ours', 'write/2'] = 3
        self.assertEqual(self.judged('ours:write/* <= 1.00 stock:write/*\n', found), (2, 1))

    def test_a_line_that_is_no_bound_is_refused(self) -> None:
        for line in ('ours:write < stock:write', 'ours:write <= 1 stock:write', 'mine:write <= 1.00', 'ours:write'):
            with self.subTest(line=line), self.assertRaisesRegex(Refusal, 'line 2 is no bound'):
                bench.bounds(self.bounds(f'# a comment\n{line}\n'))

    def test_those_of_ours_can_be_read(self) -> None:
        self.assertGreater(len(bench.bounds(bench.BOUNDS)), 50)
