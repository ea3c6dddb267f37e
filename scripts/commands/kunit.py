# SPDX-License-Identifier: GPL-2.0
"""Run the tests of the in-kernel interface by the tree's own tools/testing/kunit/kunit.py.

The kernel is kunit.py's, from fs/tests/.kunitconfig alone: by itself it is User Mode Linux, a
program that has one CPU and boots in a second; for an ARCH that is named it runs in QEMU. T names
cases, as in T=claim. Exit status: 0 if all passed, 1 if not, 2 for bad input.
"""
import argparse
import subprocess
import sys

from core import processes
from core.command import Command
from core.options import Options
from core.places import need_disk
from core.report import refuse, say
from guest import session
from source import trees


def run_cases(options: Options, _arguments: argparse.Namespace) -> int:
    glob = session.kunit_selection(options)
    if not glob:
        refuse(f'T={options.pattern} matches no case of fs/tests/eventfd_kunit.c' if options.pattern else
               f'{options.kdir} has no fs/tests/eventfd_kunit.c: OWN=1 puts ours in')
    named = 'ARCH' in options.asked
    processes.lock()
    source, version = trees.prepare(options)
    arch = options.arch.kernel if named else 'um'
    say(f'Linux {version}, {arch}: {source}')
    command: list[processes.Word] = [
        source / 'tools/testing/kunit/kunit.py', 'run', '--kunitconfig=fs/tests/.kunitconfig',
        f'--build_dir={options.work}/kunit-{arch}', f'--arch={arch}', f'--jobs={processes.processors() + 1}']
    if named:
        # QEMU's boards have one CPU unless they are told, and the configuration has to know.
        command += ['--kconfig_add=CONFIG_SMP=y', '--qemu_args=-smp 2']
        if options.arch.user:
            command.append(f'--cross_compile={options.arch.cross}')
    need_disk(options.work, 1.0)
    return 1 if subprocess.call([sys.executable, *command, glob], cwd=source, env=processes.environment()) else 0


COMMANDS = (Command('kunit', 'the in-kernel interface alone, by kunit.py (UML)', run_cases),)
