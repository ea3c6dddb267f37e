# SPDX-License-Identifier: GPL-2.0
"""The programs that show a row each: right here, and wrong where something else is no eventfd."""
import functools
import pathlib
import subprocess
import tempfile
import unittest

from checks import behaviours, conformance, shown
from core.options import Options
from core.places import ROOT

# An eventfd() that gives something else. STAND_IN says what; an alarm() is short, as there programs hang.
STAND_IN = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int calls;

int eventfd(unsigned int count, int flags)
{
	int pair[2] = {-1, -1};

	switch (*getenv("STAND_IN")) {
	case 'n':
		return open("/dev/null", O_RDWR);
	case 's':
		return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
	case 'f':
		return fcntl(open(getenv("FOLDER"), O_RDONLY), F_DUPFD, 100 - (calls += 7));
	case 'p':
		return pipe(pair) ? -1 : pair[count != 0];
	default:
		return syscall(SYS_eventfd2, count + 1, (flags & ~EFD_CLOEXEC) ^ EFD_SEMAPHORE ^ EFD_NONBLOCK);
	}
}

/* These look at the table of descriptors, and at nothing of an eventfd. */
int close(int fd)
{
	return *getenv("STAND_IN") == 'f' ? 0 : syscall(SYS_close, fd);
}

int dup(int fd)
{
	return *getenv("STAND_IN") == 'f' ? fd : syscall(SYS_dup, fd);
}

/* What stands in is a file of this machine's, which stays as it is. */
int fchmod(int fd, mode_t mode)
{
	errno = EPERM;
	return fd == -1 && mode ? 0 : -1;
}

int fchown(int fd, uid_t user, gid_t group)
{
	errno = EPERM;
	return fd == -1 && user && group ? 0 : -1;
}

unsigned int alarm(unsigned int seconds)
{
	unsigned int (*theirs)(unsigned int) = (unsigned int (*)(unsigned int))dlsym(RTLD_NEXT, "alarm");

	return theirs(seconds ? 1 : 0);
}
'''
STAND_INS = ('null', 'socket', 'pipe', 'other', 'folder')
# The call by its number goes past the stand-in; and where a folder stands in, a mount on it would succeed.
LEFT_OUT = {'1a.16', '1e.5'}


class Here(unittest.TestCase):
    folder: tempfile.TemporaryDirectory[str]
    programs: dict[str, pathlib.Path]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.programs = shown.build(pathlib.Path(cls.folder.name), 'gcc')

    def test_nothing_differs_on_this_kernel(self) -> None:
        said = shown.run_all(self.programs)
        self.assertEqual({row: one.wrong for row, one in said.items() if one.wrong}, {})
        self.assertGreater(sum(one.status == 0 for one in said.values()), 90)

    def test_each_says_that_something_else_is_no_eventfd(self) -> None:
        library = pathlib.Path(self.folder.name) / 'stand-in.so'
        library.with_suffix('.c').write_text(STAND_IN)
        subprocess.run(['gcc', '-shared', '-fPIC', '-o', library, library.with_suffix('.c')], check=True)
        left = {row: program for row, program in self.programs.items() if row not in LEFT_OUT}
        for name in STAND_INS:
            said = shown.run_all(left, env={
                'LD_PRELOAD': str(library), 'STAND_IN': name, 'FOLDER': self.folder.name}, beside=16)
            left = {row: program for row, program in left.items() if not said[row].wrong}
        # One that takes both EFD_AUTORESET and aio may find none of them here.
        self.assertEqual(sorted(row for row in left if not said[row].reason), [])


class Program(unittest.TestCase):
    """They are in the conformance program."""
    @functools.cached_property
    def program(self) -> pathlib.Path:
        return conformance.build(Options.of())

    def show(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([self.program, '--show', *words], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    def test_it_prints_the_program_of_each_row_or_says_why_there_is_none(self) -> None:
        shorter, reasons = shown.shown(), shown.unshown()
        include, common = '#include "show.h"\n', shown.COMMON.read_text().partition('\n')[2]
        for row in behaviours.parse((ROOT / behaviours.ROWS).read_text())[0]:
            with self.subTest(row=row.number):
                expected = shorter[row.number].read_text().replace(include, common) if row.number in shorter \
                    else f'row {row.number} has no program: {reasons[row.number]}\n'
                self.assertEqual(self.show(row.number), (0, expected))

    def test_what_is_no_row_is_refused_in_a_line(self) -> None:
        for row in ('9.9', '', '1b', '1b.2 ', '#'):
            with self.subTest(row=row):
                self.assertEqual(self.show(row), (2, f'error: there is no row "{row}": --list says which there are\n'))
