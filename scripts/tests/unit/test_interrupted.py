# SPDX-License-Identifier: GPL-2.0
"""A run that is killed leaves nothing behind: no process that goes on, and nothing half done on the disk."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from core.places import SCRIPTS, UNFINISHED
from tests.calls import wait_until

# As where a tree is unpacked: outside processes.main(), which would hear of a signal.
STEP = '''
import pathlib
from core import places, processes
with places.scratch_folder(places.BUILD / "src") as scratch:
    processes.run(["sh", "-c", f"echo $$ >{places.BUILD}/pid; while :; do echo >>{scratch}/file; sleep 0.01; done"],
                  places.BUILD / "log", "unpacking")
'''
NEXT = 'from core import processes; processes.main(processes.lock)'


class Killed(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.build = pathlib.Path(scratch.name)
        (self.build / 'src/whole').mkdir(parents=True)
        self.env = {**os.environ, 'BUILD': str(self.build), 'PYTHONPATH': str(SCRIPTS), 'PYTHONDONTWRITEBYTECODE': '1'}
        self.env.pop('HARNESS_LOCK', None)

    def unfinished(self) -> list[pathlib.Path]:
        return list((self.build / 'src').glob(f'{UNFINISHED}*'))

    def killed_by(self, number: signal.Signals) -> int:
        """Kill a step that is at work; the number of the process that did the work."""
        step = subprocess.Popen([sys.executable, '-c', STEP], env=self.env)
        wait_until(lambda: step.poll() is not None or bool(self.unfinished() and list(self.unfinished()[0].iterdir())))
        self.assertIsNone(step.poll())
        step.send_signal(number)
        step.wait()
        return int((self.build / 'pid').read_text())

    def test_what_it_had_called_ends_with_it(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number=number.name):
                worker = self.killed_by(number)
                wait_until(lambda: not pathlib.Path(f'/proc/{worker}').exists(), 10)

    def test_the_next_run_clears_away_what_is_half_done_and_says_so(self) -> None:
        self.killed_by(signal.SIGKILL)
        [left] = self.unfinished()
        done = subprocess.run([sys.executable, '-c', NEXT], env=self.env, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, f'removed what an interrupted run has left half done: src/{left.name}\n', ''))
        self.assertEqual([path.name for path in (self.build / 'src').iterdir()], ['whole'])
        again = subprocess.run([sys.executable, '-c', NEXT], env=self.env, capture_output=True, text=True, check=False)
        self.assertEqual(again.stdout, '')
