# SPDX-License-Identifier: GPL-2.0
"""The suite's runner, with tests that misbehave: each is one failure that says why, and the rest go on."""
import functools
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from core import processes
from core.places import ROOT, SUITE
from tests.support import built

FOLDER = ROOT / 'tools/testing/selftests' / SUITE

# Tests, and what is to become of them: (body, the line of its result but for number, name and seconds).
TESTS = {
    'Passes': ('', 'ok'),
    'Fails': ('EXPECT_EQ(1, 2);', 'not ok failed'),
    'IsSkipped': ('GTEST_SKIP() << "for a reason";', 'ok SKIP for a reason'),
    'LeavesADescriptorOpen': ('EXPECT_GT(dup(0), 0);', 'not ok failed'),
    'PutsAnotherFileInThePlaceOfOneThatItHad': ('EXPECT_EQ(dup2(open("/", O_RDONLY), 0), 0); close(3);', 'not ok failed'),
    'ClosesWhatItHas': ('close(0);', 'ok'),
    'LeavesAProcessBehind': ('if (!fork()) pause();', 'not ok left 1 processes behind'),
    'LeavesOneInASessionOfItsOwn': ('if (!fork()) { setsid(); pause(); }', 'not ok left 1 processes behind'),
    'Dies': ('raise(SIGSEGV);', 'not ok killed by SIGSEGV (11)'),
    'EndsEarly': ('_exit(0);', 'not ok ended before its end'),
    'Hangs': ('pause();', 'not ok timed out after 1 s'),
    'WaitsForOneThatDoesNotSleep': ('suite::ScopedThread task([] { for (;;) getpid(); }); task.WaitUntilBlockedIn(suite::kAnyCall);',
                                    'not ok timed out after 1 s'),
    'Throws': ('throw 1;', 'not ok failed'),
    'FailsInAHelper': ('suite::Must(suite::Write(-1, 1));', 'not ok failed'),
    'FailsInAHelperOfATask': ('suite::ScopedThread([] { suite::EventfdId(0); });', 'not ok failed'),
    'FailsAndForksAChildThatDoesNot': ('EXPECT_EQ(1, 2); suite::ChildProcess child([] {}); child.ExpectSuccess();',
                                       'not ok failed'),
    'ForksAChildThatFails': ('suite::ChildProcess child([] { EXPECT_EQ(1, 2); }); child.ExpectSuccess();', 'not ok failed'),
    'IsAsGoodAsTheFirst': ('', 'ok'),
}

HEADERS = ('<fcntl.h>', '<gtest/gtest.h>', '<signal.h>', '<unistd.h>', '"support/fdinfo.h"', '"support/tasks.h"')


@functools.cache
def results() -> tuple[dict[str, tuple[str, str]], str, int]:
    """What the runner says of these tests: {name: (its result, what was printed before that)}."""
    made = built().objects / 'kselftest' / SUITE
    with tempfile.TemporaryDirectory() as scratch:
        source, program = pathlib.Path(scratch) / 'tests.cpp', pathlib.Path(scratch) / 'tests'
        source.write_text(''.join([*(f'#include {header}\n' for header in HEADERS),
                                   *(f'TEST(Runner, {name}) {{ {body} }}\n' for name, (body, _) in TESTS.items())]))
        subprocess.run(['g++', '-std=c++20', '-pthread', '-I', FOLDER, source, made / 'libsupport.a', '-lgmock', '-lgtest',
                        '-luring', '-o', program], check=True, env=processes.environment())
        done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120, check=False, env={**os.environ, 'EVENTFD_TEST_TIMEOUT': '1', 'EVENTFD_CHANGES': ''})
    found: dict[str, tuple[str, str]] = {}
    said = ''
    for line in done.stdout.splitlines():
        match = re.match(r'(ok|not ok) \d+ Runner\.(\w+) # *(.*)', line)
        if not match:
            said += f'{line}\n'
            continue
        verdict, name, text = match.groups()
        found[name], said = (' '.join((verdict, re.sub(r'(, |^)\d+\.\d+ s$', '', text))).strip(), said), ''
    return found, said, done.returncode


class Runner(unittest.TestCase):
    def test_every_test_has_a_result_and_those_that_misbehave_fail(self) -> None:
        found, _, _ = results()
        self.assertEqual({name: result for name, (result, _) in found.items()},
                         {name: result for name, (_, result) in TESTS.items()})

    def test_the_plan_comes_first_and_the_totals_last(self) -> None:
        found, rest, status = results()
        self.assertIn(f'1..{len(TESTS)}', found['Passes'][1].splitlines())
        self.assertIn('# Totals: pass:3 fail:14 xfail:0 xpass:0 skip:1 error:0', rest)
        self.assertEqual(status, 1)

    def test_what_a_failed_test_printed_is_shown_and_what_it_left_open_is_named(self) -> None:
        found, _, _ = results()
        self.assertRegex(found['Fails'][1], r'# +\d\.\d+  tests\.cpp:\d+: Expected equality of these values:')
        self.assertRegex(found['LeavesADescriptorOpen'][1], r'left descriptor 3 open: /dev/null\n')
        self.assertRegex(found['PutsAnotherFileInThePlaceOfOneThatItHad'][1], r'left descriptor 0 open: /\n')
        self.assertEqual(found['ClosesWhatItHas'][1], '')

    def test_a_helper_that_fails_names_the_line_of_the_test_the_call_and_what_was_to_come_of_it(self) -> None:
        found, _, _ = results()
        for name, says in (('FailsInAHelper', r'a call that had to succeed: write\(-1, \{1\}, 8\) = -1 EBADF \(9\)'),
                           ('FailsInAHelperOfATask', r'fdinfo was to have "eventfd-id:" and a number to base 10, and is:')):
            with self.subTest(name):
                line = len(HEADERS) + list(TESTS).index(name) + 1
                self.assertRegex(found[name][1], rf'^# +\d\.\d+  tests\.cpp:{line}: Failed\n# +\d\.\d+  {says}\n')
                self.assertEqual(found[name][1].count(': Failed\n'), 1)

    def test_one_that_runs_out_of_time_names_the_line_where_it_waited(self) -> None:
        found, _, _ = results()
        line = len(HEADERS) + list(TESTS).index('WaitsForOneThatDoesNotSleep') + 1
        self.assertRegex(found['WaitsForOneThatDoesNotSleep'][1],
                         rf'^# +\d\.\d+  tests\.cpp:{line}: out of time, waiting for a task to sleep\n')
        self.assertNotIn('waiting for', found['Hangs'][1])

    def test_a_child_answers_for_its_own_failures_only(self) -> None:
        found, _, _ = results()
        log = found['FailsAndForksAChildThatDoesNot'][1]
        self.assertEqual(re.findall(r'tests\.cpp:\d+: (.*)', log), ['Expected equality of these values:'], log)
        log = found['ForksAChildThatFails'][1]
        self.assertEqual(re.findall(r'tests\.cpp:\d+: (.*)', log), ['Expected equality of these values:', 'Failed'], log)
        self.assertIn('a child was to exit with 0, and exited with 1', log)
