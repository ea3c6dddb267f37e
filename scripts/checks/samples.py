# SPDX-License-Identifier: GPL-2.0
"""Build samples/eventfd, run it here and in the booted kernel, and count the calls that it makes.

Here the event loop uses what the running kernel has; in the guest it has EFD_AUTORESET, and strace, which
is put there with its libraries, counts its calls of poll and read. Each trap has to be sprung there, and to
do nothing when it is cured.

Exit status: 0 if the samples work and make the calls that they should, 1 if not.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping

from core import processes
from core.command import Command
from core.options import Options, need_programs_here
from core.places import ROOT, SUITE
from core.report import Broken, refuse, tell
from guest import carried, session
from source import theirs

ROUNDS = 50     # strace is slow in an emulated machine
PROGRAM = 'sample'
# Those of the kernel's build for programs of user space, and all warnings. (That build is not used, as
# it leaves out samples where there is no CONFIG_SAMPLES.)
FLAGS = ('-Wall', '-Wextra', '-Werror', '-O2', '-pthread')
COMPILERS = {'.c': ('gcc', *FLAGS, '-Wmissing-prototypes', '-Wstrict-prototypes', '-std=gnu11'),
             '.cpp': ('g++', *FLAGS, '-std=c++20')}
TRACE = '-f -c -U calls,name -e trace=poll,read,write,futex'
# A poll for each wake-up and one more, and a read for each where there is no autoreset.
EXPECTED = {'autoreset': {'poll': ROUNDS + 1, 'read': 0}, 'read': {'poll': ROUNDS + 1, 'read': ROUNDS}}

LOOP, CXX, POOL, TRAPS = ALL = 'event-loop', 'event-loop-cxx', 'thread-pool', 'traps'
# Workers, and posts for them.
POOLED = '64 200'
SCRIPT = f'''#!/bin/sh
traps=$(/sample/traps | cut -d" " -f1)
echo TAP version 13
echo 1..$((4 + $(echo "$traps" | wc -l)))
n=1
for loop in event-loop "event-loop -r" event-loop-cxx; do
	if strace -o /tmp/calls {TRACE} /sample/$loop {ROUNDS} >/tmp/said 2>&1; then
		echo "ok $n $loop"
	else
		echo "not ok $n $loop"
	fi
	sed "s/^/# said: /" /tmp/said
	sed "s/^/# calls: /" /tmp/calls
	n=$((n + 1))
done
if /sample/thread-pool {POOLED} >/tmp/said; then echo "ok $n thread-pool"; else echo "not ok $n thread-pool"; fi
sed "s/^/# pool: /" /tmp/said
n=$((n + 1))
for trap in $traps; do
	/sample/traps $trap >/tmp/said
	sprung=$?
	/sample/traps $trap cured >>/tmp/said
	cured=$?
	if [ $sprung$cured = 10 ]; then echo "ok $n trap $trap"; else echo "not ok $n trap $trap"; fi
	sed "s/^/# /" /tmp/said
	n=$((n + 1))
done
'''


def build(options: Options, name: str) -> pathlib.Path:
    """A sample, static as the guest has no libraries."""
    [source] = [path for path in (ROOT / 'samples/eventfd').glob(f'{name}.*') if path.suffix in COMPILERS]
    compiler, *flags = COMPILERS[source.suffix]
    target = options.work / name
    processes.run([f'{options.arch.cross}{compiler}', *flags, '-static', '-o', target, source], options.work / 'samples.log',
                  f'building samples/eventfd/{source.name}')
    return target


def in_place(programs: Mapping[str, pathlib.Path]) -> session.Files:
    """Samples as files for the guest."""
    return {f'/sample/{name}': (program.read_bytes(), 0o755) for name, program in programs.items()}


def with_libraries(program: str) -> session.Files:
    """A program and what the loader needs to run it, as files for the guest."""
    path = shutil.which(program)
    if not path:
        refuse(f'no {program}: "make doctor" says how to get it')
    return {name: (file.read_bytes(), 0o755) for name, file in carried.program_files(pathlib.Path(path)).items()}


def counted(said: str, calls: str) -> tuple[str | None, dict[str, int]]:
    """(how the sample reset, {call: number}) from what it says and what strace says."""
    match = re.search(r'^(autoreset|read): \d+ wake-ups', said, re.M)
    numbers = {name: int(number) for number, name in re.findall(r'^\s*(\d+)\s+(\w+)$', calls, re.M)}
    return (match.group(1) if match else None), {name: numbers.get(name, 0) for name in ('poll', 'read')}


def wrong_with(how: str, said: str, calls: str) -> str:
    """What is not as it should be in a run, or nothing."""
    found, numbers = counted(said, calls)
    if found != how:
        return f'expected a run with "{how}", and it said: {said.strip()}'
    if numbers != EXPECTED[how]:
        return f'{numbers} calls, and not {EXPECTED[how]}'
    return ''


def here(program: pathlib.Path) -> str:
    """What is wrong with a run on this kernel."""
    done = subprocess.run([program, str(ROUNDS)], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        return f'exit status {done.returncode}: {done.stderr.strip()}'
    if not re.fullmatch(rf'(autoreset|read): {ROUNDS} wake-ups, {ROUNDS + 1} calls of poll, (0|{ROUNDS}) of read\n',
                        done.stdout):
        return f'it said: {done.stdout.strip()}'
    return ''


def in_guest(options: Options, built: session.Built, programs: Mapping[str, pathlib.Path]) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of the two runs of the loop in a booted kernel, and of each trap."""
    base = f'/kselftest/{SUITE}'
    files: session.Files = {
        f'{base}/{PROGRAM}': (SCRIPT, 0o755),
        **in_place(programs), '/kselftest/kselftest-list.txt': (f'{SUITE}:{PROGRAM}\n', 0o644), **with_libraries('strace')}
    outcome, result = session.run_guest(options, built.image, built.initrd, built.objects, [PROGRAM], name='samples',
                                        files=files)
    pooled = next((line.partition('pool: ')[2] for _, line in outcome.report if 'pool: ' in line), 'it said nothing')
    reasons = [reason for reason in result.reasons if POOL in reason]
    yield f'thread-pool: {pooled}', '; '.join(reasons) if re.match('{0} workers, {1} posts, {1} reports'.format(*POOLED.split()), pooled) \
        else 'one worker is to be told of each post'
    traps = [test.name.removeprefix('trap ') for one in result.programs for test in one.tests if test.name.startswith('trap ')]
    for name in traps:
        yield f'traps: {name}, sprung and cured', next((reason for reason in result.reasons if reason.endswith(f'trap {name} failed')), '')
    if not traps:
        yield 'traps', 'none was tried'
    if any('trap ' not in reason and POOL not in reason for reason in result.reasons):
        raise Broken(f'the boot with the sample: {result.reasons[0]}; the console is {outcome.console}')
    lines = [line.lstrip('# ') for _, line in outcome.report]
    runs: list[tuple[str, str]] = []
    said = calls = ''
    for line in lines:
        if re.match(r'ok \d+ (?:event-loop|thread-pool|trap)', line):
            runs.append((said, calls))
            said = calls = ''
        elif line.startswith('said: '):
            said += line.removeprefix('said: ') + '\n'
        elif line.startswith('calls: '):
            calls += line.removeprefix('calls: ') + '\n'
    runs.append((said, calls))
    # What a run says comes after its result line.
    wanted = ((LOOP, 'autoreset'), (LOOP, 'read'), (CXX, 'autoreset'))
    runs = runs[1:1 + len(wanted)]
    for (name, how), (said, calls) in zip(wanted, runs):
        _, numbers = counted(said, calls)
        yield f'{name}, {how}, {ROUNDS} wake-ups: {numbers["poll"]} poll, {numbers["read"]} read', wrong_with(how, said, calls)
    if len(runs) != len(wanted):
        yield 'the loops in the guest', f'{len(runs)} runs reported in place of {len(wanted)}'


def results(options: Options) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each run."""
    built = session.build(options)
    programs = {name: build(options, name) for name in ALL}
    for name in (LOOP, CXX):
        yield f'{name} on this kernel', here(programs[name])
    if not options.arch.native:
        return      # strace and its libraries are those of this machine
    yield from in_guest(options, built, programs)


def check_sample(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'scripts/eventfd samples')
    theirs.need_ours(options, 'scripts/eventfd samples')
    processes.lock()
    _, wrong = tell(results(options))
    return 1 if wrong else 0


COMMANDS = (Command('samples', 'samples/eventfd here and in a booted kernel, its calls counted', check_sample),)
