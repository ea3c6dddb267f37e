# SPDX-License-Identifier: GPL-2.0
"""The semantic patches: what they do to a tree, and which trees they refuse. The tree is one of a few functions."""
import concurrent.futures
import dataclasses
import difflib
import functools
import os
import pathlib
import re
import shutil
import tempfile
import unittest
from unittest import mock

from core.report import Broken, Refusal
from source import semantic, states
from tests import small_tree
from tests.calls import call_here, few_programs
from tests.in_place import InPlace

# What is new in each file: a line of every rule, and where it is in two places, both.
CHANGED = {
    'include/linux/eventfd.h': ('return data_race(!current->in_eventfd);',
                                '#define EFD_FLAGS_SET (EFD_SHARED_FCNTL_FLAGS | EFD_SEMAPHORE | EFD_AUTORESET)'),
    'include/uapi/linux/eventfd.h': ('#define EFD_AUTORESET (1 << 6)',),
    'fs/eventfd.c': (
        'eventfd_add(ctx, ctx->count < ULLONG_MAX, mask);', 'if (WARN_ON_ONCE(!eventfd_signal_allowed()))',
        'eventfd_wake_readers(ctx, ucnt);', 'eventfd_wake_pollers(ctx, EPOLLHUP);', 'return smp_load_acquire(&ctx->count);',
        
        '*cnt = (ctx->is_semaphore && ctx->count) ? 1 : ctx->count;', 'bool is_semaphore;',
        'res = eventfd_wait(ctx, EVENTFD_WRITERS, ucnt);', 'eventfd_add(ctx, ucnt, 0);', 'plist_head_init(&ctx->waiters);',
        'ctx->waited_for = false;', 'ctx->is_semaphore = !!(flags & EFD_SEMAPHORE);',
        'ctx->claim = flags & EFD_AUTORESET ? POLL_CLAIM : 0;', 'if (!file_is_eventfd(file)) {', 'if (!file_is_eventfd(file))',
        'file = anon_inode_getfile("[eventfd]", fops, ctx, flags);', 'BUILD_BUG_ON(EFD_AUTORESET != (1 << 6));'),
    'include/linux/poll.h': ('#include <linux/poll_claim.h>', 'return p ? p->_key : ~POLL_CLAIM;',
                             'pt->_key   = ~POLL_CLAIM; /* all events enabled */', 'int will_claim;'),
    'fs/select.c': ('filter = demangle_poll(pollfd->events) | EPOLLERR | EPOLLHUP | POLL_CLAIM;',
                    'wait->_key = POLLEX_SET | ll_flag | POLL_CLAIM;', 'entry->key = p->_key & ~POLL_CLAIM;',
                    'if ((p->_key & POLL_CLAIM_WHOLE) == POLL_CLAIM_WHOLE) {', 'if (wait->flags & WQ_FLAG_EXCLUSIVE) {',
                    'WRITE_ONCE(pwq->will_claim, 1);', 'if (entry->wait.flags & WQ_FLAG_EXCLUSIVE) {'),
    'fs/eventpoll.c': ('pt._key = POLL_CLAIM;', 'pt->_key = epi->event.events | (pt->_key & POLL_CLAIM);',
                       'epds->events &= ~POLL_CLAIM;', 'epds->events &= ~POLL_CLAIM;', 'if ((&pt)->_key & EPOLLONESHOT)',
                       'else if (!poll_edge_or_claim((&pt)->_key)) {'),
    'io_uring/poll.c': ('poll->events = io_poll_parse_events(sqe, flags) | POLL_CLAIM;',
                        'if (!req->cqe.res || (req->cqe.res & POLL_CLAIM_BIT)) {',
                        '#define IO_ASYNC_POLL_COMMON (EPOLLONESHOT | EPOLLPRI | POLL_CLAIM)',
                        'ipt->pt._key = mask & ~POLL_CLAIM;',
                        '} else if (mask && !(mask & POLL_CLAIM) && (poll->events & EPOLLET)) {',
                        'if (mask && !(mask & POLL_CLAIM) &&'),
    'fs/aio.c': ('struct poll_table_struct pt = { ._key = req->events | POLL_CLAIM };',
                 'if (mask && !req->work_scheduled && !(mask & POLL_CLAIM) &&', 'bool claim;',
                 'mask = vfs_poll(req->file, &apt.pt);',
                 'claim = mask & POLL_CLAIM;', 'if (claim && !req->work_scheduled) {'),
}
# A statement that is another one, and who misses it.
RENAMED = (
    ('fs/select.c', 'pollfd->events) | EPOLLERR', 'pollfd->events) | EPOLLNVAL',
     r'claim_in_poll of .*1x in fs/select\.c, function do_pollfd, and matches 0x'),
    ('fs/eventpoll.c', 'pt->_key = epi', 'pt->_keys = epi',
     r'keep_claim_for_item of .*1x in fs/eventpoll\.c, function ep_item_poll, and matches 0x'),
    ('io_uring/poll.c', 'ipt->pt._key = mask;', 'ipt->pt._key |= mask;',
     r'no_claim_when_arming of .*1x in io_uring/poll\.c, function __io_arm_poll_handler, and matches 0x'),
    ('fs/aio.c', 'aiocb->ki_cancel = aio_poll_cancel', 'aiocb->ki_cancel = aio_poll_stop',
     r'claim_after_submission of .*1x in fs/aio\.c, function aio_poll, and matches 0x'),
    ('include/linux/poll.h', '~(__poll_t)0; /*', '(__poll_t)-1; /*',
     r'no_claim_by_default of .*1x in include/linux/poll\.h, function init_poll_funcptr, .* 0x'),
    # One that is there twice, one that is where it must not be, and a function that spatch cannot read.
    ('fs/select.c', 'entry->key = p->_key;', 'entry->key = p->_key;\n\tentry->key = p->_key;',
     r'no_claim_in_wait_entry of .*1x in fs/select\.c, function __pollwait, and matches 2x'),
    ('fs/select.c', 'do_pollfd(', 'do_one_pollfd(',
     r'claim_in_poll of .* matches in fs/select\.c, function do_one_pollfd, and must not'),
    ('fs/aio.c', '\tstruct aio_poll_table apt;\n', '\tstruct aio_poll_table apt;\n\tscoped (((\n',
     r'of 13-aio\.cocci .*in fs/aio\.c, function aio_poll, and matches 0x'),
)


CHANGED_BY = semantic.changed      # with what is known where it is said to be


def made_of(tree: pathlib.Path) -> dict[str, bytes]:
    """What the series makes of the files that rules change."""
    return {name: data for name, data in states.end(tree, small=True).items() if name in states.code_files()}


class Scratch(InPlace):
    def setUp(self) -> None:
        super().setUp()
        self.with_rules()

    def knowing(self, known: pathlib.Path) -> None:
        """Keep what spatch makes in this folder."""
        self.enterContext(mock.patch.object(semantic, 'changed', functools.partial(CHANGED_BY, known=known)))


class Changes(Scratch):
    def test_the_tree_is_changed_where_it_has_to_be(self) -> None:
        files = made_of(small_tree.make(self.folder / 'tree'))
        self.assertEqual(set(files), set(CHANGED))
        for name, lines in CHANGED.items():
            found = [line.strip() for line in files[name].decode().splitlines()]
            with self.subTest(name=name):
                self.assertEqual({line: found.count(line) for line in lines}, {line: lines.count(line) for line in lines})

    def test_the_rest_of_it_stays_as_it_was(self) -> None:
        gone: dict[str, int] = {}
        before = {**small_tree.KNOWN_BY, **small_tree.SOURCES}
        for name, data in made_of(small_tree.make(self.folder / 'tree')).items():
            lines = difflib.ndiff(before[name].splitlines(), data.decode().splitlines())
            gone[name] = sum(line.startswith('- ') for line in lines)
        gone.pop('fs/eventfd.c')    # most of it
        self.assertEqual(gone, {'include/linux/eventfd.h': 2, 'include/uapi/linux/eventfd.h': 0, 'include/linux/poll.h': 2,
                                'fs/select.c': 3, 'fs/eventpoll.c': 3, 'io_uring/poll.c': 7, 'fs/aio.c': 3})

    def test_each_rule_of_the_series_has_its_line_here(self) -> None:
        rules = [rule for patch in semantic.SERIES.glob('*.cocci') for rule in semantic.rules_of(patch)]
        # A line of fs/eventfd.c is changed by one patch after another.
        counted = [rule.count for rule in rules if rule.file != 'fs/eventfd.c']
        self.assertLessEqual(sum(counted), sum(len(lines) for name, lines in CHANGED.items() if name != 'fs/eventfd.c'))

    def test_what_is_kept_is_what_was_made_and_for_the_same_files_only(self) -> None:
        first = made_of(small_tree.make(self.folder / 'tree'))
        kept = set(small_tree.known().iterdir())
        line = 'entry->key = p->_key;'
        tree = small_tree.make(self.folder / 'other', {'fs/select.c': (line, f'{line} /* new */')})
        known = self.folder / 'known'
        shutil.copytree(small_tree.known(), known)
        self.knowing(known)
        after = made_of(tree)
        self.assertIn(b'/* new */', after['fs/select.c'])
        self.assertEqual({name for name in first if first[name] != after[name]}, {'fs/select.c'})
        patches = [patch for patch in semantic.SERIES.glob('*.cocci')
                   if any(rule.file == 'fs/select.c' for rule in semantic.rules_of(patch))]
        self.assertEqual(len(list(known.iterdir())), len(kept) + len(patches))
        self.assertEqual(made_of(tree), after)

    def test_the_tree_stays_as_it_was_and_so_do_other_names_of_its_files(self) -> None:
        tree = small_tree.make(self.folder / 'tree')
        # As in the tree that is built: other names of the files of somebody's own tree.
        twin = self.folder / 'twin'
        shutil.copytree(tree, twin, copy_function=os.link)
        before = {path.relative_to(tree): (path.read_bytes(), path.stat()) for path in tree.rglob('*') if path.is_file()}
        status, said = call_here('changes', str(tree), str(self.folder / 'out'))
        self.assertEqual((status, said), (0, f'{len(states.files())} changed files: {self.folder}/out\n'))
        for path, (data, stat) in before.items():
            self.assertEqual((twin / path).read_bytes(), data)
            self.assertEqual((tree / path).read_bytes(), data)
            now = (tree / path).stat()
            self.assertEqual((now.st_ino, now.st_mtime_ns), (stat.st_ino, stat.st_mtime_ns))
        self.assertEqual(len([path for path in tree.rglob('*') if path.is_file()]), len(before))
        for name, data in made_of(tree).items():
            self.assertEqual((self.folder / 'out' / name).read_bytes(), data)

    def test_without_a_folder_it_shows_a_diff(self) -> None:
        tree = small_tree.make(self.folder / 'tree')
        status, said = call_here('changes', str(tree))
        self.assertEqual(status, 0, said)
        self.assertEqual(re.findall(r'^\+\+\+ b/(\S+)$', said, re.M), states.files())
        self.assertIn('+config EVENTFD_KUNIT_TEST\n', said)


class Refused(Scratch):
    def test_statements_that_are_others_or_elsewhere(self) -> None:
        def refusal(number: int) -> str:
            name, old, new, _ = RENAMED[number]
            tree = small_tree.make(self.folder / f'tree{number}', {name: (old, new)})
            try:
                made_of(tree)
            except Refusal as error:
                return str(error)
            return 'it was not refused'

        # Two at a time: each is some calls of spatch.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for (name, _, new, pattern), said in zip(RENAMED, pool.map(refusal, range(len(RENAMED)))):
                with self.subTest(name=name, new=new):
                    self.assertRegex(said, pattern)
                    self.assertTrue(said.endswith('this tree differs from those that the series is for'))

    def test_a_change_that_spatch_leaves_out(self) -> None:
        self.knowing(self.folder / 'known')
        [rule] = [rule for rule in semantic.rules_of(semantic.SERIES / '02-torn.cocci')]
        more = dataclasses.replace(rule, adds=[*rule.adds, 'eventfd_poke'])
        with mock.patch.object(semantic, 'rules_of', return_value=[more]), self.assertRaisesRegex(
                Broken, 'the rules of 02-torn.cocci match in fs/eventfd.c but spatch did not make all of .*: eventfd_poke'):
            semantic.changed(semantic.SERIES / '02-torn.cocci', rule.file, small_tree.KNOWN_BY[rule.file].encode(), self.folder)

    def test_what_is_no_tree(self) -> None:
        self.assert_refused(call_here('changes', str(self.folder)), r'has no \S+: name the top of a kernel tree')
        self.assert_refused(call_here('changes'), 'the following arguments are required: tree')

    def test_a_machine_without_spatch(self) -> None:
        tree = small_tree.make(self.folder / 'tree')
        few = few_programs(self.folder / 'bin', 'env', 'python3')
        self.knowing(self.folder / 'known')
        self.assert_refused(call_here('changes', str(tree), PATH=few),
                            'spatch is not installed: "make doctor" says how to get it')


class Rules(unittest.TestCase):
    def test_a_rule_that_says_nothing_of_what_it_must_match(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            patch = pathlib.Path(scratch) / '01.cocci'
            patch.write_text('// expect: one a.c f 1\n@one@\nposition p;\n@@\nf()@p\n\n@two@\n@@\ng()\n')
            with self.assertRaisesRegex(Broken, 'its rules are one, two, but .* name one'):
                semantic.rules_of(patch)

    def test_no_rule_holds_more_of_the_kernel_than_a_few_lines(self) -> None:
        for patch in semantic.SERIES.glob('*.cocci'):
            for rule in re.split(r'^@\w+@\n', patch.read_text(), flags=re.M)[1:]:
                kept = [line for line in rule.split('@@\n', 1)[1].splitlines()
                        if line.strip() not in ('', '{', '}', '...') and not line.startswith(('+', '//'))]
                self.assertLess(len(kept), 8, patch)
