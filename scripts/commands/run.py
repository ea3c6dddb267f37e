# SPDX-License-Identifier: GPL-2.0
"""The main job: a kernel tree with our eventfd, built, booted, tested and judged.

run boots and runs the whole suite; test runs the tests whose names match T, a GoogleTest pattern,
a part of a name, or a whole one behind a "="; shell boots to a prompt, with the samples in /sample.
"""
import argparse
import shutil

from checks import samples
from core import processes
from core.command import Command
from core.options import Options
from core.report import refuse
from guest import qemu, session


def run(options: Options, _arguments: argparse.Namespace) -> int:
    if options.pattern:
        refuse(f'make run runs all tests: say make test T={options.pattern}')
    return tested(options, 'run')


def test(options: Options, _arguments: argparse.Namespace) -> int:
    if not options.pattern:
        refuse('make test needs T=PATTERN, for example T=Poll or T=\'Read.*:Write.*\'')
    return tested(options, 'test')


def tested(options: Options, job: str) -> int:
    """Build, boot, judge, and say what came of it."""
    qemu.accelerator(options)
    processes.lock()
    steps = session.Steps(options)
    image, initrd, objects, installed = session.build(options, steps)
    kunit = session.kunit_selection(options)
    programs, pattern = session.chosen(options, installed, others=kunit)
    guests = session.shared_out(options, programs, pattern, name=job, kunit=kunit)
    outcome, result = session.run_guests(options, image, initrd, objects, guests, kunit=kunit,
                                         limits=session.limits(options))
    steps.done('booting, and running the suite')
    # Of the plain job: what another kernel or machine takes is another thing.
    if job == 'run' and not (result.reasons or options.rounds or options.small) and options.label == Options.of({}).label:
        steps.keep()
    return session.report(options, outcome, result)


def shell(options: Options, _arguments: argparse.Namespace) -> int:
    qemu.accelerator(options)
    processes.lock()
    image, initrd, objects, _ = session.build(options)
    # A serial line does not tell the guest how large the terminal is.
    size = shutil.get_terminal_size()
    files: session.Files = {'/etc/suite': (f'SHELL_ONLY=1\nSIZE="rows {size.lines} cols {size.columns}"\n', 0o644),
                            **samples.in_place({name: samples.build(options, name) for name in samples.ALL})}
    overlay = session.overlay_for(options, objects, files)
    return qemu.shell(options, image, qemu.with_overlay(initrd, overlay, options.work / 'shell.cpio'))


COMMANDS = (
    Command('run', 'the main job: our kernel built, booted to the suite, judged', run, small=True),
    Command('test', 'the same for the tests whose names match T=PATTERN', test, small=True),
    Command('shell', 'boot to a prompt with the suite and the samples in place', shell, small=True),
)
