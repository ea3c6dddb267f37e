# SPDX-License-Identifier: GPL-2.0
"""All tests of this project, with one line of totals at the end.

The parts, in this order, all of them if none is named:
static:  checkpatch, sparse and W=1 on what is ours, a build without eventfd, formats, types, licences,
         and whether the tests that the table of behaviours and the list of mutants name are there;
unit:    the harness's tests that need no kernel (scripts/tests/unit);
litmus:  what fs/eventfd.c says about memory ordering, by herd7;
model:   the small sizes of the model of fs/eventfd.c, and its mutants, by Spin;
docs:    the pages by Sphinx, the manual page, and what they tell readers to write;
samples: samples/eventfd here and in a booted kernel, its calls counted;
host:    the suite on the running kernel, row by row, and the programs that show a row each;
others:  those programs on QEMU's user mode and on gVisor, beside what is known to differ there;
boot:    the suite on a booted kernel with our eventfd;
compare: the same suite on the stock kernel of the same tree, test by test;
small:   the same on the kernel of the series without its optional patch;
bench:   the bounds on what eventfd costs, beside stock (scripts/commands/bench.bounds);
debug:   the suite on the kernel of DEBUG=1;
programs: GLib with EFD_AUTORESET and without: its own tests here and on stock, and what a wake-up takes;
harness: the rest of the harness's tests: they break what is checked, and see it turn red; some boot guests
         (scripts/tests/boot), some run whole programs here (scripts/tests/host).
"""
import argparse
import concurrent.futures
import contextlib
import importlib
import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TextIO

from checks import behaviours, conformance, litmus, model, others, pages, samples, shown, static
from commands import bench, compare, killers, mutants, programs
from core import processes
from core.command import Argument, Command
from core.options import Options, need_programs_here
from core.places import BUILD, SCRIPTS
from core.report import Broken, Refusal, say
from core.totals import Totals
from guest import known_programs, rootfs, session, verdicts
from source import debian, theirs

# The tests of races try more often here than in "make run".
ROUNDS = 2000


class Check(Totals):
    """The totals, and what one part leaves for another."""
    booted: verdicts.Verdict | None = None          # of the boot with our eventfd
    ahead: 'subprocess.Popen[bytes] | None' = None  # builds the kernel of DEBUG=1 meanwhile


def static_checks(options: Options, totals: Check) -> None:
    static.check(options, totals)
    installed = options.work / 'kselftest'
    totals.check('the list of mutants and the tests that it names', '\n'.join(mutants.complaints(installed)))
    totals.check('the table of what kills each mutant',
                 '\n'.join(killers.complaints(killers.TABLE.read_text(), behaviours.listed(installed))))


def litmus_tests(options: Options, totals: Check) -> None:
    try:
        for name, wrong in litmus.results(options):
            totals.check(f'litmus {name}', wrong)
    except Refusal as reason:
        tests = len(list(litmus.TESTS.glob('*.litmus')))
        say(f'skipped: {tests} litmus tests: {reason}')
        totals.skipped += tests


def model_of_eventfd(_options: Options, totals: Check) -> None:
    try:
        for name, wrong, searched in model.results(quick=True):
            totals.check(f'model: {name}: {searched}', wrong)
    except Refusal as reason:
        totals.skip('the model', str(reason))


def documentation(options: Options, totals: Check) -> None:
    for name, wrong in pages.results(options):
        totals.check(name, wrong)


def sample(options: Options, totals: Check) -> None:
    for name, wrong in samples.results(options):
        totals.check(name, wrong)


def host(options: Options, totals: Check) -> None:
    """The suite on the kernel that runs here, whichever it is, row by row."""
    status, summary, differing = conformance.run(conformance.build(options))
    if summary is None or status not in (0, 1) or bool(summary.differing) != bool(status):
        raise Broken(f'the conformance program did not come to its end (exit status {status})')
    totals.passed += summary.conformant + summary.as_stock
    totals.fail(*differing)
    totals.skipped += summary.unknown
    for name, wrong in shown.results():
        totals.check(name, wrong)


def elsewhere(_options: Options, totals: Check) -> None:
    passed, wrong, skipped = others.check_all()
    totals.passed += passed
    totals.skipped += skipped
    totals.fail(*wrong)


def whole_suite(options: Options, totals: Check) -> verdicts.Verdict:
    """Boot to the whole suite, and count what it comes to; the verdict."""
    image, initrd, objects, installed = session.build(options)
    guests = session.shared_out(options, rootfs.programs(installed), kunit='eventfd')
    outcome, result = session.run_guests(options, image, initrd, objects, guests, limits=session.limits(options))
    session.report(options, outcome, result)
    totals.passed += result.count('passed')
    totals.skipped += result.count('skipped')
    # A test that failed is a reason, and so is what makes the whole run not to be believed.
    totals.fail(*result.reasons)
    return result


def booted(options: Options, totals: Check) -> None:
    totals.booted = whole_suite(options.but(rounds=options.rounds or ROUNDS), totals)


def build_ahead() -> 'subprocess.Popen[bytes]':
    """Build the kernel of DEBUG=1 beside what leaves a processor idle. If it fails, it will fail again when it is wanted."""
    child = subprocess.Popen(processes.ending_with_us(['nice', sys.executable, SCRIPTS / 'eventfd', 'kernel']),
                             env={**os.environ, 'DEBUG': '1'}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    processes.stop_at_exit(child)
    return child


def debugged(options: Options, totals: Check) -> None:
    if totals.ahead:
        totals.ahead.wait()
    try:
        options = options.asking(DEBUG='1')
    except Refusal as reason:
        totals.skip('the suite on the kernel of DEBUG=1', str(reason))
        return
    whole_suite(options, totals)


def compared(options: Options, totals: Check) -> None:
    """Test by test against stock: each test that is as declared has passed, once more."""
    options = options.but(pattern=None)
    entries, wrong = compare.compare(options, session.build(options), totals.booted)
    totals.passed += sum(not row.problem for row in entries)
    totals.fail(*wrong)


def small(options: Options, totals: Check) -> None:
    """The same for the small series, where each test has to come to the same as with our file."""
    options = options.but(pattern=None)
    entries, wrong = compare.compare(options, session.build(options), totals.booted, side='small')
    totals.passed += sum(not row.problem for row in entries)
    totals.fail(*wrong)


def bounds(options: Options, totals: Check) -> None:
    holds, broken = bench.bench(options, brief=True)
    totals.passed += holds
    totals.fail(*broken)


def real_program(options: Options, totals: Check) -> None:
    """The quickest of those of "make programs"."""
    if not debian.has_apt():
        totals.skip("GLib's tests and figures", 'its source comes from Debian, and this machine has no apt-get')
        return
    found, wrong = programs.examine(options.but(pattern=None), [known_programs.GLIB], beside=True)
    programs.show_all(found, wrong)
    totals.passed += max(0, sum(len(one.figures) + len(one.tests) for one in found.values()) - len(wrong))
    totals.fail(*wrong)


class TimedResult(unittest.TextTestResult):
    """Keeps what each test took."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.start = 0.0
        self.took: list[tuple[float, str]] = []

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.start = time.monotonic()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.took.append((time.monotonic() - self.start, test.id()))


def temporary_programs() -> None:
    """Tests write programs to the folder for temporary files, and run them: where that may not be, to another one."""
    if os.statvfs(tempfile.gettempdir()).f_flag & os.ST_NOEXEC:
        place = BUILD / 'tmp'
        place.mkdir(parents=True, exist_ok=True)
        os.environ['TMPDIR'] = tempfile.tempdir = str(place)


class Ran(NamedTuple):
    """What came of some tests of the harness."""
    tests: int
    wrong: list[str]
    skipped: int
    took: list[tuple[float, str]]
    said: str = ''


def run_tests(suite: unittest.TestSuite, stream: TextIO) -> Ran:
    runner = unittest.TextTestRunner(stream=stream, verbosity=2, resultclass=TimedResult)
    result = runner.run(suite)
    assert isinstance(result, TimedResult)
    wrong = [test.id() for test, _ in result.failures + result.errors] + [
        f'{test.id()} was to fail' for test in result.unexpectedSuccesses]
    return Ran(result.testsRun, wrong, len(result.skipped), result.took)


def run_quietly(suite: unittest.TestSuite) -> Ran:
    """The same in a process of several; what they said is for the one that prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ran = run_tests(suite, said)
    return ran._replace(said=said.getvalue())


def tests_in(folder: str) -> unittest.TestSuite:
    """Those of a folder of scripts/tests."""
    return unittest.TestLoader().discover(str(SCRIPTS / 'tests' / folder), top_level_dir=str(SCRIPTS))


def run_module(name: str) -> Ran:
    return run_quietly(unittest.defaultTestLoader.loadTestsFromName(name))


def run_folder(folder: str) -> Ran:
    return run_quietly(tests_in(folder))


def beside(most: int) -> concurrent.futures.ProcessPoolExecutor:
    """At most so many processes, each of which has what this one has made so far."""
    return concurrent.futures.ProcessPoolExecutor(most, multiprocessing.get_context('fork'))


def count(all_ran: Sequence[Ran], totals: Check) -> None:
    say('the slowest:')
    for seconds, name in sorted((one for ran in all_ran for one in ran.took), reverse=True)[:15]:
        say(f'{seconds:6.1f} s  {name}')
    for ran in all_ran:
        totals.skipped += ran.skipped
        totals.passed += ran.tests - len(ran.wrong) - ran.skipped
        totals.fail(*ran.wrong if ran.tests else ['no test ran'])


def unit_tests(_options: Options, totals: Check) -> None:
    """Beside one another: each module in one of as many processes as there are processors, and the long ones first."""
    files = sorted((SCRIPTS / 'tests/unit').glob('test_*.py'), key=lambda path: path.stat().st_size, reverse=True)
    modules = [f'tests.unit.{path.stem}' for path in files]
    small_tree = importlib.import_module('tests.small_tree')
    if not small_tree.lacks_spatch():
        # What takes longest is made before there are several of them.
        small_tree.known()
    all_ran: list[Ran] = []
    with beside(processes.processors()) as pool:
        for ran in pool.map(run_module, modules):
            all_ran.append(ran)
            print(ran.said, end='', flush=True)
    count(all_ran, totals)


def other_tests(options: Options, totals: Check) -> None:
    """Those that boot nothing sleep more than they run, and so do some guests: these beside those."""
    # Either folder's tests want it, and would build it in one place.
    conformance.build(options)
    with beside(1) as pool:
        on_the_host = pool.submit(run_folder, 'host')
        booted_ran = run_tests(tests_in('boot'), sys.stdout)
        host_ran = on_the_host.result()
    print(host_ran.said, end='', flush=True)
    count([booted_ran, host_ran], totals)


PARTS: dict[str, Callable[[Options, Check], None]] = {
    'static': static_checks, 'unit': unit_tests, 'litmus': litmus_tests, 'model': model_of_eventfd, 'docs': documentation,
    'samples': sample, 'host': host, 'others': elsewhere, 'boot': booted, 'compare': compared, 'small': small,
    'bench': bounds, 'debug': debugged, 'programs': real_program, 'harness': other_tests}


def check_parts(options: Options, parts: Sequence[str]) -> int:
    """These, or all where none is named; the exit status."""
    need_programs_here(options, 'make check')
    theirs.need_ours(options, 'make check')
    processes.lock()
    if not parts:
        # A guest's clock slows down with it. The host's does not, and a busy one is no failure of a test.
        os.environ.setdefault('EVENTFD_TEST_TIMEOUT', '60')
    temporary_programs()
    totals = Check()
    for name in parts or PARTS:
        with totals.part(name):
            PARTS[name](options, totals)
        if name == 'static' and not parts:
            totals.ahead = build_ahead()
    return totals.status()


def check(options: Options, arguments: argparse.Namespace) -> int:
    return check_parts(options, arguments.parts)


COMMANDS = (
    Command('check', 'all tests of this project: static checks, suite, harness', check, [
        Argument('parts', 'in this order; all, if none is named', '*', tuple(PARTS))]),
    Command('check-host', "what the running system's eventfd does, row by row",
            lambda options, _: check_parts(options, ['host'])),
    Command('check-static', 'the static checks alone: checkpatch, sparse, W=1, formats, types, pages',
            lambda options, _: check_parts(options, ['static', 'docs'])),
    Command('check-unit', "the harness's tests that need no kernel (seconds)",
            lambda options, _: check_parts(options, ['unit'])),
    Command('check-harness', 'the other tests of the harness: they break things and see it turn red',
            lambda options, _: check_parts(options, ['harness'])),
)
