# SPDX-License-Identifier: GPL-2.0
"""The series as patches: what it refuses, what it leaves behind, and what its check sees.

Not called by itself: "make check-harness" runs it. The kernel trees here are git trees of just those
files that the series changes; "make series-check" is for whole ones.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.support import ROOT, make

from commands import series_check
from core.places import BUILD
from source import insertion, messages, semantic

SOURCE = BUILD / 'src/linux-source-6.12'
KNOWN_BY = ('Makefile', 'Kbuild', 'fs/eventfd.c', 'include/linux/eventfd.h', 'include/uapi/linux/eventfd.h')
OF_OURS = ('scripts', 'series', 'fs', 'include', 'Documentation', 'samples', 'tools')


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=BUILD)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tree = self.folder / 'linux'

    def git(self, *words):
        return subprocess.run(['git', '-C', self.tree, '-c', 'user.name=Tester', '-c', 'user.email=tester@example.org',
                               *words], capture_output=True, text=True, check=True).stdout.strip()

    def make_tree(self, **edits):
        """A git tree of one commit, some of its files with text replaced: {file with _ for / and .: (old, new)}."""
        for name in {*KNOWN_BY, *semantic.files(), *insertion.files()}:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / name, self.tree / name)
            old, new = edits.get(name.replace('/', '_').replace('.', '_'), ('', ''))
            text = (self.tree / name).read_text(errors='surrogateescape')
            self.assertIn(old, text)
            if old:
                (self.tree / name).write_text(text.replace(old, new), errors='surrogateescape')
        self.git('init', '-q', '-b', 'master')
        self.git('add', '-A', '-f')
        self.git('commit', '-q', '-m', 'a kernel')

    def looks(self):
        """What must be as it was after a refusal: the branches, the work tree, the index."""
        return (self.git('for-each-ref'), self.git('rev-parse', '--symbolic-full-name', 'HEAD'), self.git('status', '--porcelain'),
                sorted((str(path), path.stat().st_mtime_ns) for path in self.tree.rglob('*')
                       if path.is_file() and '.git' not in path.parts))

    def call(self, *words):
        return make(*words, f'KDIR={self.tree}', BUILD=str(self.folder / 'build'))

    def refused(self, pattern, job='apply', looks=True):
        before = self.looks() if looks else None
        status, output = self.call(job)
        lines = [line for line in output.splitlines() if not line.startswith(('make: ***', 'installing from Debian: '))]
        self.assertEqual(len(lines), 1, output)
        self.assertRegex(lines[0], pattern)
        self.assertEqual(status, 2)
        if looks:
            self.assertEqual(self.looks(), before)


class Apply(Scratch):
    def test_each_patch_becomes_a_commit_on_a_new_branch(self):
        self.make_tree()
        base = self.git('rev-parse', 'HEAD')
        status, output = self.call('apply')
        self.assertEqual(status, 0, output)
        self.assertEqual(self.git('rev-parse', '--abbrev-ref', 'HEAD'), 'eventfd-autoreset')
        self.assertEqual(self.git('rev-parse', 'master'), base)
        self.assertEqual(self.git('log', '--reverse', '--format=%s', 'master..').splitlines(),
                         [patch.subject for patch in messages.patches()])
        self.assertEqual(self.git('status', '--porcelain'), '')
        for name in messages.carried():
            self.assertEqual((self.tree / name).read_bytes(), (ROOT / name).read_bytes(), name)
        # What it says last is how to get back.
        subprocess.run(output.splitlines()[-1].partition(': ')[2], shell=True, check=True, capture_output=True)
        self.assertEqual(self.git('for-each-ref', '--format=%(refname)'), 'refs/heads/master')
        self.assertEqual(self.git('rev-parse', 'HEAD'), base)

    def test_the_patches_are_what_git_am_applies(self):
        self.make_tree()
        status, output = self.call('series')
        self.assertEqual(status, 0, output)
        written = sorted((self.folder / 'build/series').glob('linux-*/*.patch'))
        self.assertEqual(len(written), len(messages.patches()) + 1)
        self.assertIn(f'base-commit: {self.git("rev-parse", "HEAD")}\n', written[0].read_text())
        self.assertEqual([path.name for path in written if 'Signed-off-by' in path.read_text()], [])
        self.git('am', '--whitespace=error-all', *map(str, written[1:]))
        for name in messages.carried():
            self.assertEqual((self.tree / name).read_bytes(), (ROOT / name).read_bytes(), name)

    def test_no_tree(self):
        status, output = make('apply')
        self.assertRegex(output, r'\Aerror: make apply needs KDIR=PATH')
        self.assertEqual(status, 2)

    def test_a_tree_that_is_no_git_tree(self):
        self.make_tree()
        shutil.rmtree(self.tree / '.git')
        self.refused('error: .* is no git tree', looks=False)

    def test_a_folder_of_another_git_tree(self):
        self.make_tree()
        (self.tree / 'inner').mkdir()
        self.tree.rename(self.folder / 'outer')
        (self.folder / 'outer').rename(self.tree)
        shutil.move(self.tree / '.git', self.folder / '.git')
        self.refused('error: .* is no git tree', looks=False)

    def test_a_tree_with_changes(self):
        self.make_tree()
        (self.tree / 'fs/aio.c').write_text('changed\n')
        self.refused('error: .* has changes that are not committed, fs/aio.c for one')
        self.refused('error: .* has changes that are not committed, fs/aio.c for one', 'series')

    def test_a_tree_that_has_the_branch(self):
        self.make_tree()
        self.git('branch', 'eventfd-autoreset')
        self.refused('error: .* has a branch eventfd-autoreset already')

    def test_a_tree_in_the_middle_of_something(self):
        self.make_tree()
        (self.tree / '.git/rebase-apply').mkdir()
        self.refused('error: .* is in the middle of git am or git rebase')

    def test_a_tree_that_is_too_old(self):
        self.make_tree(Makefile=('PATCHLEVEL = 12', 'PATCHLEVEL = 11'))
        self.refused(r'error: .* is Linux 6\.11\.\d+, and fs/eventfd.c needs 6\.12 or later')

    def test_a_tree_that_has_the_series_already(self):
        self.make_tree()
        self.assertEqual(self.call('apply')[0], 0)
        self.git('branch', '-m', 'mine')
        self.refused('error: .* has EFD_AUTORESET already')

    def test_a_tree_that_a_rule_does_not_fit(self):
        self.make_tree(fs_aio_c=('bool cancel = false;', 'int cancel = 0;'))
        self.refused(r'error: .*of 05-aio\.cocci has to match 1x in fs/aio\.c')

    def test_a_tree_that_a_line_does_not_fit(self):
        self.make_tree(MAINTAINERS=('F:\tinclude/linux/fs_types.h\n', ''))
        self.refused(r'error: .*MAINTAINERS has to have the line .*for what 01-poll\.lines inserts')

    def test_a_file_in_the_way(self):
        self.make_tree()
        (self.tree / 'include/linux/poll_claim.h').write_text('mine\n')
        self.refused('error: .*would be overwritten by checkout: include/linux/poll_claim.h')
        self.assertEqual((self.tree / 'include/linux/poll_claim.h').read_text(), 'mine\n')


class Lines(Scratch):
    MAKEFILE = 'tools/testing/selftests/Makefile'

    def test_a_line_that_some_kernels_have(self):
        for there in ('', 'TARGETS += filesystems/eventfd\n'):
            with self.subTest(there=there):
                shutil.rmtree(self.tree, ignore_errors=True)
                self.make_tree(tools_testing_selftests_Makefile=('TARGETS += filesystems/epoll\n',
                                                                 f'TARGETS += filesystems/epoll\n{there}'))
                text = insertion.patched(self.tree)[self.MAKEFILE].decode()
                self.assertEqual(text.splitlines().count('TARGETS += filesystems/eventfd'), 1)

    def test_as_many_as_are_asked_for(self):
        self.make_tree()
        first = sorted(messages.SERIES.glob('*.lines'))[:1]
        changed = insertion.patched(self.tree, first)
        self.assertEqual(sorted(changed), sorted({block.file for block in insertion.insertions_of(first[0])}))


class Messages(Scratch):
    """Mistakes in series/ of a copy of this project."""

    def setUp(self):
        super().setUp()
        self.copy = self.folder / 'copy'
        for name in OF_OURS:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.copy / name, ignore=shutil.ignore_patterns('__pycache__'))
        self.make_tree()

    def broken(self, pattern):
        env = {**os.environ, 'KDIR': str(self.tree), 'BUILD': str(self.folder / 'build')}
        env.pop('HARNESS_LOCK', None)
        done = subprocess.run([self.copy / 'scripts/eventfd', 'series'], env=env, capture_output=True, text=True, check=False)
        self.assertRegex(done.stdout, rf'\Afailed: [^\n]*{pattern}[^\n]*\n\Z', done.stderr)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(list((self.folder / 'build/series').glob('*/*.patch')), [])

    def edit(self, name, old, new):
        path = self.copy / 'series' / name
        self.assertIn(old, path.read_text())
        path.write_text(path.read_text().replace(old, new))

    def test_a_message_without_files(self):
        (self.copy / 'series/99-nothing.message').write_text('# none\n\nsubject\n\nbody\n')
        self.broken('99-nothing.message carries nothing')

    def test_rules_without_a_message(self):
        (self.copy / 'series/05-aio.message').unlink()
        self.broken('05-aio.cocci has no message beside it')

    def test_a_file_that_is_not_there(self):
        (self.copy / 'include/linux/poll_claim.h').unlink()
        self.broken('01-poll.message names include/linux/poll_claim.h, and there is no such file')

    def test_a_file_in_two_patches(self):
        (self.copy / 'series/99-twice.message').write_text('carries: fs/eventfd.c\n\nsubject\n\nbody\n')
        self.broken('fs/eventfd.c is carried by 06-eventfd.message and by 99-twice.message')

    def test_a_file_that_no_patch_carries(self):
        self.edit('08-selftests.message', 'carries: tools/testing/selftests/filesystems/eventfd/',
                  'carries: tools/testing/selftests/filesystems/eventfd/settings')
        self.broken('no patch carries tools/.*: name it in a line "carries:"')

    def test_a_new_file_that_no_patch_carries(self):
        (self.copy / 'fs/more.c').touch()
        self.broken('no patch carries fs/more.c: name it in a line "carries:"')

    def test_a_patch_that_leaves_out(self):
        self.edit('02-select.message', '\n\nselect, poll', '\nleaves: fs/eventfd.c\n\nselect, poll')
        self.broken('02-select.message:2: "leaves: fs/eventfd.c" where "carries: FILE"')

    def test_a_line_that_says_nothing(self):
        self.edit('06-eventfd.message', 'carries:', 'caries:')
        self.broken('06-eventfd.message:2: "caries: fs/eventfd.c ')

    def test_a_message_that_is_too_wide(self):
        self.edit('02-select.message', '\n\nselect(2) ', f'\n\n{"x" * 76}\nselect(2) ')
        self.broken('02-select.message has a line of more than 75 columns')

    def test_a_message_without_a_body(self):
        path = self.copy / 'series/02-select.message'
        path.write_text('\n\n'.join(path.read_text().split('\n\n')[:2]) + '\n')
        self.broken('02-select.message needs a subject in one line and a body')


class Equality(Scratch):
    """Whether the check sees in what two trees differ."""

    def differing(self, change):
        ours, theirs = self.folder / 'ours', self.folder / 'theirs'
        for top in (ours, theirs):
            (top / 'fs').mkdir(parents=True)
            (top / 'fs/a.c').write_text('text\n')
            (top / 'link').symlink_to('fs/a.c')
        change(theirs)
        return list(series_check.differences(ours, theirs, {'.git'}))

    def test_the_same(self):
        self.assertEqual(self.differing(lambda top: None), [])

    def test_git_is_not_looked_at(self):
        self.assertEqual(self.differing(lambda top: (top / '.git').mkdir() or (top / '.git/x').touch()), [])

    def test_a_byte(self):
        self.assertEqual(self.differing(lambda top: (top / 'fs/a.c').write_text('test\n')), ['fs/a.c: differs'])

    def test_a_mode(self):
        self.assertEqual(self.differing(lambda top: (top / 'fs/a.c').chmod(0o755)), ['fs/a.c: differs'])

    def test_a_file_too_many(self):
        self.assertEqual(self.differing(lambda top: (top / 'b').touch()), [f'b: only in {self.folder}/theirs'])

    def test_a_file_in_place_of_a_link(self):
        self.assertEqual(self.differing(lambda top: (top / 'link').unlink() or (top / 'link').touch()), ['link: differs'])
