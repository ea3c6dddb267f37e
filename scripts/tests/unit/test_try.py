# SPDX-License-Identifier: GPL-2.0
"""What make try takes along into the guest, and what it refuses before anything is built."""
import contextlib
import os
import pathlib
import shutil
import tempfile
from unittest import mock

from commands import try_program
from core.report import Refusal
from guest import carried, qemu, session
from tests.calls import Refusals, Said, call_here, few_programs


class Scratch(Refusals):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        there = contextlib.chdir(self.folder)
        there.__enter__()
        self.addCleanup(there.__exit__, None, None, None)
        self.write('mine', '#!/bin/sh\n')

    def write(self, name: str, text: str, mode: int = 0o755) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path


class Refused(Scratch):
    def test_what_is_not_there_or_no_value(self) -> None:
        cases: list[tuple[str, dict[str, str]]] = [
            (r"make try needs PROG='COMMAND'", {}),
                               ('PROG=./none: there is no such program', {'PROG': './none'}),
                               ('PROG=./mine " is no command', {'PROG': './mine "'}),
                               ('WITH=none: there is no such file or folder', {'PROG': './mine', 'WITH': 'none'}),
                               ('MEM=much is no size', {'PROG': './mine', 'MEM': 'much'}),
                               ('MEM=0M is no size', {'PROG': './mine', 'MEM': '0M'}),
                               ('CPUS=many is no number from 1 to 64', {'PROG': './mine', 'CPUS': 'many'}),
                               ('CPUS=65 is no number from 1 to 64', {'PROG': './mine', 'CPUS': '65'}),
                               ('STRACE=yes is not known: use STRACE=1', {'PROG': './mine', 'STRACE': 'yes'}),
                               ('make try is not for ARCH=arm64', {'PROG': './mine', 'ARCH': 'arm64'})]
        for pattern, asked in cases:
            with self.subTest(pattern=pattern):
                self.assert_refused(call_here('try', **asked), pattern)

    def test_a_folder_that_is_too_large(self) -> None:
        self.write('large/file', 'x' * 100_000_000)
        self.assert_refused(call_here('try', PROG='./mine', WITH='large', MEM='320M'),
                            r'of \d+ MB do not fit into a guest with MEM=320M, which takes 10 MB: name those')

    def test_a_name_with_a_blank(self) -> None:
        with self.assertRaisesRegex(Refusal, '"/a b" has a blank in its name'):
            carried.check({'/a b': self.folder / 'mine'}, 1e9, '1G')

    def test_what_is_no_file_or_is_hidden_in_a_guest(self) -> None:
        os.mkfifo(self.folder / 'fifo')
        self.assert_refused(call_here('try', PROG='./mine', WITH='fifo'), 'fifo is no file and no folder')
        self.assert_refused(call_here('try', PROG='./mine', WITH='/dev/null'), 'the guest has a file system of its own there')

    def test_calls_that_nothing_can_show(self) -> None:
        path = few_programs(self.folder / 'bin', 'sh', 'ldd')
        self.assert_refused(call_here('try', PROG='./mine', STRACE='1', PATH=path),
                            'STRACE=1 needs strace, and it is not installed here: it is in the package strace')

    def test_a_script_that_nothing_can_run(self) -> None:
        self.write('lost', '#!/nowhere/interpreter\n')
        self.assert_refused(call_here('try', PROG='./lost'), 'is a script for /nowhere/interpreter, and there is no such')
        self.write('self', f'#!{self.folder}/self\n')
        self.assert_refused(call_here('try', PROG='./self'), 'is interpreted by a script, and so on')

    def test_a_memory_that_no_guest_can_do_with(self) -> None:
        for memory in ('1M', '99999G'):
            with self.subTest(memory=memory):
                self.assert_refused(call_here('try', PROG='./mine', MEM=memory), f'MEM={memory} is too little or too much')


class Carried(Scratch):
    def test_a_program_comes_with_its_libraries_and_a_script_with_its_interpreter(self) -> None:
        files = try_program.files_for(['./mine'], [], False)
        self.assertEqual(files[f'{self.folder}/mine'], self.folder / 'mine')
        self.assertIn('/bin/sh', files)
        self.assertTrue(any('libc.so' in name for name in files), files)

    def test_what_env_leads_to_comes_too(self) -> None:
        self.write('other', '#!/usr/bin/env sh\n')
        files = try_program.files_for(['./other'], [], False)
        self.assertLessEqual({'/usr/bin/env', shutil.which('sh')}, set(files))

    def test_files_and_folders_that_are_named(self) -> None:
        self.write('words', 'w', 0o644)
        self.write('data/one', '1', 0o644)
        files = try_program.files_for(['./mine'], ['words', 'data'], False)
        self.assertLessEqual({f'{self.folder}/words', f'{self.folder}/data/one'}, set(files))

    def test_an_archive_has_each_folder_before_what_is_in_it(self) -> None:
        lines = list(carried.spec({'/a/b/mine': self.folder / 'mine'}))
        self.assertEqual(lines, ['dir /a 755 0 0', 'dir /a/b 755 0 0', f'file /a/b/mine {self.folder}/mine 755 0 0'])

    def test_the_guest_runs_it_in_the_folder_of_the_call(self) -> None:
        self.assertEqual(try_program.script(['./mine', "it's"], True).partition('\n')[2],
                         f'mkdir -p {os.getcwd()} && cd {os.getcwd()} || exit 127\n'
                         f'NO_COLOR=1 exec strace -f -E NO_COLOR {os.getcwd()}/mine \'it\'"\'"\'s\'\n')


class Ended(Scratch):
    """How a guest ended, and what is said of it. None boots."""

    def ended(self, ended: str, *report: str, console: str = '', errors: str = '') -> Said:
        """What make try says where QEMU leaves this."""
        path = self.folder / 'try.console'
        path.write_text(console)
        path.with_suffix('.qemu').write_text(errors)
        outcome = qemu.Outcome(path, [(1.0, line) for line in report], ended, 0, 9.0, 'tcg')
        built = session.Built(path, path, self.folder, self.folder)
        with mock.patch.object(session, 'build', return_value=built), mock.patch.object(qemu, 'boot', return_value=outcome), \
                mock.patch.object(carried, 'archive', return_value=path):
            return call_here('try', PROG='./mine', S='7', ACCEL='tcg')

    def test_the_status_is_that_of_the_program(self) -> None:
        self.assertEqual(self.ended('', 'harness: started', console='harness: try 7\n'), (7, ''))

    def test_a_program_that_takes_too_long_can_be_given_more_time(self) -> None:
        self.assertEqual(self.ended('the suite was not done 7 s after it began', 'harness: started'),
                         (4, 'the time was up: the program was not done 7 s after it began; S=SECONDS gives it more\n'))

    def test_a_kernel_that_does_not_come_up_is_not_helped_by_more_of_it(self) -> None:
        status, said = self.ended('the kernel did not reach the suite in 90 s')
        self.assertEqual(status, 4)
        self.assertRegex(said, r'\Athe time was up: the kernel did not come up in 90 s, and S= is not about those: look at what '
                         r'it says in \S*/try\.console, and try again while this machine has less to do\n\Z')
        self.assertNotIn('S=SECONDS', said)

    def test_a_guest_that_ends_without_a_word_of_the_program_is_a_step_that_failed(self) -> None:
        status, said = self.ended('', errors='no such accelerator\n')
        self.assertEqual(status, 1)
        self.assertRegex(said, r'^failed: the guest ended without a word of the program \(no such accelerator\)')

    def test_a_crash_is_told_from_a_time_that_was_up(self) -> None:
        status, said = self.ended('the kernel did not reach the suite in 90 s',
                                  console='[    9.1] Kernel panic - not syncing: x\n')
        self.assertEqual(status, 3)
        self.assertRegex(said, '^the kernel crashed or warned: Kernel panic - not syncing: x; ')
