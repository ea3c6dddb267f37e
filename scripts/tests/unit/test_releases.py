# SPDX-License-Identifier: GPL-2.0
"""The two commands on other releases: what a release came to, and when it is asked again. A shell stands for its root."""
import argparse
import contextlib
import io
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Sequence
from unittest import mock

from commands import releases
from core import processes
from core.options import Options
from core.places import ROOT
from core.report import Refusal
from source.git import Git

VERDICT = 'verdict: PASS: 1530 passed, 0 failed, 0 skipped; Linux 6.12, x86_64, tcg, 25 s'
CHECKS = '51 passed, 0 failed, 1 skipped'


class Words(unittest.TestCase):
    def test_the_last_word_of_a_log_is_what_counts(self) -> None:
        for log, says in ((f'ok\n{VERDICT}\n', '1530 passed, 0 failed, 0 skipped'), (f'{VERDICT}\n{CHECKS}\n', CHECKS),
                          ('verdict: FAIL: 3 passed, 1 failed\n', ''), ('3 passed, 1 failed, 0 skipped\n', ''), ('', '')):
            with self.subTest(log=log):
                self.assertEqual(releases.said_of(log), says)

    def test_every_job_is_a_target(self) -> None:
        targets = {line.split(':')[0] for line in (ROOT / 'Makefile').read_text().splitlines() if ':' in line}
        self.assertLessEqual({job.split()[0] for job in (*releases.QUICK, *releases.WHOLE)}, targets)


class Runs(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.page = self.folder / 'page.rst'
        self.page.write_text(f'above\n\n{releases.FIRST}\n\n{releases.LAST}\n\nbelow\n')
        self.says = {'run': f'echo "{VERDICT}"', 'check-static': f'echo "{CHECKS}"', 'model': 'echo "49 checks of the model passed, 0 failed"',
                     'litmus': 'echo "23 litmus tests are as they should be, 0 are not"', 'check': f'echo "{CHECKS}"',
                     'docs': 'echo "22 checks of the pages passed, 0 failed"', releases.NO_APT: f'echo "{VERDICT}"'}
        self.now, self.called, self.made = 'first', list[str](), list[str]()
        for name, value in (('FOLDER', self.folder), ('PAGE', self.page), ('ROOT', self.folder), ('state', lambda: self.now), ('inside', self.inside),
                            ('put_project', lambda root: None), ('bare_root', self.bare_root)):
            self.enterContext(mock.patch.object(releases, name, value))
        self.enterContext(mock.patch.object(processes, 'lock'))
        self.enterContext(mock.patch.object(os, 'geteuid', return_value=0))

    def bare_root(self, _options: Options, root: pathlib.Path) -> None:
        self.made.append(root.name)
        (root / 'etc').mkdir(parents=True, exist_ok=True)
        (root / 'etc/os-release').write_text('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')

    def inside(self, _root: pathlib.Path, words: Sequence[str], hidden: Sequence[str] = (), contained: bool = False) -> list[str]:
        if words[0] == 'gcc':
            return ['echo', '14.2.0']
        self.assertEqual(tuple(words[:3]), ('make', '-C', '/src/eventfd'))
        job = ' '.join(words[3:])
        self.assertEqual('apt-get' in hidden, job == releases.NO_APT)
        self.assertEqual(contained, not self.whole)
        self.called.append(job)
        return ['sh', '-c', self.says[job]]

    def call(self, *words: str, whole: bool = False) -> tuple[int, str]:
        said = io.StringIO()
        self.whole = whole
        with contextlib.redirect_stdout(said):
            status = (releases.check_whole if whole else releases.check_releases)(Options.of({}), argparse.Namespace(words=list(words)))
        return status, said.getvalue()

    def test_what_held_is_kept_until_a_file_changes(self) -> None:
        status, said = self.call('trixie')
        self.assertEqual(status, 0, said)
        self.assertIn('Debian GNU/Linux 13 (trixie), gcc 14.2.0: make run: 1530 passed, 0 failed, 0 skipped\n', said)
        self.assertIn('releases: PASS: 1 hold, 0 do not\n', said)
        self.assertEqual(self.called, list(releases.QUICK))
        self.call('trixie')
        self.assertEqual(len(self.called), len(releases.QUICK))
        self.now = 'second'
        self.call('trixie')
        self.assertEqual(len(self.called), 2 * len(releases.QUICK))

    def test_both_commands_are_another_matter_than_the_quick_form(self) -> None:
        self.call('trixie')
        self.called.clear()
        status, said = self.call('trixie', whole=True)
        self.assertEqual((status, self.called), (0, ['run', 'check']), said)

    def test_each_begins_in_a_bare_root_of_which_nothing_stays_if_it_holds(self) -> None:
        self.call('trixie')
        self.assertEqual((self.made, (self.folder / 'trixie').exists()), (['trixie'], False))
        self.now = 'second'
        self.call('trixie')
        self.assertEqual(self.made, ['trixie', 'trixie'])

    def test_a_root_in_which_something_failed_is_kept_for_whoever_asks_for_it_and_is_not_for_the_page(self) -> None:
        with self.assertRaisesRegex(Refusal, 'there is no .*/trixie that an earlier run has kept: leave out "kept"'):
            self.call('trixie', 'kept')
        self.says['model'] = 'exit 1'
        self.call('trixie')
        self.says['model'] = 'echo "49 checks of the model passed, 0 failed"'
        status, said = self.call('kept', 'trixie')
        self.assertEqual((status, self.made), (0, ['trixie']), said)
        with self.assertRaisesRegex(Refusal, 'no release has held here yet'):
            releases.write_page(Options.of({}), argparse.Namespace())
        self.call('trixie')
        self.assertEqual(self.made, ['trixie', 'trixie'])

    def test_the_first_that_fails_is_the_last_that_is_called(self) -> None:
        for script in ('echo "51 passed, 2 failed, 0 skipped"; exit 1', f'echo "{CHECKS}"; exit 2', 'exit 0'):
            with self.subTest(script=script):
                self.called.clear()
                self.says['check-static'] = script
                status, said = self.call('trixie')
                self.assertEqual(status, 1)
                self.assertRegex(said, r'DOES NOT HOLD: make check-static \(exit status \d; the log is .*trixie-check-static.log\)')
                self.assertEqual(self.called, ['litmus', 'model', 'docs', 'run', 'check-static'])

    def test_the_page_has_what_held(self) -> None:
        with self.assertRaisesRegex(Refusal, 'no release has held here yet'):
            releases.write_page(Options.of({}), argparse.Namespace())
        self.call('trixie')
        with contextlib.redirect_stdout(io.StringIO()):
            releases.write_page(Options.of({}), argparse.Namespace())
        text = self.page.read_text()
        self.assertTrue(text.startswith('above\n') and text.endswith('below\n'))
        self.assertRegex(text, r'\nDebian GNU/Linux 13 \(trixie\) +14\.2\.0 +``make litmus`` +23 litmus tests are as they should be\n')
        self.assertRegex(text, r'\n +``make docs`` +22 checks of the pages passed\n')
        self.assertRegex(text, r'\n +``make run without apt and dpkg`` +1530 passed, 0 failed, 0 skipped\n')
        self.now = 'second'
        with contextlib.redirect_stdout(io.StringIO()):
            releases.write_page(Options.of({}), argparse.Namespace())
        self.assertRegex(self.page.read_text(), r'\nDebian GNU/Linux 13 \(trixie\) \(earlier\) +14\.2\.0 ')

    def test_it_is_for_root(self) -> None:
        with mock.patch.object(os, 'geteuid', return_value=1000), self.assertRaisesRegex(Refusal, 'run it as root'):
            self.call('trixie')


class Project(unittest.TestCase):
    def test_is_put_there_as_it_is_and_what_was_built_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            place = root / releases.PLACE
            (place / 'build').mkdir(parents=True)
            (root / 'tmp').mkdir()
            (place / 'build/kept').touch()
            (place / 'old').touch()
            releases.put_project(root)
            (place / 'old').touch()
            # And in a root that is kept, where the files are a stranger's already.
            releases.put_project(root)
            self.assertEqual({(place / name).stat().st_uid for name in ('.', 'Makefile', 'scripts/doctor')}, {releases.STRANGER})
            self.assertEqual((place / 'README.md').read_bytes(), (ROOT / 'README.md').read_bytes())
            self.assertEqual(((place / 'build/kept').exists(), (place / 'old').exists()), (True, False))
            if (ROOT / '.git').exists():
                self.assertEqual(Git(place)('-c', 'safe.directory=*', 'ls-files', 'Makefile'), 'Makefile')

    def test_of_a_clone_that_has_not_all_of_it_is_one_that_git_can_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            whole, part, root = (pathlib.Path(folder, name) for name in ('whole', 'part', 'root'))
            (root / 'tmp').mkdir(parents=True)
            Git(folder)('init', '-q', whole)
            for name in ('first', 'second'):
                Git(whole)('-c', 'user.name=A', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', name)
            Git(folder)('clone', '-q', '--depth', '1', f'file://{whole}', part)
            with mock.patch.object(releases, 'ROOT', part), mock.patch.object(releases, 'project_files', return_value=[]):
                releases.put_project(root)
            self.assertEqual(Git(root / releases.PLACE)('-c', 'safe.directory=*', 'log', '--format=%s'), 'second')


class Inside(unittest.TestCase):
    def call(self, *words: str, hidden: Sequence[str] = (), **env: str) -> str:
        with mock.patch.dict(os.environ, env):
            return ' '.join(releases.inside(pathlib.Path('/'), words, hidden))

    def test_a_proxy_is_handed_on(self) -> None:
        self.assertRegex(self.call('make', https_proxy='http://proxy:3128', HTTP_PROXY='http://other'),
                         r'env -i .*(?=.* https_proxy=http://proxy:3128 )(?=.* HTTP_PROXY=http://other ).* make$')

    def test_what_is_hidden_cannot_be_executed_there_if_it_is_there(self) -> None:
        said = self.call('make', hidden=('env', 'no-such-program'))
        self.assertIn('mount --bind /dev/null usr/bin/env && mount --move', said)
        self.assertNotIn('no-such-program', said)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which('busybox'), 'needs root and busybox')
    def test_a_test_in_there_can_have_mounts_and_a_user_namespace_of_its_own(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in ('bin', 'dev', 'proc', 'sys', 'tmp'):
                (root / name).mkdir()
            shutil.copy(shutil.which('busybox') or '', root / 'bin')
            for name in ('env', 'true', 'unshare'):
                (root / 'bin' / name).symlink_to('busybox')
            done = subprocess.run(releases.inside(root, ['unshare', '-m', '-U', 'true']), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ''))

    @unittest.skipIf(os.geteuid(), 'only root has rights to give up')
    def test_who_is_contained_may_mount_nothing(self) -> None:
        words = releases.inside(pathlib.Path('/'), ['grep', 'CapEff', '/proc/self/status'], contained=True)
        done = subprocess.run(words[words.index('setpriv'):], capture_output=True, text=True, check=True)
        sys_admin = 1 << 21
        self.assertFalse(int(done.stdout.split()[1], 16) & sys_admin, done.stdout)
