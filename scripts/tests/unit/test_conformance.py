# SPDX-License-Identifier: GPL-2.0
"""What is read in the report of the conformance program, and what the archive says of where it is from."""
import contextlib
import io
import os
import pathlib
import subprocess
import tarfile
import tempfile
import unittest
from unittest import mock

from checks import conformance
from core import places
from core.options import Options
from core.report import Broken

REPORT = '''eventfd_conformance: Linux 6.18.44
as stock    1b.12    a read that fails has taken the count
            FailedReads.OfAFullCounterLeaveItFull: failed
conformant  1a.1     eventfd2(0, 0) returns a descriptor
differs     3.4      room that a blocked writer waits for
            AutoresetLosesNo.SpaceThatABlockedWriterWaitsFor: timed out after 4 s
            All/Claim.Is/Epoll: failed
differs     3.5      an event
unknown     1c.2     who is woken
            Waiters.AreWoken: skipped: /proc does not show whether a task sleeps
tests: 0 passed, 0 failed as stock does, 9 failed
rows: 1 conformant, 1 as stock, 2 differ, 1 unknown; see rows.txt
'''.splitlines()


class Report(unittest.TestCase):
    def test_a_line_for_each_row_that_differs_with_its_tests(self) -> None:
        self.assertEqual(conformance.differing(REPORT), [
            'row 3.4: AutoresetLosesNo.SpaceThatABlockedWriterWaitsFor All/Claim.Is/Epoll', 'row 3.5:'])

    def test_where_none_differs_there_is_none(self) -> None:
        self.assertEqual(conformance.differing(line for line in REPORT if 'differs' not in line), [])

    def test_the_summary(self) -> None:
        found = conformance.SUMMARY.match(REPORT[-1])
        assert found
        self.assertEqual([int(number) for number in found.groups()], [1, 1, 2, 1])


class Packed(unittest.TestCase):
    """The archive, of a project of few files."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.root = self.folder / 'project'
        for name in ('LICENSE', f'{places.SUITE_FOLDER}/rows.txt'):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text('text\n')
        self.program = self.folder / 'program'
        self.program.write_bytes(b'program')
        for module in (places, conformance):
            self.enterContext(mock.patch.object(module, 'ROOT', self.root))
        self.enterContext(mock.patch.object(conformance, 'BUILD', self.folder))

    def committed(self) -> str:
        """Make it a repository with one commit, which is named."""
        env = {**os.environ, 'GIT_COMMITTER_DATE': '1700000000 +0000', 'GIT_CONFIG_GLOBAL': '/dev/null'}
        git = ['git', '-C', str(self.root), '-c', 'user.name=A', '-c', 'user.email=a@b']
        for words in (['init', '-q'], ['add', '.'], ['commit', '-q', '-m', 'one']):
            subprocess.run([*git, *words], env=env, check=True)
        return subprocess.run([*git, 'rev-parse', 'HEAD'], env=env, capture_output=True, text=True, check=True).stdout.strip()

    def packed(self) -> tuple[str, int, str]:
        """The commit that it names, the time of its files, and what was said meanwhile."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), tarfile.open(conformance.tarball(Options.of({}), self.program)) as archive:
            [when] = {entry.mtime for entry in archive}
            readme = archive.extractfile('eventfd-conformance-x86_64/README')
            assert readme
            text = readme.read().decode()
        before, after = 'This was made from the commit\n', '\nof the repository'
        return text.partition(before)[2].partition(after)[0], int(when), said.getvalue()

    def assert_unknown(self) -> None:
        commit, when, said = self.packed()
        self.assertEqual((commit, when), ('unknown', 0))
        self.assertEqual(said, f'git does not say which commit {self.root} is at: it is called "unknown", and its time is '
                         'that of 1970; with git, in a clone, it has its name\n')

    def test_of_a_commit_has_its_name_and_its_time(self) -> None:
        commit = self.committed()
        self.assertEqual(self.packed(), (commit, 1700000000, ''))

    def test_in_a_hook_of_another_repository_it_has_its_own(self) -> None:
        commit = self.committed()
        other = self.folder / 'other'
        subprocess.run(['git', 'init', '-q', other], check=True)
        with mock.patch.dict(os.environ, GIT_DIR=str(other / '.git'), GIT_WORK_TREE=str(other)):
            self.assertEqual(self.packed(), (commit, 1700000000, ''))

    def test_of_a_checkout_of_somebody_else_it_has_them_too(self) -> None:
        if os.geteuid():
            self.skipTest('needs root to give files away')
        commit = self.committed()
        for path in (self.root, *self.root.rglob('*')):
            os.chown(path, 1234, 1234)
        # Without what root may have configured.
        with mock.patch.dict(os.environ, GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_SYSTEM='/dev/null'):
            self.assertEqual(self.packed(), (commit, 1700000000, ''))

    def test_without_a_commit_or_records_or_git_it_is_said_to_be_unknown(self) -> None:
        self.assert_unknown()
        subprocess.run(['git', 'init', '-q', self.root], check=True)
        self.assert_unknown()
        self.committed()
        with mock.patch.dict(os.environ, PATH='/nowhere'):
            self.assert_unknown()

    def test_what_lies_in_a_repository_of_something_else_is_none_of_its(self) -> None:
        subprocess.run(['git', 'init', '-q', self.folder], check=True)
        subprocess.run(['git', '-C', self.folder, '-c', 'user.name=A', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty',
                        '-m', 'x'], check=True)
        self.assert_unknown()

    def test_one_that_is_too_large_is_not_written(self) -> None:
        with mock.patch.object(conformance, 'LARGEST', 100), self.assertRaisesRegex(
                Broken, 'would have 0.0 MB, and 0 are the most: see what the program is linked with'):
            self.packed()
        self.assertEqual(list(self.folder.glob('*.tar.gz')), [])
