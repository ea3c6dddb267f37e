# SPDX-License-Identifier: GPL-2.0
"""Run a program of yours in a booted kernel with our eventfd.

PROG is the command, as a shell would read it: make try PROG='./mine --flag'. The program, the libraries that
ldd names, a script's interpreter, and the files and folders named in WITH go into the guest, each to the same
path as here; it runs in the folder that the call was made in, as root, with nothing to read, no terminal and the
guest's own environment. Python wants its library, WITH=/usr/lib/python3.11. What it prints comes line by line as
it is made, and its exit status is that of the command (make itself makes a 2 of any). STRACE=1 shows its calls,
CPUS and MEM say how large the guest is, and S for how many seconds it may run.

Exit status: the program's; 1 if a step failed, or the guest ended without a word of the program; 2 for bad input;
3 if the kernel crashed or warned; 4 if the time was up. But for the program's own a last line says so.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
from collections.abc import Mapping
from typing import NamedTuple

from core import processes
from core.command import Command
from core.options import Options, need_programs_here, number_of
from core.report import Broken, refuse, say
from guest import carried, qemu, session, verdicts

# Of the guest's memory, in bytes: what its kernel and its usual files take; and how often it has each of ours at first.
FOR_ITSELF, COPIES = 300 << 20, 2.2
CRASHED, TIME_IS_UP = 3, 4


class Guest(NamedTuple):
    """What it is to be like."""
    cpus: int
    memory: str
    traced: bool

    @property
    def bytes(self) -> int:
        return int(self.memory[:-1]) << {'M': 20, 'G': 30}[self.memory[-1]]


def guest_of(asked: Mapping[str, str], cpus: int) -> Guest:
    memory, traced = asked.get('MEM', '1G'), asked.get('STRACE', '0')
    if not re.fullmatch(r'[1-9]\d*[MG]', memory):
        refuse(f'MEM={memory} is no size: it is the memory of the guest, 512M or 2G for example')
    here = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    if not FOR_ITSELF < Guest(1, memory, False).bytes <= here:
        refuse(f'MEM={memory} is too little or too much: a guest takes more than {FOR_ITSELF >> 20}M, '
               f'and this machine has {here >> 20}M')
    if traced not in ('0', '1'):
        refuse(f'STRACE={traced} is not known: use STRACE=1, or leave it out')
    return Guest(number_of(asked, 'CPUS', cpus, 1, 64, 'how many processors the guest has'), memory, traced == '1')


def words_of(options: Options, name: str) -> list[str]:
    """What a shell would make of an option's value."""
    try:
        return shlex.split(options.asked.get(name, ''))
    except ValueError as error:
        refuse(f'{name}={options.asked[name]} is no command and no list of words ({error})')


def found(word: str) -> pathlib.Path:
    """The program that a shell would run for a word; absolute, as a guest has another working folder at first."""
    path = shutil.which(word)
    if not path:
        refuse(f'PROG={word}: there is no such program: name one that can be executed here')
    return pathlib.Path(os.path.abspath(path))


def tracer() -> pathlib.Path:
    path = shutil.which('strace')
    if not path:
        refuse('STRACE=1 needs strace, and it is not installed here: it is in the package strace')
    return pathlib.Path(path)


def files_for(words: list[str], more: list[str], traced: bool) -> dict[str, pathlib.Path]:
    """All that the guest gets: {where: here}."""
    files = carried.program_files(found(words[0]))
    if traced:
        files |= carried.program_files(tracer())
    for name in more:
        path = pathlib.Path(os.path.abspath(name))
        if not path.exists():
            refuse(f'WITH={name}: there is no such file or folder')
        files |= carried.folder_files(path) if path.is_dir() else {str(path): path}
    return files


def script(words: list[str], traced: bool) -> str:
    """What the guest's init runs. A strace since 7 has colours for a terminal; the program is not told what it is told."""
    trace = ['strace', '-f', '-E', 'NO_COLOR'] if traced else []
    command = shlex.join([*trace, str(found(words[0])), *words[1:]])
    # What an "env" in a script's first line looks for need not be where the guest's own programs are.
    folders = {str(pathlib.Path(path).parent) for path in map(shutil.which, carried.called_by(found(words[0]))) if path}
    here = shlex.quote(os.getcwd())
    return (f'export PATH=$PATH:{shlex.quote(":".join(sorted(folders)))}\n'
            f'mkdir -p {here} && cd {here} || exit 127\n{"NO_COLOR=1 " if traced else ""}exec {command}\n')


def try_program(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make try')
    words, more = (words_of(options, name) for name in ('PROG', 'WITH'))
    if not words:
        refuse("make try needs PROG='COMMAND', for example PROG='./mine --flag'")
    guest = guest_of(options.asked, options.cpus)
    files = files_for(words, more, guest.traced)
    carried.check(files, (guest.bytes - FOR_ITSELF) / COPIES, guest.memory)
    qemu.accelerator(options)
    processes.lock()
    image, initrd, objects, _ = session.build(options)
    overlay = carried.archive(objects, script(words, guest.traced), files, options.work / 'overlay-try.cpio')

    def on_line(line: str) -> bool:
        if not line.startswith('harness: '):
            say(line)
        return False

    long = options.seconds + qemu.Limits.boot
    limits = qemu.Limits(silent=long, suite=long, running=options.seconds)
    outcome = qemu.boot(options, image, initrd, 'try', overlay=overlay, on_line=on_line, limits=limits,
                        memory=guest.memory, cpus=guest.cpus)
    complaints = verdicts.complaints(outcome.console)
    if complaints:
        say(f'the kernel crashed or warned: {complaints[0]}; the console is {outcome.console}')
        return CRASHED
    status = carried.status_of(outcome.console)
    if outcome.ended and not outcome.report:
        say(f'the time was up: the kernel did not come up in {limits.boot} s, and S= is not about those: look at what it says '
            f'in {outcome.console}, and try again while this machine has less to do')
        return TIME_IS_UP
    if outcome.ended:
        say(f'the time was up: {outcome.ended.replace("the suite", "the program")}; S=SECONDS gives it more')
        return TIME_IS_UP
    if status is None:
        errors = outcome.console.with_suffix('.qemu').read_text(errors='replace').strip().partition('\n')[0]
        raise Broken(f'the guest ended without a word of the program{f" ({errors})" if errors else ""}: it may need more '
                     f'memory, MEM=2G for example; the console is {outcome.console}')
    return status


COMMANDS = (Command('try', "your program in the booted kernel: PROG='./mine --flag'", try_program),)
