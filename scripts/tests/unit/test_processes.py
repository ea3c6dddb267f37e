# SPDX-License-Identifier: GPL-2.0
"""How a job ends, and how the commands end that it calls; the lock; and what is refused of a place to build in."""
import contextlib
import errno
import fcntl
import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from unittest import mock

from core import places, processes
from core.places import SCRIPTS
from core.report import Broken, Ended, Refusal, refuse
from tests.calls import ENTRY, nothing_asked

ROOT_ONLY = unittest.skipUnless(os.geteuid() == 0, 'needs root to mount a file system')


class Scratch(unittest.TestCase):
    """A folder that goes away with the test."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def mount(self, options: str) -> pathlib.Path:
        """Mount a file system in the folder for as long as the test runs."""
        place = self.folder / 'mounted'
        place.mkdir()
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'none', place], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            self.skipTest(f'nothing can be mounted here: {done.stderr.strip()}')
        self.addCleanup(lambda: subprocess.run(['umount', place], check=True))
        return place


class Ends(unittest.TestCase):
    """How processes.main() ends, and what it says."""

    def ends(self, function: Callable[[], int | None]) -> tuple[object, str]:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), self.assertRaises(SystemExit) as end:
                processes.main(function)
            return end.exception.code, said.getvalue()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def raising(self, error: BaseException) -> tuple[object, str]:
        def function() -> int:
            raise error
        return self.ends(function)

    def test_well_or_with_what_it_returns(self) -> None:
        self.assertEqual(self.ends(lambda: 0), (0, ''))
        self.assertEqual(self.ends(lambda: 1), (1, ''))

    def test_a_refusal(self) -> None:
        self.assertEqual(self.raising(Refusal('no such thing')), (2, 'error: no such thing\n'))

    def test_a_step_that_failed(self) -> None:
        self.assertEqual(self.raising(Broken('gcc (exit status 1)')), (1, 'failed: gcc (exit status 1)\n'))

    def test_a_full_disk(self) -> None:
        status, said = self.raising(OSError(errno.ENOSPC, 'No space left on device'))
        self.assertEqual(status, 2)
        self.assertRegex(said, r'^error: the disk of .* is full: make room .*\n$')

    def test_another_error_of_the_system_is_a_bug(self) -> None:
        with self.assertRaises(PermissionError):
            self.raising(PermissionError(errno.EACCES, 'Permission denied'))

    def test_an_interrupt(self) -> None:
        self.assertEqual(self.raising(KeyboardInterrupt()), (130, 'interrupted: the next run goes on from here\n'))

    def test_a_signal(self) -> None:
        self.assertEqual(self.raising(Ended(143)), (143, ''))
        def asks_for_it() -> int:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
            return 0
        self.assertEqual(self.ends(asks_for_it)[0], 143)


class Commands(Scratch):
    """processes.run()"""

    def failing(self, script: str) -> str:
        with self.assertRaises(Broken) as caught:
            processes.run(['sh', '-c', script], self.folder / 'log', 'trying')
        return str(caught.exception)

    def test_what_it_says_is_in_the_log_and_told_line_by_line(self) -> None:
        lines: list[str] = []
        processes.run(['sh', '-c', 'echo one; echo two >&2'], self.folder / 'new/log', 'trying', on_line=lines.append)
        self.assertEqual(lines, ['one\n', 'two\n'])
        self.assertEqual((self.folder / 'new/log').read_text(), '$ sh -c echo one; echo two >&2\none\ntwo\n')

    def test_one_that_fails_is_said_with_its_first_error_and_its_log(self) -> None:
        self.assertEqual(self.failing('echo a; echo "x.c:1: error: what"; echo "make: *** [x.o] Error 1"; exit 2'),
                         f'trying (exit status 2): x.c:1: error: what; the log is {self.folder}/log')
        self.assertEqual(self.failing('exit 3'), f'trying (exit status 3); the log is {self.folder}/log')

    def test_one_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(Refusal, 'no-such-program is not installed: "make doctor" says how to get it'):
            processes.run(['no-such-program'], self.folder / 'log', 'trying')

    def test_one_that_asks_gets_no_answer(self) -> None:
        processes.run(['sh', '-c', '! read answer'], self.folder / 'log', 'trying')

    def test_what_it_left_running_is_gone_after_an_error(self) -> None:
        def interrupt(_line: str) -> None:
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            processes.run(['sh', '-c', f'sleep 60 & echo $! >{self.folder}/pid; echo started; wait'], self.folder / 'log',
                          'trying',
                          on_line=interrupt)
        stat = pathlib.Path('/proc') / (self.folder / 'pid').read_text().strip() / 'stat'
        deadline = time.monotonic() + 10
        # Somebody else's child by now, and who that is may take no notice of its end.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            while stat.read_text().split()[2] != 'Z':
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)

    def test_output_is_what_it_says_or_how_it_failed(self) -> None:
        self.assertEqual([processes.output_of(['sh', '-c', script]) for script in ('echo a; echo b >&2', 'exit 4',
                                                                                   'echo a; exit 4', 'true')],
                         ['a\nb\n', 'exit status 4', 'a\n', ''])

    def test_a_step_beside_another_gives_what_it_made_or_raises_what_it_raised(self) -> None:
        self.assertEqual(processes.Background(lambda: 7).result(), 7)
        def refusing() -> int:
            refuse('no')
        with self.assertRaisesRegex(Refusal, 'no'):
            processes.Background(refusing).result()


class Place(Scratch):
    """What is refused of a place to build in, before anything is."""

    def refused(self, place: pathlib.Path, pattern: str) -> None:
        with mock.patch.object(processes, 'BUILD', place), mock.patch.dict(os.environ, HARNESS_LOCK=''), \
                self.assertRaisesRegex(Refusal, pattern):
            processes.lock()

    def test_one_that_is_a_file(self) -> None:
        (self.folder / 'file').write_text('')
        self.refused(self.folder / 'file', r'/file cannot be written to \(File exists\): .*BUILD=DIR')

    @ROOT_ONLY
    def test_one_that_is_read_only(self) -> None:
        self.refused(self.mount('ro'), r'mounted cannot be written to \(Read-only file system\): .*BUILD=DIR')

    def test_one_that_is_too_small(self) -> None:
        with mock.patch.object(shutil, 'disk_usage', return_value=mock.Mock(free=10 ** 8)):
            with self.assertRaisesRegex(Refusal,
                                        r'/src has 0\.1 GB free and this needs 2\.5: make room, or put the build elsewhere'):
                places.need_disk(self.folder / 'src', 2.5)
            places.need_disk(self.folder / 'src', 0.1)

    @ROOT_ONLY
    def test_one_that_fills_up_on_the_way(self) -> None:
        log = self.mount('size=64k') / 'log'
        step = ('import pathlib; from core import processes; '
                f'processes.main(lambda: processes.run(["seq", "99999"], pathlib.Path("{log}"), "counting"))')
        done = subprocess.run([sys.executable, '-c', step], cwd=SCRIPTS, env=nothing_asked(), capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (2, ''))
        self.assertRegex(done.stdout, r'^error: the disk of .* is full: make room .*\n$')


class Lock(Scratch):
    def test_a_second_run_waits_for_the_first(self) -> None:
        with open(self.folder / 'lock', 'w', encoding='ascii') as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            second = subprocess.Popen([ENTRY, 'boot'], env={**nothing_asked(), 'BUILD': str(self.folder)},
                                      stdout=subprocess.PIPE,
                                      text=True, stderr=subprocess.STDOUT)
            assert second.stdout
            self.assertEqual(second.stdout.readline(), f'another run is using {self.folder}: waiting for it\n')
            self.assertIsNone(second.poll())
        output, _ = second.communicate(timeout=60)
        self.assertEqual(output, 'error: nothing is built for 6.12-x86_64: "make run" builds it\n')

    def test_one_that_a_run_has_called_does_not(self) -> None:
        with open(self.folder / 'lock', 'w', encoding='ascii') as first, mock.patch.object(processes, 'BUILD', self.folder), \
                mock.patch.dict(os.environ, HARNESS_LOCK=str(self.folder)):
            fcntl.flock(first, fcntl.LOCK_EX)
            processes.lock()


class Interrupt(Scratch):
    def test_leaves_nothing_half_done_and_the_next_run_goes_on(self) -> None:
        if shutil.disk_usage(self.folder).free < 3e9:
            self.skipTest('there is no room to unpack a kernel here')
        # A kernel that only this test has, and a tar that takes its time.
        archive = self.folder / 'build/download/linux-source-9.9/usr/src/linux-source-9.9.tar.xz'
        archive.parent.mkdir(parents=True)
        archive.touch()
        (self.folder / 'bin').mkdir()
        (self.folder / 'bin/tar').write_text('#!/bin/sh\nmkdir -p "$4/linux-source-9.9/fs"; sleep 60\n')
        (self.folder / 'bin/tar').chmod(0o755)
        env = {**nothing_asked(), 'BUILD': f'{self.folder}/build', 'PATH': f'{self.folder}/bin:{os.environ["PATH"]}'}
        # A job in the background of a script is born deaf to SIGINT, and so would be what is started here.
        run = subprocess.Popen([ENTRY, 'tree', '--kernel', '9.9'], env=env, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        deadline = time.monotonic() + 30
        while not list(self.folder.glob('build/src/*/linux-source-9.9/fs')) and run.poll() is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
        self.assertEqual((run.returncode, output), (130, 'interrupted: the next run goes on from here\n'))
        self.assertEqual(list(self.folder.glob('build/src/*')), [])


class Files(Scratch):
    def test_one_that_is_as_it_should_be_keeps_its_time(self) -> None:
        path = self.folder / 'a/b'
        self.assertTrue(places.write_if_changed(path, 'text'))
        os.utime(path, (1, 1))
        self.assertFalse(places.write_if_changed(path, b'text'))
        self.assertEqual(path.stat().st_mtime, 1)
        self.assertTrue(places.write_if_changed(path, 'other'))
        self.assertEqual((path.read_text(), [entry.name for entry in path.parent.iterdir()]), ('other', ['b']))

    def test_another_name_of_it_stays_as_it_was(self) -> None:
        (self.folder / 'theirs').write_text('theirs')
        os.link(self.folder / 'theirs', self.folder / 'ours')
        places.write_if_changed(self.folder / 'ours', 'ours')
        self.assertEqual((self.folder / 'theirs').read_text(), 'theirs')

    def test_those_of_the_project_are_the_same_with_gits_records_and_without(self) -> None:
        top = self.folder / 'project'
        for name in ('fs/eventfd.c', 'fs/tests/a.c', 'tools/x/a.cpp', 'tools/x/a.o', 'a.py', 'scripts/b.py', 'build/made'):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text('x\n')
        (top / '.gitignore').write_text('build/\n*.o\n')
        patterns: tuple[tuple[str, ...], ...] = ((), ('fs/',), ('*.py',), ('tools/*.cpp', 'tools/*.h'), ('scripts/', '.ci/'))
        with mock.patch.object(places, 'ROOT', top), mock.patch.object(places, 'BUILD', top / 'build'):
            without = [places.project_files(*pattern) for pattern in patterns]
            subprocess.run(['git', 'init', '-q', top], check=True)
            self.assertEqual([places.project_files(*pattern) for pattern in patterns], without)
        self.assertEqual(without[1:4], [['fs/eventfd.c', 'fs/tests/a.c'], ['a.py', 'scripts/b.py'], ['tools/x/a.cpp']])
