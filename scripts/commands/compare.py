# SPDX-License-Identifier: GPL-2.0
"""Compare our eventfd with stock: one tree and the same test programs, booted with either.

Every test has to come to the same on both, but for two kinds: one that needs a change of eventfd (Needs,
in the suite's support/attributes.h) has to fail on stock, and one that shows nothing without a change may
be skipped there. The differences are shown; build/*/compare.txt has the whole table. With KCSAN=1 it has
to find data races in stock, and none in ours. With SMALL=1 the other side is not stock, but the kernel's own file
with all of the series but its optional patch: there every test has to come to the same. Exit status: 0 if all is as declared, 1 if not, 2 for bad
input.
"""
import argparse
import collections
import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from core import processes
from core.command import Command
from core.options import Options
from core.places import write_if_changed
from core.report import say
from guest import rootfs, session, verdicts
from source import theirs

# What KCSAN finds in eventfd, as a verdict has it.
RACE = re.compile(r'the kernel complained: BUG: KCSAN: data-race in .*\beventfd_')

# (program, name of the test)
Key = tuple[str, str]


@dataclasses.dataclass
class Row:
    """One test on both kernels."""
    program: str
    test: str
    ours: str
    other: str          # stock, or small
    why: str            # it differs, or may
    problem: str        # '' if all is as declared

    @property
    def differs(self) -> bool:
        return self.ours != self.other

    @property
    def kind(self) -> str:
        if self.problem:
            return 'wrong'
        if not self.differs:
            return 'agree'
        return 'declared' if self.other == 'XFAIL' else 'not for stock'


def lacks_a_change(text: str) -> bool:
    """Whether a test that was skipped says that it was for want of a change, and not of anything else."""
    needed = re.match(r'needs (\w+): ', text)
    return needed is not None and needed.group(1) in session.changes()


def judge(ours: str, other: str, text: str, why: str, side: str = 'stock') -> tuple[str, str]:
    """(why they may differ, what is wrong) for a test's outcomes; text is what it said on the other side."""
    if not ours or not other:
        return why, f'ran on {"ours" if ours else side} only'
    if ours not in ('passed', 'skipped'):
        return why, 'fails on ours' if ours != other else 'fails on both'
    if side == 'small':
        return '', '' if ours == other else f'{other} on small'
    if other == 'XPASS':
        return why, 'is declared, and passes on stock'
    # A declaration is for all values of a test's parameter, and stock need not have each of them.
    if other == 'skipped' and ours != other and lacks_a_change(text):
        return text, ''
    if why:
        return why, '' if (ours, other) == ('passed', 'XFAIL') else f'is declared, and {other} on stock'
    if ours == other:
        return '', ''
    return '', 'differs, and is not declared'


def rows(ours: verdicts.Verdict, other: verdicts.Verdict, why: Mapping[Key, str], programs: Collection[str],
         side: str = 'stock') -> Iterator[Row]:
    """Row by row, two verdicts' tests in these programs: what runs in the kernel itself is not for both."""
    results = [{(program.name, result.name): result for program in verdict.programs if program.name in programs
                for result in verdicts.results(program)} for verdict in (ours, other)]
    missing = verdicts.Result('', '', '', 0.0, [])
    for key in dict.fromkeys((*results[0], *results[1])):
        here, there = (result.get(key, missing) for result in results)
        reason, problem = judge(here.outcome, there.outcome, there.text, why.get(key, ''), side)
        yield Row(*key, here.outcome, there.outcome, reason, problem)


def problems(side: str, verdict: verdicts.Verdict) -> list[str]:
    """What is wrong with a whole boot, beside the tests that fail in it."""
    failed = {f'{program.name}: {test.name} failed' for program in verdict.programs for test in program.tests}
    return [f'{side}: {reason}' for reason in verdict.reasons if reason not in failed]


def stock_problems(options: Options, verdict: verdicts.Verdict) -> list[str]:
    """The same for stock. That it has data races is known, and KCSAN has to see them: if it does not, what does it see?"""
    races = [reason for reason in verdict.reasons if RACE.match(reason)]
    for race in races:
        say(f'stock: {race}')
    others = [reason for reason in problems('stock', verdict) if reason.removeprefix('stock: ') not in races]
    return others + ['stock: KCSAN found no data race in eventfd'] * (options.kcsan and not races)


def table(entries: Sequence[Row], side: str = 'stock') -> Iterator[str]:
    """The rows as lines of columns."""
    cells = [('test', 'ours', side, 'needs')]
    cells += [(f'{row.program}: {row.test}', row.ours or '-', row.other or '-',
               f'WRONG: {row.problem}' + (f' ({row.why})' if row.why else '') if row.problem else row.why)
              for row in entries]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    for line in cells:
        yield '  '.join((*(text.ljust(width) for text, width in zip(line, widths)), line[3])).rstrip()


def show(options: Options, entries: Sequence[Row], reasons: list[str], side: str = 'stock') -> list[str]:
    """The differences on the terminal, all of it in a file; what is wrong, a line each."""
    path = options.work / ('compare.txt' if side == 'stock' else f'compare-{side}.txt')
    write_if_changed(path, '\n'.join(table(entries, side)) + '\n')
    # What is not for stock is most of it, and says nothing but that.
    shown = [row for row in entries if row.kind in ('declared', 'wrong')]
    say()
    for line in table(shown, side) if shown else ():
        say(line)
    say()
    for reason in reasons:
        say(f'  {reason}')
    wrong = [f'{row.program}: {row.test}: {row.problem}' for row in entries if row.problem] + reasons
    if not entries:
        wrong.append('no test ran')
    count = collections.Counter(row.kind for row in entries)
    kinds = f'{count["agree"]} agree, '
    if side == 'stock':
        kinds += f'{count["declared"]} fail on stock as declared, {count["not for stock"]} are not for stock, '
    say(f'compare: {"FAIL" if wrong else "PASS"}: {len(entries)} tests: {kinds}{count["wrong"]} wrong; the table is {path}')
    return wrong


def boot(options: Options, built: session.Built, side: str) -> verdicts.Verdict:
    """The suite on the kernel of one side; the verdict."""
    programs, pattern = session.chosen(options, built.installed)
    guests = session.shared_out(options, programs, pattern, name=f'compare-{side}', has=[] if side == 'stock' else None)
    _, result = session.run_guests(options, built.image, built.initrd, built.objects, guests,
                                   said=f'running the suite on {side}', limits=session.limits(options))
    return result


def complaints_of(verdict: verdicts.Verdict) -> Iterator[str]:
    """What tests say that fail as declared, in one line each."""
    for program in verdict.programs:
        for result in verdicts.results(program):
            if result.outcome == 'XFAIL':
                said = ' '.join(re.sub(r'^#\s*[\d.]*\s*', '', note) for note in result.notes[:-1])
                yield f'{result.name}: {said[:1000]}'


def compare(options: Options, built: session.Built, ours: verdicts.Verdict | None = None,
            side: str = 'stock') -> tuple[list[Row], list[str]]:
    """Both boots, unless ours is there already, and what comes of it: the rows, and what is wrong."""
    if not ours:
        ours = boot(options, built, 'ours')
    # All but the kernel stays as it is.
    other = boot(options, built._replace(image=session.variant_image(options, side)), side)
    entries = list(rows(ours, other, session.declared(built.installed), rootfs.programs(built.installed), side))
    # Of a few tests it is worth reading.
    for said in complaints_of(other) if options.pattern else ():
        say(f'{side} says, {said}')
    reasons = stock_problems(options, other) if side == 'stock' else problems(side, other)
    return entries, show(options, entries, problems('ours', ours) + reasons, side)


def compare_both(options: Options, _arguments: argparse.Namespace) -> int:
    theirs.need_ours(options, 'make compare')
    processes.lock()
    side = 'small' if options.small else 'stock'
    options = options.but(small=False)
    _, wrong = compare(options, session.build(options), side=side)
    return 1 if wrong else 0


COMMANDS = (Command('compare', 'the suite on ours and on the stock kernel, test by test',
                    compare_both, small=True),)
