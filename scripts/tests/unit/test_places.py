# SPDX-License-Identifier: GPL-2.0
"""The project in odd places: a copy of somebody else's, without git's records, without git, on a path with a blank."""
import os
import pathlib
import subprocess
import tempfile
from unittest import mock

from core import places
from core.report import Refusal
from tests.calls import Refusals, few_programs, nothing_asked, said_by

NAMES = ['.gitignore', 'dir/\u00e9.txt', 'kept']


class Listed(Refusals):
    """The files of a project of three, and of what it ignores."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.root = self.folder / 'project'
        (self.root / 'dir').mkdir(parents=True)
        for name in NAMES:
            (self.root / name).write_text('*.o\n')
        (self.root / 'kept.o').write_text('object')
        self.enterContext(mock.patch.object(places, 'ROOT', self.root))
        self.enterContext(mock.patch.object(places, 'BUILD', self.root / 'build'))

    def git(self) -> None:
        subprocess.run(['git', 'init', '-q', self.root], check=True)

    def test_by_git(self) -> None:
        self.git()
        (self.root / 'ignored').mkdir()
        (self.root / '.gitignore').write_text('*.o\nignored\n')
        (self.root / 'ignored/file').touch()
        self.assertEqual(places.project_files(), NAMES)
        self.assertEqual(places.project_files('dir/'), ['dir/\u00e9.txt'])

    def test_without_its_records(self) -> None:
        self.assertEqual(places.project_files(), NAMES)
        self.assertEqual(places.project_files('dir/'), ['dir/\u00e9.txt'])

    def test_without_git(self) -> None:
        self.git()
        with mock.patch.dict(os.environ, PATH='/nowhere'):
            self.assertIsNone(places.listed_by_git([]))
            self.assertEqual(places.project_files(), NAMES)

    def test_of_somebody_else(self) -> None:
        if os.geteuid():
            self.skipTest('needs root to give files away')
        self.git()
        for path in (self.root, *self.root.rglob('*')):
            os.chown(path, 1234, 1234)
        self.assertIn('dubious ownership', subprocess.run(['git', '-C', self.root, 'status'], capture_output=True, text=True,
                                                          check=False).stderr)
        self.assertEqual(places.listed_by_git([]), NAMES)


class Paths(Refusals):
    """What the kernel's makefiles cannot take is refused at once."""

    def test_a_blank_or_a_colon(self) -> None:
        for name, cure in (('ROOT', 'move the project to another folder'), ('BUILD', 'put the build elsewhere with BUILD=DIR')):
            for path in ('/with a blank/x', '/with:colon'):
                with self.subTest(name=name, path=path), mock.patch.object(places, name, pathlib.Path(path)), \
                        self.assertRaisesRegex(Refusal, f'"{path}" has a blank or a colon in it, .*: {cure}'):
                    places.need_plain_paths()
        places.need_plain_paths()

    def test_is_what_a_run_says(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assert_refused(said_by([places.SCRIPTS / 'eventfd', 'run'], {**nothing_asked(), 'BUILD': f'{folder}/a b'}),
                                f'"{folder}/a b" has a blank or a colon in it')
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])

    def test_is_what_the_doctor_hears_before_it_installs_anything(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assert_refused(said_by([places.SCRIPTS / 'eventfd', 'options'], {**nothing_asked(), 'BUILD': f'{folder}/a b'}),
                                f'"{folder}/a b" has a blank or a colon in it')

    def test_letters_of_any_alphabet_are_taken(self) -> None:
        with mock.patch.object(places, 'BUILD', pathlib.Path('/h\u00e4user/\u5efa')):
            places.need_plain_paths()

    def test_without_a_home_and_a_terminal_of_known_kind(self) -> None:
        env = {name: value for name, value in nothing_asked().items() if name not in ('HOME', 'TERM', 'LANG', 'USER')}
        status, said = said_by([places.SCRIPTS / 'eventfd', 'options'], env)
        self.assertEqual(status, 0, said)

    def test_a_machine_with_python_alone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = few_programs(pathlib.Path(folder) / 'bin', 'python3', 'env')
            status, said = said_by([places.SCRIPTS / 'eventfd', 'options'], {**nothing_asked(), 'PATH': path})
            self.assertEqual(status, 0, said)
