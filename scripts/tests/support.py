# SPDX-License-Identifier: GPL-2.0
"""What the tests share that boot guests, or need the kernel's sources."""
import concurrent.futures
import functools
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

from core.machines import FLAVOURS
from core.options import Options
from core.places import BUILD, ROOT, SUITE
from guest import qemu, session, verdicts
from source import trees

SWITCHES = tuple(flavour.switch.partition('=')[0] for flavour in FLAVOURS if flavour.switch)

PROGRAM = 'probe'
PROGRAM_PATH = f'/kselftest/{SUITE}/{PROGRAM}'

Ended = tuple[qemu.Outcome, verdicts.Verdict]


def options_for(**switches: str) -> Options:
    """What was asked of make, or with these switches in place of its own."""
    env = {name: value for name, value in os.environ.items() if not switches or name not in SWITCHES}
    return Options.of({**env, **switches})


@functools.cache
def built(**switches: str) -> session.Built:
    """The kernel that the suite runs on too. Variants are built in the same place, so it is put aside."""
    options = options_for(**switches)
    made = session.build(options)
    kept = options.work / 'image-ours'
    shutil.copyfile(made.image, kept)
    return made._replace(image=kept)


@functools.cache
def variant(name: str, **switches: str) -> pathlib.Path:
    """The image of a kernel that is not ours. A test that comes later and wants it too does not build it again."""
    built(**switches)
    return session.variant_image(options_for(**switches), name)


def guest(name: str, program: str | dict[str, str], expected: Sequence[str] = (), files: session.Files | None = None,
          cpus: int | None = None) -> session.Guest:
    """A guest with one test program, a shell script, in place of the suite, or with several: {name: script}."""
    programs = {PROGRAM: program} if isinstance(program, str) else program
    replaced: session.Files = {
        **{f'/kselftest/{SUITE}/{each}': (text, 0o755) for each, text in programs.items()},
        '/kselftest/kselftest-list.txt': (''.join(f'{SUITE}:{each}\n' for each in programs), 0o644)}
    return session.Guest(f'harness-{name}', [*programs, *expected], {**replaced, **(files or {})}, cpus)


def boot_guests(*guests: session.Guest, image: pathlib.Path | None = None, limits: qemu.Limits = qemu.Limits()) -> Ended:
    """Boot these beside one another, to one verdict."""
    made = built()
    return session.run_guests(Options.of(), image or made.image, made.initrd, made.objects, guests, limits=limits)


def boot(name: str, program: str | dict[str, str], expected: Sequence[str] = (), files: session.Files | None = None,
         image: pathlib.Path | None = None, limits: qemu.Limits = qemu.Limits()) -> Ended:
    """Boot with one test program, or several."""
    return boot_guests(guest(name, program, expected, files), image=image, limits=limits)


def boot_each(*guests: session.Guest, limits: qemu.Limits = qemu.Limits()) -> dict[str, Ended]:
    """Boot these two at a time, each to a verdict of its own, by their names."""
    built()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda each: boot_guests(each, limits=limits), guests)
        return {each.name.removeprefix('harness-'): end for each, end in zip(guests, ended)}


def boot_variant(name: str, program: str, tests: str, expected: Sequence[str] = (), **switches: str) -> verdicts.Verdict:
    """Boot a kernel that is not ours to some tests of one of the suite's programs; the verdict.

    More may be expected of it than the program: the kernel's own tests.
    """
    made = built(**switches)
    # What goes wrong in a race is met in some rounds out of many.
    chosen = f"TESTS='-t {SUITE}:{program}'\n" \
             f"export GTEST_FILTER='{tests}' EVENTFD_TEST_TIMEOUT=10 EVENTFD_AUTORESET_ROUNDS=4000\n"
    _, result = session.run_guest(options_for(**switches), variant(name, **switches), made.initrd, made.objects,
                                  [program, *expected], name=f'harness-{name}', files={'/etc/suite': (chosen, 0o644)})
    return result


# The kernels' sources as they came.
PRISTINE = [tree for tree in sorted((BUILD / 'src').glob('linux-source-*')) if trees.tree_version(tree)]


def script(*lines: str) -> str:
    return '\n'.join(('#!/bin/sh', *lines, ''))


def init_script() -> str:
    return (ROOT / 'scripts/rootfs/init').read_text()


def leaking_program(folder: pathlib.Path) -> bytes:
    """A program that leaves a process behind which holds an eventfd open."""
    source = folder / 'leak.c'
    source.write_text('#include <sys/eventfd.h>\n#include <unistd.h>\n'
                      'int main(void)\n{\n\tint pipe_end;\n\n\tif (fork())\n\t\treturn 0;\n'
                      '\tfor (pipe_end = 0; pipe_end < 20; pipe_end++)\n\t\tclose(pipe_end);\n'
                      '\teventfd(0, 0);\n\tsetsid();\n\tpause();\n}\n')
    target = folder / 'leak'
    subprocess.run(['gcc', '-static', '-o', target, source], check=True)
    return target.read_bytes()
