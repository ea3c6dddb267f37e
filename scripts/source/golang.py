# SPDX-License-Identifier: GPL-2.0
"""Tests of Go's own library, compiled from Debian's source to programs that need nothing but their package's folder.

Go waits by epoll, and wakes its waiting thread by an eventfd from 1.23 on: the release after the one that "make programs"
takes other programs from is the first that has it.
"""
import pathlib
from typing import NamedTuple

from core import processes
from core.options import Options
from core.places import BUILD, need_disk
from core.report import Progress
from source import debian

VERSION, SUITE = '1.24', 'trixie'
PACKAGES = (f'golang-{VERSION}-go', f'golang-{VERSION}-src')
FOLDER = BUILD / 'programs/go'


class Test(NamedTuple):
    """The tests of a package: the program, and where it has to run."""
    program: pathlib.Path
    folder: pathlib.Path


def tests(options: Options, packages: tuple[str, ...]) -> dict[str, Test]:
    """Those of these packages of the library, {package: test}."""
    root = FOLDER / 'root'
    if not root.exists():
        need_disk(FOLDER, 0.6)
        debian.unpack(PACKAGES, debian.apart('stable', SUITE), root)
    go = root / f'usr/lib/go-{VERSION}'
    # Without C they are static.
    env = processes.environment(GOROOT=str(go), GOCACHE=str(FOLDER / 'cache'), GOPATH=str(FOLDER / 'path'), GOTOOLCHAIN='local',
                                GOENV='off', CGO_ENABLED='0')
    progress = Progress("building Go's tests", options.terminal)
    found: dict[str, Test] = {}
    for package in packages:
        program = FOLDER / f'{package.replace("/", "-")}.test'
        found[package] = Test(program, root / f'usr/share/go-{VERSION}/src' / package)
        if not program.exists():
            progress.update(package)
            fresh = program.with_suffix('.new')
            processes.run([go / 'bin/go', 'test', '-c', '-o', fresh, package], FOLDER / 'build.log', f"building Go's tests of {package}",
                          env=env)
            fresh.rename(program)
    progress.done('done')
    return found
