# SPDX-License-Identifier: GPL-2.0
"""Real programs with the flag: what their tests and counts are read as, what is a failure, and which sources are refused."""
import contextlib
import dataclasses
import io
import json
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

from commands import programs, suites
from core.options import Options
from core.report import Broken, Refusal
from guest import known_programs, program_tests
from source import golang, insertion, semantic
from source import programs as sources
from tests.calls import Refusals, call_here

GLIB = known_programs.GLIB
TAP = ['TAP version 13', '# random seed: 1', 'ok 1 /mainloop/basic', '# what it says of itself', 'not ok 2 /mainloop/wakeup',
       'ok 3 /mainloop/timeouts # SKIP Not running timing heavy test', '1..3', '== status 1']
TINY = ['main/basic: [forking] OK', 'main/warns: [warn] something', 'OK', 'dns/none: SKIPPED', 'main/off: DISABLED',
        'main/bad: [forking] ', '  FAIL ../test/regress.c:12: assert(x)', '  [bad FAILED]', 'http/good: OK', '', '== status 1']


def figures(plain: programs.Figures, autoreset: programs.Figures) -> dict[str, programs.Figures]:
    return {'plain': plain, 'autoreset': autoreset}


class Tests(unittest.TestCase):
    def test_the_cases_of_tap(self) -> None:
        self.assertEqual(program_tests.outcomes(TAP), {'/mainloop/basic': 'passed', '/mainloop/wakeup': 'failed',
                                                  '/mainloop/timeouts': 'skipped', 'exit status 1': 'failed'})

    def test_the_cases_of_tinytest(self) -> None:
        self.assertEqual(program_tests.outcomes(TINY), {'main/basic': 'passed', 'main/warns': 'passed', 'dns/none': 'skipped',
                                                   'main/off': 'skipped', 'main/bad': 'failed', 'http/good': 'passed',
                                                   'exit status 1': 'failed'})

    def test_the_cases_of_unittest(self) -> None:
        said = ['test_one (test.test_x.One.test_one) ... ok', 'test_two (test.test_x.One.test_two)', 'What it is about. ... FAIL',
                'test_three (test.test_x.One.test_three) ... a warning', 'ok', "test_four (test.test_x.One.test_four) ... skipped 'why'",
                'test_five (test.test_x.One.test_five) ... expected failure', 'test_six (test.test_x.One.test_six) ... ERROR', '',
                'ERROR: test_six (test.test_x.One.test_six)', 'FAILED (failures=1)', '== status 1']
        self.assertEqual({case.split('_')[-1]: outcome for case, outcome in program_tests.outcomes(said).items()}, {
            'one': 'passed', 'two': 'failed', 'three': 'passed', 'four': 'skipped', 'five': 'passed', 'six': 'failed',
            'exit status 1': 'failed'})

    def test_the_cases_of_go(self) -> None:
        said = ['=== RUN   TestOne', '=== RUN   TestOne/part', '    --- FAIL: TestOne/part (0.00s)', '--- FAIL: TestOne (0.01s)',
                '=== RUN   TestTwo', '--- PASS: TestTwo (0.00s)', '=== RUN   TestThree', '    three_test.go:7: not here',
                '--- SKIP: TestThree (0.00s)', 'BenchmarkFour', 'BenchmarkFour-2   \t   20000\t     14325 ns/op',
                '=== RUN   TestFive', '== status 2']
        self.assertEqual(program_tests.outcomes(said), {
            'TestOne': 'failed', 'TestTwo': 'passed', 'TestThree': 'skipped', 'BenchmarkFour': 'passed', 'TestFive': 'failed',
            'exit status 2': 'failed'})

    def test_a_case_that_died_has_failed(self) -> None:
        self.assertEqual(program_tests.outcomes(['main/hangs: [forking] ', '== status 143']),
                         {'main/hangs': 'failed', 'exit status 143': 'failed'})
        self.assertEqual(program_tests.outcomes(['ok 1 one']), {'one': 'passed', 'exit status none': 'failed'})

    def test_a_difference_is_a_failure_and_so_is_what_is_missing(self) -> None:
        good: program_tests.Outcomes = {test: {'/a': 'passed', '/b': 'skipped'} for test in GLIB.tests}
        where = [(kernel, state) for kernel in ('ours', 'stock') for state in sources.STATES]
        self.assertEqual(list(programs.differences('glib', {place: good for place in where})), [])
        changes: list[tuple[dict[str, str], str]] = [
            ({'/a': 'failed', '/b': 'skipped'}, 'glib: mainloop: /a: ours plain passed, ours autoreset failed'),
            ({'/a': 'passed', '/b': 'passed'}, 'glib: mainloop: /b: ours plain skipped, ours autoreset passed'),
            ({'/a': 'passed'}, 'glib: mainloop: /b: ours plain skipped, ours autoreset missing'),
            ({}, 'glib: mainloop: /a: ours plain passed, ours autoreset missing')]
        for changed, said in changes:
            with self.subTest(changed=changed):
                results = {place: good for place in where}
                results['ours', 'autoreset'] = {**good, 'mainloop': changed}
                self.assertTrue(next(programs.differences('glib', results)).startswith(said))

    def test_what_fails_everywhere_is_a_failure(self) -> None:
        bad = {test: {'/a': 'failed'} for test in GLIB.tests}
        self.assertEqual(len(list(programs.differences('glib', {('ours', 'plain'): bad}))), len(GLIB.tests))


class Suites(unittest.TestCase):
    def test_a_case_has_passed_that_did_in_either_run(self) -> None:
        lines = ['== a', 'ok 1 one', 'not ok 2 two', '== status 1', '== a', 'not ok 1 one', 'ok 2 two', '== status 0',
                 '== b', 'not ok 1 one', '== status 1']
        self.assertEqual(suites.results(lines), {'a': {'one': 'passed', 'two': 'passed'},
                                                 'b': {'one': 'failed', 'exit status 1': 'failed'}})

    def test_all_that_is_called_is_marked(self) -> None:
        called = suites.commands({program.name: pathlib.Path('/b') / program.name for program in suites.BUILT},
                                 {package: golang.Test(pathlib.Path('/b/test'), pathlib.Path('/b')) for package in suites.GOS})
        self.assertGreater(len(called), len(suites.BUILT) + len(suites.GOS) + len(suites.PYTHONS))
        said = suites.script(called)
        for suite, command in called.items():
            self.assertIn(f'== {suite}', said)
            self.assertIn(command, said)
            self.assertNotIn('{', command)

    def test_a_difference_from_stock(self) -> None:
        stock = {'a': {'one': 'passed', 'two': 'failed'}}
        self.assertEqual(list(suites.differences(stock, stock)), [])
        self.assertEqual(list(suites.differences({'a': {'one': 'failed', 'two': 'failed'}}, stock)),
                         ['a: one: passed on stock, failed on ours'])
        self.assertEqual(list(suites.differences({}, stock)), ['a: one: passed on stock, missing on ours',
                                                               'a: two: failed on stock, missing on ours'])


class Attempts(unittest.TestCase):
    """The lines that run a test in the guest, run here."""

    def said(self, command: str) -> list[str]:
        lines = program_tests.attempts(program_tests.mark('one'), command, runs=2)
        return subprocess.run(['sh', '-c', '\n'.join(lines)], capture_output=True, text=True, check=True).stdout.splitlines()

    def test_each_has_an_empty_folder_of_its_own_that_goes_with_it(self) -> None:
        said = self.said("sh -c 'pwd; ls; touch left; false'")
        self.assertEqual([line for line in said if not line.startswith('/')], ['', '== one', '', '== status 1'] * 2)
        folders = [line for line in said if line.startswith('/')]
        self.assertEqual(len(set(folders)), 2)
        self.assertFalse(any(pathlib.Path(folder).exists() for folder in folders))

    def test_one_that_passes_is_run_once(self) -> None:
        self.assertEqual(self.said('true'), ['', '== one', '', '== status 0'])


class Counts(unittest.TestCase):
    LINES = ['== glib / plain / thread / calls / 100', '110 712', '== glib / plain / thread / calls / 300', '310 2112',
             *(line for events in GLIB.counted
               for line in (f'== glib / plain / thread / instructions / {events}', f'{5000 + 15 * events}'))]

    def test_what_is_the_same_in_both_cancels_out(self) -> None:
        self.assertEqual(programs.figures_of(self.LINES), {('glib', 'plain', 'thread'): programs.Figures(1, 7, 15)})

    def test_the_last_of_several_runs_counts(self) -> None:
        again = ['== glib / plain / unix', 'not ok 1 one', '== status 1', '== glib / plain / unix', 'ok 1 one', '== status 0']
        self.assertEqual(programs.tests_of(again), {('glib', 'plain'): {'unix': {'one': 'passed'}}})

    def test_what_is_no_figure(self) -> None:
        with self.assertRaisesRegex(Broken, 'glib plain thread calls 300: no figure, but "count: not found"'):
            programs.figures_of([*self.LINES[:3], 'count: not found'])
        with self.assertRaisesRegex(Broken, 'no figure, but ""'):
            programs.figures_of(self.LINES[:1])

    def test_bounds(self) -> None:
        case = GLIB.cases[0]._replace(calls=0.9, instructions=0.98)
        program = GLIB._replace(cases=(case,))
        plain = programs.Figures(1, 10, 1000)
        self.assertEqual(list(programs.broken(program, figures(plain, programs.Figures(0, 9, 980)), case.argument)), [])
        for autoreset, said in ((programs.Figures(1, 9, 980), '1.00 eventfd reads an event with the flag'),
                                (programs.Figures(0, 9.1, 980), '0.910 of the system calls, where 0.900 is the most'),
                                (programs.Figures(0, 9, 990), '0.990 of the instructions, where 0.980 is the most')):
            with self.subTest(autoreset=autoreset):
                [wrong] = programs.broken(program, figures(plain, autoreset), case.argument)
                self.assertIn(said, wrong)
        [wrong] = programs.broken(program, figures(programs.Figures(0, 10, 1000), programs.Figures(0, 9, 980)), case.argument)
        self.assertIn('0.00 eventfd reads an event as it is', wrong)

    def test_reads_that_are_left_are_counted_too(self) -> None:
        program = GLIB._replace(cases=(GLIB.cases[0]._replace(reads=2, left=1, calls=1, instructions=1),))
        plain = programs.Figures(2, 10, 1000)
        for strays, reads, wrong in ((0, 1.0, 0), (0, 0.0, 1), (0, 2.0, 1), (0, 1.005, 1), (1, 1.005, 0), (1, 1.01, 1)):
            found = figures(plain, programs.Figures(reads, 10, 1000))
            self.assertEqual(len(list(programs.broken(program._replace(strays=strays), found, 'thread'))), wrong, (strays, reads))

    def test_the_scripts_name_every_test_and_case(self) -> None:
        folders = {(name, state): pathlib.Path('/b') / name / state for name in known_programs.PROGRAMS for state in sources.STATES}
        tests, counts = programs.test_script(folders), programs.count_script(folders)
        for program in known_programs.PROGRAMS.values():
            for state in sources.STATES:
                for test in program.tests:
                    self.assertIn(f'== {program.name} / {state} / {test}', tests)
                for case in program.cases:
                    self.assertIn(f'/b/{program.name}/{state}/build/count {case.argument} {program.counted[1]}', counts)


class Sources(unittest.TestCase):
    """What is done to programs, on files that have the places for it and little else."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for file, text in (('glib/gwakeup.h', 'GWakeup *       g_wakeup_new            (void);\n'), ('glib/gmain.c', '''\
GMainContext *
g_main_context_new (void)
{
  context->wakeup = g_wakeup_new ();
  return context;
}
'''), ('glib/gwakeup.c', '''\
#include <sys/eventfd.h>
struct _GWakeup
{
  gint fds[2];
};

GWakeup *
g_wakeup_new (void)
{
  wakeup = g_slice_new (GWakeup);
  return wakeup;
}

/**
 * g_wakeup_get_pollfd:
 */
void
g_wakeup_acknowledge (GWakeup *wakeup)
{
  char buffer[16];

  while (read (wakeup->fds[0], buffer, sizeof buffer) == sizeof buffer);
}
''')):
            (self.folder / file).parent.mkdir(exist_ok=True)
            (self.folder / file).write_text(text)

    def changed(self) -> dict[str, str]:
        return {file: data.decode() for file, data in sources.changed(self.folder, sources.patches('glib'))}

    def test_a_source_that_they_fit(self) -> None:
        made = self.changed()
        self.assertIn('context->wakeup = g_wakeup_new_autoreset();', made['glib/gmain.c'])
        self.assertRegex(made['glib/gwakeup.c'], r'if \(wakeup->autoreset\)\s+return;\s+while \(read')

    def test_one_that_differs_is_refused_with_the_place(self) -> None:
        for file, line, other, said in (
                ('glib/gmain.c', 'g_wakeup_new ()', 'g_wakeup_make ()', r'rule of_main_context of wakeup\.cocci has to match 1x'),
                ('glib/gwakeup.c', '  gint fds[2];', '  gint fd;', r'glib/gwakeup\.c has to have the line "  gint fds\[2\];" 1x')):
            path = self.folder / file
            before = path.read_text()
            path.write_text(before.replace(line, other))
            with self.subTest(file=file), self.assertRaisesRegex(Refusal, said):
                self.changed()
            path.write_text(before)

    def test_no_more_of_a_program_than_what_changes(self) -> None:
        for name in known_programs.PROGRAMS:
            for patch in sources.patches(name):
                if patch.suffix == '.lines':
                    self.assertTrue(all(len(one.anchor.split('\n')) <= 2 for one in insertion.insertions_of(patch)))
                else:
                    self.assertTrue(semantic.rules_of(patch))


class Chosen(unittest.TestCase):
    def test_all_are_run_unless_some_are_named(self) -> None:
        self.assertEqual([program.name for program in programs.chosen(Options.of({}))], ['glib', 'libevent', 'qemu'])
        self.assertEqual([program.name for program in programs.chosen(Options.of({'T': 'qemu,glib'}))], ['qemu', 'glib'])


class Calls(Refusals):
    def test_a_program_that_it_does_not_know(self) -> None:
        self.assert_refused(call_here('programs', T='glib,perl'), 'T=glib,perl: "perl" is no program that this knows: it knows glib')

    def test_nothing_to_document(self) -> None:
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.object(programs, 'file_of', lambda _, name: pathlib.Path(folder) / name):
            self.assert_refused(call_here('programs-doc'), 'there is nothing to document yet: "make programs" counts first')

    def test_the_page_has_what_was_found(self) -> None:
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        page = folder / 'page.rst'
        page.write_text(f'above\n\n{programs.FIRST}\n\n{programs.LAST}\n\nbelow\n')
        found = programs.Found('2.74', '6.12', {'wakes': figures(programs.Figures(1, 7, 2000), programs.Figures(0, 6, 1900))},
                               {'mainloop': '44 passed'})
        (folder / 'glib').write_text(json.dumps(dataclasses.asdict(found)))
        with mock.patch.object(programs, 'file_of', lambda _, name: folder / name), mock.patch.object(programs, 'PAGE', page), \
                mock.patch.object(programs, 'ROOT', folder), contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(programs.recorded(Options.of({})), {'glib': found})
            self.assertEqual(call_here('programs-doc')[0], 0)
        self.assertRegex(page.read_text(), r'(?s)above.*glib 2\.74 +wakes +1\.00 -> 0\.00 +7\.00 -> 6\.00 +2000 -> 1900 +0\.950'
                                           r'.*glib: mainloop +44 passed.*below')
