# SPDX-License-Identifier: GPL-2.0
"""Lines that are inserted into the kernel's files: where they go, and which trees are refused."""
import pathlib
import tempfile
import unittest
from unittest import mock

from core.report import Broken, Refusal
from source import insertion
from tests import small_tree
from tests.calls import Refusals, call_here
from tests.inserted import expect_inserted

ANCHOR = 'config SHMEM\n'
SELFTESTS = 'tools/testing/selftests/Makefile'


class Scratch(Refusals):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def tree(self, name: str = 'init/Kconfig', old: str = '', new: str = '') -> pathlib.Path:
        return small_tree.make(self.folder / 'tree', {name: (old, new)})


class Ours(Scratch):
    """The lines of the series, in a tree of a few."""

    def test_a_tree_gets_the_lines_and_nothing_else(self) -> None:
        expect_inserted(self, self.tree())

    def test_they_are_shown_as_a_diff(self) -> None:
        status, said = call_here('insertion', str(self.tree()))
        self.assertEqual(status, 0, said)
        self.assertIn('+++ b/init/Kconfig\n', said)
        self.assertIn('+config EVENTFD_KUNIT_TEST\n', said)
        self.assertNotIn('\n-', said.replace('\n--- a/', ''))

    def test_a_line_that_some_kernels_have(self) -> None:
        for there in ('', 'TARGETS += filesystems/eventfd\n'):
            with self.subTest(there=there):
                tree = self.tree(SELFTESTS, 'TARGETS += filesystems/epoll\n', f'TARGETS += filesystems/epoll\n{there}')
                text = insertion.patched(tree)[SELFTESTS].decode()
                self.assertEqual(text.splitlines().count('TARGETS += filesystems/eventfd'), 1)

    def test_as_many_as_are_asked_for(self) -> None:
        first = sorted(insertion.SERIES.glob('*.lines'))[:1]
        changed = insertion.patched(self.tree(), first)
        self.assertEqual(sorted(changed), sorted({block.file for block in insertion.insertions_of(first[0])}))

    def test_bytes_that_are_no_text_stay_as_they_are(self) -> None:
        tree = self.tree()
        (tree / 'init/Kconfig').write_bytes(b'\xff\xfe\n' + ANCHOR.encode())
        self.assertTrue(insertion.patched(tree)['init/Kconfig'].startswith(b'\xff\xfe\nconfig EVENTFD_KUNIT_TEST\n'))


class Refused(Scratch):
    def refused(self, pattern: str, tree: pathlib.Path) -> None:
        self.assert_refused(call_here('insertion', str(tree)), pattern)

    def test_a_tree_without_the_anchor(self) -> None:
        self.refused('init/Kconfig has to have the line "config SHMEM" 1x, for what 07-kunit.lines inserts before it, '
                     'and has it 0x', self.tree(old=ANCHOR, new='config SHMEMS\n'))

    def test_a_tree_that_has_the_anchor_twice(self) -> None:
        self.refused('init/Kconfig has to have the line "config SHMEM" 1x, .* and has it 2x',
                     self.tree(old=ANCHOR, new=ANCHOR * 2))

    def test_a_tree_that_has_the_lines_already(self) -> None:
        self.refused('init/Kconfig has "config EVENTFD_KUNIT_TEST" already: name a tree without this series',
                     self.tree(old=ANCHOR, new='config EVENTFD_KUNIT_TEST\n' + ANCHOR))

    def test_a_tree_without_the_file(self) -> None:
        tree = self.tree()
        (tree / 'init/Kconfig').unlink()
        self.refused('has no init/Kconfig: name the top of a kernel tree', tree)

    def test_what_is_no_tree(self) -> None:
        self.refused('name the top of a kernel tree', self.folder)
        self.assert_refused(call_here('insertion'), 'the following arguments are required: tree')


class Blocks(unittest.TestCase):
    """What a file of lines says."""

    def insertions(self, text: str) -> list[insertion.Insertion]:
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / '01.lines'
            path.write_text(text)
            return insertion.insertions_of(path)

    def test_several_blocks_and_both_places(self) -> None:
        first, second = self.insertions('# a comment\n\nfile: a/b\nafter: one two\n+x\n+\n\nfile: c\nbefore: d\n+y\n')
        self.assertEqual((first.file, first.where, first.anchor, first.text), ('a/b', 'after', 'one two', ['x', '']))
        self.assertEqual((second.file, second.where, second.anchor, second.text), ('c', 'before', 'd', ['y']))
        self.assertEqual(insertion.insert(first, ['zero', 'one two', 'three'], pathlib.Path('tree')),
                         ['zero', 'one two', 'x', '', 'three'])
        self.assertEqual(insertion.insert(second, ['c', 'd', 'e'], pathlib.Path('tree')), ['c', 'y', 'd', 'e'])

    def test_one_that_is_left_out_where_its_text_is(self) -> None:
        [one] = self.insertions('where missing: a\nafter: b\n+x\n')
        self.assertEqual(insertion.insert(one, ['b', 'c'], pathlib.Path('tree')), ['b', 'x', 'c'])
        self.assertEqual(insertion.insert(one, ['b', 'c', 'x'], pathlib.Path('tree')), ['b', 'c', 'x'])
        with self.assertRaises(Refusal):
            insertion.insert(one._replace(always=True), ['b', 'c', 'x'], pathlib.Path('tree'))

    def test_one_that_lacks_something(self) -> None:
        for text in ('', 'file: a\n+x\n', 'file: a\nbefore: b\n', 'before: b\n+x\n', 'file: a\nbeside: b\n+x\n',
                     'file: a\nbefore: b\n+x\nstray\n'):
            with self.subTest(text=text), self.assertRaises(Broken):
                self.insertions(text)

    def test_two_for_one_file(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            (pathlib.Path(scratch) / 'a').write_text('1\n2\n')
            (pathlib.Path(scratch) / '01.lines').write_text('file: a\nbefore: 1\n+0\nfile: a\nafter: 2\n+3\n')
            with mock.patch.object(insertion, 'SERIES', pathlib.Path(scratch)):
                self.assertEqual(insertion.patched(pathlib.Path(scratch)), {'a': b'0\n1\n2\n3\n'})
