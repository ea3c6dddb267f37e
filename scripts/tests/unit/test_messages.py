# SPDX-License-Identifier: GPL-2.0
"""What series/*.message say of the patches: which files each carries, and what is wrong with a message."""
import pathlib
import tempfile
import unittest
from unittest import mock

from core import places
from core.places import ROOT
from core.report import Broken
from guest import session
from source import definitions, insertion, messages, semantic

# A project of three patches.
FILES = {
    'series/00-cover-letter.message': '# comment\nleaves: Documentation/more.rst\n\nthe series\n\nWhat it does.\n',
    'series/01-poll.message': '# comment\ncarries: include/linux/poll_claim.h\n\npoll: claim\n\nWhy.\n\nMore.\n',
    'series/01-poll.cocci': '// rules\n',
    'series/02-eventfd.message': 'carries: fs/eventfd.c\ncarries: tools/suite/\n\neventfd: claim\n\nWhy.\n',
    'series/03-kunit.message': 'carries: fs/tests/a.c\nlater: fs/eventfd.c CONFIG_KUNIT\n\neventfd: tests\n\nWhy.\n',
    'series/03-kunit.lines': '# lines\n',
    'fs/eventfd.c': 'int a;\n\n#ifdef CONFIG_KUNIT\n#include "tests/a.c"\n#endif\n',
    'fs/tests/a.c': '\n', 'include/linux/poll_claim.h': '\n', 'tools/suite/one.cpp': '\n', 'tools/suite/two.cpp': '\n',
    'Documentation/more.rst': '\n',
}


class Project(unittest.TestCase):
    def setUp(self) -> None:
        self.top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in FILES.items():
            self.write(name, text)
        self.enterContext(mock.patch.object(places, 'ROOT', self.top))
        self.enterContext(mock.patch.object(messages, 'ROOT', self.top))
        self.enterContext(mock.patch.object(messages, 'SERIES', self.top / 'series'))

    def write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.top / 'series' / name).read_text()
        self.assertIn(old, text)
        self.write(f'series/{name}', text.replace(old, new))

    def broken(self, pattern: str) -> None:
        with self.assertRaisesRegex(Broken, pattern) as caught:
            messages.cover()
            messages.check_all_carried()
        self.assertNotIn('\n', str(caught.exception))


class AsItShouldBe(Project):
    def test_each_patch_says_what_it_carries(self) -> None:
        messages.check_all_carried()
        self.assertEqual({name: patch.path.name for name, patch in messages.carried().items()}, {
            'include/linux/poll_claim.h': '01-poll.message', 'fs/eventfd.c': '02-eventfd.message',
            'tools/suite/one.cpp': '02-eventfd.message', 'tools/suite/two.cpp': '02-eventfd.message',
            'fs/tests/a.c': '03-kunit.message'})
        first, second, third = messages.patches()
        self.assertEqual((first.subject, first.body.strip()), ('poll: claim', 'Why.\n\nMore.'))
        self.assertEqual([patch.cocci and patch.cocci.name for patch in (first, second, third)], ['01-poll.cocci', None, None])
        self.assertEqual([patch.lines and patch.lines.name for patch in (first, second, third)],
                         [None, None, '03-kunit.lines'])
        self.assertEqual(third.later, [('fs/eventfd.c', 'CONFIG_KUNIT')])
        self.assertEqual(messages.cover().subject, 'the series')


class Mistakes(Project):
    def test_a_message_without_files(self) -> None:
        self.write('series/99-nothing.message', '# none\n\nsubject\n\nbody\n')
        self.broken('99-nothing.message carries nothing')

    def test_rules_without_a_message(self) -> None:
        self.write('series/05-aio.cocci', '// rules\n')
        self.broken('05-aio.cocci has no message beside it: write 05-aio.message')

    def test_lines_without_a_message(self) -> None:
        self.write('series/05-aio.lines', '# lines\n')
        self.broken('05-aio.lines has no message beside it')

    def test_a_file_that_is_not_there(self) -> None:
        (self.top / 'include/linux/poll_claim.h').unlink()
        self.broken('01-poll.message names include/linux/poll_claim.h, and there is no such file')

    def test_a_folder_that_is_not_there(self) -> None:
        self.edit('02-eventfd.message', 'tools/suite/', 'tools/sweet/')
        self.broken('02-eventfd.message names tools/sweet/, and there is no such folder')

    def test_a_file_in_two_patches(self) -> None:
        self.write('series/99-twice.message', 'carries: fs/eventfd.c\n\nsubject\n\nbody\n')
        self.broken('fs/eventfd.c is carried by 02-eventfd.message and by 99-twice.message')

    def test_a_file_that_no_patch_carries(self) -> None:
        self.edit('02-eventfd.message', 'tools/suite/', 'tools/suite/one.cpp')
        self.broken('no patch carries tools/suite/two.cpp: name it in a line "carries:"')

    def test_a_new_file_that_no_patch_carries(self) -> None:
        self.write('fs/more.c', '')
        self.broken('no patch carries fs/more.c: name it in a line "carries:" .* or "leaves:" of 00-cover-letter.message')

    def test_a_patch_that_leaves_out(self) -> None:
        self.edit('03-kunit.message', 'carries: fs/tests/a.c', 'leaves: fs/tests/a.c')
        self.broken('03-kunit.message:1: "leaves: fs/tests/a.c" where "carries: FILE"')

    def test_a_cover_letter_that_carries(self) -> None:
        self.edit('00-cover-letter.message', 'leaves: ', 'carries: ')
        self.broken('00-cover-letter.message is the cover letter, and carries nothing')

    def test_a_line_that_says_nothing(self) -> None:
        for line in ('caries: fs/eventfd.c', 'carries:', 'later: fs/eventfd.c'):
            with self.subTest(line=line):
                self.write('series/02-eventfd.message', f'# SPDX\n{line}\n\nsubject\n\nbody\n')
                self.broken(f'02-eventfd.message:2: "{line}" where')

    def test_a_message_that_is_too_wide(self) -> None:
        self.edit('01-poll.message', 'More.', 'x' * 76)
        self.broken('01-poll.message has a line of more than 75 columns: "x{76}"')

    def test_a_message_without_a_body_or_with_a_subject_of_two_lines(self) -> None:
        for end in ('poll: claim\n', '', 'poll: claim\nand more\n\nbody\n'):
            with self.subTest(end=end):
                self.write('series/01-poll.message', f'carries: include/linux/poll_claim.h\n\n{end}')
                self.broken('01-poll.message needs a subject in one line and a body')


class Ours(unittest.TestCase):
    """The series itself."""

    def test_every_file_of_ours_is_carried_once_or_left_out_on_purpose(self) -> None:
        messages.cover()
        messages.check_all_carried()

    def test_only_what_is_optional_replaces_what_other_patches_change(self) -> None:
        changed = {*semantic.files(), *insertion.files()}
        for name, patch in messages.carried().items():
            self.assertEqual(name in changed, patch.optional, name)
        self.assertEqual([patch.path.stem for patch in messages.patches() if patch.optional], ['21-own-file'])

    def test_what_a_patch_brings_later_is_in_a_file_that_is_carried_before(self) -> None:
        for patch in messages.patches():
            for file, name in patch.later:
                self.assertLess(messages.carried()[file].path, patch.path)
                self.assertEqual(len(definitions.find((ROOT / file).read_text(), name)), 1)

    def test_each_change_that_the_suite_knows_is_in_one_patch(self) -> None:
        turns = [change for patch in messages.patches() for change in patch.turns]
        self.assertEqual(sorted(turns), sorted(session.changes()))
