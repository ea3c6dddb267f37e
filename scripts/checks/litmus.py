# SPDX-License-Identifier: GPL-2.0
"""Run the litmus tests with herd7 and the memory model of the kernel's tree.

Without a file, all in Documentation/litmus-tests/eventfd. What herd7 observes has to be what the
test says in its line "Result:"; DATARACE there says that it has to find a data race as well. herd7
is the one that is installed, or else Debian's package herdtools7 unpacked under build/, from the
next Debian where this one has none. Its exit status says nothing and is not looked at.

Exit status: 0 if all results are as they should be, 1 if not, 2 if there is no herd7 to ask.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import ROOT, need_disk
from core.processes import Word
from core.report import Broken, refuse, say, tell
from source import debian, trees

TESTS = ROOT / 'Documentation/litmus-tests/eventfd'
# It is linked with a newer C library than this Debian may have: it comes along.
PACKAGES = ('herdtools7', 'libc6', 'libgmp10')


def unpacked(folder: pathlib.Path) -> list[Word]:
    """The command that runs a herd7 which is not installed, with the libraries that came with it."""
    loaders = sorted(folder.glob('usr/lib*/ld-linux*.so.*')) + sorted(folder.glob('lib*/ld-linux*.so.*'))
    libraries = sorted({str(path.parent) for name in ('libc.so.6', 'libgmp.so.10') for path in folder.rglob(name)})
    if not loaders or not libraries:
        raise Broken(f'{folder} has no herd7 that could be run: remove it and try again')
    return [loaders[0], '--library-path', ':'.join(libraries), folder / 'usr/bin/herd7',
            '-set-libdir', folder / 'usr/share/herdtools7/herd']


def herd() -> list[Word]:
    """The command that runs herd7."""
    if shutil.which('herd7'):
        return ['herd7']
    folder = debian.DOWNLOADS / 'herdtools7'
    if folder.exists():
        return unpacked(folder)
    for suite in ('testing', 'sid') if shutil.which('apt-get') and pathlib.Path(debian.KEYRING).exists() else ():
        try:
            words = debian.apart(f'herd-{suite}', suite)
            if debian.knows(PACKAGES[0], words):
                need_disk(debian.DOWNLOADS, 0.4)
                debian.unpack(PACKAGES, words, folder)
                return unpacked(folder)
        except Broken:
            continue    # no network, or a mirror without it
    refuse('no herd7, so nothing was checked: install Debian\'s package herdtools7, '
           'or herdtools7 7.58 from opam or https://github.com/herd/herdtools7')


def judge(text: str, said: str) -> str:
    """What is wrong with what herd7 says of a test, or nothing."""
    expected = re.search(r'^ \* Result: (Never|Sometimes|Always)( DATARACE)?$', text, re.M)
    if not expected:
        return 'the test has no line " * Result: Never|Sometimes|Always"'
    seen = re.search(r'^Observation \S+ (Never|Sometimes|Always) (\d+) (\d+)$', said, re.M)
    if not seen:
        return f'herd7 observed nothing:\n{said.strip()}'
    if seen.group(2) == seen.group(3) == '0':
        return 'the test cannot run to its end'
    wanted = (expected.group(1), bool(expected.group(2)))
    found = (seen.group(1), bool(re.search(r'^Flag data-race$', said, re.M)))
    if wanted == found:
        return ''
    words = [f'{result}{", with a data race" if race else ""}' for result, race in (wanted, found)]
    return f'{words[0]} is expected, herd7 finds {words[1]}'


def results(options: Options, files: Sequence[pathlib.Path] = ()) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each test."""
    files = files or sorted(TESTS.glob('*.litmus'))
    command = herd()
    # The model is the same in a tree with our files and without.
    model = trees.pristine(options) / 'tools/memory-model'
    if not (model / 'linux-kernel.cfg').is_file():
        refuse(f'{model} has no linux-kernel.cfg: name a whole kernel tree')
    listed = (TESTS / 'README').read_text()
    for path in files:
        text = path.read_text()
        done = subprocess.run([str(word) for word in (*command, '-conf', 'linux-kernel.cfg', path.resolve())],
                              cwd=model, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=300, env={**os.environ, 'LC_ALL': 'C'})
        wrong = judge(text, done.stdout)
        if not wrong and path.parent == TESTS and path.name not in listed:
            wrong = f'{TESTS / "README"} does not mention it'
        yield path.stem, wrong


def check_tests(options: Options, arguments: argparse.Namespace) -> int:
    files = [pathlib.Path(word) for word in arguments.files]
    for path in files:
        if path.suffix != '.litmus' or not path.is_file():
            refuse(f'{path} is no litmus test: name files that end in .litmus')
    processes.lock()
    right, wrong = tell(results(options, files))
    say(f'\n{right} litmus tests are as they should be, {wrong} are not')
    return 0 if right and not wrong else 1


COMMANDS = (Command('litmus', 'herd7 on what fs/eventfd.c says about memory ordering', check_tests, [
    Argument('files', 'litmus tests; all of ours, if none is named', '*')]),)
