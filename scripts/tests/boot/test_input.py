# SPDX-License-Identifier: GPL-2.0
"""Bad input, and what must not happen to what the harness is given.

Not called by itself: "make check-harness" runs it.
"""
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from tests.support import ROOT, make

from core.places import BUILD
from source import insertion, semantic

SOURCE = BUILD / 'src/linux-source-6.12'
EVENTFD_FILES = ('Makefile', 'Kbuild', 'fs/eventfd.c', 'include/uapi/linux/eventfd.h')


class Scratch(unittest.TestCase):
    """A folder that goes away with the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=BUILD)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def mount(self, kind, options, source='none', name='mounted'):
        """Mount something in the folder for as long as the test runs."""
        place = self.folder / name
        place.mkdir()
        subprocess.run(['mount', *([] if kind == 'none' else ['-t', kind]), '-o', options, source, place], check=True)
        self.addCleanup(subprocess.run, ['umount', place], check=True)
        return place

    def tree(self, **edits):
        """The few files by which a kernel tree is known, with changes: {file with __ for / and no suffix: edit}."""
        top = self.folder / 'tree'
        for name in EVENTFD_FILES:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / name, top / name)
        for name, edit in edits.items():
            path = next(top / file for file in EVENTFD_FILES if file.split('.')[0].replace('/', '_') == name)
            path.write_text(edit(path.read_text()))
        return top


class BadInput(Scratch):
    def refused(self, pattern, *words, **env):
        """make says one line and ends with 2."""
        status, output = make(*words, **env)
        lines = [line for line in output.splitlines() if not line.startswith('make: ***')]
        self.assertEqual(len(lines), 1, output)
        self.assertRegex(lines[0], pattern)
        self.assertEqual(status, 2)

    def test_a_folder_that_is_not_there(self):
        self.refused('error: /nowhere is no directory', 'run', 'KDIR=/nowhere')

    def test_a_folder_that_is_no_kernel_tree(self):
        self.refused('error: .* is no kernel tree', 'run', f'KDIR={self.folder}')

    def test_a_tree_without_eventfd(self):
        top = self.tree()
        (top / 'fs/eventfd.c').unlink()
        self.refused('error: .* is no kernel tree', 'run', f'KDIR={top}')

    def test_a_tree_that_is_too_old(self):
        top = self.tree(Makefile=lambda text: text.replace('PATCHLEVEL = 12', 'PATCHLEVEL = 11'))
        self.refused(r'error: .* is Linux 6\.11\.\d+, and fs/eventfd.c needs 6\.12 or later', 'run', f'KDIR={top}')

    def test_a_tree_that_has_the_series_already(self):
        top = self.tree(include_uapi_linux_eventfd=lambda text: text + '#define EFD_AUTORESET (1 << 6)\n')
        self.refused('error: .* has EFD_AUTORESET already', 'run', f'KDIR={top}')

    def test_a_kernel_that_is_too_old(self):
        self.refused('error: KERNEL=6.1 is too old', 'run', 'KERNEL=6.1')

    def test_a_kernel_that_is_no_version(self):
        self.refused('error: KERNEL=newest is no version', 'run', 'KERNEL=newest')

    def test_two_kernels_at_once(self):
        self.refused('error: KERNEL and KDIR exclude each other', 'run', 'KERNEL=6.12', 'KDIR=/usr/src')

    def test_an_unknown_machine(self):
        self.refused('error: ARCH=vax is not known here: use one of x86_64, i386, arm64, s390x$', 'run', 'ARCH=vax')

    def test_an_unknown_accelerator(self):
        self.refused('error: ACCEL=warp is not known', 'run', 'ACCEL=warp')

    def test_a_switch_that_is_neither_on_nor_off(self):
        for switch in ('DEBUG=1', 'KCSAN=1', 'FAULTS=1', 'PREEMPT=1', 'SMP=0'):
            name = switch.partition('=')[0]
            with self.subTest(name=name):
                self.refused(f'error: {name}=maybe is not known: use {switch}, or leave it out', 'run', f'{name}=maybe')

    def test_switches_that_exclude_each_other(self):
        for other in ('DEBUG=1', 'SMP=0', 'ARCH=i386'):
            with self.subTest(other=other):
                self.refused(f'error: KCSAN=1 and {other} exclude each other: ', 'run', 'KCSAN=1', other)
        self.refused('error: DEBUG=1 and ARCH=i386 exclude each other: ', 'run', 'DEBUG=1', 'ARCH=i386')

    def test_a_switch_that_excludes_the_kernel_of_make_stress(self):
        self.refused('error: KCSAN=1 and DEBUG=1 exclude each other: ', 'stress', 'KCSAN=1')

    def test_a_stress_of_no_length_or_seed(self):
        for name in ('S', 'SEED'):
            with self.subTest(name=name):
                self.refused(f'error: {name}=much is no number', 'stress', f'{name}=much')

    def test_an_option_that_does_not_exist(self):
        status, output = make('run', 'KERNAL=6.12')
        self.assertRegex(output, r'^Makefile:\d+: \*\*\* unknown option KERNAL=: use KERNEL ')
        self.assertEqual((status, len(output.splitlines())), (2, 1))

    def test_a_target_that_does_not_exist(self):
        status, output = make('rum')
        self.assertIn("No rule to make target 'rum'", output)
        self.assertEqual(status, 2)

    def test_a_pattern_that_is_missing(self):
        self.refused('error: make test needs T=PATTERN', 'test')

    def test_a_script_called_wrongly(self):
        for script in ('scripts/run.py', 'scripts/check.py', 'scripts/verdict.py', 'scripts/doctor', 'scripts/kunit.py',
                       'scripts/insertion.py'):
            with self.subTest(script=script):
                done = subprocess.run([ROOT / script, 'nonsense'], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (2, ''))
                self.assertRegex(done.stdout, r'\Aerror: [^\n]+\n\Z')

    def test_no_compiler_and_no_way_to_get_one(self):
        tools = self.folder / 'bin'
        tools.mkdir()
        for name in ('sh', 'dirname', 'cat', 'head', 'grep', 'id', 'python3'):
            (tools / name).symlink_to(shutil.which(name))
        done = subprocess.run([ROOT / 'scripts/doctor', '--install', 'run'], capture_output=True, text=True,
                              check=False, env={'PATH': str(tools)})
        self.assertRegex(done.stdout, r'\Aerror: missing, and there is no apt-get to get it with: .*\bgcc\b[^\n]*\n\Z')
        self.assertEqual(done.returncode, 2)

    def test_a_doctor_installs_nothing_for_a_call_that_is_wrong(self):
        tools = self.folder / 'bin'
        tools.mkdir()
        for name in ('sh', 'dirname', 'cat', 'head', 'grep', 'id'):
            (tools / name).symlink_to(shutil.which(name))
        (tools / 'python3').symlink_to(sys.executable)
        (tools / 'apt-get').write_text('#!/bin/sh\necho installed\n')
        (tools / 'apt-get').chmod(0o755)
        done = subprocess.run([ROOT / 'scripts/doctor', '--install', 'run'], capture_output=True, text=True, check=False,
                              env={'PATH': str(tools), 'KCSAN': '1', 'DEBUG': '1'})
        self.assertRegex(done.stdout, r'\Aerror: KCSAN=1 and DEBUG=1 exclude each other: [^\n]*\n\Z')
        self.assertEqual(done.returncode, 2)

    def test_a_doctor_names_the_command_that_gets_what_is_missing(self):
        tools = self.folder / 'bin'
        tools.mkdir()
        for name in ('sh', 'dirname', 'cat', 'head', 'grep', 'id', 'df', 'awk', 'nproc'):
            (tools / name).symlink_to(shutil.which(name))
        done = subprocess.run([ROOT / 'scripts/doctor'], capture_output=True, text=True, check=False,
                              env={'PATH': str(tools)})
        self.assertRegex(done.stdout, r'get it with: .*apt-get install -y --no-install-recommends .*\bflex\b')
        self.assertEqual(done.returncode, 1)

    @unittest.skipUnless(os.geteuid() == 0, 'needs root to mount a small file system')
    def test_a_disk_that_is_too_small(self):
        small = self.mount('tmpfs', 'size=64m')
        self.refused(r'error: .*mounted/(?:src|download) has 0\.1 GB free and this needs', 'run', f'BUILD={small}')

    @unittest.skipUnless(os.geteuid() == 0, 'needs root to mount a file system')
    def test_a_disk_that_fills_up_on_the_way(self):
        log = self.mount('tmpfs', 'size=64k') / 'log'
        step = f'import harness, pathlib; processes.main(lambda: processes.run(["seq", "99999"], pathlib.Path("{log}"), "counting"))'
        result = subprocess.run([sys.executable, '-c', step], cwd=ROOT / 'scripts', capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (2, ''))
        self.assertRegex(result.stdout, r'^error: the disk of .* is full: make room .*\n$')

    @unittest.skipUnless(os.geteuid() == 0, 'needs root to mount a file system')
    def test_a_build_directory_that_is_read_only(self):
        self.mount('tmpfs', 'ro')
        self.refused(r'error: .*mounted cannot be written to \(Read-only file system\): .*BUILD=DIR', 'run',
                     f'BUILD={self.folder}/mounted')

    def test_a_build_directory_that_is_a_file(self):
        (self.folder / 'file').write_text('')
        self.refused(r'error: .*/file cannot be written to \(File exists\): .*BUILD=DIR', 'run',
                     f'BUILD={self.folder}/file')

    def test_a_mutant_that_is_not_on_the_list(self):
        self.refused('error: T=nonsense matches no mutant', 'mutants', 'T=nonsense')


class WhatIsGiven(Scratch):
    @staticmethod
    def prepare(**env):
        return subprocess.run([ROOT / 'scripts/eventfd', 'tree'], env={**os.environ, **env}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

    def own_tree(self):
        """A tree with all the files that the series needs."""
        mine = self.folder / 'mine'
        for name in {*EVENTFD_FILES, *semantic.files(), *insertion.files()}:
            (mine / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / name, mine / name)
        return mine

    def copy_of_own_tree(self, mine, **env):
        """What is made of it."""
        done = self.prepare(KDIR=str(mine), BUILD=str(self.folder / 'build'), **env)
        self.assertEqual(done.returncode, 0, done.stdout)
        return next((self.folder / 'build').glob('mine-*/tree'))

    def test_a_tree_that_was_built_in_is_copied_without_what_was_built(self):
        mine = self.own_tree()
        products = ('.config', 'vmlinux', 'fs/eventfd.o', 'fs/.eventfd.o.cmd', 'include/config/auto.conf',
                    'include/generated/autoconf.h', 'Module.symvers')
        for name in products:
            (mine / name).parent.mkdir(parents=True, exist_ok=True)
            (mine / name).write_text('made\n')
        for _ in range(2):
            copy = self.copy_of_own_tree(mine)
            self.assertEqual([name for name in products if (copy / name).exists()], [])
        self.assertEqual([name for name in products if not (mine / name).exists()], [])

    @unittest.skipUnless(os.geteuid() == 0, 'needs root to mount a file system')
    def test_a_tree_that_is_read_only(self):
        mine = self.own_tree()
        mounted = self.mount('none', 'bind,ro', mine, name='mine-ro')
        done = self.prepare(KDIR=str(mounted), BUILD=str(self.folder / 'build'))
        self.assertEqual(done.returncode, 0, done.stdout)
        copy = next((self.folder / 'build').glob('mine-ro-*/tree'))
        self.assertEqual((copy / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())

    def test_a_second_run_waits_for_the_first(self):
        mine = self.own_tree()
        build = self.folder / 'build'
        build.mkdir()
        env = {**os.environ, 'BUILD': str(build), 'KDIR': str(mine)}
        env.pop('HARNESS_LOCK', None)
        with open(build / 'lock', 'w', encoding='ascii') as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            second = subprocess.Popen([ROOT / 'scripts/eventfd', 'tree'], env=env, stdout=subprocess.PIPE, text=True,
                                      stderr=subprocess.STDOUT)
            self.assertEqual(second.stdout.readline(), f'another run is using {build}: waiting for it\n')
            self.assertEqual(list(build.glob('mine-*')), [])
        output, _ = second.communicate(timeout=120)
        self.assertEqual(second.returncode, 0, output)
        self.assertNotEqual(list(build.glob('mine-*/tree')), [])

    def test_a_run_that_was_killed_while_it_copied_is_taken_up_again(self):
        mine = self.own_tree()
        copy = self.copy_of_own_tree(mine)
        # As after a kill in the middle: no stamp, some files missing, one half written.
        (copy.parent / 'tree.from').unlink()
        (copy / 'fs/select.c').unlink()
        (copy / 'fs/eventfd.c').unlink()
        (copy / 'fs/eventfd.c').write_text('half')
        self.assertEqual(self.copy_of_own_tree(mine), copy)
        self.assertEqual((copy / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())
        self.assertIn('POLL_CLAIM', (copy / 'fs/select.c').read_text())

    @staticmethod
    def listing(folder):
        return subprocess.run(['find', folder, '-printf', '%P %i %s %T@ %m\\n'], capture_output=True, text=True,
                              check=True).stdout

    def test_a_tree_of_the_users_is_not_touched(self):
        mine = self.folder / 'mine'
        shutil.copytree(SOURCE / 'scripts', mine / 'scripts', symlinks=True)
        for name in (*EVENTFD_FILES, *semantic.files(), *insertion.files()):
            (mine / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / name, mine / name)
        before = self.listing(mine)
        text = (mine / 'fs/eventfd.c').read_bytes()
        for _ in range(2):
            done = self.prepare(KDIR=str(mine), BUILD=str(self.folder / 'build'))
            self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.listing(mine), before)
        self.assertEqual((mine / 'fs/eventfd.c').read_bytes(), text)
        copy = next((self.folder / 'build').glob('mine-*/tree'))
        self.assertEqual((copy / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())
        # What the user changes between two runs is in the second one.
        (mine / 'scripts/new').write_text('new\n')
        (mine / 'scripts/mkmakefile').unlink(missing_ok=True)
        self.assertEqual(self.prepare(KDIR=str(mine), BUILD=str(self.folder / 'build')).returncode, 0)
        self.assertEqual((copy / 'scripts/new').read_text(), 'new\n')

    def test_an_interrupt_leaves_nothing_half_done(self):
        build = self.folder / 'build'
        env = {**os.environ, 'BUILD': str(build)}
        env.pop('HARNESS_LOCK', None)
        # A job in the background of a script is born deaf to SIGINT, and so would be what we start.
        child = subprocess.Popen([ROOT / 'scripts/eventfd', 'tree'], env=env, stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.STDOUT,
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        deadline = time.monotonic() + 30
        while not list(build.glob('src/*/linux-source-6.12/fs')) and time.monotonic() < deadline:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, output)
        self.assertIn('interrupted: the next run goes on from here', output)
        self.assertEqual(list(build.glob('src/*')), [])
