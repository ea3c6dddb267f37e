# SPDX-License-Identifier: GPL-2.0
"""Find what a C file defines by its name, with the comment above it.

A name is that of a function, a variable or a macro; "struct NAME" for a structure; CONFIG_OPTION for the block of lines
that are there with that option only; and the title of a comment for one that stands by itself.
"""
import re
from collections.abc import Sequence
from typing import NamedTuple

from core.report import Broken


class Definition(NamedTuple):
    """Where it is, in lines from 0."""
    start: int      # with its comment
    code: int       # without
    end: int        # the line after


def _end(lines: Sequence[str], code: int, name: str) -> int:
    """The line after what begins in a line, with what is said of it right below."""
    if name.startswith('CONFIG_'):
        end = code + lines[code:].index('#endif') + 1
    elif lines[code].startswith('#define'):
        end = code + 1
        while lines[end - 1].endswith('\\'):
            end += 1
    else:
        end = code
        while not lines[end].startswith('}') and not (lines[end].endswith(';') and '{' not in ''.join(lines[code:end + 1])):
            end += 1
        end += 1
    if end < len(lines) and lines[end].startswith('EXPORT_SYMBOL'):
        end += 1
    return end


def _comment(lines: Sequence[str], code: int) -> int:
    """Where the comment begins that ends right above a line; that line, if there is none."""
    if not code or not lines[code - 1].endswith('*/') or lines[code - 1].startswith(('\t', '#')):
        return code
    start = code - 1
    while not lines[start].startswith('/*'):
        start -= 1
    return start


def _begins(name: str) -> str:
    """A pattern for the first line of what has the name."""
    word = re.escape(name)
    if name.startswith('CONFIG_'):
        return rf'#ifdef {word}$'
    if name.startswith('struct '):
        return rf'{word} {{$'
    return rf'#define {word}\b|(?!#|/|\s|\*|EXPORT_)[^;=]*\b{word}(?:\(|\[| =)'


def find(text: str, name: str) -> list[Definition]:
    """All that a file defines under a name: one place, as a rule."""
    lines = text.split('\n')
    begins = re.compile(_begins(name))
    found = [number for number, line in enumerate(lines) if begins.match(line)]
    # A declaration is no definition.
    ends = [(number, _end(lines, number, name)) for number in found]
    places = [Definition(_comment(lines, number), number, end) for number, end in ends
              if lines[number].startswith('#') or '{' in ''.join(lines[number:end]) or ' = ' in lines[number]]
    if not places:
        for number in range(len(lines) - 1):
            if lines[number] == '/*' and lines[number + 1] == f' * {name}':
                end = number + lines[number:].index(' */') + 1
                places.append(Definition(number, end, end))
    return places


def one(text: str, name: str, where: str) -> Definition:
    """The one place; where names the file for Broken."""
    found = find(text, name)
    if len(found) != 1:
        raise Broken(f'{where} defines "{name}" {len(found)}x, and has to 1x')
    return found[0]


def taken(text: str, names: Sequence[str], where: str) -> list[str]:
    """The lines of definitions, each with its comment."""
    lines = text.split('\n')
    return [line for name in names for place in [one(text, name, where)] for line in lines[place.start:place.end]]


def without(text: str, name: str, where: str) -> str:
    """The file without a definition, and without the empty line in front of it."""
    lines = text.split('\n')
    place = one(text, name, where)
    start = place.start - (place.start > 0 and not lines[place.start - 1])
    return '\n'.join(lines[:start] + lines[place.end:])
