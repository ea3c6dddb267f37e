# SPDX-License-Identifier: GPL-2.0
"""What was asked for: the list of what there is to ask, and the value that all else goes by."""
import hashlib
import os
import pathlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from core.machines import ARCHES, FLAVOURS, Arch, Flavour
from core.places import BUILD
from core.report import refuse

# The oldest kernel that fs/eventfd.c fits.
OLDEST = (6, 12)


class Option(NamedTuple):
    """NAME=FORM on make's command line, or in the environment; --name FORM on that of scripts/eventfd."""
    name: str
    form: str
    text: str
    passed_on: bool = False     # to the makes that are called

    @property
    def flag(self) -> str:
        return '--' + {'T': 'tests', 'V': 'reroll', 'N': 'boots', 'S': 'seconds'}.get(self.name, self.name.lower())


# The one list of them. The Makefile takes its own from here, a line each.
OPTIONS = (
    Option("KERNEL", "6.12|7.3", "Debian's kernel to use (6.12)"),
    Option("KDIR", "PATH", "a kernel tree of yours instead, or a tarball of one"),
    Option("OWN", "0|1", "a tree of yours: build its own eventfd (0), or put ours in (1)"),
    Option("ARCH", "MACHINE", "x86_64, i386, arm64, s390x (x86_64)"),
    Option("ACCEL", "tcg|kvm", "how QEMU runs it (what works)", True),
    Option("DEBUG", "1", "lockdep, KASAN, kmemleak, faults (make stress: 0 without)"),
    Option("KCSAN", "1", "run, compare: data races"),
    Option("FAULTS", "1", "with allocations that can be made to fail"),
    Option("PREEMPT", "1", "a preemptible kernel"),
    Option("SMP", "0", "a kernel for one processor"),
    Option("VNG", "1", "a larger kernel, which virtme-ng boots, too"),
    Option("SMALL", "1", "run, test, shell, compare: without the optional patch"),
    Option("PART", "NAME", "make apply: fixes, wake-ups, autoreset, tests (all)"),
    Option("V", "NUMBER", "make series: which version of it this is (1; with SINCE, 2)"),
    Option("SINCE", "REV", "make series: the commit of this project that was the version before"),
    Option("T", "PATTERN", "which of test, kunit, compare, soak, coverage, bench, programs, mutants (=NAME)"),
    Option("ROUNDS", "NUMBER", "how often tests of races try (200)"),
    Option("N", "NUMBER", "boots of make soak (20)"),
    Option("S", "SECONDS", "how long make stress takes, and make try may (60)"),
    Option("SEED", "NUMBER", "the schedule of make stress, to see it again"),
    Option("PROG", "COMMAND", "make try: what to run in the guest"),
    Option("WITH", "FILES", "make try: what else it gets, folders too"),
    Option("STRACE", "1", "make try: show the program's calls"),
    Option("CPUS", "NUMBER", "make try: processors of the guest (2)"),
    Option("MEM", "SIZE", "make try: memory of the guest (1G)"),
    Option("BUILD", "DIR", "where to build (build/)", True),
)


def version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split('.')[:2])


def number_of(asked: Mapping[str, str], name: str, otherwise: int, least: int, most: int, what: str) -> int:
    """The number that an option has; refused where it is none."""
    text = asked.get(name) or str(otherwise)
    if not text.isdecimal() or not least <= int(text) <= most:
        refuse(f'{name}={text} is no number from {least} to {most}: it is {what}')
    return int(text)


@dataclass(frozen=True)
class Options:
    """What was asked for, checked."""
    asked: Mapping[str, str] = field(compare=False)     # each option that was given, as it was
    kdir: str | None
    kernel: str
    arch: Arch
    accel: str | None
    own: int | None                                     # of a user's tree: 0 as it is, 1 with ours; None: look
    switched: frozenset[str]                            # the names of flavours
    small: bool
    part: str | None
    version: int
    since: str | None
    pattern: str | None
    rounds: int
    boots: int
    seconds: int
    seed: int | None
    terminal: bool

    @classmethod
    def of(cls, given: Mapping[str, str] = os.environ) -> 'Options':
        """What these words ask for, or one line that says why it cannot be had."""
        asked = {option.name: given[option.name] for option in OPTIONS if given.get(option.name)}
        switched = set()
        for flavour in FLAVOURS:
            name, _, on = flavour.switch.partition('=')
            if asked.get(name, '') not in ('', '0', '1'):
                refuse(f'{name}={asked[name]} is not known: use {flavour.switch}, or leave it out')
            if name and asked.get(name) == on:
                switched.add(flavour.name)
        rounds = number_of(asked, 'ROUNDS', 0, 0, 10 ** 9, 'how often the tests of races try, 2000 for example')
        boots = number_of(asked, 'N', 20, 1, 9999, 'how often make soak boots')
        seconds = number_of(asked, 'S', 60, 1, 10 ** 6, 'how many seconds make stress takes, and make try may')
        version = number_of(asked, 'V', 2 if 'SINCE' in asked else 1, 1, 99, 'which version of the series this is')
        seed = number_of(asked, 'SEED', 0, 0, 10 ** 9, 'the seed of the schedule, as an earlier run printed it')
        kernel = asked.get('KERNEL', '6.12')
        if 'KDIR' in asked and 'KERNEL' in asked:
            refuse('KERNEL and KDIR exclude each other: name the one kernel to use')
        if asked.get('OWN', '0') not in ('0', '1'):
            refuse(f'OWN={asked["OWN"]} is not known: use OWN=0, which tests the eventfd of the tree, or OWN=1, which puts ours in')
        if 'OWN' in asked and 'KDIR' not in asked:
            refuse('OWN= is about a tree of yours: name that with KDIR=PATH')
        if not re.fullmatch(r'\d+\.\d+', kernel):
            refuse(f'KERNEL={kernel} is no version: write KERNEL=6.12 or KERNEL=7.3')
        if version_of(kernel) < OLDEST:
            refuse(f'KERNEL={kernel} is too old: 6.12 is the oldest that fs/eventfd.c fits')
        machine = asked.get('ARCH', 'x86_64')
        if machine not in ARCHES:
            refuse(f'ARCH={machine} is not known here: use one of {", ".join(ARCHES)}')
        if asked.get('SMALL', '') not in ('', '0', '1'):
            refuse(f'SMALL={asked["SMALL"]} is not known: use SMALL=1, or leave it out')
        accel = asked.get('ACCEL')
        if accel not in (None, 'tcg', 'kvm'):
            refuse(f'ACCEL={accel} is not known: use tcg or kvm, or leave it out')
        options = cls(asked=asked, kdir=asked.get('KDIR'), kernel=kernel, arch=ARCHES[machine], accel=accel,
                      own=int(asked['OWN']) if 'OWN' in asked else None, switched=frozenset(switched),
                      small=asked.get('SMALL') == '1', part=asked.get('PART'), version=version,
                      since=asked.get('SINCE'), pattern=asked.get('T'), rounds=rounds, boots=boots, seconds=seconds,
                      seed=seed if 'SEED' in asked else None, terminal=sys.stdout.isatty())
        for flavour in options.flavours:
            for other, why in flavour.excludes.items():
                name, _, value = other.partition('=')
                if asked.get(name) == value:
                    refuse(f'{flavour.switch} and {other} exclude each other: {why}')
        return options

    def asking(self, **more: str) -> 'Options':
        """The same with these asked for as well, as on make's command line."""
        return Options.of({**self.asked, **more})

    def but(self, **fields: Any) -> 'Options':
        """The same with other values for these."""
        return replace(self, **fields)

    def flavoured(self, name: str) -> 'Options':
        """The same for a kernel that nothing on make's command line asks for."""
        return replace(self, switched=self.switched | {name})

    @property
    def debug(self) -> bool:
        return 'debug' in self.switched

    @property
    def kcsan(self) -> bool:
        return 'kcsan' in self.switched

    @property
    def flavours(self) -> list[Flavour]:
        """What is special about the kernel. What comes with another one is not named twice."""
        chosen = [flavour for flavour in FLAVOURS if flavour.name in self.switched]
        return [one for one in chosen if not any(set(one.fragments) < set(other.fragments) for other in chosen)]

    @property
    def fragments(self) -> list[str]:
        """Of the configuration, beside those of every kernel."""
        return [name for flavour in self.flavours for name in flavour.fragments]

    @property
    def variables(self) -> list[str]:
        """For the kernel's makefiles."""
        return [variable for flavour in self.flavours for variable in flavour.variables]

    @property
    def cpus(self) -> int:
        """Of the guest."""
        return 1 if 'up' in self.switched else 2

    @property
    def label(self) -> str:
        """Names the build directory: one for each kernel, machine and flavour."""
        if self.kdir:
            path = str(pathlib.Path(self.kdir).resolve())
            tree = f'{pathlib.Path(path).name}-{hashlib.sha256(path.encode()).hexdigest()[:8]}'
        else:
            tree = self.kernel
        return '-'.join((tree, self.arch.name, *(flavour.name for flavour in self.flavours)))

    @property
    def users_tree(self) -> bool:
        """Whether the kernel is a folder of the user's, in which anything may have changed since the last run."""
        return self.kdir is not None and not pathlib.Path(self.kdir).is_file()

    @property
    def work(self) -> pathlib.Path:
        return BUILD / self.label


def need_programs_here(options: Options, what: str) -> None:
    """Refuse a machine whose programs are of no use to what runs some of them on this one."""
    if options.arch.runner:
        known = ', '.join(arch.name for arch in ARCHES.values() if not arch.user)
        refuse(f'{what} is not for ARCH={options.arch.name}, only for {known}: make run and make test are for all')
