# SPDX-License-Identifier: GPL-2.0
"""Build samples/eventfd, run it here and in the booted kernel, and count the calls that it makes.

Here the sample uses what the running kernel has; in the guest it has EFD_AUTORESET, and strace, which
is put there with its libraries, counts its calls of poll and read.

Exit status: 0 if the sample works and makes the calls that it should, 1 if not.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator

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
FLAGS = ('-Wall', '-Wextra', '-Werror', '-Wmissing-prototypes', '-Wstrict-prototypes', '-O2', '-std=gnu11', '-pthread')
TRACE = '-f -c -U calls,name -e trace=poll,read,write,futex'
# A poll for each wake-up and one more, and a read for each where there is no autoreset.
EXPECTED = {'autoreset': {'poll': ROUNDS + 1, 'read': 0}, 'read': {'poll': ROUNDS + 1, 'read': ROUNDS}}

SCRIPT = f'''#!/bin/sh
echo TAP version 13
echo 1..2
n=1
for flag in "" -r; do
	if strace -o /tmp/calls {TRACE} /sample/event-loop $flag {ROUNDS} >/tmp/said 2>&1; then
		echo "ok $n event-loop $flag"
	else
		echo "not ok $n event-loop $flag"
	fi
	sed "s/^/# said: /" /tmp/said
	sed "s/^/# calls: /" /tmp/calls
	n=$((n + 1))
done
'''


def build(options: Options) -> pathlib.Path:
    """The sample, static as the guest has no libraries."""
    target = options.work / 'event-loop'
    processes.run([f'{options.arch.cross}gcc', *FLAGS, '-static', '-o', target, ROOT / 'samples/eventfd/event-loop.c'],
                  options.work / 'samples.log', 'building samples/eventfd')
    return target


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


def in_guest(options: Options, built: session.Built, program: pathlib.Path) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of the two runs in a booted kernel."""
    base = f'/kselftest/{SUITE}'
    files: session.Files = {
        f'{base}/{PROGRAM}': (SCRIPT, 0o755), '/sample/event-loop': (program.read_bytes(), 0o755),
        '/kselftest/kselftest-list.txt': (f'{SUITE}:{PROGRAM}\n', 0o644), **with_libraries('strace')}
    outcome, result = session.run_guest(options, built.image, built.initrd, built.objects, [PROGRAM], name='samples',
                                        files=files)
    if result.reasons:
        raise Broken(f'the boot with the sample: {result.reasons[0]}; the console is {outcome.console}')
    lines = [line.lstrip('# ') for _, line in outcome.report]
    runs: list[tuple[str, str]] = []
    said = calls = ''
    for line in lines:
        if re.match(r'ok \d+ event-loop', line):
            runs.append((said, calls))
            said = calls = ''
        elif line.startswith('said: '):
            said += line.removeprefix('said: ') + '\n'
        elif line.startswith('calls: '):
            calls += line.removeprefix('calls: ') + '\n'
    runs.append((said, calls))
    # What a run says comes after its result line.
    runs = runs[1:]
    for how, (said, calls) in zip(('autoreset', 'read'), runs):
        _, numbers = counted(said, calls)
        yield f'event-loop, {how}, {ROUNDS} wake-ups: {numbers["poll"]} poll, {numbers["read"]} read', \
            wrong_with(how, said, calls)
    if len(runs) != 2:
        yield 'event-loop in the guest', f'{len(runs)} runs reported in place of 2'


def results(options: Options) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each run."""
    built = session.build(options)
    program = build(options)
    yield 'event-loop on this kernel', here(program)
    if not options.arch.native:
        return      # strace and its libraries are those of this machine
    yield from in_guest(options, built, program)


def check_sample(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'scripts/eventfd samples')
    theirs.need_ours(options, 'scripts/eventfd samples')
    processes.lock()
    _, wrong = tell(results(options))
    return 1 if wrong else 0


COMMANDS = (Command('samples', 'samples/eventfd here and in a booted kernel, its calls counted', check_sample),)
