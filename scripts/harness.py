# SPDX-License-Identifier: GPL-2.0
"""What the scripts of the harness share: where things lie, what was asked for, how to refuse.

Not called by itself. Each script reads its options from the environment, which the Makefile fills
from its command line: KERNEL, KDIR, ARCH, ACCEL, ROUNDS, T, N, and the switches of FLAVOURS.
"""
import atexit
import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get('BUILD') or ROOT / 'build').resolve()
SUITE = 'filesystems/eventfd'
OLDEST = (6, 12)
CCACHE = '/usr/lib/ccache'


class Refusal(Exception):
    """Bad input or a machine that lacks something: one line that says what is wrong and what to do."""


class Broken(Exception):
    """A step failed: one line, and the log that has the rest."""


class Ended(KeyboardInterrupt):
    """A signal that ends the script; like an interrupt it passes through all that catches errors."""


def refuse(text):
    raise Refusal(text)


def say(text=''):
    print(text, flush=True)


def tell(results):
    """A line for each check, (name, what is wrong) or (name, ''); how many passed, and how many failed."""
    passed = failed = 0
    for name, complaint in results:
        say(f'{"not ok" if complaint else "ok"}  {name}{f": {complaint}" if complaint else ""}')
        passed, failed = passed + (not complaint), failed + bool(complaint)
    return passed, failed


def main(function):
    """Run a script: 0 or what it returns, 1 for a failed step, 2 for bad input, 130 for an interrupt."""
    def end(number, _):
        raise Ended(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    try:
        sys.exit(function())
    except Refusal as error:
        say(f'error: {error}')
        sys.exit(2)
    except Broken as error:
        say(f'failed: {error}')
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        say(f'error: the disk of {BUILD} is full: make room and run this again, or put the build elsewhere with BUILD=DIR')
        sys.exit(2)
    except Ended as error:
        sys.exit(error.args[0])
    except KeyboardInterrupt:
        say('interrupted: the next run goes on from here')
        sys.exit(130)


@dataclasses.dataclass(frozen=True)
class Board:
    """A machine of QEMU's: what the kernel on it calls its two ports, and the devices behind them."""
    name: str
    console: str            # a tty of the kernel's
    report: str
    devices: dict           # QEMU's options for each of the two; its chardev has the port's name
    off: str = 'poweroff'   # what a guest ends with: reboot, where it cannot be powered off


PC = Board('pc', 'ttyS0', 'ttyS1', {'console': ('-device', 'isa-serial,chardev=console'),
                                    'report': ('-device', 'isa-serial,chardev=report')}, off='reboot')
VIRT = Board('virt', 'ttyAMA0', 'hvc0', {
    'console': ('-serial', 'chardev:console'),      # part of the board
    'report': ('-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=report')})
# The board's own consoles keep what they are given for some ticks, and the last words of a guest are lost.
CCW = Board('s390-ccw-virtio', 'hvc0', 'hvc1', {
    'console': ('-device', 'virtio-serial-ccw', '-device', 'virtconsole,chardev=console'),
    'report': ('-device', 'virtconsole,chardev=report')})


@dataclasses.dataclass(frozen=True)
class Arch:
    """What differs between the machines that the harness can build for."""
    name: str
    kernel: str             # ARCH= of the kernel's build
    image: str              # what QEMU boots, below the build directory
    board: Board
    qemu: str
    cpu: str                # what TCG emulates
    prefix: str             # of the compilers
    debian: str             # Debian's name of it
    libraries: str          # Debian's folder for them
    user: str = ''          # runs its programs where the processor here cannot

    @property
    def native(self):
        return self.name == os.uname().machine

    @property
    def cross(self):
        return '' if self.native else self.prefix

    @property
    def runner(self):
        """What a program of this machine has to be called with here."""
        return [] if self.native or not self.user else [self.user]


ARCHES = {arch.name: arch for arch in (
    # TCG takes a string instruction byte by byte, and a kernel that is told to clears its pages with it.
    Arch('x86_64', 'x86_64', 'arch/x86/boot/bzImage', PC, 'qemu-system-x86_64', 'max,-erms,-fsrm',
         'x86_64-linux-gnu-', 'amd64', 'usr/lib/x86_64-linux-gnu'),
    # As AMD's it would be a K7, which had no SMP.
    Arch('i386', 'i386', 'arch/x86/boot/bzImage', PC, 'qemu-system-i386', 'max,vendor=GenuineIntel',
         'i686-linux-gnu-', 'i386', 'usr/lib/i386-linux-gnu'),
    Arch('arm64', 'arm64', 'arch/arm64/boot/Image', VIRT, 'qemu-system-aarch64', 'max,pauth-impdef=on',
         'aarch64-linux-gnu-', 'arm64', 'usr/lib/aarch64-linux-gnu', user='qemu-aarch64'),
    Arch('s390x', 's390', 'arch/s390/boot/bzImage', CCW, 'qemu-system-s390x', 'max',
         's390x-linux-gnu-', 's390x', 'usr/lib/s390x-linux-gnu', user='qemu-s390x'),
)}


@dataclasses.dataclass(frozen=True)
class Flavour:
    """A kernel that is built otherwise than the plain one."""
    name: str               # an attribute of Options, and part of the build directory's name
    switch: str             # what asks for it on make's command line; '' if only a script can
    fragments: tuple        # of the configuration
    variables: tuple = ()   # for the kernel's makefiles
    excludes: dict = dataclasses.field(default_factory=dict)    # {another option: why not with that}


FLAVOURS = (
    Flavour('debug', 'DEBUG=1', ('debug', 'faults'), excludes={'ARCH=i386': 'the kernel has KASAN for 64 bits alone'}),
    # fs/eventfd.c alone is looked at, and io_uring's file of that name: races elsewhere are not for us to judge. Its
    # locks are dropped in spinlock.o, and that they are is what orders its accesses.
    Flavour('kcsan', 'KCSAN=1', ('kcsan',),
            ('KCSAN_SANITIZE=n', 'KCSAN_SANITIZE_eventfd.o=y', 'KCSAN_INSTRUMENT_BARRIERS_spinlock.o=y'),
            {'DEBUG=1': 'a kernel has KASAN or KCSAN', 'SMP=0': 'one processor has nobody to race with',
             'ARCH=i386': 'the kernel has KCSAN for 64 bits alone'}),
    Flavour('faults', 'FAULTS=1', ('faults',)),
    # make coverage. What the optimiser joins or splits counts as one, or twice.
    Flavour('coverage', '', ('faults', 'coverage'), ('GCOV_PROFILE_eventfd.o=y', 'CFLAGS_eventfd.o=-O1 -fno-inline')),
    Flavour('preempt', 'PREEMPT=1', ('preempt',)),
    Flavour('up', 'SMP=0', ('up',)),
)
SWITCHES = tuple(flavour.switch.partition('=')[0] for flavour in FLAVOURS if flavour.switch)


class Options:
    """What was asked for, checked."""

    def __init__(self, env=os.environ):
        self.kdir = env.get('KDIR') or None
        self.kernel = env.get('KERNEL') or '6.12'
        self.pattern = env.get('T') or None
        self.accel = env.get('ACCEL') or None
        for flavour in FLAVOURS:
            name, _, on = flavour.switch.partition('=')
            if env.get(name, '') not in ('', '0', '1'):
                refuse(f'{name}={env[name]} is not known: use {flavour.switch}, or leave it out')
            setattr(self, flavour.name, bool(name) and env.get(name) == on)
        rounds = env.get('ROUNDS') or '0'
        if not rounds.isdigit():
            refuse(f'ROUNDS={rounds} is no number: it says how often the tests of races try, 2000 for example')
        self.rounds = int(rounds)
        boots = env.get('N') or '20'
        if not re.fullmatch(r'[1-9]\d{0,3}', boots):
            refuse(f'N={boots} is no number of boots: it says how often make soak boots, 1 to 9999')
        self.boots = int(boots)
        if self.kdir and env.get('KERNEL'):
            refuse('KERNEL and KDIR exclude each other: name the one kernel to use')
        if not re.fullmatch(r'\d+\.\d+', self.kernel):
            refuse(f'KERNEL={self.kernel} is no version: write KERNEL=6.12 or KERNEL=7.3')
        if version_of(self.kernel) < OLDEST:
            refuse(f'KERNEL={self.kernel} is too old: 6.12 is the oldest that fs/eventfd.c fits')
        name = env.get('ARCH') or 'x86_64'
        if name not in ARCHES:
            refuse(f'ARCH={name} is not known here: use one of {", ".join(ARCHES)}')
        self.arch = ARCHES[name]
        if self.accel not in (None, 'tcg', 'kvm'):
            refuse(f'ACCEL={self.accel} is not known: use tcg or kvm, or leave it out')
        for flavour in self.flavours:
            for other, why in flavour.excludes.items():
                if env.get(other.partition('=')[0]) == other.partition('=')[2]:
                    refuse(f'{flavour.switch} and {other} exclude each other: {why}')
        self.terminal = sys.stdout.isatty()

    @property
    def flavours(self):
        """What is special about the kernel. What comes with another one is not named twice."""
        chosen = [flavour for flavour in FLAVOURS if getattr(self, flavour.name)]
        return [one for one in chosen if not any(set(one.fragments) < set(other.fragments) for other in chosen)]

    @property
    def fragments(self):
        """Of the configuration, beside those of every kernel."""
        return [name for flavour in self.flavours for name in flavour.fragments]

    @property
    def variables(self):
        """For the kernel's makefiles."""
        return [variable for flavour in self.flavours for variable in flavour.variables]

    @property
    def cpus(self):
        """Of the guest."""
        return 1 if self.up else 2

    @property
    def label(self):
        """Names the build directory: one for each kernel, machine and flavour."""
        if self.kdir:
            path = str(pathlib.Path(self.kdir).resolve())
            tree = f'{pathlib.Path(path).name}-{hashlib.sha256(path.encode()).hexdigest()[:8]}'
        else:
            tree = self.kernel
        return '-'.join((tree, self.arch.name, *(flavour.name for flavour in self.flavours)))

    @property
    def work(self):
        return BUILD / self.label


def need_programs_here(options, what):
    """Refuse a machine whose programs are of no use to what runs some of them on this one."""
    if options.arch.runner:
        known = ', '.join(arch.name for arch in ARCHES.values() if not arch.user)
        refuse(f'{what} is not for ARCH={options.arch.name}, only for {known}: make run and make test are for all')


def version_of(text):
    return tuple(int(part) for part in text.split('.')[:2])


def tree_version(tree):
    """(major, minor, 'a.b.c') of a kernel tree, or None if it is none."""
    try:
        text = (tree / 'Makefile').read_text(errors='replace')
    except OSError:
        return None
    field = {key: re.search(rf'^{key}\s*=[ \t]*(\S*)', text, re.M)
             for key in ('VERSION', 'PATCHLEVEL', 'SUBLEVEL', 'EXTRAVERSION')}
    if not all(field.values()) or not (tree / 'Kbuild').exists():
        return None
    value = {key: match.group(1) for key, match in field.items()}
    try:
        pair = int(value['VERSION']), int(value['PATCHLEVEL'])
    except ValueError:
        return None
    return (*pair, f'{pair[0]}.{pair[1]}.{value["SUBLEVEL"]}{value["EXTRAVERSION"]}')


def need_disk(path, gigabytes):
    """Refuse before a step that would fill the disk."""
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free / 1e9
    if free < gigabytes:
        refuse(f'{path} has {free:.1f} GB free and this needs {gigabytes:.1f}: '
               f'make room, or put the build elsewhere with BUILD=DIR')


def write_if_changed(path, data):
    """Leave a file alone that is as it should be, so that make does not build it again."""
    if isinstance(data, str):
        data = data.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Never through a hard link: the other name may be somebody's own tree.
    fresh = path.with_name(path.name + '.new')
    fresh.write_bytes(data)
    os.replace(fresh, path)
    return True


def lock():
    """One run at a time in one build directory; a second one waits."""
    if os.environ.get('HARNESS_LOCK') == str(BUILD):
        return
    try:
        BUILD.mkdir(parents=True, exist_ok=True)
        handle = open(BUILD / 'lock', 'w', encoding='ascii')
    except OSError as error:
        refuse(f'{BUILD} cannot be written to ({error.strerror}): put the build elsewhere with BUILD=DIR')
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f'another run is using {BUILD}: waiting for it')
        fcntl.flock(handle, fcntl.LOCK_EX)
    os.environ['HARNESS_LOCK'] = str(BUILD)
    lock.handle = handle


def compilers():
    """The folder in which the compilers' names stand for scripts/ccache."""
    folder = BUILD / 'compilers'
    folder.mkdir(parents=True, exist_ok=True)
    script = ROOT / 'scripts/ccache'
    for link in (folder / name for name in os.listdir(CCACHE)):
        if link.resolve() != script:
            # It may lead to another checkout, which may be gone; and another script may be quicker.
            with contextlib.suppress(FileExistsError):
                link.unlink(missing_ok=True)
                link.symlink_to(script)
    return folder


def environment(**extra):
    """The environment for compilers: ccache where there is one, messages in English."""
    env = dict(os.environ, LC_ALL='C')
    for name in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'ARCH', 'KERNEL', 'KDIR', 'ROUNDS', 'T', 'N', 'S', 'SEED',
                 *SWITCHES):
        env.pop(name, None)
    env.update(extra)
    if os.path.isdir(CCACHE):
        # Where ccache looks for the compilers themselves: not in front of it.
        env.setdefault('CCACHE_PATH', env['PATH'])
        env['PATH'] = f'{compilers()}:{env["PATH"]}'
        env.setdefault('CCACHE_DIR', str(BUILD / 'ccache'))
        # Trees of other paths share what they have in common. The debug information is none of that.
        env.setdefault('CCACHE_BASEDIR', str(BUILD))
        env.setdefault('CCACHE_NOHASHDIR', '1')
        # For the suite's precompiled header.
        env.setdefault('CCACHE_SLOPPINESS', 'pch_defines,time_macros')
    return env


class Progress:
    """One line that moves; a line every 30 s on what is no terminal. Where it is quiet, only the last one."""

    def __init__(self, what, terminal, quiet=False):
        self.what = what
        self.terminal = terminal
        self.quiet = quiet
        self.start = self.last = time.monotonic()
        self.shown = False

    def seconds(self):
        return time.monotonic() - self.start

    def update(self, text):
        if self.quiet:
            return
        now = time.monotonic()
        line = f'{self.what}: {text}, {int(now - self.start)} s'
        if self.terminal and now - self.last >= 0.2:
            self.last = now
            self.shown = True
            print(f'\r\033[K{line}', end='', flush=True)
        elif not self.terminal and now - self.last >= 30:
            self.last = now
            say(line)

    def clear(self):
        if self.terminal:
            print('\r\033[K', end='', flush=True)

    def done(self, text):
        self.clear()
        say(f'{self.what}: {text}, {self.seconds():.0f} s')


class Background(threading.Thread):
    """A step beside another one; result() waits for it, and raises what it raised."""

    def __init__(self, step):
        # Not waited for when the script is interrupted: what it runs is stopped then.
        super().__init__(daemon=True)
        self.step = step
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.step()
        except Exception as error:      # whatever it is, it is for who asks for the result
            self.error = error

    def result(self):
        self.join()
        if self.error:
            raise self.error
        return self.value


def run(command, log, what, *, cwd=None, env=None, on_line=None):
    """Run a command with its output in a log; Broken, with the first error line, if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    error = None
    with open(log, 'w', encoding='utf-8', errors='replace') as out:
        out.write(f'$ {" ".join(map(str, command))}\n')
        try:
            child = subprocess.Popen([str(part) for part in command], cwd=cwd, env=env or environment(),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, errors='replace',
                                     start_new_session=True)
        except FileNotFoundError:
            refuse(f'{command[0]} is not installed: "make doctor" says how to get it')
        stop = stop_at_exit(child)
        try:
            with child.stdout:
                for line in child.stdout:
                    out.write(line)
                    if error is None and re.search(r'\berror\b:|\bError \d|No space left|\*\*\*', line):
                        error = line.strip()
                    if on_line:
                        on_line(line)
            status = child.wait()
        finally:
            # After an interrupt it must be gone before its files are cleared away.
            stop()
    if status:
        detail = f': {error}' if error else ''
        raise Broken(f'{what} (exit status {status}){detail}; the log is {log}')


def stop_at_exit(child):
    """See to it that a child, and its children, do not outlive an interrupted run."""
    def stop():
        atexit.unregister(stop)
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(child.pid, number)
                child.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
    atexit.register(stop)
    return stop
