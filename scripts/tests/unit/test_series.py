# SPDX-License-Identifier: GPL-2.0
"""The series as patches of a git tree of a few files: what it refuses, what it leaves behind, and what its check sees."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Callable
from unittest import mock

from commands import series_check
from core.options import Options
from core.places import ROOT, write_if_changed
from core.report import Refusal
from source import messages, patch_series
from tests import small_tree
from tests.calls import few_programs
from tests.in_place import InPlace


@unittest.skipUnless(shutil.which('git'), 'no git: "make doctor" says how to get it')
class Repository(InPlace):
    def setUp(self) -> None:
        super().setUp()
        self.with_rules()
        self.tree = self.folder / 'linux'
        self.options = Options.of({'KDIR': str(self.tree)})

    def make_tree(self, **edits: tuple[str, str]) -> None:
        """Some of its files with text replaced: {file with _ for / and .: (old, new)}."""
        names = [*small_tree.KNOWN_BY, *small_tree.SOURCES, *small_tree.lined()]
        small_tree.make(self.tree, {name: edits[key] for name in names for key in [name.replace('/', '_').replace('.', '_')]
                                    if key in edits})
        small_tree.commit(self.tree)

    def git(self, *words: str) -> str:
        return small_tree.git(self.tree, *words)

    def apply(self, part: str | None = None) -> str:
        """Apply the series; what is said last: how to get back."""
        patch_series.apply(self.options.but(part=part), str(self.tree))
        return self.said.getvalue().splitlines()[-1].partition(': ')[2]

    def looks(self) -> object:
        """What must be as it was after a refusal: the branches, the work tree, the index."""
        return (self.git('for-each-ref'), self.git('rev-parse', '--symbolic-full-name', 'HEAD'),
                self.git('status', '--porcelain'),
                sorted((str(path), path.stat().st_mtime_ns) for path in self.tree.rglob('*')
                       if path.is_file() and '.git' not in path.parts))

    def assert_carried(self) -> None:
        for name in messages.carried():
            self.assertEqual((self.tree / name).read_bytes(), (ROOT / name).read_bytes(), name)


class Applied(Repository):
    def test_each_patch_becomes_a_commit_on_a_new_branch_and_is_one_that_git_am_applies(self) -> None:
        self.make_tree()
        base = self.git('rev-parse', 'HEAD')
        way_back = self.apply()
        self.assertEqual(self.git('rev-parse', '--abbrev-ref', 'HEAD'), 'eventfd-autoreset')
        self.assertEqual(self.git('rev-parse', 'master'), base)
        self.assertEqual(self.git('log', '--reverse', '--format=%s', 'master..').splitlines(),
                         [patch.subject for patch in messages.patches()])
        self.assertEqual(self.git('status', '--porcelain'), '')
        self.assert_carried()
        tip = self.git('rev-parse', 'HEAD^{tree}')
        # What a later patch brings is not there before it.
        later = [(file, option, patch) for patch in messages.patches() for file, option in patch.later]
        for file, option, patch in later:
            commit = self.git('log', '--format=%H', f'--grep={patch.subject}', '--fixed-strings')
            self.assertIn(option, self.git('show', f'{commit}:{file}'))
            self.assertNotIn(option, self.git('show', f'{commit}^:{file}'))
        subprocess.run(way_back, shell=True, check=True, capture_output=True)
        self.assertEqual(self.git('for-each-ref', '--format=%(refname)'), 'refs/heads/master')
        self.assertEqual(self.git('rev-parse', 'HEAD'), base)
        # And the patches are what git am makes the same of.
        made = sorted(self.build.glob('series/linux-*/*.patch'))
        self.assertEqual(len(made), len(messages.patches()) + 1)
        self.assertIn(f'base-commit: {base}\n', made[0].read_text())
        self.assertIn(f'Subject: [PATCH 00/{len(messages.patches())}] {messages.cover().subject[:20]}', made[0].read_text())
        self.assertEqual([path.name for path in made if 'Signed-off-by' in path.read_text()], [])
        self.git('am', '--whitespace=error-all', *map(str, made[1:]))
        self.assert_carried()
        self.assertEqual(self.git('rev-parse', 'HEAD^{tree}'), tip)


class Parts(Repository):
    """What can be sent by itself."""

    def subjects(self) -> list[str]:
        return self.git('log', '--reverse', '--format=%s', 'master..').splitlines()

    def test_one_after_the_other_is_applied_by_git_alone_once_they_are_made(self) -> None:
        self.make_tree()
        patch_series.make(self.options)
        few = few_programs(self.folder / 'bin', 'git')
        with mock.patch.dict(os.environ, PATH=few):
            done: list[str] = []
            for part in messages.parts():
                before, was = self.git('rev-parse', 'HEAD'), self.said.tell()
                way_back = self.apply(part.name)
                done += [patch.subject for patch in part.patches]
                self.assertEqual(self.subjects(), done)
                self.assertEqual(self.git('status', '--porcelain'), '')
                said = self.said.getvalue()[was:].splitlines()
                self.assertEqual([line.strip() for line in said if line.startswith('    ')], done[:-len(part.patches)])
            self.git(*way_back.split()[3:])
            self.assertEqual(self.git('rev-parse', 'HEAD'), before)
            # What is left is the last part again, and what is optional.
            self.apply()
        self.assert_carried()
        self.assertEqual(set(self.git('log', '--format=%an', 'master..').splitlines()), {patch_series.AUTHOR[0]})

    def test_a_part_without_the_one_before_it(self) -> None:
        self.make_tree()
        with self.assertRaisesRegex(Refusal, 'PART=wake-ups needs the part fixes before it: apply that first, or all'):
            self.apply('wake-ups')
        with self.assertRaisesRegex(Refusal, 'PART=wakeups is none: the parts are fixes, wake-ups, autoreset, tests'):
            self.apply('wakeups')

    def test_some_of_them_are_there_and_none_are_made(self) -> None:
        self.make_tree()
        self.apply('fixes')
        with self.assertRaisesRegex(Refusal, 'has all patches of the part fixes already: there is nothing to apply'):
            self.apply('fixes')
        shutil.rmtree(self.build / 'series')
        with self.assertRaisesRegex(Refusal, 'its patches have not been made yet: say "make series KERNEL=6.12"'):
            self.apply('wake-ups')

    def test_patches_that_were_made_from_something_else_or_for_another_kernel_do_not_count(self) -> None:
        folder = self.build / 'series/6.12'
        folder.mkdir(parents=True)
        now = patch_series.fingerprint()
        for made_from, version, counts in ((now, '6.12.118', True), (now, '6.13', False), ('0', '6.12.117', False)):
            (folder / patch_series.MADE_FROM).write_text(f'{made_from} 6.12.117\n')
            self.assertEqual(patch_series.made_already(version), folder if counts else None)

    def test_a_tree_that_they_do_not_fit(self) -> None:
        self.make_tree()
        patch_series.make(self.options)
        path = self.tree / 'fs/eventfd.c'
        path.write_text(path.read_text().replace('wake_up_poll(&ctx->wqh, EPOLLHUP)', 'wake_up_all(&ctx->wqh)'))
        self.git('commit', '-qam', 'another')
        before = self.looks()
        with self.assertRaisesRegex(Refusal, '"eventfd: set in_eventfd for every wake-up" does not apply .*patch failed: fs/eventfd'):
            self.apply()
        self.assertEqual(self.looks(), before)

    def test_each_applies_on_the_one_before_and_is_one_file_too(self) -> None:
        self.make_tree()
        patch_series.make(self.options.but(version=2))
        [folder] = [path.parent for path in self.build.glob('series/linux-*/fixes')]
        whole = [path.read_text() for path in sorted(folder.glob('*.patch'))[1:]]
        for part in messages.parts():
            made = sorted((folder / part.name).glob('*.patch'))
            with self.subTest(part=part.name):
                self.assertEqual(len(made), len(part.patches) + 1)
                self.assertIn(f'Subject: [PATCH v2 0/{len(part.patches)}] {part.cover.subject[:20]}', made[0].read_text())
                self.git('am', '--whitespace=error-all', *map(str, made[1:]))
                subjects = self.git('log', '--reverse', '--format=%s', f'-{len(part.patches)}').splitlines()
                self.assertEqual(subjects, [patch.subject for patch in part.patches])
                mails = self.folder / f'mails-{part.name}'
                mails.mkdir()
                self.assertEqual(self.git('mailsplit', f'-o{mails}', str(folder / f'{part.name}.mbox')), str(len(made)))
                self.assertEqual([one.read_text().rstrip() for one in sorted(mails.iterdir())],
                                 [one.read_text().rstrip() for one in made])
        self.assertEqual(sum(len(part.patches) for part in messages.parts()), len(whole) - 1)


class Refused(Repository):
    def refused(self, pattern: str, job: str = 'apply', looks: bool = True) -> None:
        before = self.looks() if looks else None
        with self.assertRaisesRegex(Refusal, pattern) as caught:
            if job == 'apply':
                self.apply()
            else:
                patch_series.make(self.options)
        self.assertNotIn('\n', str(caught.exception))
        if looks:
            self.assertEqual(self.looks(), before)

    def test_a_tree_that_is_no_git_tree(self) -> None:
        self.make_tree()
        shutil.rmtree(self.tree / '.git')
        self.refused('is no git tree: name a clone of the kernel', looks=False)

    def test_a_folder_of_another_git_tree(self) -> None:
        self.make_tree()
        shutil.move(self.tree / '.git', self.folder / '.git')
        self.refused('is no git tree', looks=False)

    def test_a_tree_without_a_commit(self) -> None:
        small_tree.make(self.tree)
        self.git('init', '-q')
        self.refused('has no commit yet', looks=False)

    def test_a_tree_with_changes(self) -> None:
        self.make_tree()
        (self.tree / 'fs/aio.c').write_text('changed\n')
        for job in ('apply', 'series'):
            self.refused('has changes that are not committed, fs/aio.c for one', job)

    def test_a_tree_that_has_the_branch(self) -> None:
        self.make_tree()
        self.git('branch', 'eventfd-autoreset')
        self.refused('has a branch eventfd-autoreset already: remove it with "git branch -D eventfd-autoreset"')

    def test_a_tree_in_the_middle_of_something(self) -> None:
        self.make_tree()
        for name, what in (('rebase-apply', 'git am or git rebase'), ('rebase-merge', 'git rebase'),
                           ('MERGE_HEAD', 'git merge')):
            (self.tree / '.git' / name).mkdir()
            self.refused(f'is in the middle of {what}: end that first')
            (self.tree / '.git' / name).rmdir()

    def test_a_tree_that_is_too_old(self) -> None:
        self.make_tree(Makefile=('PATCHLEVEL = 12', 'PATCHLEVEL = 11'))
        self.refused(r'is Linux 6\.11\.117, and fs/eventfd.c needs 6\.12 or later')

    def test_a_tree_that_a_rule_does_not_fit(self) -> None:
        self.make_tree(fs_aio_c=('bool cancel = false;', 'int cancel = 0;'))
        self.refused(r'of 13-aio\.cocci has to match 1x in fs/aio\.c')

    def test_a_tree_that_a_line_does_not_fit(self) -> None:
        self.make_tree(MAINTAINERS=('F:\tinclude/linux/fs_types.h\n', ''))
        self.refused(r'MAINTAINERS has to have the line .*for what 09-poll\.lines inserts')

    def test_an_earlier_version_that_is_none(self) -> None:
        self.make_tree()
        self.options = self.options.but(version=2, since='nonsense')
        self.refused('SINCE=nonsense is no commit of this project: name one with "git log"', 'series')

    def test_a_file_in_the_way(self) -> None:
        self.make_tree()
        (self.tree / 'include/linux/poll_claim.h').write_text('mine\n')
        self.refused('would be overwritten by checkout: include/linux/poll_claim.h')
        self.assertEqual((self.tree / 'include/linux/poll_claim.h').read_text(), 'mine\n')


class Equality(unittest.TestCase):
    """Whether the check sees in what two trees differ."""

    def differing(self, change: Callable[[pathlib.Path], object]) -> list[str]:
        with tempfile.TemporaryDirectory() as scratch:
            ours, theirs = pathlib.Path(scratch) / 'ours', pathlib.Path(scratch) / 'theirs'
            for top in (ours, theirs):
                (top / 'fs').mkdir(parents=True)
                (top / 'fs/a.c').write_text('text\n')
                (top / 'link').symlink_to('fs/a.c')
            change(theirs)
            return [line.replace(f'{scratch}/', '') for line in series_check.differences(ours, theirs, {'.git'})]

    def test_the_same(self) -> None:
        self.assertEqual(self.differing(lambda top: None), [])

    def test_git_is_not_looked_at(self) -> None:
        self.assertEqual(self.differing(lambda top: write_if_changed(top / '.git/x', '')), [])

    def test_a_byte(self) -> None:
        self.assertEqual(self.differing(lambda top: (top / 'fs/a.c').write_text('test\n')), ['fs/a.c: differs'])

    def test_a_mode(self) -> None:
        self.assertEqual(self.differing(lambda top: (top / 'fs/a.c').chmod(0o755)), ['fs/a.c: differs'])

    def test_a_file_too_many(self) -> None:
        self.assertEqual(self.differing(lambda top: (top / 'b').touch()), ['b: only in theirs'])

    def test_a_file_too_few(self) -> None:
        self.assertEqual(self.differing(lambda top: (top / 'fs/a.c').unlink()), ['fs/a.c: only in ours'])

    def test_a_file_in_place_of_a_link(self) -> None:
        self.assertEqual(self.differing(lambda top: write_if_changed(top / 'link', 'other')), ['link: differs'])
