# SPDX-License-Identifier: GPL-2.0
"""Bad input, and what must not happen to what the harness is given.

Not called by itself: "make check-harness" runs it.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support import ROOT, harness, insertion, make, semantic

SOURCE = harness.BUILD / 'src/linux-source-6.12'
EVENTFD_FILES = ('Makefile', 'Kbuild', 'fs/eventfd.c', 'include/uapi/linux/eventfd.h')


class Scratch(unittest.TestCase):
    """A folder that goes away with the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=harness.BUILD)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

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
        self.refused('error: ARCH=vax is not known here: use one of x86_64', 'run', 'ARCH=vax')

    def test_an_unknown_accelerator(self):
        self.refused('error: ACCEL=warp is not known', 'run', 'ACCEL=warp')

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
        small = self.folder / 'small'
        small.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'small', small], check=True)
        self.addCleanup(subprocess.run, ['umount', small], check=True)
        self.refused(r'error: .*small/src has 0\.1 GB free and this needs', 'run', f'BUILD={small}')


class WhatIsGiven(Scratch):
    def prepare(self, **env):
        return subprocess.run([ROOT / 'scripts/tree.py'], env={**os.environ, **env}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

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
        child = subprocess.Popen([ROOT / 'scripts/tree.py'], env=env, stdout=subprocess.PIPE, text=True,
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


if __name__ == '__main__':
    unittest.main()
