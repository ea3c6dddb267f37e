# SPDX-License-Identifier: GPL-2.0
"""Insert the lines of series/*.lines into the kernel files that are not C and not ours.

Shows what changes as a diff; TREE stays as it is. A file of series/ has comments, and below them
any number of blocks of this form, with "after" for a place behind the line that is named:

    file: PATH
    before: LINE
    +TEXT
    ...

LINE is a whole line that the kernel's file has exactly once. A tree where it is missing, or there
twice, or that has TEXT already, is refused. A block that starts with "where missing:" in place of
"file:" is left out of such a tree that has TEXT: some kernels have it, others do not.
"""
import argparse
import pathlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from core.command import Argument, Command
from core.options import Options
from core.places import ROOT
from core.report import Broken, refuse
from source import semantic

SERIES = ROOT / 'series'


class Insertion(NamedTuple):
    """A block of series/*.lines."""
    source: pathlib.Path    # the file of series/ that has it
    always: bool            # or only where its text is missing
    file: str               # the kernel's
    where: str              # before or after
    anchor: str             # the line that it is beside
    text: list[str]


def insertions_of(path: pathlib.Path) -> list[Insertion]:
    """The blocks of one file of series/."""
    lines = [(number, line) for number, line in enumerate(path.read_text().splitlines(), 1)
             if line.strip() and not line.startswith('#')]
    found = []
    while lines:
        head: list[str] = []
        for pattern in (r'(file|where missing): (\S+)$', r'(before|after): (.*\S)$', r'\+(.*)$'):
            number, line = lines[0] if lines else ('end', 'nothing')
            match = re.match(pattern, line)
            if not match:
                raise Broken(f'{path}:{number}: "{line}" where a line like "{pattern}" has to be')
            if not pattern.startswith(r'\+'):
                head += match.groups()
                lines.pop(0)
        text = []
        while lines and lines[0][1].startswith('+'):
            text.append(lines.pop(0)[1][1:])
        kind, file, where, anchor = head
        found.append(Insertion(path, kind == 'file', file, where, anchor, text))
    if not found:
        raise Broken(f'{path} has nothing to insert')
    return found


def insertions(paths: Iterable[pathlib.Path] | None = None) -> list[Insertion]:
    """All blocks, or those of some files of series/."""
    return [insertion for path in sorted(SERIES.glob('*.lines') if paths is None else paths)
            for insertion in insertions_of(path)]


def files() -> list[str]:
    """The kernel files that lines are inserted into."""
    return sorted({insertion.file for insertion in insertions()})


def insert(insertion: Insertion, lines: list[str], source: pathlib.Path) -> list[str]:
    """The lines of a file with one block in it; they have no line ends."""
    where = f'{source}: {insertion.file}'
    # A block is known by its first line, be it that of an option or the title of a section.
    if insertion.text[0] in lines:
        if not insertion.always:
            return lines
        refuse(f'{where} has "{insertion.text[0]}" already: name a tree without this series')
    number = lines.count(insertion.anchor)
    if number != 1:
        refuse(f'{where} has to have the line "{insertion.anchor}" 1x, for what {insertion.source.name} inserts '
               f'{insertion.where} it, and has it {number}x: this tree differs from those that the series is for')
    at = lines.index(insertion.anchor) + (insertion.where == 'after')
    return lines[:at] + insertion.text + lines[at:]


def patched(source: pathlib.Path, paths: Iterable[pathlib.Path] | None = None) -> dict[str, bytes]:
    """{relative path: the bytes of the changed file} for all the kernel files that get lines."""
    changed: dict[str, list[str]] = {}
    for insertion in insertions(paths):
        if not (source / insertion.file).is_file():
            refuse(f'{source} has no {insertion.file}: name the top of a kernel tree')
        if insertion.file not in changed:
            changed[insertion.file] = (source / insertion.file).read_text(errors='surrogateescape').split('\n')
        changed[insertion.file] = insert(insertion, changed[insertion.file], source)
    return {file: '\n'.join(lines).encode(errors='surrogateescape') for file, lines in changed.items()}


def main(_options: Options, arguments: argparse.Namespace) -> int:
    source = pathlib.Path(arguments.tree)
    print(''.join(semantic.diff(source, patched(source))), end='')
    return 0


COMMANDS = (Command('insertion', 'show what series/*.lines insert into a tree', main, [
    Argument('tree', 'the top of a kernel tree, which stays as it is')]),)
