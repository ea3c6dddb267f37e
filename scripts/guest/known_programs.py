# SPDX-License-Identifier: GPL-2.0
"""The real programs that "make programs" builds: how each is built, what of it is counted, and which of its tests run."""
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from core import processes
from core.options import Options
from core.report import Progress
from guest import kernels
from source import programs

# What a counter is compiled with, beside what it needs of its program.
FLAGS = ('-O2', '-Wall', '-Wextra', '-Werror', '-pthread')


class Case(NamedTuple):
    """A row of the table: something that happens again and again."""
    argument: str       # of the counter
    what: str           # is done, for the table
    reads: int          # of an eventfd each time, in the program as it is
    calls: float        # with the flag: at most so much of the system calls without
    instructions: float


class Program(NamedTuple):
    """A program, and what there is to know of it. "{source}" and "{build}" stand for the two folders of its state."""
    name: str
    package: str                    # Debian's, which has its source
    suite: str                      # Debian's release that has it
    configure: tuple[str, ...]      # called in {build}
    make: tuple[str, ...]
    link: tuple[str, ...]           # what the counter needs of it
    cases: tuple[Case, ...]
    tests: Mapping[str, str]        # of its own: what they are called, and the command; run in an empty folder

    def words(self, command: tuple[str, ...], folder: pathlib.Path) -> list[str]:
        return [word.format(source=folder / 'source', build=folder / 'build') for word in command]


GLIB = Program(
    'glib', 'glib2.0', 'bookworm',
    ('meson', 'setup', '{build}', '{source}', '--wrap-mode=nodownload', '--buildtype=debugoptimized', '-Dlibmount=disabled',
     '-Dselinux=disabled', '-Dxattr=false', '-Dnls=disabled', '-Dlibelf=disabled', '-Ddefault_library=shared'),
    ('ninja', '-C', '{build}', *(f'glib/tests/{name}' for name in ('gwakeup', 'gwakeup-fallback', 'mainloop', 'timeout', 'unix'))),
    ('-I{source}', '-I{source}/glib', '-I{build}', '-I{build}/glib', '-L{build}/glib', '-Wl,-rpath,{build}/glib', '-lglib-2.0'),
    (Case('thread', 'a main loop that another thread wakes', 1, 0.9, 0.97),
     Case('own', 'the same from its own thread', 0, 1, 1.01)),
    {name: f'{{build}}/glib/tests/{name}' for name in ('gwakeup', 'gwakeup-fallback', 'mainloop', 'timeout', 'unix')})

# What of libevent's needs no INET, which the kernel for the figures has not: the loop, its threads, signals and edges.
REGRESS = ('main/..', 'thread/..', 'signal/..', 'et/..', ':main/many_events', ':main/many_events_slow_add')
LIBEVENT = Program(
    'libevent', 'libevent', 'bookworm',
    ('{source}/configure', '--disable-shared', '--disable-openssl', '--disable-samples'),
    # What these would make is there. Whether it is older than what it is made from, unpacking has decided.
    ('make', '-C', '{build}', 'AUTOCONF=:', 'AUTOMAKE=:', 'ACLOCAL=:', 'AUTOHEADER=:'),
    ('-I{source}/include', '-I{build}/include', '{build}/.libs/libevent_core.a', '{build}/.libs/libevent_pthreads.a'),
    (Case('epoll', 'a base that another thread wakes from epoll', 1, 0.9, 0.92),
     Case('poll', 'from poll', 1, 0.9, 0.96),
     Case('select', 'from select', 1, 0.9, 0.96),
     Case('own', 'the same from its own thread', 0, 1, 1.01)),
    {f'regress, {method}': ' '.join(
        [*(f'EVENT_NO{other.upper()}=1' for other in ('epoll', 'poll', 'select') if other != method), '{build}/test/regress',
         *REGRESS]) for method in ('epoll', 'poll', 'select')})

# Of this one nothing is counted: its loop polls edge-triggered, and does not read.
LIBUV = Program(
    'libuv', 'libuv1', 'bookworm',
    ('cmake', '-S', '{source}', '-B', '{build}', '-DBUILD_TESTING=ON'),
    ('make', '-C', '{build}', 'uv_run_tests_a'), (), (),
    {'uv_run_tests': '-C {source} UV_RUN_AS_ROOT=1 UV_TEST_TIMEOUT_MULTIPLIER=10 {build}/uv_run_tests_a'})

PROGRAMS = {program.name: program for program in (GLIB, LIBEVENT)}


def build(options: Options, program: Program, state: str) -> pathlib.Path:
    """The program in one state, with its tests and the counter beside them; the folder of both."""
    counter = programs.PROGRAMS / program.name / 'count.c'
    code = counter.read_text() if program.cases else ''
    folder = programs.tree(program.name, program.package, program.suite, state,
                           f'{program.configure} {program.make} {program.link} {code}')
    done = folder / '.built'
    progress = Progress(f'building {program.name}, {state}', options.terminal)
    if done.exists():
        progress.done('nothing to do')
        return folder
    env = processes.environment(CC='gcc')
    log = folder / 'build.log'
    inside = folder / 'build'
    processes.run(program.words(program.configure, folder), folder / 'configure.log', f'configuring {program.name}', cwd=inside,
                  env=env)
    processes.run([*program.words(program.make, folder), kernels.jobs()], log, f'building {program.name}', cwd=inside, env=env,
                  on_line=lambda line: progress.update(line.strip()[:60]))
    if code:
        processes.run(['gcc', *FLAGS, '-o', inside / 'count', counter, *program.words(program.link, folder)],
                      folder / 'count.log', f'building the counter of {program.name}', env=env)
    done.touch()
    progress.done('done')
    return folder
