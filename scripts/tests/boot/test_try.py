# SPDX-License-Identifier: GPL-2.0
"""make try: a program of a user's in the guest, with what it needs, and how it ends."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from core.options import Options
from core.places import SCRIPTS

PROGRAM = '''
#include <fstream>
#include <iostream>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    std::string how = argc > 1 ? argv[1] : "";
    int efd = eventfd(0, 1 << 6);
    pollfd poller{efd, POLLIN, 0};
    eventfd_write(efd, 5);
    std::cout << "polls: " << poll(&poller, 1, 0) << poll(&poller, 1, 0) << std::endl;
    if (how == "hangs") pause();
    if (how == "reads") std::cout << std::ifstream(argv[2]).rdbuf() << std::flush;
    if (how == "crashes") (std::ofstream("/proc/sysrq-trigger") << "c" << std::flush), pause();
    return 7;
}
'''
SCRIPT = '''#!/usr/bin/python3
import os, sys
fd = os.eventfd(3)
print('python reads', os.eventfd_read(fd))
sys.exit(5)
'''


class Try(unittest.TestCase):
    folder: pathlib.Path
    sent: str

    @classmethod
    def setUpClass(cls) -> None:
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        (cls.folder / 'mine.cpp').write_text(PROGRAM)
        subprocess.run(['g++', '-std=c++20', '-o', cls.folder / 'mine', cls.folder / 'mine.cpp'], check=True)

    def tried(self, program: str, **asked: str) -> tuple[int, list[str]]:
        """The exit status and what is said, but for what is said of the build."""
        done = subprocess.run([SCRIPTS / 'eventfd', 'try'], cwd=self.folder, env={**os.environ, 'PROG': program, **asked},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if not line.startswith(('Linux ', 'building '))]
        # What the guest has sent, where a line is not the program's.
        report = Options.of().work / 'boots/try.report'
        self.sent = f'{done.stdout!r}; the report: {report.read_text()!r}' if report.exists() else repr(done.stdout)
        return done.returncode, lines

    def test_a_program_with_libraries_says_what_it_says_and_its_status_is_that_of_the_call(self) -> None:
        self.assertEqual(self.tried('./mine'), (7, ['polls: 10']))

    def test_it_gets_the_files_that_are_named(self) -> None:
        (self.folder / 'words').write_text('two words\n')
        self.assertEqual(self.tried('./mine reads words', WITH='words'), (7, ['polls: 10', 'two words']))

    def test_a_script_comes_with_its_interpreter(self) -> None:
        library = next(path for path in sorted(pathlib.Path('/usr/lib').glob('python3.*')) if (path / 'os.py').exists())
        (self.folder / 'script.py').write_text(SCRIPT)
        (self.folder / 'script.py').chmod(0o755)
        said = self.tried('./script.py', WITH=str(library))
        self.assertEqual(said, (5, ['python reads 3']), self.sent)

    def test_its_calls_are_shown(self) -> None:
        status, lines = self.tried('./mine', STRACE='1')
        self.assertEqual(status, 7)
        self.assertEqual(len([line for line in lines if line.startswith('eventfd2(0, 0x40')]), 1, lines)

    def test_one_that_hangs_is_ended_when_its_time_is_up(self) -> None:
        status, (first, last) = self.tried('./mine hangs', S='5')
        self.assertEqual((status, first), (4, 'polls: 10'))
        self.assertRegex(last, '^the time was up: the program was not done 5 s after it began; S=SECONDS')

    def test_a_crash_of_the_kernel_is_named(self) -> None:
        status, lines = self.tried('./mine crashes')
        self.assertEqual(status, 3)
        self.assertRegex(lines[-1], '^the kernel crashed or warned: Kernel panic - not syncing: .*; the console is ')
