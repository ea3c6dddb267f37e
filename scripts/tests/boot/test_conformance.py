# SPDX-License-Identifier: GPL-2.0
"""The conformance program where it is not at home: systems that lack things, and one that differs."""
import functools
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile
import unittest

from checks import conformance
from core.options import Options
from tests.support import boot, script, variant

ROOT_ONLY = unittest.skipUnless(os.geteuid() == 0, 'needs root to take things away from it')

# Runs a program with one system call refused: SYSCALL ERRNO PROGRAM ARGUMENT...
REFUSE = r'''
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, atoi(argv[1]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | atoi(argv[2])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 99;
	execv(argv[3], argv + 3);
	return 99;
}
'''


@functools.cache
def program() -> pathlib.Path:
    return conformance.build(Options.of())


def call(*command: str | int | pathlib.Path, **env: str) -> tuple[int, str]:
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace', check=False, timeout=600,
                          env={**os.environ, **env})
    return done.returncode, done.stdout


class Conformance(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.folder.chmod(0o755)

    def rows(self, status: int, output: str) -> tuple[int, ...]:
        """The summary's numbers: (conformant, as stock, differing, unknown)."""
        found = conformance.SUMMARY.match(output.splitlines()[-1])
        assert found, output[-2000:]
        numbers = tuple(map(int, found.groups()))
        self.assertEqual(status, 1 if numbers[2] else 0, output)
        return numbers

    def nothing_differs(self, *command: str | int | pathlib.Path, **env: str) -> tuple[int, str]:
        status, output = call(*command, **env)
        conformant, _, differing, unknown = self.rows(status, output)
        self.assertEqual(differing, 0, output)
        self.assertGreater(conformant, 0)
        return unknown, output

    def test_a_wrong_call_says_one_line(self) -> None:
        for word, says in (('--rwos', 'unknown argument "--rwos"'), ('--filter=', 'unknown argument "--filter="'),
                           ('--filter=No.Such', '--filter=No.Such matches no row and no test')):
            with self.subTest(word=word):
                status, output = call(program(), word)
                self.assertRegex(output, rf'\Aerror: {re.escape(says)}[^\n]*\n\Z')
                self.assertEqual(status, 2)

    def test_a_filter_takes_rows_and_tests(self) -> None:
        status, output = call(program(), '--ktap', '--filter=Creation.Fl*:Poll.I*-*Zero*')
        self.assertEqual(status, 0, output)
        self.assertIn('\nok 1 ', output)
        self.assertRegex(output, r'(?m)^ok \d+ Creation\.FlagsAreThoseOfOpen #')
        self.assertNotIn('Semaphore', output)

    @ROOT_ONLY
    def test_without_root(self) -> None:
        copy = self.folder / 'program'
        copy.write_bytes(program().read_bytes())
        copy.chmod(0o755)
        self.nothing_differs('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', copy)

    @ROOT_ONLY
    def test_without_proc(self) -> None:
        _, output = self.nothing_differs('unshare', '-m', 'sh', '-c', f'umount -l /proc; exec {program()}')
        self.assertIn('skipped: there is no /proc/self/fdinfo', output)
        self.assertIn('/proc does not show whether a task sleeps', re.sub(r'\s+', ' ', output))

    def test_where_io_uring_is_refused(self) -> None:
        source = self.folder / 'refuse.c'
        source.write_text(REFUSE)
        subprocess.run(['gcc', '-o', self.folder / 'refuse', source], check=True)
        for error, says in ((38, 'ENOSYS (38): not in this kernel'), (1, 'EPERM (1): not allowed here')):
            with self.subTest(error=error):
                _, output = self.nothing_differs(self.folder / 'refuse', 425, error, program())
                self.assertIn(says, re.sub(r'\s+', ' ', output))

    def test_a_system_that_differs(self) -> None:
        """A kernel whose EFD_AUTORESET loses events, some of them for ever: the tests of that hang."""
        guest = script('echo TAP version 13', 'echo 1..1', 'echo ok 1 Good.Test', 'export EVENTFD_TEST_TIMEOUT=4',
                       'export EVENTFD_AUTORESET_ROUNDS=4000',
                       '/eventfd_conformance --filter="AutoresetLosesNo.*" > /tmp/rows', 'status=$?',
                       'sed "s/^/# /" /tmp/rows', 'echo "# status $status"')
        outcome, _ = boot('conformance', guest, files={'/eventfd_conformance': (program().read_bytes(), 0o755)},
                          image=variant('rfc'))
        said = [line.removeprefix('# # ') for _, line in outcome.report]
        self.assertIn('# # status 1', [line for _, line in outcome.report])
        self.assertTrue(any(re.match(r'differs     \S+ ', line) for line in said), said)
        self.assertTrue(any('AutoresetLosesNo.SpaceThatABlockedWriterWaitsFor: ' in line for line in said), said)
        self.assertTrue(any(line.startswith('tests: 0 passed, 0 failed as stock does, 9 failed') for line in said),
                        said)
        self.assertRegex('\n'.join(conformance.differing(said)),
                         r'(?m)^row \S+:.* AutoresetLosesNo\.SpaceThatABlockedWriterWaitsFor\b')

    def test_the_archive_has_all_that_is_needed(self) -> None:
        options = Options.of()
        target = conformance.tarball(options, program())
        before = target.read_bytes()
        name = target.name.removesuffix('.tar.gz')
        with tarfile.open(target) as archive:
            self.assertEqual(sorted(archive.getnames()),
                             [f'{name}/{file}' for file in ('LICENSE', 'README', 'eventfd_conformance', 'rows.txt')])
        call('tar', '-xf', target, '-C', self.folder)
        unpacked = self.folder / name
        self.assertNotIn('@', (unpacked / 'README').read_text())
        _, kind = call('file', unpacked / 'eventfd_conformance')
        self.assertRegex(kind, 'statically linked, .*stripped')
        self.nothing_differs(unpacked / 'eventfd_conformance', '--filter=1a.*')
        target.unlink()
        self.assertEqual(conformance.tarball(options, program()).read_bytes(), before)
