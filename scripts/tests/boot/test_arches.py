# SPDX-License-Identifier: GPL-2.0
"""The machines that the harness builds for: each is whole, and is asked for no more than it needs.

Not called by itself: "make check-harness" runs it.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

from tests.support import ROOT

from core import processes
from core.machines import ARCHES, PC
from core.options import Options
from core.places import BUILD
from guest import kernels, qemu

# What scripts/doctor itself calls.
DOCTORS_OWN = ('awk', 'cat', 'df', 'dirname', 'find', 'grep', 'head', 'id', 'nproc')
FOREIGN = {'i386': ('g++-i686-linux-gnu', 'gcc-i686-linux-gnu'),
           'arm64': ('g++-aarch64-linux-gnu', 'gcc-aarch64-linux-gnu', 'qemu-system-arm'),
           's390x': ('g++-s390x-linux-gnu', 'gcc-s390x-linux-gnu', 'qemu-system-s390x')}


def value_after(option, words):
    return words[words.index(option) + 1]


class Machines(unittest.TestCase):
    def test_each_has_its_fragment_of_the_configuration(self):
        for name in ARCHES:
            with self.subTest(name=name):
                self.assertIn(ROOT / f'scripts/config/{name}.config', kernels.fragments(Options.of({'ARCH': name})))
                self.assertTrue((ROOT / f'scripts/config/{name}.config').is_file())

    def test_each_boots_to_its_own_console_and_leaves_when_it_reboots(self):
        for name, arch in ARCHES.items():
            with self.subTest(name=name):
                words = qemu.qemu(Options.of({'ARCH': name}), 'tcg', 'image', 'initrd', 'quiet')
                self.assertEqual((words[0], value_after('-M', words)), (arch.qemu, arch.board.name))
                self.assertIn(f'console={arch.board.console} panic=-1', value_after('-append', words))
                self.assertEqual('tsc_early_khz' in value_after('-append', words), arch.board is PC)
                self.assertIn('-no-reboot', words)

    def test_each_has_a_device_for_either_port(self):
        for name in ARCHES:
            for port in ('console', 'report'):
                with self.subTest(name=name, port=port):
                    words = qemu.port(Options.of({'ARCH': name}), port, 'file', 'path=/dev/null')
                    self.assertEqual(words[:2], ['-chardev', f'file,id={port},path=/dev/null'])
                    self.assertRegex(words[-1], rf'\bchardev[:=]{port}$')

    def test_qemu_is_asked_how_a_guest_ended_where_it_can_power_off(self):
        for name, arch in ARCHES.items():
            with self.subTest(name=name), qemu.monitor(Options.of({'ARCH': name}), 'events') as (words, fds):
                self.assertEqual(arch.board.off, 'poweroff' if words else 'reboot')
                self.assertEqual(re.findall(r'\bfd=(\d+)', ' '.join(words)), list(map(str, fds)))

    def test_the_kernels_configuration_is_told_which_it_is(self):
        with mock.patch.dict('os.environ', ARCH='x86_64'):
            self.assertEqual(processes.environment(ARCH='arm64')['ARCH'], 'arm64')
            self.assertNotIn('ARCH', processes.environment())


class Refusals(unittest.TestCase):
    """The scripts themselves: make would install what the machine needs, first."""

    def refused(self, text, *words, **env):
        done = subprocess.run([ROOT / 'scripts' / words[0], *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, env={**os.environ, **env})
        self.assertEqual((done.stdout.count('\n'), done.returncode), (1, 2), done.stdout)
        self.assertIn(f'error: {text}', done.stdout)

    def test_what_runs_programs_here_is_not_for_a_machine_whose_programs_do_not_run_here(self):
        for what, *words in (('make bench', 'bench.py', 'run'), ('make check-host', 'conformance.py', 'run'),
                             ('make check', 'check.py', 'bench'), ('scripts/samples.py', 'samples.py')):
            with self.subTest(what=what):
                self.refused(f'{what} is not for ARCH=s390x, only for x86_64, i386: ', *words, ARCH='s390x')

    def test_the_processor_here_runs_no_guest_of_another_kind(self):
        self.refused('ACCEL=kvm: this processor cannot run a guest of arm64', 'run.py', 'run', ARCH='arm64', ACCEL='kvm')


class Packages(unittest.TestCase):
    """What scripts/doctor misses where nothing is installed."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        for name in DOCTORS_OWN:
            (pathlib.Path(scratch.name) / name).symlink_to(shutil.which(name))
        self.path = scratch.name

    def missing(self, arch):
        done = subprocess.run(['/bin/sh', ROOT / 'scripts/doctor', 'run'], stdout=subprocess.PIPE, text=True,
                              check=False, env={'PATH': self.path, 'ARCH': arch, 'BUILD': os.fspath(BUILD)})
        self.assertEqual(done.returncode, 1)
        listed = [line for line in done.stdout.splitlines() if line.startswith('missing: ')]
        return set(listed[0].split()[1:])

    def test_are_those_of_the_machine_that_is_asked_for_and_of_no_other(self):
        ours = self.missing('x86_64')
        self.assertIn('qemu-system-x86', ours)
        for name, packages in FOREIGN.items():
            with self.subTest(name=name):
                self.assertFalse(ours & set(packages))
                self.assertLessEqual(self.missing(name) - ours - {'qemu-user'}, set(packages))
                self.assertLessEqual(set(packages), self.missing(name))

    def test_every_machine_is_known_to_the_doctor(self):
        self.assertEqual(set(ARCHES) - {'x86_64'}, set(FOREIGN))
