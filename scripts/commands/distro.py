# SPDX-License-Identifier: GPL-2.0
"""Boot a Debian with systemd on our kernel, and say whether all of it came up.

Debian's files come from debootstrap, once, and run from the guest's memory, of which it has 3 GiB. The kernel is that of
"make run" with what systemd asks for on top (scripts/config/distro.config). It holds if multi-user.target is reached,
"systemctl --failed" names nothing, and the kernel has no complaint and says nothing at the level of errors. distro-shell
leaves one at a prompt of that system, as root.

Exit status: 0 if it holds, 1 if not, 2 for bad input.
"""
import argparse
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from core import processes
from core.command import Command
from core.options import Options, need_programs_here
from core.report import Progress, say
from guest import debian_root, kernels, qemu, verdicts
from source import theirs, trees

MEMORY = '3G'
LIMITS = qemu.Limits(boot=600, silent=900, suite=7200)


class System(NamedTuple):
    """What the guest said of itself."""
    facts: Mapping[str, str]
    failed: list[str]       # units
    errors: list[str]       # what the kernel said at the level of warnings and above

    @classmethod
    def of(cls, report: Sequence[str]) -> 'System':
        facts: dict[str, str] = {}
        listed: dict[str, list[str]] = {'failed-unit': [], 'dmesg': []}
        for line in report:
            if line.startswith('harness: '):
                key, _, value = line[len('harness: '):].partition(' ')
                listed.get(key, []).append(value)
                facts[key] = value
        return cls(facts, listed['failed-unit'], listed['dmesg'])


def wrong(system: System, complaints: Sequence[str], ended: str) -> Iterator[str]:
    """Why it does not hold."""
    yield from (f'the kernel complained: {line}' for line in complaints)
    if ended:
        yield ended
    if 'end' not in system.facts:
        yield 'the system did not come to its end'
        return
    if system.facts.get('multi-user.target') != 'active':
        yield f'multi-user.target is {system.facts.get("multi-user.target") or "not known"}'
    if system.facts.get('system') != 'running':
        yield f'the system is {system.facts.get("system") or "in no state"}'
    yield from (f'a unit failed: {unit}' for unit in system.failed)


def build(options: Options) -> tuple[Options, pathlib.Path, pathlib.Path]:
    """The kernel and the guest's files; the options that they are of."""
    options = options.flavoured('distro')
    source, version = trees.prepare(options)
    say(f'Linux {version}, {options.arch.name}: {source}')
    kernels.headers(options, source, options.work / 'obj')
    image = kernels.build(options, source, options.work / 'obj')
    return options, image, debian_root.initramfs(options, options.work / 'obj')


def boot(options: Options, image: pathlib.Path, initrd: pathlib.Path, name: str, overlay: pathlib.Path | None = None
         ) -> tuple[qemu.Outcome, System]:
    """Boot it; what it came to."""
    progress = Progress(f'booting Debian, {name}', options.terminal)
    outcome = qemu.boot(options, image, initrd, f'distro-{name}', overlay=overlay, on_line=progress.line, memory=MEMORY, limits=LIMITS)
    progress.done_with_lines()
    return outcome, System.of([line for _, line in outcome.report])


def distro(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make distro')
    theirs.need_ours(options, 'make distro')
    processes.lock()
    options, image, initrd = build(options)
    outcome, system = boot(options, image, initrd, 'ours')
    reasons = list(wrong(system, verdicts.complaints(outcome.console), outcome.ended))
    for line in system.errors:
        say(f'the kernel said: {re.sub(r"^<.>", "", line)}')
    for line in reasons:
        say(f'  {line}')
    say(f'distro: {"FAIL" if reasons else "PASS"}: Debian {debian_root.SUITE}, Linux {system.facts.get("release", "?")}: '
        f'{system.facts.get("system", "no state")} after {system.facts.get("seconds", "?")} s, {len(system.failed)} units failed; '
        f'the console is {outcome.console}')
    return 1 if reasons else 0


def shell(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make distro-shell')
    theirs.need_ours(options, 'make distro-shell')
    processes.lock()
    options, image, initrd = build(options)
    return qemu.shell(options, image, initrd, 'loglevel=4 eventfd.shell', MEMORY)


COMMANDS = (
    Command('distro', 'a Debian with systemd on our kernel: whether all of it comes up', distro),
    Command('distro-shell', 'the same system, at a prompt', shell),
)
