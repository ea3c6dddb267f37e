# SPDX-License-Identifier: GPL-2.0
"""What is known of other systems: the lists, what a run beside them comes to, and the page made of them."""
import contextlib
import io
import pathlib
import tempfile
import unittest
from unittest import mock

from checks import behaviours, conformance, others, shown
from core.places import ROOT
from core.report import Refusal

LINUX = shown.Said(0, 'read(fd, &v, 8): expected 8, saw 8\n')
DIFFERS = shown.Said(1, 'read(fd, &v, 8): expected 8, saw 4\n')
HANGS = shown.Said(-14, 'read(fd, &v, 8): expected 8, ')
NOT_ASKED = shown.Said(2, 'cannot be asked: there is no aio: Function not implemented\n')


def row(number: str, status: str) -> dict[str, object]:
    failures = [{'test': 'Read.Good', 'expected': '8', 'seen': '4'}] if status in ('differs', 'known') else []
    return {'row': number, 'status': status, 'failures': failures}


def wrong(known: dict[str, str], said: dict[str, shown.Said]) -> list[str]:
    return [f'{name}: {why}' for name, why in others.judge('other', known, said) if why]


class Judgement(unittest.TestCase):
    def test_what_is_known_and_what_is_as_on_linux_are_right(self) -> None:
        self.assertEqual(wrong({'1b.1': 'four bytes', '1b.2': 'sleeps'}, {'1b.1': DIFFERS, '1b.2': HANGS, '1b.3': LINUX}), [])

    def test_a_new_difference_is_wrong(self) -> None:
        for said in (DIFFERS, HANGS, shown.Said(2, 'no reason'), shown.Said(127, '')):
            with self.subTest(said=said):
                self.assertRegex(wrong({}, {'1b.1': said})[0], r'row 1b\.1 .*: it differs, and is not in the list: exit status ')

    def test_a_mended_one_is_wrong(self) -> None:
        self.assertRegex(wrong({'1b.1': 'four bytes'}, {'1b.1': LINUX})[0], 'row 1b.1 .* it does not differ any more')

    def test_one_that_cannot_be_asked_says_nothing(self) -> None:
        self.assertEqual(wrong({'1b.1': 'four bytes'}, {'1b.1': NOT_ASKED, '1b.2': NOT_ASKED}), [])

    def test_one_without_a_program_is_wrong(self) -> None:
        self.assertRegex(wrong({'1b.1': 'four bytes'}, {'1b.2': LINUX})[0], 'row 1b.1: it is in the list, and no program')

    def test_one_that_differs_in_its_tests_alone_is_as_on_linux_by_itself(self) -> None:
        known = {'1b.1': f'{others.SUITE_ALONE}as 2.19'}
        self.assertEqual(wrong(known, {'1b.1': LINUX}), [])
        self.assertRegex(wrong(known, {'1b.1': DIFFERS})[0], 'row 1b.1 .* not in the list')


class Run(unittest.TestCase):
    """On a system that is none: its runner runs something else than the program."""

    def setUp(self) -> None:
        # What the conformance program says, by the filter that it is called with.
        self.by_filter: dict[str, list[dict[str, object]]] = {}

    def suite(self, _system: others.System, _program: pathlib.Path, *words: str) -> dict[str, object]:
        return {'rows': list(self.by_filter.get(''.join(words), []))}

    def checked(self, runner: list[str], listed: str) -> tuple[int, list[str], int]:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / 'odd-1.txt').write_text(listed)
            system = others.System('odd', '1', 'x86_64', tuple(runner))
            with mock.patch.object(others, 'LISTS', pathlib.Path(folder)), \
                    mock.patch.object(others, 'systems', return_value=[system]), \
                    mock.patch.object(others, 'programs_for', return_value={'1b.1': pathlib.Path('/bin/true')}), \
                    mock.patch.object(conformance, 'build'), \
                    mock.patch.object(others, 'suite_of', side_effect=self.suite), \
                    contextlib.redirect_stdout(io.StringIO()):
                return others.check_all()

    def test_a_difference_is_found_and_a_mended_one(self) -> None:
        self.assertEqual(self.checked([], '')[0::2], (1, 0))
        self.assertEqual(self.checked([], '')[1], [])
        self.assertRegex(self.checked(['false'], '')[1][0], 'odd-1: row 1b.1 .* not in the list')
        self.assertEqual(self.checked(['false'], '1b.1 returns 7\n'), (1, [], 0))
        self.assertRegex(self.checked([], '1b.1 returns 7\n')[1][0], 'odd-1: row 1b.1 .* not differ any more')

    def test_what_all_tests_of_a_row_say_is_held_against_the_list_too(self) -> None:
        self.by_filter[''] = [row('1b.1', 'conformant'), row('1b.2', 'known'), row('1b.3', 'unknown'), row('1b.4', 'as stock')]
        self.assertEqual(self.checked([], ''), (4, [], 0))
        self.by_filter[''] += [row('1b.5', 'differs'), row('1b.6', 'mended'), row('-', 'differs')]
        self.assertEqual([line.partition(':')[2][:30] for line in self.checked([], '')[1]],
                         [' all tests of row 1b.5: it dif', ' all tests of row 1b.6: it doe', ' all tests of row -: it differ'])

    def test_what_was_red_once_and_not_alone_is_no_difference(self) -> None:
        self.by_filter[''] = [row('1b.5', 'differs'), row('1b.6', 'mended'), row('-', 'differs')]
        self.by_filter |= {'--filter=1b.5': [row('1b.5', 'conformant')], '--filter=1b.6': [row('1b.6', 'known')],
                           '--filter=Read.Good': [row('-', 'conformant')]}
        self.assertEqual(self.checked([], ''), (4, [], 0))

    def test_one_that_does_not_start_says_why(self) -> None:
        self.assertEqual(others.starts([], '/bin/true'), '')
        self.assertRegex(others.starts(['no-such-program'], '/bin/true'), 'no-such-program: No such file')
        self.assertRegex(others.starts(['sh', '-c', 'echo no rights; exit 3', 'x'], '/bin/true'), 'sh does not start: no rights')


class Lists(unittest.TestCase):
    def test_each_entry_is_of_a_row_that_a_program_shows_and_says_something(self) -> None:
        lists = sorted(others.LISTS.glob('*.txt'))
        self.assertGreater(len(lists), 5)
        for path in lists:
            with self.subTest(list=path.name):
                entries = others.parse(path.read_text())
                self.assertTrue(entries)
                self.assertEqual({row for row, reason in entries.items() if not reason.startswith(others.SUITE_ALONE)}
                                 - set(shown.shown()), set())
                self.assertTrue(others.title(path.read_text()))

    def test_what_is_no_entry_is_refused(self) -> None:
        self.assertEqual(others.parse('# SPDX\n\n1b.1 says so\n'), {'1b.1': 'says so'})
        for text, says in (('1b.1\n', 'line 1 of the list says nothing of row 1b.1'),
                           ('1b.1 a\n1b.1 b\n', 'line 2 of the list names row 1b.1 a second time')):
            with self.assertRaisesRegex(Refusal, says):
                others.parse(text)

    def test_the_page_is_up_to_date_and_has_all(self) -> None:
        self.assertEqual(others.complaint(), '')
        text = (ROOT / others.PAGE).read_text()
        for path in others.LISTS.glob('*.txt'):
            for reason in others.parse(path.read_text()).values():
                self.assertIn(behaviours.prose(reason), text)

    def test_the_page_counts_the_rows_and_not_the_tests_of_none(self) -> None:
        text = others.render({'a': '# SPDX\n# One\n1b.1 four bytes\n- says so\n', 'b': '# SPDX\n# Another\n1b.2 sleeps\n'},
                             [behaviours.Row('1b.1', 'a read', 1), behaviours.Row('1b.2', 'a write', 2)])
        self.assertIn('1 rows differ', text)
        self.assertNotIn('2 rows differ', text)
        self.assertIn('   * - others\n     - says so\n', text)

    def test_a_page_that_is_not_is_named(self) -> None:
        with mock.patch.object(others, 'page', return_value='other'):
            self.assertRegex(others.complaint(), 'run "scripts/eventfd others-doc"')
