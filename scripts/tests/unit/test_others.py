# SPDX-License-Identifier: GPL-2.0
"""What is known of other systems: the lists, what a run beside them comes to, and the page made of them."""
import contextlib
import io
import pathlib
import tempfile
import unittest
from unittest import mock

from checks import behaviours, others, shown
from core.places import ROOT
from core.report import Refusal

LINUX = shown.Said(0, 'read(fd, &v, 8): expected 8, saw 8\n')
DIFFERS = shown.Said(1, 'read(fd, &v, 8): expected 8, saw 4\n')
HANGS = shown.Said(-14, 'read(fd, &v, 8): expected 8, ')
NOT_ASKED = shown.Said(2, 'cannot be asked: there is no aio: Function not implemented\n')


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


class Run(unittest.TestCase):
    """On a system that is none: its runner runs something else than the program."""

    def checked(self, runner: list[str], listed: str) -> tuple[int, list[str], int]:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / 'odd-1.txt').write_text(listed)
            system = others.System('odd', '1', 'x86_64', runner)
            with mock.patch.object(others, 'LISTS', pathlib.Path(folder)), \
                    mock.patch.object(others, 'systems', return_value=[system]), \
                    mock.patch.object(others, 'programs_for', return_value={'1b.1': pathlib.Path('/bin/true')}), \
                    contextlib.redirect_stdout(io.StringIO()):
                return others.check_all()

    def test_a_difference_is_found_and_a_mended_one(self) -> None:
        self.assertEqual(self.checked([], '')[0::2], (1, 0))
        self.assertEqual(self.checked([], '')[1], [])
        self.assertRegex(self.checked(['false'], '')[1][0], 'odd-1: row 1b.1 .* not in the list')
        self.assertEqual(self.checked(['false'], '1b.1 returns 7\n'), (1, [], 0))
        self.assertRegex(self.checked([], '1b.1 returns 7\n')[1][0], 'odd-1: row 1b.1 .* not differ any more')

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
                self.assertEqual(set(entries) - set(shown.shown()), set())
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

    def test_a_page_that_is_not_is_named(self) -> None:
        with mock.patch.object(others, 'page', return_value='other'):
            self.assertRegex(others.complaint(), 'run "scripts/eventfd others-doc"')
