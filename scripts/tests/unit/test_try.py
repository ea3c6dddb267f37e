# SPDX-License-Identifier: GPL-2.0
"""What make try takes along into the guest, and what it refuses before anything is built."""
import contextlib
import os
import pathlib
import shutil
import tempfile

from commands import try_program
from core.report import Refusal
from guest import carried
from tests.calls import Refusals, call_here


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
                         f'exec strace -f {os.getcwd()}/mine \'it\'"\'"\'s\'\n')
