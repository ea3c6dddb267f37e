# SPDX-License-Identifier: GPL-2.0
"""Compare our eventfd with stock: one tree and the same test programs, booted with either.

Every test has to come to the same on both, but for two kinds: one that is declared to be wrong on
stock (FixedHere, in the suite's support/attributes.h) has to fail there, and one that says why it
does not apply to stock may be skipped there. The differences are shown; build/*/compare.txt has the
whole table. With KCSAN=1 it has to find data races in stock, and none in ours. Exit status: 0 if all
is as declared, 1 if not, 2 for bad input.
"""
import collections
import dataclasses
import re
import subprocess

from core import processes
from core.command import Command
from core.options import Options
from core.places import SUITE, write_if_changed
from core.report import say
from guest import rootfs, session, verdicts

# What a test says that is skipped because the kernel is stock, and not because something is missing.
NOT_FOR_STOCK = re.compile(r'this kernel has no EFD_AUTORESET|stock ')
# What KCSAN finds in eventfd, as a verdict has it.
RACE = re.compile(r'the kernel complained: BUG: KCSAN: data-race in .*\beventfd_')


@dataclasses.dataclass
class Row:
    """One test on both kernels."""
    program: str
    test: str
    ours: str
    stock: str
    why: str            # it differs, or may
    problem: str        # '' if all is as declared

    @property
    def differs(self):
        return self.ours != self.stock

    @property
    def kind(self):
        if self.problem:
            return 'wrong'
        if not self.differs:
            return 'agree'
        return 'declared' if self.stock == 'XFAIL' else 'not for stock'


def declared(installed):
    """What the programs say that stock does wrong: {(program, test): why}."""
    found = {}
    for program in rootfs.programs(installed):
        # eventfd_test, which is not ours, knows no such option and declares nothing.
        listed = subprocess.run([installed / SUITE / program, '--list-declared'], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False, timeout=60)
        if listed.returncode == 0:
            found.update({(program, test): why for test, tab, why in
                          (line.partition('\t') for line in listed.stdout.splitlines()) if tab})
    return found


def judge(ours, stock, text, why):
    """(why they may differ, what is wrong) for a test's outcomes; text is what it said on stock."""
    if not ours or not stock:
        return why, f'ran on {"ours" if ours else "stock"} only'
    if ours not in ('passed', 'skipped'):
        return why, 'fails on ours' if ours != stock else 'fails on both'
    if stock == 'XPASS':
        return why, 'is declared, and passes on stock'
    # A declaration is for all values of a test's parameter, and stock need not have each of them.
    if stock == 'skipped' and ours != stock and NOT_FOR_STOCK.match(text):
        return text, ''
    if why:
        return why, '' if (ours, stock) == ('passed', 'XFAIL') else f'is declared, and {stock} on stock'
    if ours == stock:
        return '', ''
    return '', 'differs, and is not declared'


def rows(ours, stock, why, programs):
    """Row by row, two verdicts' tests in these programs: what runs in the kernel itself is not for both."""
    results = [{(program.name, result.name): result for program in verdict.programs if program.name in programs
                for result in verdicts.results(program)} for verdict in (ours, stock)]
    missing = verdicts.Result('', '', '', 0.0, [])
    for key in dict.fromkeys((*results[0], *results[1])):
        here, there = (result.get(key, missing) for result in results)
        reason, problem = judge(here.outcome, there.outcome, there.text, why.get(key, ''))
        yield Row(*key, here.outcome, there.outcome, reason, problem)


def problems(side, verdict):
    """What is wrong with a whole boot, beside the tests that fail in it."""
    failed = {f'{program.name}: {name} failed' for program in verdict.programs for _, name, _ in program.tests}
    return [f'{side}: {reason}' for reason in verdict.reasons if reason not in failed]


def stock_problems(options, verdict):
    """The same for stock. That it has data races is known, and KCSAN has to see them: if it does not, what does it see?"""
    races = [reason for reason in verdict.reasons if RACE.match(reason)]
    for race in races:
        say(f'stock: {race}')
    others = [reason for reason in problems('stock', verdict) if reason.removeprefix('stock: ') not in races]
    return others + ['stock: KCSAN found no data race in eventfd'] * (options.kcsan and not races)


def table(entries):
    """The rows as lines of columns."""
    cells = [('test', 'ours', 'stock', 'declared why')]
    cells += [(f'{row.program}: {row.test}', row.ours or '-', row.stock or '-',
               f'WRONG: {row.problem}' + (f' ({row.why})' if row.why else '') if row.problem else row.why)
              for row in entries]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    for line in cells:
        yield '  '.join((*(text.ljust(width) for text, width in zip(line, widths)), line[3])).rstrip()


def show(options, entries, reasons):
    """The differences on the terminal, all of it in a file; what is wrong, a line each."""
    path = options.work / 'compare.txt'
    write_if_changed(path, '\n'.join(table(entries)) + '\n')
    # What is not for stock is most of it, and says nothing but that.
    shown = [row for row in entries if row.kind in ('declared', 'wrong')]
    say()
    for line in table(shown):
        say(line)
    say()
    for reason in reasons:
        say(f'  {reason}')
    wrong = [f'{row.program}: {row.test}: {row.problem}' for row in entries if row.problem] + reasons
    if not entries:
        wrong.append('no test ran')
    count = collections.Counter(row.kind for row in entries)
    say(f'compare: {"FAIL" if wrong else "PASS"}: {len(entries)} tests: {count["agree"]} agree, '
        f'{count["declared"]} fail on stock as declared, {count["not for stock"]} are not for stock, '
        f'{count["wrong"]} wrong; the table is {path}')
    return wrong


def boot_stock(options, initrd, objects, installed):
    """The suite on the stock kernel of the same tree; the verdict."""
    image = session.variant_image(options, 'stock')
    return boot_one(options, image, initrd, objects, installed, 'stock')


def boot_one(options, image, initrd, objects, installed, side):
    """The suite on the kernel of one side; the verdict."""
    guests = session.shared_out(options, *session.chosen(options, installed), name=f'compare-{side}', kernel=side)
    _, result = session.run_guests(options, image, initrd, objects, guests, said=f'running the suite on {side}', **session.limits(options))
    return result


def complaints_of(verdict):
    """What tests say that fail as declared, in one line each."""
    for program in verdict.programs:
        for result in verdicts.results(program):
            if result.outcome == 'XFAIL':
                said = ' '.join(re.sub(r'^#\s*[\d.]*\s*', '', note) for note in result.notes[:-1])
                yield f'{result.name}: {said[:1000]}'


def compare(options, built, ours=None):
    """Both boots, unless ours is there already, and what comes of it: (rows, what is wrong)."""
    image, initrd, objects, installed = built
    if not ours:
        ours = boot_one(options, image, initrd, objects, installed, 'ours')
    stock = boot_stock(options, initrd, objects, installed)
    entries = list(rows(ours, stock, declared(installed), rootfs.programs(installed)))
    # Of a few tests it is worth reading.
    for said in complaints_of(stock) if options.pattern else ():
        say(f'stock says, {said}')
    return entries, show(options, entries, problems('ours', ours) + stock_problems(options, stock))


def main(options, _arguments):
    processes.lock()
    _, wrong = compare(options, session.build(options))
    return 1 if wrong else 0


COMMANDS = (Command('compare', 'the same suite on ours and on the stock kernel of the tree, test by test', main),)
