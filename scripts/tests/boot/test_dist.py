# SPDX-License-Identifier: GPL-2.0
"""The archive's own ./try, with the kernel that the suite runs on: a program's end in each way, and the suite."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from commands import dist
from tests.support import built, options_for


class Try(unittest.TestCase):
    folder: pathlib.Path

    @classmethod
    def setUpClass(cls) -> None:
        made = built()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.folder / 'boot').mkdir()
        for path, name in ((made.image, 'bzImage'), (made.initrd, 'initramfs.cpio')):
            shutil.copyfile(path, cls.folder / 'boot' / name)
        options = options_for()
        dist.packer(options.work / 'tree', cls.folder / 'boot/gen_init_cpio')
        (cls.folder / 'try').write_bytes(dist.guest_script(options))
        (cls.folder / 'try').chmod(0o755)

    def tried(self, *words: str, **env: str) -> tuple[int, str]:
        done = subprocess.run([self.folder / 'try', *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=300, env={**os.environ, **env})
        return done.returncode, done.stdout

    def test_a_program_has_its_words_its_files_its_output_and_its_status(self) -> None:
        (self.folder / 'data').write_text('of mine\n')
        self.assertEqual(self.tried('/bin/sh', '-c', 'cat data; echo "$1"; exit 7', 'x', "it's", WITH='data'),
                         (7, "of mine\nit's\n"))

    def test_its_calls_are_shown(self) -> None:
        status, said = self.tried('/bin/sh', '-c', 'exit 7', STRACE='1')
        self.assertEqual(status, 7, said)
        self.assertRegex(said, r'(?m)^execve\("/bin/sh", \["/bin/sh", "-c", "exit 7"\]')
        self.assertRegex(said, r'(?m)^\+\+\+ exited with 7 \+\+\+$')

    def test_the_suite_passes(self) -> None:
        status, said = self.tried()
        self.assertEqual(status, 0, said)
        *programs, last = said.splitlines()
        passed = re.fullmatch(r'PASS: (\d+) passed, 0 failed', last)
        self.assertTrue(passed and int(passed[1]) > 1000, said)
        self.assertEqual({line.partition(' ')[0] for line in programs}, {'ok', '#'}, said)

    def test_one_that_hangs_is_ended(self) -> None:
        status, said = self.tried('/bin/sh', '-c', 'echo begins; while :; do :; done', S='1')
        self.assertEqual((status, said.splitlines()), (4, ['begins', 'the time was up: S=SECONDS gives it more than 1']))

    def test_one_that_crashes_the_kernel_is_told_from_one_that_fails(self) -> None:
        status, said = self.tried('/bin/sh', '-c', 'echo c >/proc/sysrq-trigger')
        self.assertEqual(status, 3, said)
        self.assertRegex(said, r'(?m)^the kernel crashed or warned: .*sysrq')
