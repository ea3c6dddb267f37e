# SPDX-License-Identifier: GPL-2.0
"""Boot a built kernel with an initramfs in QEMU, under watch.

Boots what is built to a shell. boot() boots to the suite: the
guest's console goes to one file and its report, on a port of its own, to another; where a guest can
power off, a third has what QEMU says of its end. Nothing here judges; guest/verdicts.py does, from
those files and from how the boot ended.
"""
import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from core import processes
from core.command import Command
from core.machines import PC
from core.options import Options
from core.processes import Word
from core.report import refuse, say

# A guest counts ticks when it starts, and panics with this where a busy host brings them too late. So
# early it has done nothing yet, and is started again.
NO_TIMER = "IO-APIC + timer doesn't work!"
TIMER_TRIES = 3


# Of a report: seconds since power-on, and what came then.
Line = tuple[float, str]
# Is told each line of a report, and says whether enough was seen.
OnLine = Callable[[str], object]


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds after which the watchdog ends a guest."""
    boot: int = 90          # without a line of the report
    silent: int = 120       # without one more; a test has its own limit, well below this
    suite: int = 900        # in all
    running: int = 0        # after the first line of the report; 0 for no limit of its own


@dataclasses.dataclass
class Outcome:
    """How a boot ended, and what it left."""
    console: pathlib.Path
    report: list[Line]
    ended: str              # '' for a power-off by the guest, else what the watchdog saw
    status: int             # QEMU's exit status
    seconds: float
    accel: str


def accelerator(options: Options) -> str:
    """KVM where it can run a guest, else TCG. A /dev/kvm without vmx or svm opens and then hangs."""
    try:
        flags = pathlib.Path('/proc/cpuinfo').read_text()
    except OSError:
        flags = ''
    able = re.search(r'^flags\s*:.*\b(?:vmx|svm)\b', flags, re.M) and os.access('/dev/kvm', os.R_OK | os.W_OK)
    if options.accel == 'kvm' and options.arch.runner:
        refuse(f'ACCEL=kvm: this processor cannot run a guest of {options.arch.name}; leave ACCEL out to use TCG')
    if options.accel == 'kvm' and not able:
        refuse('ACCEL=kvm: this processor shows neither vmx nor svm, or /dev/kvm may not be opened; '
               'leave ACCEL out to use TCG')
    return options.accel or ('kvm' if able and options.arch.native else 'tcg')


def clock_rate() -> str:
    """The rate of TCG's time stamp counter, which is the host's, for the guest's command line.

    Left to itself the guest finds it out with a timer that a busy host can spoil. Without a rate its
    KVM never lets a guest of its own run. Nothing else goes by it, so that about right will do.
    """
    try:
        match = re.search(r'^cpu MHz\s*:\s*(\d+)', pathlib.Path('/proc/cpuinfo').read_text(), re.M)
    except OSError:
        match = None
    return f'tsc_early_khz={match.group(1) if match else 1000}000'


def qemu(options: Options, accel: str, image: Word, initrd: Word, cmdline: str, cpus: int | None = None,
         memory: str = '1G') -> list[str]:
    """The command for a guest, but for its ports."""
    cpus = cpus or options.cpus
    # A clock that goes by the instructions, of which each takes 1 ns, and nothing that differs from boot to boot.
    count = ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off', '-cpu', options.arch.cpu,
             '-rtc', 'base=2026-01-01,clock=vm', '-seed', '1']
    machine = {'tcg': ['-accel', 'tcg,thread=multi', '-cpu', options.arch.cpu], 'kvm': ['-accel', 'kvm', '-cpu', 'host'],
               'count': count}
    board = options.arch.board
    # Other machines tell the kernel how fast their clocks are.
    clock = {'tcg': [clock_rate()], 'count': ['tsc_early_khz=1000000']}.get(accel, []) if board is PC else []
    # A socket each: the PC's firmware's MP table, all there is without ACPI, lists one CPU of a socket.
    return [options.arch.qemu, '-M', board.name, *machine[accel], '-smp', f'{cpus},sockets={cpus}', '-m', memory,
            '-nodefaults', '-display', 'none', '-no-reboot', '-kernel', str(image), '-initrd', str(initrd),
            '-append', ' '.join([f'console={board.console} panic=-1', *clock, cmdline])]


def port(options: Options, name: str, *chardev: str) -> list[str]:
    """The guest's console or the port for its report, and where it leads."""
    return ['-chardev', ','.join((chardev[0], f'id={name}', *chardev[1:])), *options.arch.board.devices[name]]


def with_overlay(initrd: pathlib.Path, overlay: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """The kernel unpacks archives that follow one another; what comes last stays."""
    data = initrd.read_bytes()
    target.write_bytes(data + b'\0' * (-len(data) % 512) + overlay.read_bytes())
    return target


def boot(options: Options, image: pathlib.Path, initrd: pathlib.Path, name: str, *, kunit: str | None = None,
         overlay: pathlib.Path | None = None, on_line: OnLine | None = None, accel: str | None = None,
         cpus: int | None = None, memory: str = '1G', limits: Limits = Limits()) -> Outcome:
    """Boot to the suite; returns when the guest is off or a watchdog has ended it.

    kunit, a glob, has the kernel run those of its own tests first.
    """
    folder = options.work / 'boots'
    folder.mkdir(parents=True, exist_ok=True)
    console, events = folder / f'{name}.console', folder / f'{name}.qmp'
    for path in (console, events):
        path.unlink(missing_ok=True)
    if overlay:
        initrd = with_overlay(initrd, overlay, folder / f'{name}.cpio')
    accel = accel or accelerator(options)
    # Level 5 shows warnings. Each of them is the end, as is a task that hangs. KCSAN may say all that it has to say.
    cmdline = f'loglevel=5 panic_on_warn={int(not options.kcsan)} hung_task_panic=1 softlockup_panic=1'
    # A grace period ends as soon as it may, and not after some ticks: an aio context waits for two, and goes with each test.
    cmdline += ' rcutree.jiffies_till_first_fqs=0 rcutree.jiffies_till_next_fqs=1'
    if kunit:
        cmdline += f' kunit.enable=1 kunit.autorun=1 kunit.filter_glob={kunit}'
    command = [*qemu(options, accel, image, initrd, cmdline, cpus, memory),
               *port(options, 'console', 'file', f'path={console}'), *port(options, 'report', 'stdio', 'signal=off')]
    start = time.monotonic()
    for _ in range(TIMER_TRIES):
        with monitor(options, events) as (more, fds):
            report, ended, status = once([*command, *more], fds, folder / f'{name}.qemu', time.monotonic(), on_line,
                                         limits)
        if report or not console.exists() or NO_TIMER not in console.read_text(errors='replace'):
            break
    with open(folder / f'{name}.report', 'w', encoding='utf-8') as out:
        out.writelines(f'{seconds:8.2f} {line}\n' for seconds, line in report)
    return Outcome(console, report, ended, status, time.monotonic() - start, accel)


@contextlib.contextmanager
def monitor(options: Options, events: Word) -> Iterator[tuple[list[str], list[int]]]:
    """QEMU's options for a file with how the guest ended, in its own words, and the descriptors to pass."""
    if options.arch.board.off == 'reboot':
        # QEMU cannot tell a reboot from what a panic ends with: the kernel's last words do.
        yield [], []
        return
    ours, qemus = socket.socketpair()
    with ours, qemus:
        # A monitor tells nothing before this. All that it tells goes to the file, too: nobody has to read it here.
        ours.sendall(b'{"execute": "qmp_capabilities"}')
        yield ['-chardev', f'socket,id=monitor,fd={qemus.fileno()},logfile={events}',
               '-mon', 'chardev=monitor,mode=control'], [qemus.fileno()]


def once(command: Sequence[str], fds: Sequence[int], log: pathlib.Path, start: float, on_line: OnLine | None,
         limits: Limits) -> tuple[list[Line], str, int]:
    """Run QEMU under watch: (report, what the watchdog saw, exit status)."""
    with open(log, 'w', encoding='utf-8') as errors:
        guest = subprocess.Popen(processes.ending_with_us(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=errors, start_new_session=True, pass_fds=fds)
        stop = processes.stop_at_exit(guest)
        assert guest.stdout
        report, ended = follow(guest.stdout, start, on_line, limits)
        guest.stdout.close()
        stop()
        return report, ended, guest.wait()


def follow(stream: IO[bytes], start: float, on_line: OnLine | None, limits: Limits) -> tuple[list[Line], str]:
    """Collect the report line by line until the guest is off, time is up, or on_line says that it is enough."""
    report: list[Line] = []
    rest, ended = b'', ''
    last = start
    poller = select.poll()
    poller.register(stream, select.POLLIN)
    while True:
        now = time.monotonic()
        if not report and now - start > limits.boot:
            ended = f'the kernel did not reach the suite in {limits.boot} s'
        elif report and now - last > limits.silent:
            ended = f'the suite was silent for {limits.silent} s after "{report[-1][1]}"'
        elif limits.running and report and now - start - report[0][0] > limits.running:
            ended = f'the suite was not done {limits.running} s after it began'
        elif now - start > limits.suite:
            ended = f'the suite was not done after {limits.suite} s'
        if ended:
            break
        if not poller.poll(500):
            continue
        data = os.read(stream.fileno(), 65536)
        if not data:
            break
        *lines, rest = (rest + data).split(b'\n')
        for line in lines:
            last = time.monotonic()
            text = line.decode(errors='replace').rstrip('\r')
            report.append((last - start, text))
            if on_line and on_line(text):
                return report, 'stopped, as enough was seen'
    if rest:
        # Whoever is shown the report is to see what the guest said last, too.
        text = rest.decode(errors='replace')
        report.append((time.monotonic() - start, text))
        if on_line:
            on_line(text)
    return report, ended


@contextlib.contextmanager
def terminal_as_it_was() -> Iterator[None]:
    """Whoever has the terminal meanwhile, and is killed before it can give it back, has left it raw."""
    if not sys.stdin.isatty():
        yield
        return
    was = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, was)


def shell(options: Options, image: pathlib.Path, initrd: pathlib.Path, cmdline: str = 'loglevel=4', memory: str = '1G') -> int:
    """Boot to a prompt, on this terminal."""
    accel = accelerator(options)
    say(f'booting with {accel}; Ctrl-A X ends QEMU')
    command = [*qemu(options, accel, image, initrd, cmdline, memory=memory),
               *port(options, 'console', 'stdio', 'mux=on', 'signal=off'), '-mon', 'chardev=console']
    with terminal_as_it_was():
        return subprocess.call(processes.ending_with_us(command))


def main(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    image = options.work / 'obj' / options.arch.image
    initrd = options.work / 'initramfs.cpio'
    if not image.exists() or not initrd.exists():
        refuse(f'nothing is built for {options.label}: "make run" builds it')
    return shell(options, image, initrd)


COMMANDS = (Command('boot', 'boot what is built to a shell', main),)
