# SPDX-License-Identifier: GPL-2.0
"""How a guest is called, and watched: a script stands for QEMU."""
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest
from unittest import mock

from core.machines import ARCHES, PC
from core.options import Options
from core.places import ROOT
from core.report import Refusal
from guest import kernels, qemu


def value_after(option: str, words: list[str]) -> str:
    return words[words.index(option) + 1]


class Machines(unittest.TestCase):
    def test_each_has_its_fragment_of_the_configuration(self) -> None:
        for name in ARCHES:
            with self.subTest(name=name):
                self.assertIn(ROOT / f'scripts/config/{name}.config', kernels.fragments(Options.of({'ARCH': name})))
                self.assertTrue((ROOT / f'scripts/config/{name}.config').is_file())

    def test_each_boots_to_its_own_console_and_leaves_when_it_reboots(self) -> None:
        for name, arch in ARCHES.items():
            with self.subTest(name=name):
                words = qemu.qemu(Options.of({'ARCH': name}), 'tcg', 'image', 'initrd', 'quiet')
                self.assertEqual((words[0], value_after('-M', words)), (arch.qemu, arch.board.name))
                self.assertIn(f'console={arch.board.console} panic=-1', value_after('-append', words))
                self.assertEqual('tsc_early_khz' in value_after('-append', words), arch.board is PC)
                self.assertIn('-no-reboot', words)

    def test_each_has_a_device_for_either_port(self) -> None:
        for name in ARCHES:
            for port in ('console', 'report'):
                with self.subTest(name=name, port=port):
                    words = qemu.port(Options.of({'ARCH': name}), port, 'file', 'path=/dev/null')
                    self.assertEqual(words[:2], ['-chardev', f'file,id={port},path=/dev/null'])
                    self.assertRegex(words[-1], rf'\bchardev[:=]{port}$')

    def test_qemu_is_asked_how_a_guest_ended_where_it_can_power_off(self) -> None:
        for name, arch in ARCHES.items():
            with self.subTest(name=name), qemu.monitor(Options.of({'ARCH': name}), 'events') as (words, fds):
                self.assertEqual(arch.board.off, 'poweroff' if words else 'reboot')
                self.assertEqual(re.findall(r'\bfd=(\d+)', ' '.join(words)), list(map(str, fds)))

    def test_kvm_is_refused_where_the_processor_here_cannot_do_it(self) -> None:
        with self.assertRaisesRegex(Refusal, 'ACCEL=kvm: this processor cannot run a guest of arm64'):
            qemu.accelerator(Options.of({'ARCH': 'arm64', 'ACCEL': 'kvm'}))
        with mock.patch('os.access', return_value=False):
            with self.assertRaisesRegex(Refusal, 'ACCEL=kvm: this processor shows neither vmx nor svm'):
                qemu.accelerator(Options.of({'ACCEL': 'kvm'}))
            self.assertEqual(qemu.accelerator(Options.of({})), 'tcg')

    def test_counting_takes_a_clock_that_goes_by_instructions(self) -> None:
        words = qemu.qemu(Options.of({}), 'count', 'image', 'initrd', 'quiet', 1)
        self.assertEqual(value_after('-icount', words), 'shift=0,sleep=off')
        self.assertIn('tsc_early_khz=1000000', value_after('-append', words))
        self.assertEqual(value_after('-smp', words), '1,sockets=1')


class Watchdog(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def watched(self, script: str, boot: float = 30, silent: float = 30, suite: float = 30,
                on_line: qemu.OnLine | None = None) -> tuple[list[str], str, int]:
        """(the report, what the watchdog saw, exit status) of a script; that it does not go on is looked at too."""
        start = time.monotonic()
        limits = qemu.Limits(boot, silent, suite)   # type: ignore[arg-type]  # parts of a second, so that none is waited for
        report, ended, status = qemu.once(['sh', '-c', f'echo $$ >{self.folder}/pid; {script}'], [], self.folder / 'log',
                                          start,
                                          on_line, limits)
        pid = int((self.folder / 'pid').read_text())
        self.assertFalse(pathlib.Path(f'/proc/{pid}').exists())
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual([seconds for seconds, _ in report], sorted(seconds for seconds, _ in report))
        return [line for _, line in report], ended, status

    def test_a_guest_that_comes_to_its_end(self) -> None:
        self.assertEqual(self.watched('printf "one\\r\\ntwo\\nrest"'), (['one', 'two', 'rest'], '', 0))

    def test_one_whose_qemu_fails(self) -> None:
        self.assertEqual(self.watched('echo one; echo "no such machine" >&2; exit 3'), (['one'], '', 3))
        self.assertEqual((self.folder / 'log').read_text(), 'no such machine\n')

    def test_one_that_does_not_reach_the_suite(self) -> None:
        report, ended, status = self.watched('sleep 30', boot=0.1)
        self.assertEqual((report, ended), ([], 'the kernel did not reach the suite in 0.1 s'))
        self.assertNotEqual(status, 0)

    def test_one_that_falls_silent(self) -> None:
        report, ended, _ = self.watched('echo one; sleep 30', silent=0.1)
        self.assertEqual((report, ended), (['one'], 'the suite was silent for 0.1 s after "one"'))

    def test_one_that_goes_on_and_on(self) -> None:
        report, ended, _ = self.watched('while :; do echo on; sleep 0.02; done', suite=0.3)
        self.assertEqual(ended, 'the suite was not done after 0.3 s')
        self.assertGreater(len(report), 2)

    def test_one_of_which_enough_was_seen(self) -> None:
        report, ended, _ = self.watched('echo one; echo two; echo three; sleep 30', on_line=lambda line: line == 'two')
        self.assertEqual((report, ended), (['one', 'two'], 'stopped, as enough was seen'))

    def test_one_that_does_not_go_when_it_is_told(self) -> None:
        wait = subprocess.Popen.wait

        def impatient(child: 'subprocess.Popen[bytes]', timeout: float | None = None) -> int:
            return wait(child, timeout and 0.1)

        with mock.patch.object(subprocess.Popen, 'wait', impatient):
            _, _, status = self.watched('trap "" TERM; echo one; while :; do sleep 1; done', silent=0.1)
        self.assertEqual(status, -signal.SIGKILL)

    def test_text_that_is_none(self) -> None:
        self.assertEqual(self.watched('printf "a\\377b\\n"')[0], ['a\ufffdb'])


class Boot(unittest.TestCase):
    """qemu.boot() with a script in QEMU's place."""

    def boot(self, script: str, **given: str) -> tuple[qemu.Outcome, list[str]]:
        with tempfile.TemporaryDirectory() as scratch, mock.patch('core.options.BUILD', pathlib.Path(scratch)):
            (pathlib.Path(scratch) / 'bin').mkdir()
            fake = pathlib.Path(scratch) / 'bin/qemu-system-x86_64'
            fake.write_text('#!/bin/sh\nconsole=$(echo "$*" | sed "s/.*file,id=console,path=\\([^ ,]*\\).*/\\1/")\n'
                            f'folder={scratch}\necho "$*" >>$folder/calls\n{script}\n')
            fake.chmod(0o755)
            initrd = pathlib.Path(scratch) / 'initrd'
            initrd.write_bytes(b'x' * 7)
            with mock.patch.dict('os.environ', PATH=f'{scratch}/bin:/usr/bin:/bin'):
                outcome = qemu.boot(Options.of({'ACCEL': 'tcg', **given}), pathlib.Path('image'), initrd, 'run',
                                    kunit='eventfd.*')
            self.report = (outcome.console.with_suffix('.report')).read_text()
            return outcome, (pathlib.Path(scratch) / 'calls').read_text().splitlines()

    def test_it_leaves_a_report_with_time_stamps(self) -> None:
        outcome, calls = self.boot('echo "harness: end"; echo "reboot" >$console')
        self.assertEqual(([line for _, line in outcome.report], outcome.ended, outcome.status), (['harness: end'], '', 0))
        self.assertRegex(self.report, r'^ +\d+\.\d\d harness: end\n$')
        self.assertIn('kunit.enable=1 kunit.autorun=1 kunit.filter_glob=eventfd.*', calls[0])
        self.assertIn('panic_on_warn=1', calls[0])

    def test_kcsan_may_say_all_that_it_has_to_say(self) -> None:
        self.assertIn('panic_on_warn=0', self.boot('echo', KCSAN='1')[1][0])

    def test_one_whose_ticks_came_too_late_is_started_again(self) -> None:
        late = f'echo "Kernel panic - not syncing: {qemu.NO_TIMER}" >$console'
        _, calls = self.boot(f'[ "$(wc -l <$folder/calls)" -ge 2 ] || {{ {late}; exit; }}; echo one')
        self.assertEqual(len(calls), 2)
        self.assertEqual(len(self.boot(late)[1]), qemu.TIMER_TRIES)
        self.assertEqual(len(self.boot('echo "Kernel panic - not syncing: x" >$console')[1]), 1)

    def test_an_overlay_begins_at_a_place_where_the_kernel_looks_for_one(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            (folder / 'one').write_bytes(b'x' * 700)
            (folder / 'two').write_bytes(b'y' * 9)
            both = qemu.with_overlay(folder / 'one', folder / 'two', folder / 'both').read_bytes()
        self.assertEqual((both[:700], both[1024:]), (b'x' * 700, b'y' * 9))
