# SPDX-License-Identifier: GPL-2.0
"""The real programs that "make programs" builds: how each is built, what of it is counted, and which of its tests run."""
import hashlib
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from core import processes
from core.options import Options
from core.places import write_if_changed
from core.report import Progress
from guest import kernels
from source import debian, programs

FLAGS = ('-O2', '-Wall', '-Wextra', '-Werror')
# Compiles a counter; what it needs of its program follows.
COUNTER = ('gcc', *FLAGS, '-pthread', '-o', '{build}/count', '{ours}/count.c')


class Case(NamedTuple):
    """A row of the table: something that happens again and again."""
    argument: str       # of the counter
    what: str           # is done, for the table
    reads: float        # of an eventfd each time, in the program as it is
    calls: float        # with the flag: at most so much of the system calls without
    instructions: float
    left: float = 0     # of the reads, with the flag


class Program(NamedTuple):
    """A program, and what there is to know of it.

    "{source}" and "{build}" stand for the two folders of its state, "{ours}" for what we have of it in scripts/programs.
    """
    name: str
    package: str                            # Debian's, which has its source
    suite: str                              # Debian's release that has it
    configure: tuple[tuple[str, ...], ...]  # called in {build}, one after the other
    make: tuple[str, ...]
    add: tuple[tuple[str, ...], ...]        # and then these, which make {build}/count
    cases: tuple[Case, ...]
    tests: Mapping[str, str]                # what they are called, and the command; run in an empty folder
    tools: tuple[str, ...] = ()             # packages of the same release with what builds it, written in Python
    carried: tuple[str, ...] = ()           # into the guest, beside what the commands name
    # How many events under strace, and how many are counted: what is the same in both numbers, as a program's start, cancels
    # out. A tick of the clock more or less, some thousand instructions, has to be nothing beside so many.
    traced: tuple[int, int] = (100, 300)
    counted: tuple[int, int] = (1000, 21000)
    strays: int = 0                         # among those traced: reads of an eventfd that are no event's, more or less

    def words(self, command: tuple[str, ...], folder: pathlib.Path) -> list[str]:
        return [word.format(source=folder / 'source', build=folder / 'build', ours=programs.PROGRAMS / self.name)
                for word in command]


GLIB = Program(
    'glib', 'glib2.0', 'bookworm',
    (('meson', 'setup', '{build}', '{source}', '--wrap-mode=nodownload', '--buildtype=debugoptimized', '-Dlibmount=disabled',
      '-Dselinux=disabled', '-Dxattr=false', '-Dnls=disabled', '-Dlibelf=disabled', '-Ddefault_library=shared'),),
    ('ninja', '-C', '{build}', *(f'glib/tests/{name}' for name in ('gwakeup', 'gwakeup-fallback', 'mainloop', 'timeout', 'unix'))),
    ((*COUNTER, '-I{source}', '-I{source}/glib', '-I{build}', '-I{build}/glib', '-L{build}/glib', '-Wl,-rpath,{build}/glib',
      '-lglib-2.0'),),
    (Case('thread', 'a main loop that another thread wakes', 1, 0.9, 0.97),
     Case('own', 'the same from its own thread', 0, 1, 1.01)),
    {name: f'{{build}}/glib/tests/{name}' for name in ('gwakeup', 'gwakeup-fallback', 'mainloop', 'timeout', 'unix')})

# What of GLib's waits, or wakes what waits. Nothing is changed here, and so it has a build of its own.
GLIB_TESTS = {
    'glib': ('asyncqueue', 'cond', 'gwakeup', 'gwakeup-fallback', 'mainloop', 'spawn-multithreaded', 'spawn-singlethread', 'thread',
             'thread-pool', 'timeout', 'unix'),
    'gio': ('async-splice-output-stream', 'cancellable', 'contexts', 'converter-stream', 'pollable', 'simple-async-result',
            'sleepy-stream', 'socket', 'socket-listener', 'socket-service', 'task', 'unix-fd', 'unix-streams')}
GLIB_AS_IT_IS = GLIB._replace(
    name='glib-as-it-is', add=(), cases=(),
    make=('ninja', '-C', '{build}', *(f'{part}/tests/{name}' for part, names in GLIB_TESTS.items() for name in names),
          'glib/tests/test-spawn-echo'),
    carried=('{build}/glib/tests/test-spawn-echo', '{source}/glib/tests/echo-script', '{source}/gio/tests/contexts.c'),
    tests={f'{part}: {name}': f'G_TEST_SRCDIR={{source}}/{part}/tests G_TEST_BUILDDIR={{build}}/{part}/tests GIO_MODULE_DIR= '
                              f'{{build}}/{part}/tests/{name}' for part, names in GLIB_TESTS.items() for name in names})

# What of libevent's needs no INET, which the kernel for the figures has not: the loop, its threads, signals and edges.
REGRESS = ('main/..', 'thread/..', 'signal/..', 'et/..', ':main/many_events', ':main/many_events_slow_add')
LIBEVENT = Program(
    'libevent', 'libevent', 'bookworm',
    (('{source}/configure', '--disable-shared', '--disable-openssl', '--disable-samples'),),
    # What these would make is there. Whether it is older than what it is made from, unpacking has decided.
    ('make', '-C', '{build}', 'AUTOCONF=:', 'AUTOMAKE=:', 'ACLOCAL=:', 'AUTOHEADER=:'),
    ((*COUNTER, '-I{source}/include', '-I{build}/include', '{build}/.libs/libevent_core.a', '{build}/.libs/libevent_pthreads.a'),),
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
    (('cmake', '-S', '{source}', '-B', '{build}', '-DBUILD_TESTING=ON'),),
    ('make', '-C', '{build}', 'uv_run_tests_a'), (), (),
    {'uv_run_tests': '-C {source} UV_RUN_AS_ROOT=1 UV_TEST_TIMEOUT_MULTIPLIER=10 {build}/uv_run_tests_a'})

# A machine with a virtio-blk disk in an IOThread, whose guest does nothing but read; in nested KVM.
QEMU_TESTS = ('test-aio', 'test-aio-multithread', 'test-block-iothread', 'test-bdrv-drain', 'test-thread-pool')
# It waits for ever where it is slow, as QEMU no longer looks at memory then.
NESTED = 'test-nested-aio-poll'
QEMU = Program(
    'qemu', 'qemu', 'trixie',
    # The least that a PC with a virtio-blk disk and a serial line is made of.
    (('sh', '-c', 'printf "CONFIG_%s=y\\n" I440FX SERIAL_ISA VIRTIO_BLK VIRTIO_PCI'
                  ' >{source}/configs/devices/x86_64-softmmu/eventfd.mak'),
     ('{source}/configure', '--python=/usr/bin/python3', '--disable-download', '--disable-install-blobs', '--disable-werror',
      '--target-list=x86_64-softmmu', '--with-devices-x86_64=eventfd', '--without-default-features', '--without-default-devices',
      '--enable-kvm', '--disable-tcg', '--enable-system', '--enable-tools', '--enable-coroutine-pool', '--enable-linux-aio',
      '--enable-linux-io-uring', '--disable-fdt', '--disable-debug-info', '--disable-docs', '--disable-pie',
      '--extra-ldflags=-no-pie')),
    ('ninja', '-C', '{build}', 'qemu-system-x86_64', *(f'tests/unit/{name}' for name in (*QEMU_TESTS, NESTED))),
    (('gcc', *FLAGS, '-Wno-main', '-m64', '-ffreestanding', '-fno-pic', '-mno-red-zone', '-mno-sse', '-fno-stack-protector',
      '-fcf-protection=none', '-fno-asynchronous-unwind-tables', '-nostdlib', '-static', '-no-pie', '-Wl,-T,{ours}/guest/guest.ld',
      '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments', '-o', '{build}/guest.elf', '{ours}/guest/start.S', '{ours}/guest/guest.c'),
     ('cp', *(f'{{ours}}/{name}' for name in ('machine.sh', 'count', 'stress', 'starts', 'again')), '{build}')),
    (Case('null', 'an IOThread that polls, a disk that answers at once', 1, 0.7, 0.99),
     Case('threads', 'the same, a file and threads', 2, 0.82, 0.99),
     Case('native', 'the same, a file and aio', 1.5, 0.82, 0.99, left=0.5),
     # Under strace it is too slow for what it waits for, and polls like the first.
     Case('polling', 'the first, looking at memory before it waits', 1, 0.7, 1.01),
     Case('deep', 'the first, eight reads at a time', 0.125, 0.95, 1.01)),
    {**{name: f'{{build}}/tests/unit/{name} --tap -k' for name in QEMU_TESTS},
     NESTED: f'{{build}}/again {{build}}/tests/unit/{NESTED} --tap -k',
     **{name: f'{{build}}/{name}' for name in ('stress', 'starts')}},
    ('meson',),
    ('{build}/qemu-system-x86_64', '{build}/machine.sh', '{build}/guest.elf', '{build}/count', '/usr/share/seabios/bios-256k.bin',
     '/usr/share/qemu/kvmvapic.bin', '/usr/share/qemu/pvh.bin'),
    (100, 1100), (300, 6300), strays=3)

PROGRAMS = {program.name: program for program in (GLIB, LIBEVENT, QEMU)}


def tools(program: Program) -> dict[str, str]:
    """The environment with what builds it: other releases than the one that runs here may need newer ones."""
    if not program.tools:
        return processes.environment(CC='gcc')
    folder = debian.DOWNLOADS / f'tools-{program.name}'
    if not folder.exists():
        debian.unpack(program.tools, debian.apart('stable', program.suite), folder)
    return processes.environment(CC='gcc', PYTHONPATH=str(folder / 'usr/lib/python3/dist-packages'))


def build(options: Options, program: Program, state: str) -> pathlib.Path:
    """The program in one state, with its tests and what counts it; the folder of both."""
    ours = programs.PROGRAMS / program.name
    code = ''.join(path.read_text() for path in sorted(ours.rglob('*'))
                   if path.is_file() and path not in programs.patches(program.name))
    folder = programs.tree(program.name, program.package, program.suite, state, f'{program.configure} {program.make}')
    inside = folder / 'build'
    env = tools(program)
    made, added = folder / '.made', folder / '.added'
    progress = Progress(f'building {program.name}, {state}', options.terminal)
    if not made.exists():
        for command in program.configure:
            processes.run(program.words(command, folder), folder / 'configure.log', f'configuring {program.name}', cwd=inside, env=env)
        processes.run([*program.words(program.make, folder), kernels.jobs()], folder / 'build.log', f'building {program.name}',
                      cwd=inside, env=env, on_line=lambda line: progress.update(line.strip()[:60]))
        made.touch()
    # What is ours changes more often, and takes no time.
    wanted = hashlib.sha256(f'{program.add} {code}'.encode()).hexdigest()
    if not added.exists() or added.read_text() != wanted:
        for command in program.add:
            processes.run(program.words(command, folder), folder / 'add.log', f'building what counts {program.name}', env=env)
        write_if_changed(added, wanted)
    progress.done('done')
    return folder
