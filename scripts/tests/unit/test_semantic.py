# SPDX-License-Identifier: GPL-2.0
"""The semantic patches: what they do to a tree, and which trees they refuse.

Not called by itself: "make check-harness" runs it.
"""
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from tests.support import PRISTINE, OnTrees

from core.report import Broken
from source import semantic

FILES = ('include/linux/poll.h', 'fs/select.c', 'fs/eventpoll.c', 'io_uring/poll.c', 'fs/aio.c')


class Semantic(OnTrees):
    script = 'semantic'

    def tree(self, source, **changes):
        """A tree with just the files that the series changes, some of them with text replaced."""
        tree = self.folder / source.name
        for name in FILES:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, tree / name)
        for name, (old, new) in changes.items():
            path = next(tree / file for file in FILES if file.replace('/', '_').replace('.', '_') == name)
            text = path.read_text()
            self.assertIn(old, text)
            path.write_text(text.replace(old, new))
        return tree

    def test_every_kernel_is_changed_where_it_has_to_be(self):
        for source in PRISTINE:
            with self.subTest(source=source.name):
                files = semantic.patched(source, known=self.folder / source.name)
                self.assertEqual(sorted(files), sorted(FILES))
                for name, data in files.items():
                    before = (source / name).read_bytes()
                    self.assertNotIn(b'POLL_CLAIM', before)
                    self.assertIn(b'POLL_CLAIM', data)
                    # Nothing but what the rules ask for: no line of the kernel's is laid out anew.
                    self.assertLess(abs(data.count(b'\n') - before.count(b'\n')), 40)

    def test_the_result_is_the_same_each_time(self):
        source = PRISTINE[0]
        first, again = (semantic.patched(source, known=self.folder / name) for name in ('first', 'again'))
        self.assertEqual(first, again)
        # And what is kept is what was made.
        self.assertEqual(semantic.patched(source, known=self.folder / 'first'), first)

    def test_what_is_kept_is_for_the_same_files_only(self):
        known = self.folder / 'known'
        before = semantic.patched(PRISTINE[0], known=known)
        kept = len(list(known.iterdir()))
        line = 'entry->key = p->_key;'
        tree = self.tree(PRISTINE[0], fs_select_c=(line, f'{line} /* new */'))
        after = semantic.patched(tree, known=known)
        self.assertIn(b'/* new */', after['fs/select.c'])
        self.assertEqual({name for name in before if before[name] != after[name]}, {'fs/select.c'})
        self.assertEqual(len(list(known.iterdir())), kept + 1)

    def test_the_tree_stays_as_it_was(self):
        tree = self.tree(PRISTINE[0])
        # As in the tree that is built: other names of the files of somebody's own tree.
        twin = self.folder / 'twin'
        shutil.copytree(tree, twin, copy_function=os.link)
        before = {name: ((tree / name).read_bytes(), (tree / name).stat()) for name in FILES}
        status, output = self.call(str(tree), str(self.folder / 'out'))
        self.assertEqual(status, 0, output)
        for name, (data, stat) in before.items():
            self.assertEqual((tree / name).read_bytes(), data)
            self.assertEqual((twin / name).read_bytes(), data)
            now = (tree / name).stat()
            self.assertEqual((now.st_ino, now.st_mtime_ns), (stat.st_ino, stat.st_mtime_ns))
            self.assertNotEqual((self.folder / 'out' / name).read_bytes(), data)
        found = [path for path in tree.rglob('*') if path.is_file()]
        self.assertEqual(len(found), len(FILES))

    def test_without_a_folder_it_shows_a_diff(self):
        status, output = self.call(str(PRISTINE[0]))
        self.assertEqual(status, 0, output)
        self.assertEqual(re.findall(r'^\+\+\+ b/(\S+)$', output, re.M), list(FILES))

    def test_a_tree_whose_statement_was_renamed(self):
        source = PRISTINE[0]
        for name, old, new, pattern in (
                ('fs_select_c', 'pollfd->events) | EPOLLERR', 'pollfd->events) | EPOLLNVAL',
                 r'claim_in_poll of .*1x in fs/select\.c, function do_pollfd, and matches 0x'),
                ('fs_eventpoll_c', 'pt->_key = epi', 'pt->_keys = epi',
                 r'keep_claim_for_item of .*1x in fs/eventpoll\.c, function ep_item_poll, and matches 0x'),
                ('io_uring_poll_c', 'ipt->pt._key = mask;', 'ipt->pt._key |= mask;',
                 r'no_claim_when_arming of .*1x in io_uring/poll\.c, function __io_arm_poll_handler, and matches 0x'),
                ('fs_aio_c', 'aiocb->ki_cancel = aio_poll_cancel', 'aiocb->ki_cancel = aio_poll_stop',
                 r'claim_after_submission of .*1x in fs/aio\.c, function aio_poll, and matches 0x'),
                ('include_linux_poll_h', '~(__poll_t)0; /*', '(__poll_t)-1; /*',
                 r'no_claim_by_default of .*1x in include/linux/poll\.h, function init_poll_funcptr, .* 0x')):
            with self.subTest(name=name):
                self.refused(pattern, str(self.tree(source, **{name: (old, new)})))

    def test_a_statement_that_is_there_twice(self):
        line = 'entry->key = p->_key;'
        tree = self.tree(PRISTINE[0], fs_select_c=(line, f'{line}\n\t{line}'))
        self.refused(r'no_claim_in_wait_entry of .*1x in fs/select\.c, function __pollwait, and matches 2x', str(tree))

    def test_a_statement_that_moved_to_another_function(self):
        tree = self.tree(PRISTINE[0], fs_select_c=('do_pollfd(', 'do_one_pollfd('))
        self.refused(r'claim_in_poll of .* matches in fs/select\.c, function do_one_pollfd, and must not', str(tree))

    def test_a_function_that_spatch_cannot_read(self):
        tree = self.tree(PRISTINE[0], fs_aio_c=('\tstruct aio_poll_table apt;\n',
                                                '\tstruct aio_poll_table apt;\n\tscoped (((\n'))
        self.refused(r'of 05-aio\.cocci .*in fs/aio\.c, function aio_poll, and matches 0x', str(tree))

    def test_a_tree_that_has_the_changes_already(self):
        tree = self.tree(PRISTINE[0])
        self.assertEqual(self.call(str(tree), str(tree))[0], 0)
        self.refused('has POLL_CLAIM in include/linux/poll.h already', str(tree))

    def test_what_is_no_tree(self):
        self.refused('has no include/linux/poll.h: name the top of a kernel tree', str(self.folder))
        self.refused('takes the top of a kernel tree')

    def test_a_machine_without_spatch(self):
        tools = self.folder / 'bin'
        tools.mkdir()
        for name in ('env', 'python3'):
            (tools / name).symlink_to(shutil.which(name))
        self.refused('spatch is not installed: "make doctor" says how to get it', str(PRISTINE[0]), PATH=str(tools),
                     BUILD=str(self.folder))


class Rules(unittest.TestCase):
    def test_a_rule_that_says_nothing_of_what_it_must_match(self):
        with tempfile.TemporaryDirectory() as scratch:
            patch = pathlib.Path(scratch) / '01.cocci'
            patch.write_text('// expect: one a.c f 1\n@one@\nposition p;\n@@\nf()@p\n\n@two@\n@@\ng()\n')
            with self.assertRaisesRegex(Broken, 'its rules are one, two, but .* name one'):
                semantic.rules_of(patch)

    def test_no_rule_holds_more_of_the_kernel_than_a_few_lines(self):
        for patch in semantic.SERIES.glob('*.cocci'):
            for rule in re.split(r'^@\w+@\n', patch.read_text(), flags=re.M)[1:]:
                kept = [line for line in rule.split('@@\n', 1)[1].splitlines()
                        if line.strip() and not line.startswith(('+', '//'))]
                self.assertLess(len(kept), 8, patch)
