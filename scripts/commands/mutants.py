# SPDX-License-Identifier: GPL-2.0
"""Show that the suite bites: small wrong changes, each of which a test has to see.

mutants.txt beside it is the list, and says how it is written. All wrong fs/eventfd.c go into one
kernel, each with names of its own; which one makes new eventfds is a parameter in sysfs. A wrong
semantic patch takes a kernel of its own. The guest runs, for each mutant, the tests that should kill
it. If none of them does, the whole suite runs in a boot of its own. A panic kills a mutant too, and
so does a guest that falls silent, if they happen again in a boot of its own. The unchanged file, as
one more of the many, goes first: it has to pass, or the rest would prove nothing.

The table is also in build/KERNEL-ARCH/mutants.txt. Exit status: 0 if each mutant was killed by a
test, or is listed as invisible and was not; 1 if not; 2 for bad input.
"""
import argparse
import dataclasses
import fnmatch
import pathlib
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from checks import behaviours
from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import ROOT, SUITE, write_if_changed
from core.report import Broken, refuse, say
from guest import kernels, qemu, rootfs, session, verdicts
from source import messages, states, theirs, trees

LIST = pathlib.Path(__file__).with_name('mutants.txt')
# Seconds for a guest that says nothing.
LIMITS = qemu.Limits(boot=60, silent=45, suite=600)
# Behind the name of a test that took more than its time.
LATE = ' (timed out)'


@dataclasses.dataclass
class Mutant:
    """One entry of the list."""
    name: str
    line: int
    file: str = 'fs/eventfd.c'
    killers: list[str] = dataclasses.field(default_factory=list)
    invisible: str = ''
    rounds: int = 0
    hunk: list[str] = dataclasses.field(default_factory=list)

    def changed(self, text: str) -> str:
        """The file with the change, which has to fit in one place."""
        before = ''.join(f'{line[1:]}\n' for line in self.hunk if line[0] in ' -')
        after = ''.join(f'{line[1:]}\n' for line in self.hunk if line[0] in ' +')
        if text.count(before) != 1:
            raise Broken(f'{LIST}:{self.line}: the lines of {self.name} are in {self.file} '
                         f'{text.count(before)} times and not once')
        return text.replace(before, after)


class Job(NamedTuple):
    """What the guest has to do with one mutant."""
    number: int             # the kernel's for it
    mutant: Mutant
    whole: bool = False     # run the whole suite, and not only those that should kill it


UNCHANGED = Job(0, Mutant('unchanged', 0), whole=True)


class Boot(NamedTuple):
    """What came of a boot to some jobs."""
    found: dict[str, list[str]] # what was wrong with a mutant, by its name
    done: list[str]         # the mutants that had their turn
    current: str            # the one that was at work when the guest went, or nothing
    reasons: list[str]      # why that was too early


class Row(NamedTuple):
    """A line of the table."""
    name: str
    verdict: str
    by: str                 # what killed it, or why it cannot be seen


@dataclasses.dataclass(frozen=True)
class Pace:
    """How thoroughly the whole suite looks at a mutant."""
    limit: int = 10         # seconds for a test that takes more than its time
    rounds: int = 0         # of races; 0 for as many as usual
    red: int = 1            # tests that have failed are enough,
    late: int = 1           # and so are these many that took more than their time

    def enough(self, found: Sequence[str]) -> bool:
        return len(found) >= self.red or sum(name.endswith(LATE) for name in found) >= self.late


# Is told what the tests saw that should kill a mutant, or nothing.
Tell = Callable[[Job, str], None]


def parse(text: str) -> list[Mutant]:
    """The mutants of the list."""
    mutants: list[Mutant] = []
    for number, line in enumerate(text.splitlines(), 1):
        field = re.match(r'(mutant|file|killed by|invisible|rounds): *(.*)', line)
        where = f'{LIST}:{number}'
        if not line or line.startswith('#'):
            continue
        if field and field.group(1) == 'mutant':
            mutants.append(Mutant(field.group(2), number))
        elif not mutants or not (field or line[0] in ' +-'):
            raise Broken(f'{where}: "{line}" is neither a field nor part of a change')
        elif not field:
            mutants[-1].hunk.append(line)
        elif field.group(1) == 'killed by':
            mutants[-1].killers += field.group(2).split()
        elif field.group(1) == 'rounds':
            mutants[-1].rounds = int(field.group(2))
        elif field.group(1) == 'invisible':
            mutants[-1].invisible = f'{mutants[-1].invisible} {field.group(2)}'.strip()
        else:
            mutants[-1].file = field.group(2)
    names = [mutant.name for mutant in mutants]
    for mutant in mutants:
        if names.count(mutant.name) > 1:
            raise Broken(f'{LIST}:{mutant.line}: there are two mutants {mutant.name}')
        if bool(mutant.killers) == bool(mutant.invisible):
            raise Broken(f'{LIST}:{mutant.line}: {mutant.name} needs either "killed by:" or "invisible:"')
        if not any(line[0] in '+-' for line in mutant.hunk):
            raise Broken(f'{LIST}:{mutant.line}: {mutant.name} changes nothing')
    return mutants


def chosen(mutants: Sequence[Mutant], names: Sequence[str], pattern: str | None) -> list[Mutant]:
    """Those that were asked for."""
    for name in names:
        if name not in [mutant.name for mutant in mutants]:
            refuse(f'there is no mutant {name}: {LIST} has their names')
    result = [mutant for mutant in mutants if not names or mutant.name in names]
    if pattern:
        result = [mutant for mutant in result if fnmatch.fnmatchcase(mutant.name, session.gtest_filter(pattern))]
    if not result:
        refuse(f'T={pattern} matches no mutant: {LIST} has their names')
    return result


def matching(tests: Mapping[str, Sequence[str]], killers: Sequence[str]) -> list[str]:
    """The programs that have tests of these names."""
    patterns = [session.gtest_filter(killer) for killer in killers]
    for killer, pattern in zip(killers, patterns):
        if not any(fnmatch.fnmatchcase(test, pattern) for names in tests.values() for test in names):
            raise Broken(f'{LIST}: the suite has no test {killer}')
    return [program for program, names in tests.items()
            if any(fnmatch.fnmatchcase(test, pattern) for test in names for pattern in patterns)]


def tests_of_programs(installed: pathlib.Path) -> dict[str, list[str]]:
    """{program: the full names of its tests}."""
    return {name: behaviours.tests_of(installed / SUITE / name) for name in rootfs.programs(installed)}


def complaints(installed: pathlib.Path) -> list[str]:
    """What is wrong with the list, a line each: a test that the suite has not, or a change that fits nowhere."""
    tests = tests_of_programs(installed)
    wrong = []
    for mutant in parse(LIST.read_text()):
        try:
            matching(tests, mutant.killers)
            mutant.changed((ROOT / mutant.file).read_text())
        except Broken as error:
            wrong.append(f'{mutant.name}: {error}')
    return wrong


# What the guest runs in place of the kselftests' own runner: a line of the list is a mutant's number,
# its name, a filter, how often races try, and its programs.
RUNNER = r'''#!/bin/sh
cd /kselftest/filesystems/eventfd || exit 1
parameter=/sys/module/eventfd/parameters/mutant
while read -r number name filter rounds programs; do
	echo "harness: mutant $name"
	[ ! -e $parameter ] || echo "$number" >$parameter
	export GTEST_FILTER="$filter"
	if [ "$rounds" != 0 ]; then
		export EVENTFD_RACE_ROUNDS="$rounds" EVENTFD_AUTORESET_ROUNDS="$rounds"
		export EVENTFD_DEATH_ROUNDS=$((rounds / 5))
	else
		unset EVENTFD_RACE_ROUNDS EVENTFD_AUTORESET_ROUNDS EVENTFD_DEATH_ROUNDS
	fi
	before=$(./eventfd_id)
	for program in $programs; do
		"./$program" </dev/null
	done
	tries=50
	while [ "$(./eventfd_id)" != "$before" ] && [ $tries -gt 0 ]; do
		usleep 100000
		tries=$((tries - 1))
	done
	[ $tries -gt 0 ] || echo "not ok 0 the id of an eventfd was leaked"
	echo "harness: mutant -"
done </etc/mutants
'''

# The names that a copy of the file takes for itself, and what stands for its exports.
DISPATCH = r'''
static unsigned int mutant;
module_param(mutant, uint, 0644);

#define OPS(ctx) (*(const struct mutant_ops *const *)(ctx))

SYSCALL_DEFINE2(eventfd2, unsigned int, count, int, flags)
{
	return mutants[mutant]->eventfd2(count, flags);
}

SYSCALL_DEFINE1(eventfd, unsigned int, count)
{
	return mutants[mutant]->eventfd(count);
}

void eventfd_signal_mask(struct eventfd_ctx *ctx, __poll_t mask)
{
	OPS(ctx)->signal_mask(ctx, mask);
}

void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	OPS(ctx)->put(ctx);
}

void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *cnt)
{
	OPS(ctx)->do_read(ctx, cnt);
}

int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, __u64 *cnt)
{
	return OPS(ctx)->remove_wait_queue(ctx, wait, cnt);
}

struct file *eventfd_fget(int fd)
{
	return mutants[mutant]->fget(fd);
}

struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	return mutants[mutant]->fdget(fd);
}

struct eventfd_ctx *eventfd_ctx_fileget(struct file *file)
{
	return mutants[mutant]->fileget(file);
}
'''

OPERATIONS = {
    'long (*eventfd2)(unsigned int, int)': 'eventfd_make2',
    'long (*eventfd)(unsigned int)': 'eventfd_make1',
    'void (*signal_mask)(void *, __poll_t)': 'eventfd_signal_mask',
    'void (*put)(void *)': 'eventfd_ctx_put',
    'void (*do_read)(void *, u64 *)': 'eventfd_ctx_do_read',
    'int (*remove_wait_queue)(void *, wait_queue_entry_t *, u64 *)': 'eventfd_ctx_remove_wait_queue',
    'struct file *(*fget)(int)': 'eventfd_fget',
    'void *(*fdget)(int)': 'eventfd_ctx_fdget',
    'void *(*fileget)(struct file *)': 'eventfd_ctx_fileget',
}


def once(text: str, before: str, after: str) -> str:
    """The text with this one change, which has to fit in one place."""
    if text.count(before) != 1:
        raise Broken(f'fs/eventfd.c has {text.count(before)} lines "{before.strip()}" and not the one '
                     f'that commands/mutants.py goes by')
    return text.replace(before, after)


def copy_of(text: str, number: int) -> str:
    """The file with names of its own for all that it defines, so that many go into one."""
    text = once(text, 'SYSCALL_DEFINE2(eventfd2, unsigned int, count, int, flags)',
                'static long eventfd_make2(unsigned int count, int flags)')
    text = once(text, 'SYSCALL_DEFINE1(eventfd, unsigned int, count)',
                'static long eventfd_make1(unsigned int count)')
    text = once(text, 'struct eventfd_ctx {\n', 'struct eventfd_ctx {\n\tconst struct mutant_ops *ops;\n')
    text = once(text, '\tkref_init(&ctx->kref);\n', '\tctx->ops = &eventfd_ops;\n\tkref_init(&ctx->kref);\n')
    text = re.sub(r'^EXPORT_SYMBOL.*$', '', text, flags=re.M)
    text = re.sub(r'^#ifdef CONFIG_EVENTFD_KUNIT_TEST\n#include .*\n#endif\n', '', text, flags=re.M)
    # After the headers, which know some of these names.
    place = text.rindex('\n#include <') + 1
    place = text.index('\n', place) + 1
    ops = ', '.join(f'(void *){name}' for name in OPERATIONS.values())
    # What the header declares of it and the file relies on.
    undefined = ''.join(f'#undef {name}\n' for name in re.findall(r'^#define (\w+)', text[place:], re.M))
    body = (f'{undefined}static const struct mutant_ops eventfd_ops;\n'
            f'struct eventfd_ctx *eventfd_ctx_fileget(struct file *file);\n#line 1 "eventfd-{number}.c"\n{text[place:]}\n'
            f'static const struct mutant_ops eventfd_ops = {{ {ops} }};\n')
    # Functions of other names than eventfd_...
    for name in sorted(set(re.findall(r'^static [\w *]*?([a-z]\w*)\(', body, re.M))):
        if not name.startswith('eventfd_'):
            body = re.sub(rf'\b{name}\b', f'eventfd_{name}', body)
    # But for the header's: an inline function, the same for all.
    return re.sub(r'\b(_*)eventfd_(?!signal_allowed\b)', rf'\1eventfd_m{number}_', body)


def many(texts: Sequence[str]) -> str:
    """One fs/eventfd.c of many."""
    first = texts[0]
    place = first.index('\n', first.rindex('\n#include <') + 1) + 1
    fields = ''.join(f'\t{declaration};\n' for declaration in OPERATIONS)
    table = ''.join(f'\t&eventfd_m{number}_ops,\n' for number in range(len(texts)))
    return ('#pragma GCC diagnostic ignored "-Wmissing-prototypes"\n#include <linux/moduleparam.h>\n'
            + first[:place] + f'struct mutant_ops {{\n{fields}}};\n'
            + ''.join(copy_of(text, number) for number, text in enumerate(texts))
            + f'static const struct mutant_ops *const mutants[] = {{\n{table}}};\n' + DISPATCH)


class Laboratory:
    """The tree and the guest in which mutants live."""

    def __init__(self, options: Options):
        self.options = options
        self.image, self.initrd, self.objects, installed = session.build(options)
        self.source = options.work / 'tree'
        self.pristine = trees.pristine(options)
        self.programs = rootfs.programs(installed)
        self.tests = tests_of_programs(installed)

    def build(self, files: Mapping[str, bytes]) -> None:
        """The kernel with these files in place of its own."""
        before = {name: (self.source / name).read_bytes() for name in files}
        (self.objects / '.image.from').unlink(missing_ok=True)
        for name, data in files.items():
            write_if_changed(self.source / name, data)
        command = kernels.make(self.options, self.source, self.objects)
        try:
            processes.run([*command, '-s', '-j3', self.options.arch.image.rsplit('/', 1)[1]],
                          self.options.work / 'mutant.log', 'building the mutant')
        finally:
            # make goes by time stamps: each is a new file, so the next build sees it.
            for name, data in before.items():
                write_if_changed(self.source / name, data)

    def build_all(self, mutants: Sequence[Mutant]) -> list[Job]:
        """One kernel with the unchanged file, as number 0, and with these wrong ones: what to do with each."""
        ours = (ROOT / 'fs/eventfd.c').read_text()
        self.build({'fs/eventfd.c': many([ours, *(mutant.changed(ours) for mutant in mutants)]).encode()})
        return [Job(number, mutant) for number, mutant in enumerate(mutants, 1)]

    def build_with_patch(self, mutant: Mutant) -> None:
        """The kernel that the wrong semantic patch makes."""
        with tempfile.TemporaryDirectory() as scratch:
            patch = pathlib.Path(scratch) / pathlib.Path(mutant.file).name
            patch.write_text(mutant.changed((ROOT / mutant.file).read_text()))
            series = [entry._replace(cocci=patch) if entry.cocci == ROOT / mutant.file else entry
                      for entry in messages.patches()]
            self.build(states.end(self.pristine, series))

    def boot(self, jobs: Sequence[Job], name: str = 'mutant', pace: Pace = Pace()) -> Boot:
        """Boot to these jobs, one after the other; to one alone until enough tests have failed."""
        found: dict[str, list[str]] = {}
        current = ''
        done: list[str] = []
        lines: list[str] = []
        for number, mutant, whole in jobs:
            killers = [] if whole else mutant.killers
            programs = matching(self.tests, killers) if killers else self.programs
            patterns = ':'.join(map(session.gtest_filter, killers)) or '*'
            lines.append(f'{number} {mutant.name} {patterns} {pace.rounds if whole else mutant.rounds} {" ".join(programs)}\n')
        alone = len(jobs) == 1

        def on_line(line: str) -> bool:
            nonlocal current
            mark = re.match(r'harness: mutant (\S+)', line)
            if mark:
                if current:
                    done.append(current)
                current = '' if mark.group(1) == '-' else mark.group(1)
            red = re.match(r'not ok \d+ (.*?)(?:\s+#(.*))?$', line)
            if red and current:
                found.setdefault(current, []).append(red.group(1) + (LATE if 'timed out' in (red.group(2) or '') else ''))
            return bool(red and alone and pace.enough(found[current]))

        files: session.Files = {
            '/etc/suite': (f'export EVENTFD_TEST_TIMEOUT={pace.limit}\n', 0o644),
            '/etc/mutants': (''.join(lines), 0o644), '/kselftest/run_kselftest.sh': (RUNNER, 0o755)}
        overlay = session.overlay_for(self.options, self.objects, files, f'overlay-{name}')
        for _ in range(3):
            outcome = qemu.boot(self.options, self.image, self.initrd, name, overlay=overlay, on_line=on_line,
                                limits=LIMITS)
            result = verdicts.judge(outcome.report, outcome.console, [], ended=outcome.ended, status=outcome.status)
            if current or done:
                break
        else:
            # No mutant is at work before its name is said.
            raise Broken(f'the guest does not come to its first mutant: {result.reasons[0]}; see {outcome.console}')
        # No program of the runner's was started, and none was to be.
        reasons = [reason for reason in result.reasons if reason != 'no test ran']
        reasons.sort(key=lambda reason: not reason.startswith('the kernel '))
        return Boot(found, done, current, reasons)

    def alone(self, job: Job) -> str:
        """What was wrong with one mutant in a boot of its own, or nothing."""
        boot = self.boot([job])
        return [*boot.found.get(job.mutant.name, []), *boot.reasons, ''][0]

    def together(self, jobs: Sequence[Job], tell: Tell) -> None:
        """The same for many, in as few boots as it takes."""
        while jobs:
            boot = self.boot(jobs)
            left: list[Job] = []
            for job in jobs:
                if job.mutant.name in boot.done:
                    tell(job, [*boot.found.get(job.mutant.name, []), ''][0])
                elif job.mutant.name == boot.current:
                    # It may have to pay for one that was before it.
                    tell(job, self.alone(job))
                else:
                    left.append(job)
            jobs = left

    def verdict(self, job: Job, by: str) -> Row:
        """What becomes of a mutant, once the tests that should kill it have had their turn."""
        mutant = job.mutant
        if not by:
            by = self.alone(job._replace(whole=True))
            if by and mutant.killers:
                by += ', not by those named'
        if mutant.invisible:
            return Row(mutant.name, 'not invisible' if by else 'invisible', by or mutant.invisible)
        return Row(mutant.name, 'killed' if by else 'SURVIVED', by)


def show(rows: Sequence[Row], path: pathlib.Path) -> None:
    width = max(len(row.name) for row in rows)
    lines = [f'{"mutant":<{width}}  {"verdict":<13}  by, or why']
    lines += [f'{name:<{width}}  {verdict:<13}  {by}' for name, verdict, by in rows]
    text = ''.join(f'{line}\n' for line in lines)
    write_if_changed(path, text)
    say(f'\n{text}')


def examine(laboratory: Laboratory, mutants: Sequence[Mutant], rows: list[Row]) -> None:
    """Fill in the rows."""
    # The whole suite takes its time: those that need it come last.
    late: list[Job] = []

    def tell(job: Job, by: str) -> None:
        if not by and job not in late:
            say(f'{job.mutant.name}: none of its tests saw it; the whole suite is to look for it')
            late.append(job)
            return
        row = laboratory.verdict(job, by)
        rows.append(row)
        say(f'{row.name}: {row.verdict}: {row.by}')

    wrong_files = [mutant for mutant in mutants if mutant.file == 'fs/eventfd.c']
    if wrong_files:
        jobs = laboratory.build_all(wrong_files)
        unchanged = laboratory.alone(UNCHANGED)
        if unchanged:
            raise Broken(f'without any mutant: {unchanged}; see {laboratory.options.work}/boots/mutant.*')
        say('unchanged: every test passes')
        late += [job for job in jobs if job.mutant.invisible]
        laboratory.together([job for job in jobs if job.mutant.killers], tell)
        for job in late:
            tell(job, '')
    for mutant in mutants:
        if mutant.file == 'fs/eventfd.c':
            continue
        laboratory.build_with_patch(mutant)
        job = Job(0, mutant)
        late = [job]
        tell(job, laboratory.alone(job) if mutant.killers else '')


def kill_mutants(options: Options, arguments: argparse.Namespace) -> int:
    mutants = chosen(parse(LIST.read_text()), arguments.names, options.pattern)
    qemu.accelerator(options)
    theirs.need_ours(options, 'make mutants')
    processes.lock()
    start = time.monotonic()
    laboratory = Laboratory(options)
    for mutant in mutants:
        matching(laboratory.tests, mutant.killers)
        mutant.changed((ROOT / mutant.file).read_text())
    rows: list[Row] = []
    try:
        examine(laboratory, mutants, rows)
    finally:
        if rows:
            show(rows, options.work / 'mutants.txt')
        trees.prepare(options)
    wrong = [row.name for row in rows if row.verdict not in ('killed', 'invisible')]
    counts = ', '.join(f'{sum(row.verdict == kind for row in rows)} {kind}' for kind in ('killed', 'invisible'))
    say(f'mutants: {"FAIL" if wrong else "PASS"}: {len(rows)} of them in {time.monotonic() - start:.0f} s, {counts}, '
        f'{len(wrong)} wrong' + (f' ({", ".join(wrong)})' if wrong else ''))
    return 1 if wrong else 0


COMMANDS = (Command('mutants', 'show that the tests see some two hundred wrong changes',
                    kill_mutants, [Argument('names', 'of mutants; all, if none is named', '*')]),)
