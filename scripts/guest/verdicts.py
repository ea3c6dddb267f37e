# SPDX-License-Identifier: GPL-2.0
"""Judge a boot: what each program did, and whether all of it may be believed.

Prints the table and the verdict for the console and the report of an earlier boot (build/*/boots)
in which the PROGRAMs should have run; where the guest could power off, what QEMU said of its end
lies beside the console. A run passes only if every planned test line was seen, no test failed, the
kernel complained of nothing, no eventfd was leaked and the guest powered off by itself.
"""
import argparse
import dataclasses
import pathlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from core.command import Argument, Command
from core.options import Options
from core.places import SUITE
from core.processes import Word
from core.report import columns, refuse, say
from guest.qemu import Line

# What a kernel prints when something is wrong with it.
COMPLAINT = re.compile(
    r'\b(?:WARNING: |BUG: |kernel BUG at|Oops: |Kernel panic|general protection fault|'
    r'Unable to handle kernel|INFO: task .* blocked|INFO: rcu_\w+ (?:self-)?detected|'
    r'rcu: INFO: rcu_\w+ |possible (?:recursive|circular) locking|suspicious RCU usage|'
    r'inconsistent lock state|soft lockup|hard LOCKUP|UBSAN: |KASAN: |KCSAN: |unreferenced object|'
    r'refcount_t: |list_(?:add|del) corruption|scheduling while atomic|Out of memory)')
RESULT = re.compile(r'(ok|not ok) (\d+) ?(.*)')

# The tests in the kernel itself, a line of the table like a program of the suite.
KUNIT = 'kunit: eventfd'
# That such tests were run makes the kernel tainted: this is their bit.
TAINT_TEST = 1 << 18
# What can be asked for that is not about which kernel a test runs on, or how.
ELSEWHERE = ('T', 'PART', 'V', 'SINCE', 'N', 'S', 'SEED', 'PROG', 'WITH', 'STRACE', 'CPUS', 'MEM')
NOTHING: Mapping[str, str] = MappingProxyType({})


class Test(NamedTuple):
    """A result line."""
    kind: str               # passed, failed, skipped
    name: str
    number: int             # of the plan


@dataclasses.dataclass
class Program:
    """What one test program printed."""
    name: str
    start: float
    planned: int = -1
    tests: list[Test] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    runner: str = ''        # the runner's own line for it
    seconds: float = 0.0

    def count(self, kind: str) -> int:
        return sum(1 for test in self.tests if test.kind == kind)


@dataclasses.dataclass
class Verdict:
    programs: list[Program]
    facts: dict[str, str]   # what init said of itself: "harness: KEY VALUE"
    reasons: list[str]      # why this is no pass, one line each; empty for a pass

    def count(self, kind: str) -> int:
        return sum(program.count(kind) for program in self.programs)


def kind_of(word: str, text: str) -> str:
    if word == 'not ok':
        return 'failed'
    return 'skipped' if re.search(r'# SKIP\b', text) else 'passed'


def parse(report: Iterable[Line]) -> tuple[list[Program], dict[str, str]]:
    """Programs and facts from the lines of a report."""
    programs: list[Program] = []
    facts: dict[str, str] = {}
    for seconds, line in report:
        if line.startswith('harness: '):
            key, _, value = line[len('harness: '):].partition(' ')
            facts[key] = value
            continue
        started = re.match(rf'# selftests: {SUITE}: (\S+)$', line)
        in_kernel = re.match(r'# (kunit: \S+) *([\d.]*) *([\d.]*) *$', line)
        if started:
            programs.append(Program(started.group(1), seconds))
            continue
        if in_kernel:
            # They ran at boot: the report has from when to when.
            name, first, last = in_kernel.groups()
            programs.append(Program(name, seconds, seconds=float(last) - float(first) if last else 0.0))
            continue
        if not programs:
            continue
        program = programs[-1]
        if program.name.startswith('kunit: '):
            parse_kunit(program, line)
            continue
        ended = re.match(rf'((?:not )?ok \d+ selftests: {SUITE}: {re.escape(program.name)}\b.*)', line)
        if ended:
            program.runner = ended.group(1)
            program.seconds = seconds - program.start
        elif line.startswith('# ') and not program.runner:
            inner = line[2:]
            plan, result = re.match(r'1\.\.(\d+)', inner), RESULT.match(inner)
            if plan:
                program.planned = int(plan.group(1))
            elif result:
                word, number, text = result.groups()
                name = re.sub(r'^# (?:SKIP|XFAIL|XPASS|error) |\s*#.*$', '', text).strip()
                program.tests.append(Test(kind_of(word, text), name, int(number)))
                program.notes.append(inner)
            else:
                program.notes.append(inner)
    return programs, facts


def parse_kunit(program: Program, line: str) -> None:
    """A line of what KUnit says of one suite: its cases are indented by four, and by eight what they consist of."""
    plan, case = re.match(r'    1\.\.(\d+)', line), RESULT.match(line.removeprefix('    '))
    if line.startswith(('ok ', 'not ok ')):
        program.runner = line
        return
    if plan:
        program.planned = int(plan.group(1))
    elif case and line.startswith('    '):
        word, number, text = case.groups()
        program.tests.append(Test(kind_of(word, text), re.sub(r'\s*#.*$', '', text), int(number)))
    program.notes.append(line.removeprefix('    '))


@dataclasses.dataclass
class Result:
    """What a test came to."""
    name: str
    outcome: str            # passed, failed, skipped; XFAIL: a declared failure; XPASS: one that did not come
    text: str               # what its line says of it
    seconds: float
    notes: list[str]        # what it printed, with its line


def results(program: Program) -> Iterator[Result]:
    """The results of a program's tests, in their order."""
    notes: list[str] = []
    tests = iter(program.tests)
    for line in program.notes:
        notes.append(line)
        if not RESULT.match(line):
            continue
        kind, name, _ = next(tests, Test('failed', line, 0))
        said = re.search(r'# *(SKIP|XFAIL|XPASS|)\b *(.*)', line)
        directive, text = said.groups() if said else ('', '')
        took = re.search(r'\b(\d+\.\d+) s\)?$', line)
        yield Result(name, directive if directive in ('XFAIL', 'XPASS') else kind, text.strip(),
                     float(took.group(1)) if took else 0.0, notes)
        notes = []


def complaints(console: pathlib.Path) -> list[str]:
    """The first line of each thing that the kernel complained of."""
    found = []
    for line in console.read_text(errors='replace').splitlines() if console.exists() else []:
        if COMPLAINT.search(line):
            found.append(re.sub(r'^(?:<\d>)?\[ *[\d.]+\]\s*(?:\[ *[TC]\d+\])?\s*', '', line).strip())
    return found


def judge_program(program: Program) -> Iterator[str]:
    """Why one program's output is no pass."""
    if program.planned < 0 and not program.runner:
        yield f'{program.name}: died before it printed its plan'
        return
    # A number that is missing or comes twice is a line that got lost.
    missing = sorted(set(range(1, program.planned + 1)) - {test.number for test in program.tests})
    if program.planned < 0 or missing or len(program.tests) != program.planned:
        yield (f'{program.name}: {len(program.tests)} of {max(program.planned, 0)} planned tests reported a result'
               + (f' (the last one: {program.tests[-1].name})' if program.tests else ''))
    for test in program.tests:
        if test.kind == 'failed':
            yield f'{program.name}: {test.name} failed'
    if not program.runner:
        yield f'{program.name}: never finished'
    elif program.runner.startswith('not ok') and not program.count('failed'):
        yield f'{program.name}: {program.runner.split("# ", 1)[-1]}'


def powered_off(console: pathlib.Path) -> bool:
    """Whether a guest went as it was told to: by QEMU's word where that was asked for, else by its own last ones."""
    events = console.with_suffix('.qmp')
    if events.exists():
        return '"reason": "guest-shutdown"' in events.read_text(errors='replace')
    return console.exists() and 'reboot: Restarting system' in console.read_text(errors='replace')


def judge(report: Iterable[Line], console: pathlib.Path, expected: Iterable[str], *, ended: str = '',
          status: int = 0) -> Verdict:
    """The verdict on a boot in which the expected programs should have run."""
    programs, facts = parse(report)
    reasons: list[str] = []
    found = complaints(console)
    text = console.read_text(errors='replace') if console.exists() else ''
    panicked = re.search(r'Kernel panic - not syncing: (.*)', text)
    if panicked:
        reasons.append(f'the kernel panicked: {panicked.group(1).strip()}')
    reasons += [f'the kernel complained: {line}' for line in dict.fromkeys(found) if 'Kernel panic' not in line][:5]
    if ended:
        reasons.append(ended)
    for program in programs:
        reasons += judge_program(program)
    ran = [program.name for program in programs]
    for name in expected:
        if name not in ran:
            reasons.append(f'{name}: never started')
    if 'started' not in facts:
        reasons.append('the guest never started the suite')
    elif 'end' not in facts:
        reasons.append('the guest did not come to the end of its run')
    else:
        before, _, after = facts.get('eventfd-id', '').partition(' ')
        if not before.isdigit() or before != after:
            reasons.append(f'an eventfd was leaked: a fresh one had id {before or "none"} before the suite '
                           f'and {after or "none"} after it')
        if facts.get('scanned') == '0':
            reasons.append('the guest could not look for leaked memory: kmemleak is missing, or gave up')
        tests_taint = TAINT_TEST if any(name.startswith('kunit: ') for name in ran) else 0
        if facts.get('tainted') not in ('0', str(tests_taint)):
            reasons.append(f'the kernel is tainted: {facts.get("tainted")}')
        if not ended and (status or not powered_off(console)):
            reasons.append(f'the guest did not power off cleanly (QEMU exit status {status})')
    if not any(program.tests for program in programs):
        reasons.append('no test ran')
    return Verdict(programs, facts, reasons)


def together(verdicts: Sequence[Verdict], worst: int) -> Verdict:
    """One verdict on guests that ran beside one another, with what that one said of itself which went worst."""
    return Verdict([program for verdict in verdicts for program in verdict.programs], verdicts[worst].facts,
                   list(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons)))


def table(programs: Sequence[Program], room: int) -> Iterator[str]:
    """A line for each program, in no more columns than there are."""
    def lines(names: Sequence[str], heads: Sequence[str], seconds: int, gap: str) -> Iterator[str]:
        width = max([len(name) for name in names] + [len('program')])
        yield f'{"program":<{width}}  ' + gap.join(heads)
        for name, program in zip(names, programs):
            cells = [f'{program.count(kind)}' for kind in ('passed', 'failed', 'skipped')] + [f'{program.seconds:.{seconds}f}']
            yield f'{name:<{width}}  ' + gap.join(cell.rjust(len(head)) for cell, head in zip(cells, heads))

    wide = list(lines([program.name for program in programs], ('passed', 'failed', 'skipped', 'seconds'), 1, '  '))
    yield from (wide if max(map(len, wide)) <= room else lines(
        [program.name.removeprefix('eventfd_') for program in programs], ('good', 'bad', 'skip', 's'.rjust(3)), 0, ' '))


def show(verdict: Verdict, what: str, asked: Mapping[str, str] = NOTHING) -> None:
    """Print the table, what failed tests said, and the verdict line, on a run for which this was asked."""
    for line in table(verdict.programs, columns()):
        say(line)
    for program in verdict.programs:
        if program.count('failed') or (verdict.reasons and not program.runner):
            say(f'\n{program.name} said:')
            for note in failing_notes(program):
                say(f'  {note}')
    expected = sum('# XFAIL' in note for program in verdict.programs for note in program.notes)
    if expected:
        say(f'\n{expected} of the passed are expected failures: this kernel lacks the changes that they need')
    say()
    for reason in verdict.reasons:
        say(f'  {reason}')
    if first := first_failure(verdict, asked):
        say(f'  {first}')
    counts = ', '.join(f'{verdict.count(kind)} {kind}' for kind in ('passed', 'failed', 'skipped'))
    say(f'verdict: {"FAIL" if verdict.reasons else "PASS"}: {counts}; {what}')


def first_failure(verdict: Verdict, asked: Mapping[str, str] = NOTHING) -> str:
    """Where to look first: a test that failed, its file and line if it said so, and the call that runs it alone.

    It does so on the same kernel: what was asked for is in it.
    """
    same = ''.join(f' {name}={shlex.quote(value)}' for name, value in asked.items() if name not in ELSEWHERE)
    for program in verdict.programs:
        for result in results(program):
            if result.outcome not in ('failed', 'XPASS'):
                continue
            place = next(filter(None, (re.search(r'(\S+\.(?:cpp|h|c):\d+)', note) for note in result.notes)), None)
            test = f'eventfd.{result.name}' if program.name == KUNIT else result.name
            where = f', at {place.group(1)}' if place else ''
            return f'the first to fail: {test}{where}; alone: make test{same} T={shlex.quote(f"={test}")}'
    return ''


def failing_notes(program: Program) -> list[str]:
    """The result lines of what failed, with the notes that go with them."""
    notes: list[str] = []
    kept: list[str] = []
    for line in program.notes:
        notes.append(line)
        result = RESULT.match(line)
        if result:
            if result.group(1) == 'not ok':
                kept += notes
            notes = []
    return kept + ([] if program.runner else notes[-20:])


def read(console: Word, path: Word, *expected: str) -> tuple[Verdict, float]:
    """The verdict on an earlier boot by the files that it left, and how many seconds it took."""
    for name in (console, path):
        if not pathlib.Path(name).is_file():
            refuse(f'{name} is no file: name the two that a boot left in build/*/boots')
    report = []
    for line in pathlib.Path(path).read_text(errors='replace').splitlines():
        seconds, _, text = line.lstrip().partition(' ')
        report.append((float(seconds), text))
    return judge(report, pathlib.Path(console), expected), report[-1][0] if report else 0.0


def main(options: Options, arguments: argparse.Namespace) -> int:
    verdict, _ = read(arguments.console, arguments.report, *arguments.programs)
    show(verdict, arguments.report, options.asked)
    return 1 if verdict.reasons else 0


BOOT_FILES = (
    Argument('console', 'what a boot left in build/*/boots: NAME.console'),
    Argument('report', 'NAME.report'),
    Argument('programs', 'the programs that should have run', '+'),
)
COMMANDS = (Command('verdict', 'judge an earlier boot', main, BOOT_FILES),)
