# SPDX-License-Identifier: GPL-2.0
"""Lines that are inserted into the kernel's files: where they go, and which trees are refused.

Not called by itself: "make check-harness" runs it.
"""
import pathlib
import shutil
import tempfile
import unittest
from unittest import mock

from tests.support import PRISTINE, OnTrees

from core.report import Broken
from source import insertion

ANCHOR = 'config SHMEM\n'


class Insertion(OnTrees):
    script = 'insertion'

    def tree(self, old='', new=''):
        """A tree with just the files that get lines, with text of init/Kconfig replaced."""
        tree = self.folder / 'tree'
        for name in insertion.files():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PRISTINE[0] / name, tree / name)
        path = tree / 'init/Kconfig'
        self.assertIn(old, path.read_text())
        path.write_text(path.read_text().replace(old, new))
        return tree

    def test_every_kernel_gets_the_lines_and_nothing_else(self):
        for source in PRISTINE:
            with self.subTest(source=source.name):
                files = insertion.patched(source)
                self.assertEqual(sorted(files), insertion.files())
                for name, data in files.items():
                    before, rest = (source / name).read_bytes().splitlines(), data.splitlines()
                    # The last one first: each was put beside its line when those after it were not there yet.
                    for one in reversed([one for one in insertion.insertions() if one.file == name
                                         and (one.always or one.text[0].encode() not in before)]):
                        at = rest.index(one.text[0].encode())
                        self.assertEqual(rest[at:at + len(one.text)], [line.encode() for line in one.text])
                        beside = at + len(one.text) if one.where == 'before' else at - 1
                        self.assertEqual(rest[beside], one.anchor.encode())
                        del rest[at:at + len(one.text)]
                    self.assertEqual(rest, before)

    def test_a_tree_without_the_anchor(self):
        self.refused('init/Kconfig has to have the line "config SHMEM" 1x, for what 07-kunit.lines inserts before it, '
                     'and has it 0x', self.tree(ANCHOR, 'config SHMEMS\n'))

    def test_a_tree_that_has_the_anchor_twice(self):
        self.refused('init/Kconfig has to have the line "config SHMEM" 1x, .* and has it 2x',
                     self.tree(ANCHOR, ANCHOR + ANCHOR))

    def test_a_tree_that_has_the_lines_already(self):
        self.refused('init/Kconfig has "config EVENTFD_KUNIT_TEST" already: name a tree without this series',
                     self.tree(ANCHOR, 'config EVENTFD_KUNIT_TEST\n' + ANCHOR))

    def test_a_tree_without_the_file(self):
        tree = self.tree()
        (tree / 'init/Kconfig').unlink()
        self.refused('has no init/Kconfig: name the top of a kernel tree', tree)

    def test_what_is_no_tree(self):
        self.refused('takes the top of a kernel tree')


class Series(unittest.TestCase):
    def insertions(self, text):
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / '01.lines'
            path.write_text(text)
            return insertion.insertions_of(path)

    def test_several_blocks_and_both_places(self):
        first, second = self.insertions('# a comment\n\nfile: a/b\nafter: one two\n+x\n+\n\nfile: c\nbefore: d\n+y\n')
        self.assertEqual((first.file, first.where, first.anchor, first.text), ('a/b', 'after', 'one two', ['x', '']))
        self.assertEqual((second.file, second.where, second.anchor, second.text), ('c', 'before', 'd', ['y']))
        self.assertEqual(insertion.insert(first, ['zero', 'one two', 'three'], 'tree'),
                         ['zero', 'one two', 'x', '', 'three'])
        self.assertEqual(insertion.insert(second, ['c', 'd', 'e'], 'tree'), ['c', 'y', 'd', 'e'])

    def test_a_block_that_lacks_something(self):
        for text in ('', 'file: a\n+x\n', 'file: a\nbefore: b\n', 'before: b\n+x\n', 'file: a\nbeside: b\n+x\n',
                     'file: a\nbefore: b\n+x\nstray\n'):
            with self.subTest(text=text), self.assertRaises(Broken):
                self.insertions(text)

    def test_two_blocks_for_one_file(self):
        with tempfile.TemporaryDirectory() as scratch:
            (pathlib.Path(scratch) / 'a').write_text('1\n2\n')
            (pathlib.Path(scratch) / '01.lines').write_text('file: a\nbefore: 1\n+0\nfile: a\nafter: 2\n+3\n')
            with mock.patch.object(insertion, 'SERIES', pathlib.Path(scratch)):
                self.assertEqual(insertion.patched(pathlib.Path(scratch)), {'a': b'0\n1\n2\n3\n'})
