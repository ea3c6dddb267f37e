# SPDX-License-Identifier: GPL-2.0
"""What real programs gain by EFD_AUTORESET, counted in the booted kernel, with their own tests.

Builds each program from Debian's source package twice, as it is and with the flag (scripts/programs), and boots three
times: to our kernel and to the stock one of the same tree for the programs' own tests, each with both builds, and to
ours once more under QEMU's instruction counting for the figures. T names programs, "glib,libevent" for example, of all
that there are; "suites" has those of other programs run (commands/suites.py). What it found stays in
build/KERNEL-ARCH/programs, and "programs-doc" puts it into Documentation/userspace-api/eventfd-performance.rst.

Exit status: 0 if all bounds hold, every test passes and comes to the same everywhere, 1 if not, 2 for bad input.
"""
import argparse
import dataclasses
import functools
import json
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence

from commands import suites
from core import processes
from core.command import Command
from core.options import Options, need_programs_here
from core.places import ROOT, write_if_changed
from core.report import Broken, Progress, refuse, say
from core.tables import put_between, simple_table
from guest import carried, kernels, qemu, rootfs, session, verdicts
from guest.known_programs import PROGRAMS, Program, build
from guest.program_tests import Outcomes, attempts, mark, outcomes, parts, summary
from source import programs, theirs, trees

PAGE = ROOT / 'Documentation/userspace-api/eventfd-performance.rst'
FIRST, LAST = '.. From "make programs"', '.. End of what "make programs-doc" writes'
# In place of names: those of suites.py.
SUITES = 'suites'
# Before each of them under strace, in milliseconds of the guest.
PAUSE = 20
MEMORY = '2G'
# What programs look up in the C library's way.
LOOKED_UP = ('passwd', 'group', 'hosts', 'services', 'protocols', 'nsswitch.conf')


@dataclasses.dataclass
class Figures:
    """What an event takes in one state of a program."""
    reads: float            # of an eventfd
    calls: float
    instructions: float


@dataclasses.dataclass
class Found:
    """What was found of a program; kept as JSON."""
    version: str
    kernel: str                                 # that it ran on
    figures: dict[str, dict[str, Figures]]      # {what a case does: {state: what it takes}}
    tests: dict[str, str]                       # {test: what it came to}


# --- in the guest ---

def test_script(folders: Mapping[tuple[str, str], pathlib.Path]) -> str:
    """All tests of the programs, with a line in front of each, and its status behind it.

    They go by the clock, and a busy host lets them fail: one that fails is run again, and the last run counts.
    """
    lines = ['ulimit -c 0']
    for (name, state), folder in folders.items():
        for test, command in PROGRAMS[name].tests.items():
            lines += attempts(mark(name, state, test), command.format(source=folder / 'source', build=folder / 'build'))
    return '\n'.join(lines) + '\n'


def count_script(folders: Mapping[tuple[str, str], pathlib.Path]) -> str:
    """All counts, a line each."""
    # The pause between two events is the counter's own.
    calls = r'/resumed>|nanosleep/ { next } /^[0-9]+ +[a-z0-9_]+\(/ { all++ } / read\([0-9]+<anon_inode:\[eventfd\]>/ { reads++ }'
    lines = []
    for (name, state), folder in folders.items():
        for case in PROGRAMS[name].cases:
            counter = f'{folder}/build/count {case.argument}'
            for events in PROGRAMS[name].traced:
                lines += [mark(name, state, case.argument, 'calls', str(events)),
                          f'strace -f -y -o /calls {counter} {events} {PAUSE} >/dev/null',
                          f"awk '{calls} END {{ print reads + 0, all + 0 }}' /calls"]
            for events in PROGRAMS[name].counted:
                lines += [mark(name, state, case.argument, 'instructions', str(events)), f'{counter} {events}']
    return '\n'.join(lines) + '\n'


def files_for(folders: Mapping[tuple[str, str], pathlib.Path], traced: bool) -> dict[str, pathlib.Path]:
    """The programs that a script calls."""
    files = {f'/etc/{name}': path for name in LOOKED_UP for path in [pathlib.Path('/etc') / name] if path.exists()}
    for (name, _), folder in folders.items():
        commands = ['{build}/count'] if traced else list(PROGRAMS[name].tests.values())
        for command in [*commands, *PROGRAMS[name].carried]:
            for word in command.split():
                path = pathlib.Path(word.format(source=folder / 'source', build=folder / 'build'))
                if path.is_file():
                    files |= carried.program_files(path)
    if traced:
        files |= carried.program_files(pathlib.Path(shutil.which('strace') or refuse('strace is not installed')))
    return files


def run(options: Options, image: pathlib.Path, initrd: pathlib.Path, name: str, script: str, files: dict[str, pathlib.Path],
        accel: str | None = None) -> list[str]:
    """Boot to the script; what it said."""
    overlay = carried.archive(options.work / 'obj', script, files, options.work / f'programs/{name}.cpio')
    progress = Progress(f'running the programs, {name}', options.terminal)
    outcome = qemu.boot(options, image, initrd, f'programs-{name}', overlay=overlay, on_line=progress.line, accel=accel,
                        cpus=1 if accel else None, memory=MEMORY, limits=qemu.Limits(boot=300, silent=600, suite=3600))
    complaints = verdicts.complaints(outcome.console)
    wrong = [*complaints, outcome.ended, '' if carried.status_of(outcome.console) is not None else 'it did not come to its end']
    for text in filter(None, wrong):
        raise Broken(f'the programs, {name}: {text}; the console is {outcome.console}')
    progress.done_with_lines()
    return [line for _, line in outcome.report]


# --- what it came to ---

def tests_of(lines: Sequence[str]) -> dict[tuple[str, str], Outcomes]:
    """Of each program and state, what each test's cases came to."""
    found: dict[tuple[str, str], Outcomes] = {}
    for (name, state, test), said in parts(lines):
        found.setdefault((name, state), {})[test] = outcomes(said)
    return found


def differences(name: str, found: Mapping[tuple[str, str], Outcomes]) -> Iterator[str]:
    """Each case of a program that failed, or did not come to the same everywhere: found is by kernel and state."""
    for test in PROGRAMS[name].tests:
        results = {where: outcome.get(test, {}) for where, outcome in found.items()}
        for case in dict.fromkeys(case for result in results.values() for case in result):
            said = {where: result.get(case, 'missing') for where, result in results.items()}
            if case.startswith('exit status'):
                said = {where: outcome for where, outcome in said.items() if outcome != 'missing'}
            if set(said.values()) - {'passed', 'skipped'} or len(set(said.values())) > 1:
                yield f'{name}: {test}: {case}: ' + ', '.join(f'{" ".join(where)} {outcome}' for where, outcome in said.items())
        if not all(results.values()):
            yield f'{name}: {test} did not run'


def figures_of(lines: Sequence[str]) -> dict[tuple[str, str, str], Figures]:
    """Of each program, state and case, what an event takes: the difference that so many more of them make."""
    raw: dict[tuple[str, ...], list[float]] = {}
    for words, said in parts(lines):
        numbers = ' '.join(said).split()
        if not numbers or not all(number.isdecimal() for number in numbers):
            raise Broken(f'{" ".join(words)}: no figure, but "{" ".join(said)[:100]}"')
        raw[words] = [float(number) for number in numbers]
    found: dict[tuple[str, str, str], Figures] = {}
    for name, state, case in dict.fromkeys(words[:3] for words in raw):
        traced, counted = PROGRAMS[name].traced, PROGRAMS[name].counted
        few, many = (raw[name, state, case, 'calls', str(events)] for events in traced)
        first, last = (raw[name, state, case, 'instructions', str(events)] for events in counted)
        # A stray less in the longer run is no negative number of them in an event.
        reads, calls = (max(0.0, more - less) / (traced[1] - traced[0]) for less, more in zip(few, many))
        found[name, state, case] = Figures(reads, calls, (last[0] - first[0]) / (counted[1] - counted[0]))
    return found


def broken(program: Program, found: Mapping[str, Figures], argument: str) -> Iterator[str]:
    """The bounds of a case that do not hold."""
    [case] = [case for case in program.cases if case.argument == argument]
    plain, autoreset = (found[state] for state in programs.STATES)
    where = f'{program.name}, {case.what}'
    strays = program.strays / (program.traced[1] - program.traced[0])
    if abs(plain.reads - case.reads) > 0.01 + strays:
        yield f'{where}: {plain.reads:.2f} eventfd reads an event as it is, where there should be {case.reads}'
    if abs(autoreset.reads - case.left) > 0.001 + strays:
        yield f'{where}: {autoreset.reads:.2f} eventfd reads an event with the flag, where there should be {case.left or "none"}'
    for what, value, most in (('system calls', autoreset.calls / plain.calls if plain.calls else 1, case.calls),
                              ('instructions', autoreset.instructions / plain.instructions, case.instructions)):
        if value > most + 0.0005:
            yield f'{where}: {value:.3f} of the {what}, where {most:.3f} is the most'


# --- what is shown ---

HEAD = ('program', 'what it does', 'eventfd reads', 'system calls', 'instructions', 'of them')


def rows(all_found: Mapping[str, Found]) -> list[tuple[str, ...]]:
    """A line for each case, before and after."""
    lines: list[tuple[str, ...]] = []
    for name, found in all_found.items():
        for what, states in found.figures.items():
            plain, autoreset = (states[state] for state in programs.STATES)
            lines.append((f'{name} {found.version}', what, f'{plain.reads:.2f} -> {autoreset.reads:.2f}', f'{plain.calls:.2f} -> {autoreset.calls:.2f}',
                          f'{plain.instructions:.0f} -> {autoreset.instructions:.0f}',
                          f'{autoreset.instructions / plain.instructions:.3f}'))
    return lines


def test_rows(all_found: Mapping[str, Found]) -> list[tuple[str, str]]:
    return [(f'{name}: {test}', said) for name, found in all_found.items() for test, said in found.tests.items()]


def show(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    say()
    for line in simple_table(head, lines, left=2)[1:-2]:
        say(line)


def show_all(all_found: Mapping[str, Found], wrong: Sequence[str]) -> None:
    show(HEAD, rows(all_found))
    show(('its own tests, as it is and with the flag, on ours and on stock', ''), test_rows(all_found))
    say()
    for line in wrong:
        say(f'  {line}')


def file_of(options: Options, name: str) -> pathlib.Path:
    return options.work / f'programs/{name}.json'


def chosen(options: Options) -> list[Program]:
    names = options.pattern.split(',') if options.pattern else list(PROGRAMS)
    for name in names:
        if name not in PROGRAMS:
            refuse(f'T={options.pattern}: "{name}" is no program that this knows: it knows {", ".join([*PROGRAMS, SUITES])}')
    return [PROGRAMS[name] for name in names]


def examine(options: Options, wanted: Sequence[Program], beside: bool = False) -> tuple[dict[str, Found], list[str]]:
    """Build, boot, count: what was found of each program, and what is wrong.

    beside is for tests that sleep most of the time: those on ours and those on stock run at the same time.
    """
    folders = {(program.name, state): build(options, program, state) for program in wanted for state in programs.STATES}
    # The stock kernel first: the folder of ours has what all else needs.
    images = {'stock': session.variant_image(options, 'stock')}
    source, release = trees.prepare(options)
    say(f'Linux {release}, {options.arch.name}: {source}')
    objects = options.work / 'obj'
    kernels.headers(options, source, objects)
    images['ours'] = kernels.build(options, source, objects)
    empty = options.work / 'programs/guest'
    empty.mkdir(parents=True, exist_ok=True)
    initrd = rootfs.initramfs(options, objects, empty, target='programs/initramfs.cpio')
    script, files = test_script(folders), files_for(folders, traced=False)
    running: dict[str, processes.Background[list[str]]] = {}
    for kernel in ('ours', 'stock'):
        running[kernel] = processes.Background(functools.partial(run, options, images[kernel], initrd, kernel, script, files))
        if not beside:
            running[kernel].join()
    tested = {kernel: tests_of(guest.result()) for kernel, guest in running.items()}
    counted = figures_of(run(options, images['ours'], initrd, 'counted', count_script(folders), files_for(folders, traced=True),
                             'count'))
    all_found: dict[str, Found] = {}
    wrong: list[str] = []
    for program in wanted:
        name = program.name
        by_case = {case: {state: counted[name, state, case.argument] for state in programs.STATES} for case in program.cases}
        results = {(kernel, state): tested[kernel].get((name, state), {}) for kernel in tested for state in programs.STATES}
        wrong += differences(name, results)
        for case, found in by_case.items():
            wrong += broken(program, found, case.argument)
        all_found[name] = Found(programs.version(program.package, program.suite), release,
                                {case.what: found for case, found in by_case.items()},
                                {test: summary(results['ours', 'autoreset'].get(test, {})) for test in program.tests})
    return all_found, wrong


def measure(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make programs')
    theirs.need_ours(options, 'make programs')
    if options.pattern == SUITES:
        processes.lock()
        return suites.run(options.but(pattern=None))
    wanted = chosen(options)
    processes.lock()
    all_found, wrong = examine(options.but(pattern=None), wanted)
    for name, found in all_found.items():
        write_if_changed(file_of(options, name), json.dumps(dataclasses.asdict(found), indent=1) + '\n')
    show_all(all_found, wrong)
    cases = sum(len(found.figures) for found in all_found.values())
    tests = sum(len(found.tests) for found in all_found.values())
    say(f'programs: {"FAIL" if wrong else "PASS"}: {len(all_found)} programs, {cases} cases, {tests} tests, {len(wrong)} wrong')
    return 1 if wrong else 0


def recorded(options: Options) -> dict[str, Found]:
    """What earlier runs found."""
    found: dict[str, Found] = {}
    for name in PROGRAMS:
        path = file_of(options, name)
        if path.exists():
            kept = json.loads(path.read_text())
            kept['figures'] = {what: {state: Figures(**values) for state, values in states.items()}
                               for what, states in kept['figures'].items()}
            found[name] = Found(**kept)
    return found


def write_page(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make programs')
    found = recorded(options)
    if not found:
        refuse('there is nothing to document yet: "make programs" counts first')
    release = next(iter(found.values())).kernel
    put_between(PAGE, FIRST, LAST, [
        f'{FIRST}, Linux {release}, {options.arch.name}; "make programs-doc" writes this part', '',
        *simple_table(HEAD, rows(found), left=2), *simple_table(('its own tests', 'come to'), test_rows(found), left=2)])
    say(f'wrote {PAGE.relative_to(ROOT)}')
    return 0


COMMANDS = (
    Command('programs', 'what real programs gain by EFD_AUTORESET; T=NAME,NAME', measure),
    Command('programs-doc', 'put what make programs found last into the documentation', write_page),
)
