# SPDX-License-Identifier: GPL-2.0
"""The sources of real programs, as Debian has them and with EFD_AUTORESET.

A program is a folder of scripts/programs; its semantic patches (*.cocci) and insertions (*.lines) are of the form of those
of series/, and are applied to the files of the program that they name. Both trees of a program share the files that are
the same in both.
"""
import hashlib
import os
import pathlib
import re
import shutil
from collections.abc import Iterator, Sequence

from core import processes
from core.places import BUILD, ROOT, need_disk, scratch_folder, write_if_changed
from core.report import say
from source import debian, insertion, semantic

PROGRAMS = ROOT / 'scripts/programs'
FOLDER = BUILD / 'programs'
# As it is, and with the flag.
STATES = ('plain', 'autoreset')


def patches(name: str) -> list[pathlib.Path]:
    """What is to be done to a program, in this order."""
    folder = PROGRAMS / name
    return [*sorted(folder.glob('*.cocci')), *sorted(folder.glob('*.lines'))]


def files_of(patch: pathlib.Path) -> set[str]:
    """The files of the program that a patch changes."""
    if patch.suffix == '.cocci':
        return {rule.file for rule in semantic.rules_of(patch)}
    return {one.file for one in insertion.insertions_of(patch)}


def changed(source: pathlib.Path, wanted: Sequence[pathlib.Path]) -> Iterator[tuple[str, bytes]]:
    """The files that patches change, and what they make of them; a source that they do not fit is refused."""
    for file in sorted(set[str]().union(*map(files_of, wanted))):
        path = source / file
        data = path.read_bytes() if path.exists() else b''
        for patch in wanted:
            if file in files_of(patch):
                kind = semantic if patch.suffix == '.cocci' else insertion
                data = kind.changed(patch, file, data, source)
        yield file, data


def version(package: str, suite: str) -> str:
    """The version of Debian's package."""
    text = debian.source_package(package, suite).read_text()
    found = re.search(r'^Version: (?:\d+:)?(\S+)$', text, re.M)
    return found[1] if found else '?'


def pristine(name: str, package: str, suite: str) -> pathlib.Path:
    """The source as Debian builds it, unpacked."""
    described = debian.source_package(package, suite)
    target = FOLDER / name / 'source'
    if not target.exists():
        need_disk(FOLDER, 1)
        target.parent.mkdir(parents=True, exist_ok=True)
        say(f'unpacking {described.stem}')
        with scratch_folder(target.parent) as scratch:
            # apt has looked at its signature, by the lists that it came from.
            processes.run(['dpkg-source', '--no-check', '-x', described, f'{scratch}/x'], FOLDER / f'{name}/unpack.log',
                          f'unpacking {described.name}')
            os.replace(f'{scratch}/x', target)
    return target


def tree(name: str, package: str, suite: str, state: str, made_by: str) -> pathlib.Path:
    """A folder with the program's source in one state, and room for its build, both new if they are not of now.

    made_by is what else the build is made from.
    """
    source = pristine(name, package, suite)
    wanted = patches(name) if state == 'autoreset' else []
    fresh = dict(changed(source, wanted))
    digest = hashlib.sha256(f'{version(package, suite)} {made_by}\0'.encode())
    for file, data in fresh.items():
        digest.update(f'{file}\0'.encode() + data + b'\0')
    folder = FOLDER / name / state
    stamp = folder / '.from'
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder / 'source', symlinks=True, copy_function=os.link)
    for file, data in fresh.items():
        write_if_changed(folder / 'source' / file, data)
    (folder / 'build').mkdir()
    write_if_changed(stamp, digest.hexdigest())
    return folder
