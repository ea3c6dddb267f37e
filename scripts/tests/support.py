# SPDX-License-Identifier: GPL-2.0
"""What the harness's tests share. Not called by itself."""
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from core.machines import FLAVOURS
from core.options import Options
from core.places import BUILD, ROOT, SCRIPTS, SUITE
from guest import session
from source import trees

SWITCHES = tuple(flavour.switch.partition('=')[0] for flavour in FLAVOURS if flavour.switch)

PROGRAM = 'probe'
PROGRAM_PATH = f'/kselftest/{SUITE}/{PROGRAM}'


def options_for(**switches):
    """What was asked of make, or with these switches in place of its own."""
    env = {name: value for name, value in os.environ.items() if not switches or name not in SWITCHES}
    return Options.of({**env, **switches})


@functools.cache
def built(**switches):
    """The kernel that the suite runs on too. Variants are built in the same place, so it is put aside."""
    options = options_for(**switches)
    image, *rest = session.build(options)
    kept = options.work / 'image-ours'
    shutil.copyfile(image, kept)
    return kept, *rest


def guest(name, program, expected=(), files=None, cpus=None):
    """A guest with one test program, a shell script, in place of the suite."""
    replaced = {PROGRAM_PATH: (program, 0o755), '/kselftest/kselftest-list.txt': (f'{SUITE}:{PROGRAM}\n', 0o644)}
    return session.Guest(f'harness-{name}', [PROGRAM, *expected], {**replaced, **(files or {})}, cpus)


def boot_guests(*guests, **kwargs):
    """Boot these beside one another; returns (outcome, verdict)."""
    image, initrd, objects, _ = built()
    image = kwargs.pop('image', image)
    return session.run_guests(Options.of(), image, initrd, objects, guests, **kwargs)


def boot(name, program, expected=(), files=None, **kwargs):
    """Boot with one test program; returns (outcome, verdict)."""
    return boot_guests(guest(name, program, expected, files), **kwargs)


def boot_variant(variant, program, tests, expected=(), **switches):
    """Boot a kernel that is not ours to some tests of one of the suite's programs; the verdict.

    More may be expected of it than the program: the kernel's own tests.
    """
    options = options_for(**switches)
    _, initrd, objects, _ = built(**switches)
    image = session.variant_image(options, variant)
    # What goes wrong in a race is met in some rounds out of many.
    chosen = f"TESTS='-t {SUITE}:{program}'\n" \
             f"export GTEST_FILTER='{tests}' EVENTFD_TEST_TIMEOUT=10 EVENTFD_AUTORESET_ROUNDS=4000\n"
    _, result = session.run_guest(options, image, initrd, objects, [program, *expected], name=f'harness-{variant}',
                          files={'/etc/suite': (chosen, 0o644)})
    return result


# The kernels' sources as they came.
PRISTINE = [tree for tree in sorted((BUILD / 'src').glob('linux-source-*')) if trees.tree_version(tree)]


class OnTrees(unittest.TestCase):
    """Tests of a script that takes a kernel tree: copies of one go below self.folder."""
    script = ''

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        if not PRISTINE:
            self.skipTest('no kernel source is unpacked: "make run" gets it')

    def call(self, *words, **env):
        """The script's exit status and what it says."""
        done = subprocess.run([SCRIPTS / 'eventfd', self.script, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, env={**os.environ, **env})
        return done.returncode, done.stdout

    def refused(self, pattern, *words, **env):
        """The script says no, in one line."""
        status, output = self.call(*words, **env)
        self.assertRegex(output, rf'\Aerror: [^\n]*{pattern}[^\n]*\n\Z')
        self.assertEqual(status, 2)


def script(*lines):
    return '\n'.join(('#!/bin/sh', *lines, ''))


def make(*words, cwd=ROOT, **env):
    """Call make as a user does; returns (exit status, output)."""
    clean = {key: value for key, value in os.environ.items() if key not in ('MAKEFLAGS', 'MAKELEVEL')}
    if 'BUILD' in env:
        clean.pop('HARNESS_LOCK', None)
    done = subprocess.run(['make', *words], cwd=cwd, env={**clean, **env}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
    return done.returncode, done.stdout


def init_script():
    return (ROOT / 'scripts/rootfs/init').read_text()


def leaking_program(folder):
    """A program that leaves a process behind which holds an eventfd open."""
    source = folder / 'leak.c'
    source.write_text('#include <sys/eventfd.h>\n#include <unistd.h>\n'
                      'int main(void)\n{\n\tint pipe_end;\n\n\tif (fork())\n\t\treturn 0;\n'
                      '\tfor (pipe_end = 0; pipe_end < 20; pipe_end++)\n\t\tclose(pipe_end);\n'
                      '\teventfd(0, 0);\n\tsetsid();\n\tpause();\n}\n')
    target = folder / 'leak'
    subprocess.run(['gcc', '-static', '-o', target, source], check=True)
    return target.read_bytes()
