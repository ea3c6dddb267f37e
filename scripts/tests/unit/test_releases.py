# SPDX-License-Identifier: GPL-2.0
"""The two commands on other releases: what a release came to, and when it is asked again. A shell stands for its root."""
import argparse
import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

from commands import releases
from core import processes
from core.options import Options
from core.places import ROOT
from core.report import Refusal

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
        self.assertLessEqual({*releases.QUICK, *releases.WHOLE}, targets)


class Runs(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / 'trixie/etc').mkdir(parents=True)
        (self.folder / 'trixie/etc/os-release').write_text('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
        self.page = self.folder / 'page.rst'
        self.page.write_text(f'above\n\n{releases.FIRST}\n\n{releases.LAST}\n\nbelow\n')
        self.says = {'run': f'echo "{VERDICT}"', 'check-static': f'echo "{CHECKS}"', 'model': 'echo "49 checks of the model passed, 0 failed"',
                     'litmus': 'echo "23 litmus tests are as they should be, 0 are not"'}
        self.now, self.called = 'first', list[str]()
        for name, value in (('FOLDER', self.folder), ('PAGE', self.page), ('ROOT', self.folder), ('state', lambda: self.now), ('inside', self.inside),
                            ('put_project', lambda root: None)):
            self.enterContext(mock.patch.object(releases, name, value))
        self.enterContext(mock.patch.object(processes, 'lock'))
        self.enterContext(mock.patch.object(os, 'geteuid', return_value=0))

    def inside(self, _root: pathlib.Path, *words: str) -> list[str]:
        if words[0] == 'gcc':
            return ['echo', '14.2.0']
        self.assertEqual(words[:3], ('make', '-C', '/src/eventfd'))
        self.called.append(words[3])
        return ['sh', '-c', self.says[words[3]]]

    def call(self, *words: str) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = releases.check_releases(Options.of({}), argparse.Namespace(words=list(words)))
        return status, said.getvalue()

    def test_what_held_is_kept_until_a_file_changes(self) -> None:
        status, said = self.call('trixie')
        self.assertEqual(status, 0, said)
        self.assertIn('Debian GNU/Linux 13 (trixie), gcc 14.2.0: make run: 1530 passed, 0 failed, 0 skipped\n', said)
        self.assertIn('releases: PASS: 1 hold, 0 do not\n', said)
        self.assertEqual(self.called, list(releases.QUICK))
        self.call('trixie')
        self.assertEqual(len(self.called), 4)
        self.now = 'second'
        self.call('trixie')
        self.assertEqual(len(self.called), 8)

    def test_the_first_that_fails_is_the_last_that_is_called(self) -> None:
        for script in ('echo "51 passed, 2 failed, 0 skipped"; exit 1', f'echo "{CHECKS}"; exit 2', 'exit 0'):
            with self.subTest(script=script):
                self.called.clear()
                self.says['check-static'] = script
                status, said = self.call('trixie')
                self.assertEqual(status, 1)
                self.assertRegex(said, r'DOES NOT HOLD: make check-static \(exit status \d; the log is .*trixie-check-static.log\)')
                self.assertEqual(self.called, ['run', 'check-static'])

    def test_the_page_has_what_held(self) -> None:
        with self.assertRaisesRegex(Refusal, 'no release has held here yet'):
            releases.write_page(Options.of({}), argparse.Namespace())
        self.call('trixie')
        with contextlib.redirect_stdout(io.StringIO()):
            releases.write_page(Options.of({}), argparse.Namespace())
        text = self.page.read_text()
        self.assertTrue(text.startswith('above\n') and text.endswith('below\n'))
        self.assertRegex(text, r'\nDebian GNU/Linux 13 \(trixie\) +14\.2\.0 +``make run`` +1530 passed, 0 failed, 0 skipped\n')
        self.assertRegex(text, r'\n +``make litmus`` +23 litmus tests are as they should be\n')

    def test_it_is_for_root(self) -> None:
        with mock.patch.object(os, 'geteuid', return_value=1000), self.assertRaisesRegex(Refusal, 'run it as root'):
            self.call('trixie')


class Project(unittest.TestCase):
    def test_is_put_there_as_it_is_and_what_was_built_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            place = root / releases.PLACE
            (place / 'build').mkdir(parents=True)
            (place / 'build/kept').touch()
            (place / 'old').touch()
            releases.put_project(root)
            self.assertEqual((place / 'README.md').read_bytes(), (ROOT / 'README.md').read_bytes())
            self.assertEqual(((place / 'build/kept').exists(), (place / 'old').exists()), (True, False))
            if (ROOT / '.git').exists():
                listed = subprocess.run(['git', '-C', place, 'ls-files', 'Makefile'], capture_output=True, text=True, check=True)
                self.assertEqual(listed.stdout, 'Makefile\n')
