# SPDX-License-Identifier: GPL-2.0
"""From what was asked for to a verdict: a kernel with our eventfd, built, booted to the suite, and judged.

Guests run beside one another where that is quicker.
"""
import dataclasses
import fnmatch
import functools
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from core import processes
from core.options import Options
from core.places import BUILD, ROOT, SUITE, write_if_changed
from core.report import Progress, refuse, say
from guest import junit, kernels, qemu, rootfs, verdicts
from source import theirs, trees, turns

# What is said while guests run.
RUNNING = 'running the suite'
# What takes the place of files in the guest, or comes beside them: {path: (text or bytes, mode)}.
Files = Mapping[str, tuple[str | bytes, int]]


class Steps:
    """How long each step of the main job takes; kept for "make bench" to show."""

    FILE = BUILD / 'steps.json'

    def __init__(self, options: Options):
        self.kind = 'again' if (options.work / 'obj').exists() else 'from nothing'
        self.start = self.last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def done(self, step: str) -> None:
        now = time.monotonic()
        self.seconds[step], self.last = now - self.last, now

    def keep(self) -> None:
        self.seconds['all of "make run"'] = time.monotonic() - self.start
        times = json.loads(self.FILE.read_text()) if self.FILE.exists() else {}
        times[self.kind] = {step: round(seconds, 1) for step, seconds in self.seconds.items()}
        write_if_changed(self.FILE, json.dumps(times, indent=1) + '\n')


class Built(NamedTuple):
    """What a boot takes."""
    image: pathlib.Path
    initrd: pathlib.Path
    objects: pathlib.Path       # where the kernel was built
    installed: pathlib.Path     # where the suite's programs are


def build(options: Options, steps: Steps | None = None) -> Built:
    """Everything up to the boot."""
    steps = steps or Steps(options)
    source, version = trees.prepare(options)
    say(f'Linux {version}, {options.arch.name}: {source}')
    steps.done('kernel tree, unpacked and patched')
    objects = options.work / 'obj'
    kernels.headers(options, source, objects)
    steps.done("the kernel's headers")
    # Beside the kernel, whose last steps keep but one processor busy.
    suite_build = processes.Background(lambda: rootfs.install_suite(options, source, objects, quiet=True))
    image = kernels.build(options, source, objects)
    steps.done('kernel, and the suite beside it')
    installed = suite_build.result()
    initrd = rootfs.initramfs(options, objects, installed)
    steps.done('rest of the suite, and the initramfs')
    return Built(image, initrd, objects, installed)


def variant_image(options: Options, variant: str) -> pathlib.Path:
    """The image of a kernel that is not ours, from the same tree; the suite stays as it is.

    Stock has a folder of its own: its headers differ, and nearly all would be built again at each change
    of sides. The others differ in a file, and share the tree and the objects.
    """
    folder = options.work / 'stock' if variant == 'stock' else options.work
    source, version = trees.prepare(options, variant, folder)
    say(f'Linux {version}, {options.arch.name}, variant {variant}: {source}')
    image = kernels.build(options, source, folder / 'obj')
    if variant == 'stock':
        return image
    kept = options.work / f'image-{variant}'
    shutil.copyfile(image, kept)
    return kept


def gtest_filter(pattern: str) -> str:
    """A GoogleTest filter as it is; with a "=" before it a name, and no other; anything else is a part of a name."""
    if pattern.startswith('='):
        return pattern[1:]
    return pattern if any(sign in pattern for sign in '*?:') else f'*{pattern}*'


def selection(options: Options, installed: pathlib.Path, pattern: str) -> list[str]:
    """The programs that have a test for the pattern, asked of themselves."""
    chosen = []
    for name in rootfs.programs(installed):
        listed = subprocess.run([*options.arch.runner, installed / SUITE / name, '--gtest_list_tests',
                                 f'--gtest_filter={pattern}'], capture_output=True, text=True, check=False, timeout=20).stdout
        if any(line.startswith('  ') for line in listed.splitlines()):
            chosen.append(name)
    return chosen


def declared(installed: pathlib.Path) -> dict[tuple[str, str], str]:
    """The changes that tests need, and what stock does without: {(program, test): "NAME: WHAT; ..."}."""
    found: dict[tuple[str, str], str] = {}
    for program in rootfs.programs(installed):
        # eventfd_test, which is not ours, knows no such option and declares nothing.
        listed = subprocess.run([installed / SUITE / program, '--list-declared'], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False, timeout=60)
        if listed.returncode == 0:
            found.update({(program, test): why for test, tab, why in
                          (line.partition('\t') for line in listed.stdout.splitlines()) if tab})
    return found


def lacking_tests(options: Options, installed: pathlib.Path) -> dict[tuple[str, str], list[str]]:
    """The tests that the user's own eventfd is not asked for, and the changes that these need and it has not."""
    if not theirs.eventfd(options):
        return {}
    lacking = {key: [name for name in re.findall(r'(?:^|; )(\w+): ', why) if name not in theirs.has(options)]
               for key, why in declared(installed).items()}
    return {key: names for key, names in lacking.items() if names}


def kunit_selection(options: Options) -> str | None:
    """The glob for those of the kernel's own tests that were asked for; None if there are none."""
    path = (trees.pristine(options) if theirs.eventfd(options) else ROOT) / 'fs/tests/eventfd_kunit.c'
    if not options.pattern:
        return 'eventfd' if path.exists() else None
    pattern = gtest_filter(options.pattern)
    cases = re.findall(r'\bKUNIT_CASE\w*\((\w+)', path.read_text()) if path.exists() else []
    globs = [glob if '.' in glob else f'eventfd.{glob}' for glob in pattern.partition('-')[0].split(':')]
    if not any(fnmatch.fnmatchcase(f'eventfd.{case}', glob) for glob in globs for case in cases):
        return None
    # The kernel takes one glob, and knows no list of them.
    return globs[0] if len(globs) == 1 else 'eventfd'


def overlay_for(options: Options, objects: pathlib.Path, files: Files, name: str = 'overlay') -> pathlib.Path:
    """An archive with these files in it."""
    with tempfile.TemporaryDirectory() as scratch:
        for where, (text, mode) in files.items():
            path = pathlib.Path(scratch) / where.lstrip('/')
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            path.chmod(mode)
        return rootfs.overlay(objects, pathlib.Path(scratch), options.work / f'{name}.cpio')


def say_left_out(options: Options, lacking: Mapping[tuple[str, str], Sequence[str]]) -> None:
    path = options.work / 'left-out.txt'
    write_if_changed(path, ''.join(f'{program}: {test}: needs {", ".join(names)}\n'
                                   for (program, test), names in lacking.items()))
    needed = [f'{sum(name in names for names in lacking.values())} need {name}' for name in changes()]
    say(f'{len(lacking)} tests are left out, as this eventfd has not what they are about '
        f'({", ".join(one for one in needed if not one.startswith("0 "))}): {path}')


def chosen(options: Options, installed: pathlib.Path, others: str | None = None) -> tuple[list[str], str | None]:
    """The programs to run, and the pattern for their tests: all and none, unless T is given.

    A pattern for nothing is refused, unless there are others which it is for.
    """
    lacking = lacking_tests(options, installed)
    if not options.pattern and not lacking:
        return rootfs.programs(installed), None
    pattern = gtest_filter(options.pattern) if options.pattern else '*'
    if lacking:
        say_left_out(options, lacking)
        pattern += f'{":" if "-" in pattern else "-"}{":".join(test for _, test in lacking)}'
    programs = selection(options, installed, pattern)
    if not programs and not others:
        left_out = ', '.join(sorted(set(rootfs.needs(installed)) - set(rootfs.programs(installed))))
        refuse(f'T={options.pattern} matches no test: '
               f'{installed / SUITE}/PROGRAM --gtest_list_tests shows their names'
               + (f'; those of {left_out} need FAULTS=1' if left_out else ''))
    return programs, pattern


def changes() -> list[str]:
    """The names of what our eventfd does otherwise than stock's, which the suite lists."""
    return list(turns.names().values())


def settings(options: Options, programs: Sequence[str] = (), pattern: str | None = None,
             has: Sequence[str] | None = None) -> Files:
    """What the guest's init is to know, as files for its overlay: it runs all programs if none is named.

    Its kernel has the changes in has, or those of the tree.
    """
    tests = [f'-t {SUITE}:{name}' for name in programs]
    lines = [f'export EVENTFD_CHANGES={",".join(theirs.has(options) if has is None else has)}']
    if pattern:
        lines.append(f'export GTEST_FILTER={shlex.quote(pattern)}')
    if options.debug:
        # Such a kernel takes several times as long.
        lines.append('export EVENTFD_TEST_TIMEOUT=80')
    if options.rounds:
        lines += [f'export EVENTFD_AUTORESET_ROUNDS={options.rounds}',
                  f'export EVENTFD_RACE_ROUNDS={options.rounds // 4 + 1}',
                  f'export EVENTFD_DEATH_ROUNDS={options.rounds // 20 + 1}']
        # The runner's limit for a program; each test has its own, which grows with the rounds.
        tests.append('-o 7200')
    lines.append(f'TESTS={shlex.quote(" ".join(tests))}')
    if pattern and not programs:
        lines.append('KUNIT_ONLY=1')
    return {'/etc/suite': ('\n'.join(lines) + '\n', 0o644)}


def limits(options: Options) -> qemu.Limits:
    """The watchdog's: others, if more rounds than usual are asked for, or the kernel takes its time for everything."""
    usual = qemu.Limits()
    if options.rounds:
        return qemu.Limits(silent=usual.silent + options.rounds // 100, suite=7200)
    return qemu.Limits(silent=2 * usual.silent, suite=3600) if options.debug else usual


@dataclasses.dataclass
class Guest:
    """One of the guests that run beside one another."""
    name: str                   # of the files that its boot leaves
    expected: Sequence[str]     # what it is to run
    files: Files | None = None  # that take the place of the initramfs's
    cpus: int | None = None     # if not as many as its kernel is for


def shared_out(options: Options, programs: Sequence[str], pattern: str | None = None, *, name: str = 'run',
               has: Sequence[str] | None = None, kunit: str | None = None) -> list[Guest]:
    """The guests for these programs: one with a single processor takes those that need no more, if it has one here.

    With more rounds than usual, and in a kernel built for something special, all of them run in one guest. So do a few
    tests, which are done before a second guest is up.
    """
    apart = (not (pattern or options.rounds or options.flavours) and qemu.accelerator(options) == 'tcg'
             and processes.processors() > 1)
    # A second processor costs TCG a quarter more time, and guests with two each are in each other's way.
    needed = rootfs.needs(options.work / 'kselftest') if apart else {}
    one = [program for program in programs if rootfs.ONE_PROCESSOR in needed.get(program, [])]
    rest = [program for program in programs if program not in one]
    guests = [Guest(name, rest + [verdicts.KUNIT] * bool(kunit), settings(options, rest, pattern, has))]
    if one:
        guests.append(Guest(f'{name}-one', one, settings(options, one, pattern, has), cpus=1))
    return guests


def run_guest(options: Options, image: pathlib.Path, initrd: pathlib.Path, objects: pathlib.Path,
              expected: Sequence[str], *, name: str = 'run', files: Files | None = None, said: str = RUNNING,
              kunit: str | None = None, limits: qemu.Limits = qemu.Limits()) -> tuple[qemu.Outcome, verdicts.Verdict]:
    """Boot one guest to the suite, show how it goes, and judge it."""
    return run_guests(options, image, initrd, objects, [Guest(name, expected, files)], said=said, kunit=kunit,
                      limits=limits)


def run_guests(options: Options, image: pathlib.Path, initrd: pathlib.Path, objects: pathlib.Path,
               guests: Sequence[Guest], *, said: str = RUNNING, kunit: str | None = None,
               limits: qemu.Limits = qemu.Limits()) -> tuple[qemu.Outcome, verdicts.Verdict]:
    """Boot guests to the suite beside one another, show how it goes, and judge them as one: (outcome, verdict).

    The outcome is that of the guest which went worst. Without a word for it, nothing stays on the terminal. The
    kernel's own tests run if they are expected: all of them, or those that the glob kunit names.
    """
    names = ' and '.join(guest.name for guest in guests)
    how = qemu.accelerator(options) + (f', {len(guests)} guests' if len(guests) > 1 else '')
    progress = Progress(f'{said or names} ({how})', options.terminal, quiet=not said and not options.terminal)
    seen = 0

    def on_line(line: str) -> None:
        nonlocal seen
        if verdicts.RESULT.match(line.removeprefix('# ').removeprefix('    ')):
            seen += 1
            progress.update(f'{seen} results')

    def run(guest: Guest) -> tuple[qemu.Outcome, verdicts.Verdict]:
        glob = (kunit or 'eventfd') if verdicts.KUNIT in guest.expected else None
        overlay = overlay_for(options, objects, guest.files, f'overlay-{guest.name}') if guest.files else None
        outcome = qemu.boot(options, image, initrd, guest.name, kunit=glob, overlay=overlay, on_line=on_line,
                            cpus=guest.cpus, limits=limits)
        result = verdicts.judge(outcome.report, outcome.console, guest.expected, ended=outcome.ended, status=outcome.status)
        junit.write(result, outcome.console.with_suffix('.junit.xml'), outcome.seconds)
        return outcome, result

    booted = [processes.Background(functools.partial(run, guest)) for guest in guests]
    ended = [one.result() for one in booted]
    outcomes, results = [outcome for outcome, _ in ended], [result for _, result in ended]
    if said:
        progress.done(f'{seen} results')
    else:
        progress.clear()
    worst = max(range(len(guests)), key=lambda number: (bool(outcomes[number].ended), 'end' not in results[number].facts,
                                                       bool(results[number].reasons)))
    outcome = dataclasses.replace(outcomes[worst], seconds=max(one.seconds for one in outcomes))
    return outcome, verdicts.together(results, worst)


def report(options: Options, outcome: qemu.Outcome, result: verdicts.Verdict) -> int:
    release = result.facts.get('release', options.label)
    own = theirs.eventfd(options)
    verdicts.show(result, f'Linux {release}, {options.arch.name}, {outcome.accel}, {outcome.seconds:.0f} s'
                  + (f'; the eventfd of {options.kdir}, which {own.why}' if own else ''), options.asked)
    if result.reasons:
        folder = options.work / 'boots'
        if outcome.ended or 'end' not in result.facts:
            say('\nthe end of the console:')
            lines = outcome.console.read_text(errors='replace').splitlines() if outcome.console.exists() else []
            for line in lines[-25:]:
                say(f'  {line}')
        say(f'\nthe console is {outcome.console}, the report {folder / (outcome.console.stem + ".report")}')
    return 1 if result.reasons else 0
