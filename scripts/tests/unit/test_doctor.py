# SPDX-License-Identifier: GPL-2.0
"""What scripts/doctor misses on a machine with few programs, what it says of that, and what it does not install."""
import pathlib
import tempfile

from core.machines import ARCHES
from core.places import ROOT
from tests.calls import Refusals, Said, few_programs, said_by

DOCTOR = ROOT / 'scripts/doctor'
# What it calls itself.
OWN = ('sh', 'awk', 'cat', 'df', 'dirname', 'find', 'grep', 'head', 'id', 'nproc')
FOREIGN = {'i386': {'g++-i686-linux-gnu', 'gcc-i686-linux-gnu'},
           'arm64': {'g++-aarch64-linux-gnu', 'gcc-aarch64-linux-gnu', 'qemu-system-arm'},
           's390x': {'g++-s390x-linux-gnu', 'gcc-s390x-linux-gnu', 'qemu-system-s390x'}}


class Doctor(Refusals):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.build = self.folder / 'build'
        self.tools = few_programs(self.folder / 'bin', *OWN)

    def says(self, *words: str, **env: str) -> Said:
        return said_by([DOCTOR, *words], {'PATH': self.tools, 'BUILD': str(self.build), 'PYTHONDONTWRITEBYTECODE': '1', **env})

    def add(self, name: str, text: str) -> None:
        (self.folder / 'bin' / name).write_text(f'#!/bin/sh\n{text}\n')
        (self.folder / 'bin' / name).chmod(0o755)

    def missing(self, *words: str, **env: str) -> set[str]:
        status, said = self.says(*words, **env)
        self.assertEqual(status, 1, said)
        [line] = [line for line in said.splitlines() if line.startswith('missing: ')]
        return set(line.split()[1:])

    def test_a_word_that_it_does_not_know(self) -> None:
        self.assert_refused(self.says('nonsense'), 'scripts/doctor does not know "nonsense": it takes --install, and one of: run ')

    def test_the_command_that_gets_what_is_missing_is_named(self) -> None:
        self.add('apt-get', 'exit 0')
        status, said = self.says()
        self.assertRegex(said, r'get it with: .*apt-get install -y --no-install-recommends .*\bflex\b')
        self.assertEqual(status, 1)
        for line in ('kernel: ', 'disk: ', 'time: ', 'accelerator: '):
            self.assertRegex(said, rf'(?m)^{line}')

    def test_the_packages_are_those_of_the_machine_that_is_asked_for_and_of_no_other(self) -> None:
        ours = self.missing('run', ARCH='x86_64')
        self.assertLessEqual({'qemu-system-x86', 'flex', 'coccinelle'}, ours)
        for name, packages in FOREIGN.items():
            with self.subTest(name=name):
                theirs = self.missing('run', ARCH=name)
                self.assertFalse(ours & packages)
                self.assertLessEqual(theirs - ours - {'qemu-user'}, packages)
                self.assertLessEqual(packages, theirs)

    def test_every_machine_is_known(self) -> None:
        self.assertEqual(set(ARCHES) - {'x86_64'}, set(FOREIGN))

    def test_a_job_needs_what_it_needs(self) -> None:
        needs = {what: self.missing(what) for what in ('host', 'run', 'coverage', 'bench', 'series-check', 'dist', 'check')}
        self.assertLess(needs['host'], needs['run'])
        for what, more in (('coverage', {'lcov'}), ('bench', {'gnuplot-nox'}), ('series-check', {'git', 'sparse'}),
                           ('dist', {'git', 'python3-sphinx'}),
                           ('check', {'shellcheck', 'sparse', 'spin', 'python3-sphinx'})):
            with self.subTest(what=what):
                self.assertLess(needs['run'], needs[what])
                self.assertLessEqual(more, needs[what])
        # The harness's own tests need little, and no kernel; others need no guest.
        for what in ('unit', 'apply', 'docs', 'litmus', 'model', 'releases', 'series'):
            self.assertFalse(self.missing(what) & {'flex', 'qemu-system-x86', 'busybox-static'}, what)
        self.assertEqual(self.missing('litmus'), {'python3'})
        self.assertEqual(self.missing('model'), {'gcc', 'python3', 'spin'})

    def test_no_compiler_and_no_way_to_get_one(self) -> None:
        self.assert_refused(self.says('--install', 'run'), r'missing, and there is no apt-get to get it with: .*\bgcc;.* spatch;.* '
                            r'\(Debian.s packages for these are .*\bcoccinelle\b.*\)')
        status, said = self.says('run')
        self.assertEqual(status, 1)
        self.assertIn("these are names of Debian's packages, and there is no apt-get here; wanted are", said)
        self.assertRegex(said, r'\n +bison; .*\bspatch;')

    def test_what_is_missing_is_installed_with_a_log(self) -> None:
        self.add('apt-get', 'echo "installed $*"')
        self.add('mkdir', '/bin/mkdir "$@"')
        self.add('id', 'echo 0')
        status, said = self.says('--install', 'unit')
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r'\Ainstalling from Debian: [^\n]*\bpython3\b[^\n]*\n\Z')
        self.assertRegex((self.build / 'install.log').read_text(),
                         r'installed install -y --no-install-recommends .*\bpython3\b')

    def test_where_that_fails_the_log_is_named(self) -> None:
        self.add('apt-get', 'echo "no network"; exit 1')
        self.add('mkdir', '/bin/mkdir "$@"')
        self.add('id', 'echo 0')
        status, said = self.says('--install', 'unit')
        self.assertEqual(status, 2, said)
        self.assertRegex(said, rf'error: this did not work: .*; the log is {self.build}/install.log\n\Z')
        self.assertIn('no network', (self.build / 'install.log').read_text())

    def test_one_who_is_not_root_needs_sudo(self) -> None:
        self.add('apt-get', 'echo installed')
        self.add('id', 'echo 1000')
        self.assert_refused(self.says('--install', 'run'), 'missing: .*; run as root: apt-get install')
        self.assertRegex(self.says()[1], 'get it with:  sudo apt-get install ')

    def test_nothing_is_installed_for_a_call_that_is_wrong(self) -> None:
        self.add('apt-get', 'echo installed')
        few = few_programs(self.folder / 'python', 'python3')
        self.assert_refused(self.says('--install', 'run', PATH=f'{self.tools}:{few}', KCSAN='1', DEBUG='1'),
                            'KCSAN=1 and DEBUG=1 exclude each other: ')

    def test_make_hands_it_what_was_asked_for(self) -> None:
        """As a user meets it: a call of make, on a machine that lacks nearly all."""
        self.add('apt-get', 'echo installed')
        few = few_programs(self.folder / 'more', 'make', 'python3')
        status, said = said_by(['make', '-C', ROOT, '--no-print-directory', 'run', 'KERNEL=6.1'],
                               {'PATH': f'{self.tools}:{few}', 'BUILD': str(self.build), 'PYTHONDONTWRITEBYTECODE': '1'})
        lines = [line for line in said.splitlines() if not line.startswith('make: ***')]
        self.assertEqual((status, lines), (2, ['error: KERNEL=6.1 is too old: 6.12 is the oldest that fs/eventfd.c fits']))

    def test_what_is_there_is_not_spoken_of(self) -> None:
        missing = self.missing('unit')
        self.add('spatch', 'exit 0')
        self.assertEqual(missing - self.missing('unit'), {'coccinelle'})

    def test_too_little_disk_is_said(self) -> None:
        self.add('df', 'printf "Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/x 9000000 0 1000000 90%% /\\n"')
        status, said = self.says('run')
        self.assertIn('disk:         1 GB free in ', said)
        self.assertIn('too little: make room, or use BUILD=DIR', said)
        self.assertEqual(status, 1)
