# SPDX-License-Identifier: GPL-2.0
"""Insert the lines of series/*.lines into the kernel's files, and what fs/eventfd.c of ours has in common with them.

A file of series/ has comments, and below them any number of blocks of this form, with "after" for a place behind the
line that is named:

    file: PATH
    before: LINE
    +TEXT
    ...

LINE is a whole line that the kernel's file has exactly once; several of "before:" or "after:" are lines that follow
one another there. A tree where it is missing, or there twice, or that has TEXT already, is refused. A block that starts
with "where missing:" in place of "file:" is left out of such a tree that has TEXT: some kernels have it, others do not.

In a C file the place can be that of a definition, as source/definitions.py finds it: "before definition: NAME",
"after definition: NAME", or "in place of: NAME". And the text can be what the file of ours of the same path defines,
so that it stands there alone:

    takes: NAME[, NAME]...
    -LINE
    +LINE

The lines below it say what such a definition has otherwise in this patch: LINE, which it has exactly once, becomes
another one, or none. Where two such places follow one another, "..." stands between them.
"""
import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterable

from core.places import ROOT
from core.report import Broken, refuse
from source import definitions

SERIES = ROOT / 'series'


@dataclasses.dataclass(frozen=True)
class Insertion:
    """A block of series/*.lines."""
    source: pathlib.Path    # the file of series/ that has it
    always: bool            # or only where its text is missing
    file: str               # the kernel's
    where: str              # one of PLACES
    anchor: str             # the line, or the definition, that it is beside or replaces
    text: list[str]
    known_by: str           # the line by which it is found in a tree that has it already


LINES = ('before', 'after')
PLACES = (*LINES, 'before definition', 'after definition', 'in place of')


class Block:
    """Reads the lines of one block."""

    def __init__(self, path: pathlib.Path, lines: list[tuple[int | str, str]]):
        self.path = path
        self.lines = lines      # those that are left, of this block and of the following ones

    def next(self, pattern: str) -> re.Match[str]:
        number, line = self.lines.pop(0) if self.lines else ('end', 'nothing')
        match = re.fullmatch(pattern, line)
        if not match:
            raise Broken(f'{self.path}:{number}: "{line}" where a line like "{pattern}" has to be')
        return match

    def marked(self, sign: str) -> list[str]:
        found: list[str] = []
        while self.lines and self.lines[0][1].startswith(sign):
            found.append(self.lines.pop(0)[1][1:])
        return found

    def taken(self, file: str) -> list[str]:
        """What is taken from our file, with what it has otherwise."""
        names = self.next(r'takes: (\S.*)')[1]
        ours = ROOT / file
        if not ours.is_file():
            raise Broken(f'{self.path} takes {names} from {file}, and there is no such file of ours')
        found = '\n'.join(definitions.taken(ours.read_text(), names.split(', '), file)) + '\n'
        while self.lines and self.lines[0][1].startswith(('-', '...')):
            if self.lines[0][1] == '...':
                self.lines.pop(0)
            before, after = ('\n'.join([*lines, '']) for lines in (self.marked('-'), self.marked('+')))
            if f'\n{found}'.count(f'\n{before}') != 1:
                raise Broken(f'{self.path}: {file} has to have in {names} 1x "{before.splitlines()[0].strip()}"')
            found = f'\n{found}'.replace(f'\n{before}', f'\n{after}')[1:]
        return found.splitlines()

    def read(self) -> Insertion:
        kind, file = self.next(r'(file|where missing): (\S+)').groups()
        where, anchor = self.next(rf'({"|".join(PLACES)}): (.*\S)').groups()
        while where in LINES and self.lines and self.lines[0][1].startswith(f'{where}: '):
            anchor += '\n' + self.next(rf'{where}: (.*\S)')[1]
        text = self.marked('+')
        known_by = text[0] if text else ''
        while self.lines and self.lines[0][1].startswith('takes: '):
            taken = self.taken(file)
            # Comments begin alike.
            known_by = known_by or next(line for line in taken if line not in ('/*', '/**'))
            text += ['', *taken] if text else taken
        if not text:
            self.next(r'\+.*|takes: .*')
        if where.endswith('definition'):
            text = [*text, ''] if where.startswith('before') else ['', *text]
        return Insertion(self.path, kind == 'file', file, where, anchor, text, known_by)


@functools.cache
def insertions_of(path: pathlib.Path) -> list[Insertion]:
    """The blocks of one file of series/."""
    lines: list[tuple[int | str, str]] = [(number, line) for number, line in enumerate(path.read_text().splitlines(), 1)
                                          if line.strip() and not line.startswith('#')]
    block = Block(path, lines)
    found: list[Insertion] = []
    while block.lines or not found:
        found.append(block.read())
    return found


def insertions(paths: Iterable[pathlib.Path] | None = None) -> list[Insertion]:
    """All blocks, or those of some files of series/."""
    return [insertion for path in sorted(SERIES.glob('*.lines') if paths is None else paths)
            for insertion in insertions_of(path)]


def options_of(path: pathlib.Path) -> list[tuple[str, str]]:
    """The options of the configuration that one file of series/ brings: (the kernel's file, CONFIG_...)."""
    return [(insertion.file, f'CONFIG_{line.removeprefix("config ")}') for insertion in insertions_of(path)
            for line in insertion.text if line.startswith('config ')]


def files() -> list[str]:
    """The kernel files that lines are inserted into."""
    return sorted({insertion.file for insertion in insertions()})


def place(insertion: Insertion, lines: list[str], source: pathlib.Path) -> tuple[int, int]:
    """The lines of a file that a block replaces: none, as a rule."""
    if insertion.where in LINES:
        what, anchor = 'line', insertion.anchor.split('\n')
        found = [(number, number + len(anchor)) for number, line in enumerate(lines)
                 if line == anchor[0] and lines[number:number + len(anchor)] == anchor]
    else:
        what = 'definition of'
        found = [(one.start, one.end) for one in definitions.find('\n'.join(lines), insertion.anchor)]
    if len(found) != 1:
        named = insertion.anchor.split('\n')[-1].strip('\t')
        refuse(f'{source}: {insertion.file} has to have the {what} "{named}" 1x, for what '
               f'{insertion.source.name} inserts {insertion.where} it, and has it {len(found)}x: this tree differs from '
               f'those that the series is for')
    [(start, end)] = found
    return (start, end) if insertion.where == 'in place of' else (start, start) if insertion.where.startswith('before') \
        else (end, end)


def insert(insertion: Insertion, lines: list[str], source: pathlib.Path) -> list[str]:
    """The lines of a file with one block in it; they have no line ends."""
    # A block is known by its first line, be it that of an option or the title of a section.
    if insertion.where != 'in place of' and insertion.known_by in lines:
        if not insertion.always:
            return lines
        refuse(f'{source}: {insertion.file} has "{insertion.known_by}" already: name a tree without this series')
    start, end = place(insertion, lines, source)
    # Of empty lines at the end of a file nothing stays below the text but the line's own end.
    below = lines[end:] if any(lines[end:]) else ['']
    return lines[:start] + insertion.text + below


def changed(path: pathlib.Path, file: str, before: bytes, source: pathlib.Path) -> bytes:
    """What the blocks of one file of series/ make of a kernel file, which is source's or what other patches made of it."""
    lines = before.decode(errors='surrogateescape').split('\n')
    for insertion in insertions_of(path):
        if insertion.file == file:
            lines = insert(insertion, lines, source)
    return '\n'.join(lines).encode(errors='surrogateescape')
