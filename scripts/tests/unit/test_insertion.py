# SPDX-License-Identifier: GPL-2.0
"""Lines that are inserted into the kernel's files: where they go, and which trees are refused."""
import dataclasses
import functools
import pathlib
import tempfile
import unittest
from unittest import mock

from core.report import Broken, Refusal
from source import insertion, semantic, states
from tests import small_tree
from tests.calls import Refusals
from tests.inserted import expect_inserted

ANCHOR = 'config SHMEM\n'
SELFTESTS = 'tools/testing/selftests/Makefile'


class Scratch(Refusals):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def tree(self, name: str = 'init/Kconfig', old: str = '', new: str = '') -> pathlib.Path:
        return small_tree.make(self.folder / 'tree', {name: (old, new)})

    def inserted(self, tree: pathlib.Path, name: str = 'init/Kconfig') -> bytes:
        """What all lines of the series make of a file."""
        data = states.read(tree, name)
        for path in sorted(insertion.SERIES.glob('*.lines')):
            data = insertion.changed(path, name, data, tree)
        return data


class Ours(Scratch):
    """The lines of the series, in a tree of a few."""

    def test_a_tree_gets_the_lines_and_nothing_else(self) -> None:
        if small_tree.lacks_spatch():
            self.skipTest(small_tree.lacks_spatch())
        with mock.patch.object(semantic, 'changed', functools.partial(semantic.changed, known=small_tree.known())):
            expect_inserted(self, self.tree())

    def test_a_line_that_some_kernels_have(self) -> None:
        for there in ('', 'TARGETS += filesystems/eventfd\n'):
            with self.subTest(there=there):
                tree = self.tree(SELFTESTS, 'TARGETS += filesystems/epoll\n', f'TARGETS += filesystems/epoll\n{there}')
                text = self.inserted(tree, SELFTESTS).decode()
                self.assertEqual(text.splitlines().count('TARGETS += filesystems/eventfd'), 1)

    def test_those_of_one_patch(self) -> None:
        path = insertion.SERIES / '09-poll.lines'
        [block] = insertion.insertions_of(path)
        before = states.read(self.tree(), block.file)
        after = insertion.changed(path, block.file, before, self.folder)
        self.assertEqual(len(after.splitlines()), len(before.splitlines()) + len(block.text))

    def test_bytes_that_are_no_text_stay_as_they_are(self) -> None:
        tree = self.tree()
        (tree / 'init/Kconfig').write_bytes(b'\xff\xfe\n' + ANCHOR.encode())
        self.assertTrue(self.inserted(tree).startswith(b'\xff\xfe\nconfig EVENTFD_KUNIT_TEST\n'))


class Refused(Scratch):
    def refused(self, pattern: str, tree: pathlib.Path) -> None:
        with self.assertRaisesRegex(Refusal, pattern):
            self.inserted(tree)

    def test_a_tree_without_the_anchor(self) -> None:
        self.refused('init/Kconfig has to have the line "config SHMEM" 1x, for what 16-kunit.lines inserts before it, '
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


class Taken(Refusals):
    """Blocks whose text is that of a definition of ours."""

    OURS = 'int x;\n\n/* Doubles. */\nstatic int twice(int a)\n{\n\tint b = a;\n\n\treturn a + b;\n}\n\n#define MOST 9\n'
    THEIRS = 'static int once(int a)\n{\n\treturn a;\n}\n\nint y;\n'

    def made(self, block: str, theirs: str = THEIRS) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            top = pathlib.Path(scratch)
            (top / 'a.c').write_text(self.OURS)
            (top / '01.lines').write_text(f'file: a.c\n{block}')
            with mock.patch.object(insertion, 'ROOT', top):
                return insertion.changed(top / '01.lines', 'a.c', theirs.encode(), top).decode()

    def test_come_with_their_comment_beside_a_definition_of_the_kernels(self) -> None:
        taken = '/* Doubles. */\nstatic int twice(int a)\n{\n\tint b = a;\n\n\treturn a + b;\n}\n'
        self.assertEqual(self.made('before definition: once\ntakes: twice\n'), f'{taken}\n{self.THEIRS}')
        self.assertEqual(self.made('after definition: once\ntakes: MOST\ntakes: twice\n'),
                         self.THEIRS.replace('}\n', f'}}\n\n#define MOST 9\n\n{taken}', 1))
        self.assertEqual(self.made('in place of: once\ntakes: twice\n'), f'{taken}\nint y;\n')

    def test_are_otherwise_where_the_patch_says_so(self) -> None:
        text = self.made('in place of: once\ntakes: twice\n-/* Doubles. */\n+/* Adds. */\n...\n-\treturn a + b;\n'
                         '+\tb += a;\n+\treturn b;\n')
        self.assertEqual(text, '/* Adds. */\nstatic int twice(int a)\n{\n\tint b = a;\n\n\tb += a;\n\treturn b;\n}\n\nint y;\n')

    def test_that_do_not_have_what_is_to_be_otherwise(self) -> None:
        with self.assertRaisesRegex(Broken, r'a\.c has to have in twice 1x "return a;"'):
            self.made('in place of: once\ntakes: twice\n-\treturn a;\n')

    def test_that_are_not_there(self) -> None:
        with self.assertRaisesRegex(Broken, r'a\.c defines "thrice" 0x'):
            self.made('in place of: once\ntakes: thrice\n')
        with self.assertRaisesRegex(Refusal, 'has to have the definition of "twice" 1x, .* and has it 0x'):
            self.made('in place of: twice\ntakes: twice\n')

    def test_a_tree_that_has_them_already(self) -> None:
        with self.assertRaisesRegex(Refusal, r'a\.c has "/\* Doubles\. \*/" already'):
            self.made('before definition: once\ntakes: twice\n', self.THEIRS + self.OURS)


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
            insertion.insert(dataclasses.replace(one, always=True), ['b', 'c', 'x'], pathlib.Path('tree'))

    def test_one_that_lacks_something(self) -> None:
        for text in ('', 'file: a\n+x\n', 'file: a\nbefore: b\n', 'before: b\n+x\n', 'file: a\nbeside: b\n+x\n',
                     'file: a\nbefore: b\n+x\nstray\n'):
            with self.subTest(text=text), self.assertRaises(Broken):
                self.insertions(text)

    def test_lines_that_follow_one_another(self) -> None:
        [one] = self.insertions('file: a\nafter: b\nafter: c\n+x\n')
        self.assertEqual(insertion.insert(one, ['b', 'd', 'b', 'c', 'e'], pathlib.Path('tree')), ['b', 'd', 'b', 'c', 'x', 'e'])
        with self.assertRaisesRegex(Refusal, 'has to have the line "c" 1x, .* and has it 0x'):
            insertion.insert(one, ['b', 'd', 'c'], pathlib.Path('tree'))

    def test_two_for_one_file(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / '01.lines'
            path.write_text('file: a\nbefore: 1\n+0\nfile: a\nafter: 2\n+3\n')
            self.assertEqual(insertion.changed(path, 'a', b'1\n2\n', path.parent), b'0\n1\n2\n3\n')
