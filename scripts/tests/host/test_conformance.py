# SPDX-License-Identifier: GPL-2.0
"""The conformance program where it is not at home: systems that lack things."""
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest
from typing import Any

from checks import conformance
from core.options import Options
from tests.calls import skip_without_mounts

ROOT_ONLY = unittest.skipUnless(os.geteuid() == 0, 'needs root to take things away from it')

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
        """Not all of it: it takes its time for each sleeper then."""
        skip_without_mounts(self)
        rows = '1a.*:1b.*:1c.1:1d.*:1e.*:2.38'
        _, output = self.nothing_differs('unshare', '-m', 'sh', '-c',
                                        f'umount -l /proc; exec {program()} --filter="{rows}"')
        output = re.sub(r'\s+', ' ', output)
        self.assertIn('this system: /proc no, fdinfo no', output)
        self.assertIn('skipped: no fdinfo here: there is no /proc/self/fdinfo', output)
        self.assertIn('a task is asleep where it has not returned over many rounds of the scheduler', output)

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


class Abilities(unittest.TestCase):
    """A system that lacks one thing: what cannot be asked without it is unknown, and says why."""

    scratch: 'tempfile.TemporaryDirectory[str]'
    lacking: pathlib.Path

    @classmethod
    def setUpClass(cls) -> None:
        if os.uname().machine != 'x86_64':
            raise unittest.SkipTest('the stand-in for such a system is for x86_64')
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.lacking = pathlib.Path(cls.scratch.name) / 'lacking'
        subprocess.run(['gcc', '-O1', '-o', cls.lacking, pathlib.Path(__file__).with_name('lacking.c')], check=True)

    def report(self, *rules: str, rows: str) -> dict[str, Any]:
        """What the program says in JSON of some rows, where these rules hold."""
        done = subprocess.run([self.lacking, *rules, '--', program(), '--json', f'--filter={rows}'],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
        report: dict[str, Any] = json.loads(done.stdout)
        self.assertEqual(done.returncode, report['summary']['exit_status'])
        return report

    def answers(self, report: dict[str, Any]) -> dict[str, tuple[str, str]]:
        return {ability['name']: (ability['answer'], ability['reason']) for ability in report['abilities']}

    def unknown_without(self, name: str, *rules: str, rows: str, answer: str = 'no', reason: str = '') -> None:
        """The ability is missed, and some row is unknown for it; none differs."""
        report = self.report(*rules, rows=rows)
        said, why = self.answers(report)[name]
        self.assertEqual(said, answer, why)
        self.assertRegex(why, reason)
        self.assertEqual([row for row in report['rows'] if row['status'] == 'differs'], [])
        for_it = [row['row'] for row in report['rows'] if f'no {name} here: {why}' in ' '.join(row['reasons'])]
        self.assertTrue(for_it, report['rows'])
        whole = [row for row in report['rows'] if row['status'] == 'unknown']
        self.assertTrue(whole, report['rows'])
        for row in whole:
            self.assertTrue(row['reasons'])

    def test_calls_that_are_not_there(self) -> None:
        enosys = r'ENOSYS \(38\)'
        for name, call, rows, others in (
                ('preadv2', (327, 38), 'Preadv2.*', ('call:328:38',)),
                ('execveat', (322, 38), 'WrongKind.OfAProgram*', ()),
                ('AIO', (206, 38), 'AioSignal.ComesWith*', ()),
                ('io_uring', (425, 38), 'By/Overflow.KernelAddsOne/IoUring', ()),
                ('userfaultfd', (323, 38), 'All/WhileItsPageIsMade.*:All/OvertakenWhileItsPageIsMade.*', ()),
                ('pidfd', (434, 38), 'FetchedDescriptor.*', ()),
                ('epoll_pwait2', (441, 38), 'By/*EpollPwait2*:All/*EpollPwait2*', ())):
            with self.subTest(name=name):
                self.unknown_without(name, f'call:{call[0]}:{call[1]}', *others, rows=rows, reason=enosys)

    def test_calls_that_are_not_allowed(self) -> None:
        eperm = r'EPERM \(1\)'
        for name, call, rows in (('io_uring', 425, 'By/Overflow.KernelAddsOne/IoUring'),
                                 ('pidfd_getfd', 438, 'FetchedDescriptor.*'),
                                 ('SCM_RIGHTS', 46, 'SentDescriptor.*'),
                                 ('cgroup v1', 165, 'MemoryEvents.*')):
            with self.subTest(name=name):
                self.unknown_without(name, f'call:{call}:1', rows=rows, reason=eperm)

    def test_nowait(self) -> None:
        rows = 'Preadv2.Nowait*'
        self.unknown_without('RWF_NOWAIT', 'call:327:95:5:8', rows=rows, reason='EOPNOTSUPP')
        self.unknown_without('RWF_NOWAIT', 'nowait', rows=rows, answer='ignored', reason='^ignored$')
        self.unknown_without('RWF_NOWAIT', 'swapped', rows=rows, reason='^of 3 it reads 72057594037927936$')

    def test_what_drains_does_without_nowait(self) -> None:
        for rule in ('nowait', 'swapped', 'call:327:38'):
            report = self.report(rule, rows='1a.3:1b.7')
            self.assertEqual({row['status'] for row in report['rows']}, {'conformant'}, report['rows'])

    def test_aio_without_reads_or_polls(self) -> None:
        self.unknown_without('AIO read', 'aio:0', rows='AioRead.*', reason='EINVAL')
        self.unknown_without('AIO poll', 'aio:5', rows='AioPoll*:By/*AioPoll*:All/*AioPoll*', reason='EINVAL')

    def test_fdinfo_that_lacks_lines(self) -> None:
        path = '/proc/self/fdinfo/*'
        for name, rule in (('fdinfo', f'file:{path[:-2]}*'), ('fdinfo count', f'line:{path}:eventfd-count'),
                           ('fdinfo id', f'line:{path}:eventfd-id')):
            with self.subTest(name=name):
                self.unknown_without(name, rule, rows='Fdinfo.*', reason='/proc/self/fdinfo')

    def test_a_count_that_is_not_said_is_read(self) -> None:
        report = self.report('line:/proc/self/fdinfo/*:eventfd-count', rows='1b.10-By/*')
        self.assertEqual([row['status'] for row in report['rows']], ['conformant'], report['rows'])

    def test_a_sleeper_is_proved_asleep_by_what_there_is(self) -> None:
        no_call, no_state = 'file:/proc/*/syscall', 'file:/proc/*/stat*'
        for rules, how in (((no_call,), 'context switches stands still'),
                           (('word:/proc/[0-9]*/syscall:999',), 'context switches stands still'),
                           ((no_call, 'line:/proc/*/status:voluntary'), 'look after look'),
                           ((no_call, no_state), 'no proof')):
            with self.subTest(rules=rules):
                report = self.report(*rules, rows='1c.1-*Uring*')
                self.assertIn(how, report['asleep'])
                self.assertEqual([row['status'] for row in report['rows']], ['conformant'], report['rows'])
                self.assertGreater(report['summary']['tests']['passed'], 5)

    def test_without_a_count_of_context_switches(self) -> None:
        self.unknown_without('context switches', 'line:/proc/*/status:voluntary', rows='1c.22',
                             reason='voluntary_ctxt_switches')

    def test_a_program_that_cannot_start_itself(self) -> None:
        self.unknown_without('execve of /proc/self/exe', 'file:/proc/self/exe', rows='1a.11', reason='ENOENT')

    def test_without_devices(self) -> None:
        self.unknown_without('/dev/null', 'file:/dev/null', rows='Creation.LibcsReadAndWriteNeed*', reason='ENOENT')
        report = self.report('file:/dev/zero', rows='Splice.*')
        self.assertEqual(self.answers(report)['/dev/zero'][0], 'no')
        self.assertEqual({row['status'] for row in report['rows']}, {'conformant'}, report['rows'])

    def test_threads_that_lose_what_is_their_own(self) -> None:
        self.unknown_without('thread-local storage after a signal', 'storage', rows='BlockedReaders.InterruptedOne*:1c.25',
                             reason='^it is that of the thread made last$')

    def test_without_stacks_that_grow(self) -> None:
        self.unknown_without('MAP_GROWSDOWN', 'call:9:22:3:0x100', rows='BufferOnAStack.*', reason='EINVAL|mmap')

    def test_as_stock_is_what_behaves_as_stock(self) -> None:
        """A read from nowhere that takes nothing: what fails then, fails in another way than stock."""
        as_stock = self.report(rows='1b.17')
        other = self.report('call:0:14:1:0', rows='1b.17')
        self.assertEqual([row['status'] for row in as_stock['rows']], ['as stock'])
        self.assertEqual([row['status'] for row in other['rows']], ['differs'])

    def test_the_list_of_known_differences(self) -> None:
        listed = pathlib.Path(self.scratch.name) / 'known'
        other: list[str | pathlib.Path] = [self.lacking, 'call:0:14:1:0', '--', program(), '--json',
                                           '--filter=1b.17:1a.1', '--expect', listed]
        for lines, status, found, good in (
                ('# none', 1, 'differs', 'conformant'), ('1b.17 it is', 0, 'known', 'conformant'),
                ('1b.17 it is\n1a.1 it was', 1, 'known', 'mended'),
                ('1f.12 no KVM\n1b.17 it is', 0, 'known', 'conformant')):
            with self.subTest(lines=lines):
                listed.write_text(lines + '\n')
                done = subprocess.run(other, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
                rows = {row['row']: row for row in json.loads(done.stdout)['rows']}
                self.assertEqual((done.returncode, rows['1b.17']['status'], rows['1a.1']['status']),
                                 (status, found, good))
        for text, says in (('9z.1 why\n', 'line 1: there is no row 9z.1'),
                           ('# a\n1a.1\n', 'line 2: row 1a.1 has no reason'),
                           ('1a.1 b\n1a.1 c\n', 'line 2: row 1a.1 is there twice')):
            listed.write_text(text)
            status, output = call(program(), '--expect', listed)
            self.assertEqual(status, 2)
            self.assertRegex(output, rf'\Aerror: --expect {re.escape(str(listed))}: {says}[^\n]*\n\Z')
        status, output = call(program(), '--expect', '/there/is/none')
        self.assertEqual((status, output.count('\n')), (2, 1))

    def test_without_eventfd_there_is_nothing_to_run(self) -> None:
        status, output = call(self.lacking, 'call:290:38', '--', program())
        self.assertEqual(status, 2)
        self.assertRegex(output, r'\Aerror: this system has no eventfd [^\n]*ENOSYS[^\n]*\n\Z')

    def test_a_run_that_is_out_of_time_says_what_it_knows(self) -> None:
        done = subprocess.run([program()], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={**os.environ, 'EVENTFD_RUN_TIMEOUT': '2'})
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn('not run: the run\'s 2 s were up', done.stdout)
        self.assertIn('\nconformant ', done.stdout)

    def test_where_all_that_sleep_hang_the_run_ends_all_the_same(self) -> None:
        before = time.monotonic()
        status, output = call(self.lacking, 'lost', '--', program(), '--filter=1c.*', EVENTFD_TEST_TIMEOUT='2',
                              EVENTFD_RUN_TIMEOUT='6')
        self.assertLess(time.monotonic() - before, 20, output)
        self.assertEqual(status, 1, output)
        self.assertIn("not run: the run's 6 s were up", output)
        self.assertRegex(output, r'(?m)^differs ')
        self.assertRegex(output, r'seen: task \d+ ')

    def test_a_run_that_is_ended_says_what_it_knows(self) -> None:
        child = subprocess.Popen([program()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        assert child.stdout and child.stderr
        before = [child.stderr.readline() for _ in range(20)]
        child.send_signal(signal.SIGTERM)
        output, _ = child.communicate()
        self.assertEqual(child.returncode, 2)
        self.assertEqual(before[0], '1a.1 conformant\n')
        self.assertIn('not run: the run was ended by SIGTERM', output)
        self.assertRegex(output, r'(?m)^conformant +1a\.1-')
