# SPDX-License-Identifier: GPL-2.0
"""Machines that are odd in one way: each does the work, or says in a line what to do. The work is the tree for a small KDIR."""
import contextlib
import io
import os
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from unittest import mock

from checks import static
from core.places import ROOT, project_files
from core.totals import Totals
from tests import small_tree
from tests.calls import Refusals, Said, nothing_asked, said_by, skip_without_mounts

NOBODY = 65534
# Where nobody listens.
PROXIES = {name: 'http://127.0.0.1:9' for name in ('http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY')}
# How much it would do at once.
AT_ONCE = 'from core import processes; from guest import kernels; print(processes.processors(), kernels.jobs())'
# A program in the folder for temporary files, as many tests have one.
PROGRAM = '''
import pathlib, subprocess, tempfile
from commands import check
check.temporary_programs()
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'program'
    path.write_text('#!/bin/sh\\necho it runs\\n')
    path.chmod(0o755)
    print(path, flush=True)
    subprocess.run([path], check=True)
'''

# One of those that the pages show.
SHOWN = '\nfrom checks import pages\nprint(pages.compiled("c", "int main(void) { return 0; }\\n") or "it runs")\n'


class Surroundings(Refusals):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.kdir = small_tree.make(self.folder / 'linux')
        self.build = self.folder / 'build'
        self.build.mkdir()

    def tree(self, *, root: pathlib.Path = ROOT, call: Sequence[str] = (), env: dict[str, str] | None = None) -> Said:
        words = [*call, str(root / 'scripts/eventfd'), 'tree', '--kdir', str(self.kdir), '--own', '0']
        return said_by(list(words), {**nothing_asked(), 'BUILD': str(self.build), **(env or {})})

    def assert_works(self, said: Said, build: pathlib.Path | None = None) -> None:
        status, text = said
        self.assertEqual(status, 0, text)
        [tree] = (build or self.build).glob('linux-*/tree')
        self.assertTrue((tree / 'tools/testing/selftests/filesystems/eventfd/eventfd_poll.cpp').is_file())

    def copy(self, name: str) -> pathlib.Path:
        """The project somewhere else."""
        root = self.folder / name
        for file in project_files():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, root / file, follow_symlinks=False)
        return root

    def test_no_home_no_user_no_terminal(self) -> None:
        env = {name: value for name, value in nothing_asked().items() if name not in ('HOME', 'USER', 'LOGNAME', 'TERM', 'SHELL')}
        self.assert_works(said_by([ROOT / 'scripts/eventfd', 'tree', '--kdir', self.kdir, '--own', '0'],
                                  {**env, 'BUILD': str(self.build)}))

    def test_a_proxy_that_nobody_is_behind(self) -> None:
        self.assert_works(self.tree(env=PROXIES))

    def test_a_path_with_letters_of_any_alphabet_in_a_locale_without_them(self) -> None:
        root = self.copy('h\u00e4user/\u5efa')
        self.assert_works(self.tree(root=root, env={'LC_ALL': 'C', 'BUILD': ''}), root / 'build')

    def test_sources_of_another_user_that_cannot_be_written_to(self) -> None:
        root = self.copy('theirs')
        call: list[str] = []
        if os.geteuid():
            for path in (root, *root.rglob('*')):
                if path.is_dir():
                    path.chmod(0o555)
                    self.addCleanup(path.chmod, 0o755)
        else:
            if not shutil.which('setpriv'):
                self.skipTest('needs setpriv to be somebody else')
            os.chown(self.build, NOBODY, NOBODY)
            # Python itself may lie where nobody else may look.
            python = next((path for path in ('/usr/bin/python3', sys.executable) if pathlib.Path(path).exists()), '')
            call = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', python]
        self.assert_works(self.tree(root=root, call=call))
        self.assert_refused(self.tree(root=root, call=call, env={'BUILD': ''}),
                            r'/theirs/build cannot be written to \(Permission denied\): put the build elsewhere with BUILD=DIR')

    def test_one_processor(self) -> None:
        [here, *_] = sorted(os.sched_getaffinity(0))
        call = ['taskset', '-c', str(here), sys.executable]
        if not shutil.which('taskset'):
            self.skipTest('needs taskset')
        said = said_by([*call, '-c', AT_ONCE], {**nothing_asked(), 'PYTHONPATH': str(ROOT / 'scripts')})
        self.assertEqual(said, (0, '1 -j2\n'))
        self.assert_works(self.tree(call=call))

    def test_a_folder_for_temporary_files_in_which_nothing_may_be_run(self) -> None:
        place = self.folder / 'tmp'
        place.mkdir()
        call = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                f'mount -t tmpfs -o noexec tmp {place} && exec "$0" "$@"']
        env = {'TMPDIR': str(place), 'PYTHONPATH': str(ROOT / 'scripts')}
        skip_without_mounts(self)
        self.assert_works(self.tree(call=call, env=env))
        status, said = said_by([*call, sys.executable, '-c', PROGRAM], {**nothing_asked(), **env, 'BUILD': str(self.build)})
        self.assertEqual(status, 0, said)
        self.assertRegex(said, rf'\A{self.build}/tmp/.*/program\nit runs\n\Z')
        self.assertEqual(said_by([*call, sys.executable, '-c', SHOWN], {**nothing_asked(), **env, 'BUILD': str(self.build)}),
                         (0, 'it runs\n'))


class Formats(Refusals):
    """A clang-format of another release wraps some lines in other places."""

    def formats(self, version: int, said: str) -> tuple[Totals, str]:
        """What comes of one of a version, which says this of all files."""
        totals, printed = Totals(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / 'clang-format'
            program.write_text('#!/bin/sh\n'
                               f'[ "$1" = --version ] && echo "clang-format version {version}.0.6" || printf "{said}"\n')
            program.chmod(0o755)
            with mock.patch.dict(os.environ, PATH=f'{folder}:{os.environ["PATH"]}'), contextlib.redirect_stdout(printed):
                static.formats(totals)
        return totals, printed.getvalue()

    def test_that_differ_between_releases_fail_nobody(self) -> None:
        wanted = re.search(r'clang-format (\d+)', (ROOT / '.clang-format').read_text())
        assert wanted
        ours = int(wanted[1])
        for version, said, counts in ((ours, '', (1, 0, 0)), (ours, 'a.cpp:1: error: formatted otherwise', (0, 1, 0)),
                                      (ours + 5, 'a.cpp:1: error: formatted otherwise', (0, 0, 1))):
            with self.subTest(version=version, said=said):
                totals, printed = self.formats(version, said)
                self.assertEqual((totals.passed, len(totals.wrong), totals.skipped), counts, printed)
        self.assertIn(f'skipped: clang-format: this one is {ours + 5}, and the files are as {ours} has them\n', printed)
