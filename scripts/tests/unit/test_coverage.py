# SPDX-License-Identifier: GPL-2.0
"""What "make coverage" says of counts that are not as they should be."""
import unittest

from commands import coverage
from core.places import ROOT
from core.report import Broken

TEXT = '''static int first(int n)
{
	if (n)
		return 1;
	return 0;
}

static noinline int
second(int n)
{
	return 0;
}
'''.splitlines()
ALL: dict[int, tuple[int, list[int]]] = {3: (5, [2, 3]), 4: (2, []), 5: (3, []), 11: (1, [])}


class Coverage(unittest.TestCase):
    def wrong(self, reasons: dict[tuple[str, str], str] | None = None, **changes: tuple[int, list[int]]) -> list[str]:
        """What is wrong when these lines have other counts."""
        seen = {**ALL, **{int(line[1:]): value for line, value in changes.items()}}
        return coverage.judge(seen, TEXT, reasons or {})[1]

    def test_all_of_it_reached_is_well(self) -> None:
        self.assertEqual(self.wrong(), [])

    def test_a_line_that_never_ran(self) -> None:
        self.assertEqual(self.wrong(_11=(0, [])), ['fs/eventfd.c:11: never ran: second: return 0;'])

    def test_a_way_that_was_never_taken(self) -> None:
        self.assertEqual(self.wrong(_3=(5, [0, 5])),
                         ['fs/eventfd.c:3: of its ways out 1 of 2 were never taken: first: if (n)'])

    def test_a_line_that_is_listed_need_not_run(self) -> None:
        self.assertEqual(self.wrong({('second', 'return 0;'): 'why'}, _11=(0, [])), [])

    def test_a_line_of_another_function_is_not_the_one_that_is_listed(self) -> None:
        self.assertEqual(len(self.wrong({('second', 'return 0;'): 'why'}, _11=(0, []), _5=(0, []))), 1)

    def test_a_line_that_is_listed_and_reached(self) -> None:
        [line] = self.wrong({('second', 'return 0;'): 'why'})
        self.assertRegex(line, 'says that not all of this is reached, and it is.*: second: return 0;')

    def test_a_line_that_is_listed_and_not_there(self) -> None:
        self.assertEqual(len(self.wrong({('second', 'return 2;'): 'why'})), 1)

    def test_a_reason_is_needed(self) -> None:
        with self.assertRaisesRegex(Broken, 'has no reason'):
            coverage.listed('line: first: if (n)\n')
        with self.assertRaisesRegex(Broken, ':2: "since" is neither'):
            coverage.listed('line: first: if (n)\nsince\n')

    def test_the_list_names_lines_that_are_there(self) -> None:
        text = (ROOT / coverage.SOURCE).read_text().splitlines()
        places = {(coverage.function_of(text, number), line.strip()) for number, line in enumerate(text, 1)}
        self.assertLessEqual(set(coverage.listed(coverage.LIST.read_text())), places)
