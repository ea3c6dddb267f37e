# SPDX-License-Identifier: GPL-2.0
"""Checks of the text of what is ours.

They are checkpatch, sparse and W=1, formats, licences, and whether there is what the table of behaviours names.
"""
import difflib
import os
import pathlib
import re
from collections.abc import Iterator, Mapping

from checks import behaviours, figures, kernel_doc, others, shown
from core import processes
from core.options import Options
from core.places import BUILD, ROOT, SCRIPTS, project_files
from core.totals import Totals
from guest import kernels, rootfs
from source import states, trees

# Without a git repository checkpatch leaves out spdxcheck, which asks for one of the kernel's.
NO_GIT = dict(os.environ, GIT_DIR='/nowhere')
CHECKPATCH_IGNORE = {
    # A stub that is there when eventfd is not says so with the error that aio's callers know.
    'include/linux/eventfd.h': 'ENOSYS',
    # 7.3 has kzalloc_obj() and wants it to be used. 6.12 does not, and one file is for both.
    'fs/eventfd.c': 'ALLOC_WITH_SIZEOF',
}


def without_licence() -> Iterator[str]:
    """Files of ours that do not say their licence where it is looked for."""
    for name in project_files():
        if name in ('LICENSE', '.gitignore') or name.startswith('LICENSES/'):
            continue
        head = (ROOT / name).read_text(errors='replace').splitlines()[:3]
        if not any('SPDX-License-Identifier: GPL-2.0' in line for line in head):
            yield name


def noisy_build(options: Options, source: pathlib.Path, objects: pathlib.Path, *words: str) -> str:
    """What make says when it builds these with W=1 and has nothing else to say."""
    return kernel_doc.remarks(processes.output_of([*kernels.make(options, source, objects), '-s', 'W=1', *words],
                                                  env=processes.environment()), source)


def about_changes(said: str, source: pathlib.Path, patched: Mapping[str, bytes]) -> Iterator[str]:
    """Those of a compiler's remarks that are about lines which we changed; the others are the kernel's own."""
    for name, data in patched.items():
        before = (source / name).read_text(errors='replace').splitlines()
        after = data.decode(errors='replace').splitlines()
        ours: set[int] = set()
        for tag, _, _, first, last in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != 'equal':
                ours.update(range(first + 1, last + 1))
        for line in said.splitlines():
            match = re.search(rf'{re.escape(name)}:(\d+):', line)
            if match and int(match.group(1)) in ours:
                yield line


def formats(totals: Totals) -> None:
    """The C++ files are as the one clang-format has them that .clang-format names; another one says nothing of them."""
    wanted = re.search(r'clang-format (\d+)', (ROOT / '.clang-format').read_text())
    here = re.search(r'version (\d+)', processes.output_of(['clang-format', '--version']))
    if wanted and here and wanted[1] != here[1]:
        totals.skip('clang-format', f'this one is {here[1]}, and the files are as {wanted[1]} has them')
        return
    # What the rows' programs include is C, in the kernel's style as they are.
    files = [name for name in project_files('tools/*.cpp', 'tools/*.h') if ROOT / name != shown.COMMON]
    totals.check('clang-format', processes.output_of(['clang-format', '--dry-run', '-Werror', *files], cwd=ROOT))


def check(options: Options, totals: Totals) -> None:
    source, _ = trees.prepare(options)
    checkpatch: list[processes.Word] = [source / 'scripts/checkpatch.pl', f'--root={source}', '--strict', '--terse',
                                        '--quiet', '--no-summary']
    for name in trees.ours():
        ignore = [f'--ignore={CHECKPATCH_IGNORE[name]}'] if name in CHECKPATCH_IGNORE else []
        totals.check(f'checkpatch --strict {name}',
                     processes.output_of([*checkpatch, *ignore, '-f', name], cwd=ROOT, env=NO_GIT))
    given = trees.pristine(options)
    patched = {name: data for name, data in states.end(given, small=True).items() if name in states.files()}
    change = ''.join(states.diff(given, patched))
    totals.check('checkpatch --strict, what changes in the kernel\'s own files',
                 processes.output_of([*checkpatch, '--no-signoff', '--ignore=COMMIT_MESSAGE', '-'], cwd=ROOT, env=NO_GIT,
                                     input=change))
    objects = options.work / 'obj'
    kernels.build(options, source, objects)
    theirs = [name for name in patched if name.endswith('.c')]
    for name in ('fs/eventfd.c', *theirs):
        os.utime(source / name)
    totals.check('sparse and W=1, fs/eventfd.o', noisy_build(options, source, objects, 'C=2', 'fs/eventfd.o'))
    said = noisy_build(options, source, objects, 'C=2', *(name[:-1] + 'o' for name in theirs))
    totals.check('sparse and W=1, the lines that the semantic patches change',
                 '\n'.join(about_changes(said, given, patched)))
    bare = options.work / 'obj-without-eventfd'
    kernels.configure(options, source, bare, extra=[ROOT / 'scripts/config/without-eventfd.config'])
    processes.run([*kernels.make(options, source, bare), 'prepare'], options.work / 'without-eventfd.log',
                  'preparing a kernel without eventfd')
    totals.check('W=1 without CONFIG_EVENTFD, those who use it',
                 noisy_build(options, source, bare, 'io_uring/eventfd.o', 'fs/aio.o'))
    scripts = [name for name in project_files('scripts/', '.ci/')
               if re.match(r'#!/bin/(?:ba)?sh|#!/usr/bin/env bash', (ROOT / name).read_text(errors='replace'))]
    totals.check('shellcheck', processes.output_of(['shellcheck', *scripts], cwd=ROOT))
    python = [*project_files('*.py'), 'scripts/eventfd']
    totals.check('pyflakes', processes.output_of(['pyflakes3', *python], cwd=ROOT))
    totals.check('mypy --strict', processes.output_of(
        ['mypy', '--config-file', SCRIPTS / 'mypy.ini', '--no-error-summary', '--cache-dir', BUILD / 'mypy', *python],
        cwd=ROOT))
    formats(totals)
    totals.check('a licence in every file', '\n'.join(without_licence()))
    installed = rootfs.install_suite(options, source, objects)
    totals.check('figures in texts are those of the tables', '\n'.join(figures.check()))
    totals.check('the page of other systems', others.complaint())
    totals.check('the table of behaviours and the tests that it names', '\n'.join(behaviours.check(installed)))


