#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""All tests of this project, with one line of totals at the end.

Usage: [KERNEL=6.12 | KDIR=PATH] [ACCEL=tcg|kvm] scripts/check.py [PART]...

The parts, in this order, all of them if none is named:
static:  checkpatch, sparse and W=1 on what is ours, a build without eventfd, formats, licences, and
         whether the tests that the table of behaviours names are there;
litmus:  what fs/eventfd.c says about memory ordering, by herd7;
model:   the small sizes of the model of fs/eventfd.c, and its mutants, by Spin;
docs:    the pages by Sphinx, the manual page, and what they tell readers to write;
samples: samples/eventfd here and in a booted kernel, its calls counted;
host:    the suite on the running kernel, row by row;
boot:    the suite on a booted kernel with our eventfd;
compare: the same suite on the stock kernel of the same tree, test by test;
bench:   the bounds on what eventfd costs, beside stock (scripts/bench.bounds);
debug:   the suite on the kernel of DEBUG=1;
harness: the harness's own tests (scripts/tests), most of which boot something that is broken.

Exit status: 0 only if something ran and nothing failed.
"""
import contextlib
import copy
import difflib
import os
import re
import subprocess
import sys
import time
import unittest

import bench
import compare
import conformance
import docs
import harness
import insertion
import kernel
import litmus
import model
import rootfs
import rows
import run
import samples
import semantic
import tree as trees
from harness import ROOT, Broken, refuse, say

# The tests of races try more often here than in "make run".
ROUNDS = 2000

# Without a git repository checkpatch leaves out spdxcheck, which asks for one of the kernel's.
NO_GIT = dict(os.environ, GIT_DIR='/nowhere')
CHECKPATCH_IGNORE = {
    # A stub that is there when eventfd is not says so with the error that aio's callers know.
    'include/linux/eventfd.h': 'ENOSYS',
    # 7.3 has kzalloc_obj() and wants it to be used. 6.12 does not, and one file is for both.
    'fs/eventfd.c': 'ALLOC_WITH_SIZEOF',
}


class Totals:
    """What passed, failed and was skipped so far."""

    def __init__(self):
        self.passed = self.skipped = 0
        self.wrong = []         # what failed, a line each
        self.title = ''         # of the part that runs
        self.booted = None      # the verdict of the boot with our eventfd, for those who want it too
        self.ahead = None       # what builds the kernel of DEBUG=1 meanwhile

    def fail(self, *lines):
        """Each line is one thing that failed. They are said once more at the end, as a log is read from there."""
        self.wrong += [f'{self.title}: {line}' for line in lines]

    def check(self, name, output):
        """One check: it passed if it has nothing to say."""
        say(f'{"not ok" if output else "ok"}  {name}')
        for line in output.strip().splitlines()[:30]:
            say(f'    {line}')
        if output:
            self.fail(name)
        else:
            self.passed += 1

    @contextlib.contextmanager
    def part(self, title):
        """Several checks; where they cannot go on, that is one more failure, and the next part begins."""
        say(f'\n== {title} ==')
        self.title = title
        start = time.monotonic()
        try:
            yield
        except Broken as error:
            say(f'failed: {error}')
            self.fail(str(error))
        say(f'== {title} took {time.monotonic() - start:.0f} s ==')

    def status(self):
        """Say what failed, and the totals; the exit status that they make."""
        say()
        for line in self.wrong:
            say(f'failed: {line}')
        say(f'{self.passed} passed, {len(self.wrong)} failed, {self.skipped} skipped')
        return 0 if self.passed and not self.wrong else 1


def output_of(command, **kwargs):
    """What a command says, or its exit status where it fails without a word."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', check=False, **kwargs)
    return done.stdout or (f'exit status {done.returncode}' if done.returncode else '')


def tracked(*patterns):
    """The project's files that match, whether committed yet or not."""
    listed = subprocess.run(['git', '-C', ROOT, 'ls-files', '-co', '--exclude-standard', '--', *patterns],
                            capture_output=True, text=True, check=True).stdout.split('\n')
    return [name for name in listed if name and (ROOT / name).is_file()]


def without_licence():
    """Files of ours that do not say their licence where it is looked for."""
    for name in tracked():
        if name in ('LICENSE', '.gitignore') or name.startswith('LICENSES/'):
            continue
        head = (ROOT / name).read_text(errors='replace').splitlines()[:3]
        if not any('SPDX-License-Identifier: GPL-2.0' in line for line in head):
            yield name


def noisy_build(options, source, objects, *words):
    """What make says when it builds these with W=1 and has nothing else to say."""
    return output_of([*kernel.make(options, source, objects), '-s', 'W=1', *words], env=harness.environment())


def about_changes(said, source, patched):
    """Those of a compiler's remarks that are about lines which we changed; the others are the kernel's own."""
    for name, data in patched.items():
        before = (source / name).read_text(errors='replace').splitlines()
        after = data.decode(errors='replace').splitlines()
        ours = set()
        for tag, _, _, first, last in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != 'equal':
                ours.update(range(first + 1, last + 1))
        for line in said.splitlines():
            match = re.search(rf'{re.escape(name)}:(\d+):', line)
            if match and int(match.group(1)) in ours:
                yield line


def static(options, totals):
    source, _ = trees.prepare(options)
    for name in trees.ours():
        ignore = [f'--ignore={CHECKPATCH_IGNORE[name]}'] if name in CHECKPATCH_IGNORE else []
        totals.check(f'checkpatch --strict {name}',
                     output_of([source / 'scripts/checkpatch.pl', f'--root={source}', '--strict', '--terse',
                                '--quiet', '--no-summary', *ignore, '-f', name], cwd=ROOT, env=NO_GIT))
    given = trees.pristine(options)
    patched = semantic.patched(given)
    change = ''.join(semantic.diff(given, {**patched, **insertion.patched(given)}))
    totals.check('checkpatch --strict, what changes in the kernel\'s own files',
                 output_of([source / 'scripts/checkpatch.pl', f'--root={source}', '--strict', '--terse', '--quiet',
                            '--no-summary', '--no-signoff', '--ignore=COMMIT_MESSAGE', '-'],
                           cwd=ROOT, env=NO_GIT, input=change))
    objects = options.work / 'obj'
    kernel.build(options, source, objects)
    theirs = [name for name in patched if name.endswith('.c')]
    for name in ('fs/eventfd.c', *theirs):
        os.utime(source / name)
    totals.check('sparse and W=1, fs/eventfd.o', noisy_build(options, source, objects, 'C=2', 'fs/eventfd.o'))
    said = noisy_build(options, source, objects, 'C=2', *(name[:-1] + 'o' for name in theirs))
    totals.check('sparse and W=1, the lines that the semantic patches change',
                 '\n'.join(about_changes(said, given, patched)))
    bare = options.work / 'obj-without-eventfd'
    kernel.configure(options, source, bare, extra=[ROOT / 'scripts/config/without-eventfd.config'])
    harness.run([*kernel.make(options, source, bare), 'prepare'], options.work / 'without-eventfd.log',
                'preparing a kernel without eventfd')
    totals.check('W=1 without CONFIG_EVENTFD, those who use it',
                 noisy_build(options, source, bare, 'io_uring/eventfd.o', 'fs/aio.o'))
    scripts = [name for name in tracked('scripts/', '.ci/')
               if re.match(r'#!/bin/(?:ba)?sh|#!/usr/bin/env bash', (ROOT / name).read_text(errors='replace'))]
    totals.check('shellcheck', output_of(['shellcheck', *scripts], cwd=ROOT))
    totals.check('pyflakes', output_of(['pyflakes3', *tracked('*.py')], cwd=ROOT))
    totals.check('clang-format', output_of(['clang-format', '--dry-run', '-Werror', *tracked('tools/*.cpp', 'tools/*.h')],
                                           cwd=ROOT))
    totals.check('a licence in every file', '\n'.join(without_licence()))
    installed = rootfs.install_suite(options, source, objects)
    totals.check('the table of behaviours and the tests that it names', '\n'.join(rows.check(installed)))


def ordering(options, totals):
    try:
        for name, wrong in litmus.results(options):
            totals.check(f'litmus {name}', wrong)
    except harness.Refusal as reason:
        tests = len(list(litmus.TESTS.glob('*.litmus')))
        say(f'skipped: {tests} litmus tests: {reason}')
        totals.skipped += tests


def lines(_options, totals):
    try:
        for name, wrong, searched in model.results(quick=True):
            totals.check(f'model: {name}: {searched}', wrong)
    except harness.Refusal as reason:
        say(f'skipped: the model: {reason}')
        totals.skipped += 1


def pages(options, totals):
    for name, wrong in docs.results(options):
        totals.check(name, wrong)


def sample(options, totals):
    for name, wrong in samples.results(options):
        totals.check(name, wrong)


def host(options, totals):
    """The suite on the kernel that runs here, whichever it is, row by row."""
    status, numbers, differing = conformance.run(conformance.build(options))
    if numbers is None or status not in (0, 1) or bool(numbers[2]) != bool(status):
        raise Broken(f'the conformance program did not come to its end (exit status {status})')
    conformant, as_stock, _, unknown = numbers
    totals.passed += conformant + as_stock
    totals.fail(*differing)
    totals.skipped += unknown


def count(totals, result):
    totals.passed += result.count('passed')
    totals.skipped += result.count('skipped')
    # A test that failed is a reason, and so is what makes the whole run not to be believed.
    totals.fail(*result.reasons)


def whole_suite(options, totals):
    """Boot to the whole suite, and count what it comes to; the verdict."""
    image, initrd, objects, installed = run.build(options)
    guests = run.shared_out(options, rootfs.programs(installed), kunit=True)
    outcome, result = run.suites(options, image, initrd, objects, guests, **run.limits(options))
    run.report(options, outcome, result)
    count(totals, result)
    return result


def booted(options, totals):
    options = copy.copy(options)
    options.rounds = options.rounds or ROUNDS
    totals.booted = whole_suite(options, totals)


def build_ahead():
    """Build the kernel of DEBUG=1 beside what leaves a processor idle. If it fails, it will fail again when it is wanted."""
    child = subprocess.Popen(['nice', sys.executable, ROOT / 'scripts/kernel.py'], env={**os.environ, 'DEBUG': '1'},
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
    harness.stop_at_exit(child)
    return child


def debugged(_options, totals):
    if totals.ahead:
        totals.ahead.wait()
    try:
        options = harness.Options({**os.environ, 'DEBUG': '1'})
    except harness.Refusal as reason:
        say(f'skipped: the suite on the kernel of DEBUG=1: {reason}')
        totals.skipped += 1
        return
    whole_suite(options, totals)


def compared(options, totals):
    """Test by test against stock: each test that is as declared has passed, once more."""
    options.pattern = None
    entries, wrong = compare.compare(options, run.build(options), totals.booted)
    totals.passed += sum(not row.problem for row in entries)
    totals.fail(*wrong)


def speed(options, totals):
    holds, broken = bench.bench(options, brief=True)
    totals.passed += holds
    totals.fail(*broken)


class TimedResult(unittest.TextTestResult):
    """Keeps what each test took."""

    def __init__(self, *args):
        super().__init__(*args)
        self.start, self.took = 0.0, []

    def startTest(self, test):
        super().startTest(test)
        self.start = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.took.append((time.monotonic() - self.start, test.id()))


def own(_options, totals):
    loader = unittest.TestLoader()
    suite = loader.discover(str(ROOT / 'scripts/tests'), top_level_dir=str(ROOT / 'scripts/tests'))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=TimedResult).run(suite)
    say('the slowest:')
    for seconds, name in sorted(result.took, reverse=True)[:15]:
        say(f'{seconds:6.0f} s  {name}')
    wrong = [test.id() for test, _ in result.failures + result.errors] + [
        f'{test.id()} was to fail' for test in result.unexpectedSuccesses]
    totals.skipped += len(result.skipped)
    totals.passed += result.testsRun - len(wrong) - len(result.skipped)
    totals.fail(*wrong if result.testsRun else ['no test ran'])


PARTS = {'static': static, 'litmus': ordering, 'model': lines, 'docs': pages, 'samples': sample,
         'host': host, 'boot': booted, 'compare': compared, 'bench': speed, 'debug': debugged, 'harness': own}


def main():
    chosen = sys.argv[1:] or list(PARTS)
    for name in chosen:
        if name not in PARTS:
            refuse(f'scripts/check.py does not know "{name}": it takes {", ".join(PARTS)}')
    options = harness.Options()
    harness.need_programs_here(options, 'make check')
    harness.lock()
    if not sys.argv[1:]:
        # A guest's clock slows down with it. The host's does not, and a busy one is no failure of a test.
        os.environ.setdefault('EVENTFD_TEST_TIMEOUT', '60')
    totals = Totals()
    for name in chosen:
        with totals.part(name):
            PARTS[name](options, totals)
        if name == 'static' and 'debug' in chosen:
            totals.ahead = build_ahead()
    return totals.status()


if __name__ == '__main__':
    harness.main(main)
