# SPDX-License-Identifier: GPL-2.0
"""Figures in texts that are mailed or read: they are those of the runs that measured them.

What a run found stands in the tables that "make bench-doc" and "make matrix-doc" write. figures.txt, beside
this file, lists the sentences that repeat some of it, with the name of each figure in its place. A sentence
that is not there, or says another number than the table, is a failure of check-static; "scripts/eventfd
figures-doc" writes the numbers of the tables into the sentences. How many digits there are is the text's
own choice.
"""
import argparse
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from core.command import Command
from core.options import Options
from core.places import ROOT, SCRIPTS, write_if_changed
from core.report import Broken, refuse, say

LIST = SCRIPTS / 'checks/figures.txt'
COSTS = 'Documentation/userspace-api/eventfd-performance.rst'
ROWS = 'Documentation/dev-tools/eventfd.rst'
KUNIT = 'fs/tests/eventfd_kunit.c'
RULE = re.compile(r'=+(?:  =+)+')
NUMBER = r'\d+(?:,\d{3})*(?:\.\d+)?'


class Sentence(NamedTuple):
    file: str
    line: int           # of figures.txt
    words: list[str]    # text and names of figures in turns, text first


def sentences(text: str) -> list[Sentence]:
    """Those of figures.txt: a line with a file's name, and below it one or more sentences, set in."""
    found: list[Sentence] = []
    file = ''
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith('#'):
            continue
        if not line.startswith(' '):
            file = line.strip()
        elif not file or '{' not in line:
            raise Broken(f'{LIST}:{number}: "{line.strip()}" where a sentence with a {{figure}}, below a file, has to be')
        else:
            found.append(Sentence(file, number, re.split(r'\{([^}]*)\}', line.strip())))
    return found


def table_of_costs(page: str) -> Iterator[tuple[str, float]]:
    """(name, figure) for each cell of the tables that "make bench-doc" writes; a column may have nothing to say of a case."""
    kind, columns, heads, rules = '', list[slice](), list[str](), 0
    for line in page.splitlines():
        if RULE.fullmatch(line):
            columns, rules = [slice(*match.span()) for match in re.finditer('=+', line)], rules + 1
            continue
        first, *cells = [line[column].strip() for column in columns] or ['']
        if not line:
            columns, rules = [], 0
        elif rules == 1:
            # Between the first rule and the second stands what the columns are.
            heads = cells
            kind = {'instructions an operation': '', 'context switches an operation': ':switches'}.get(first, f':{first}')
        else:
            yield from ((f'{head}:{first}{kind}', float(cell)) for head, cell in zip(heads, cells)
                        if re.fullmatch(NUMBER, cell))


def table_of_rows(page: str) -> Iterator[tuple[str, float]]:
    """(matrix:CALL:WORD, the number before that word) for each row that "make matrix-doc" writes."""
    row = ''
    for line in page.partition('.. From "make matrix"')[2].partition('.. End of what')[0].splitlines():
        called = re.match(r'``make (.*?)``', line)
        row = called.group(1) if called else row
        for number, word in re.findall(rf'({NUMBER}) (\w+)', line):
            yield f'matrix:{row}:{word}', float(number)


def recorded() -> dict[str, float]:
    """All figures that there are, by name."""
    cases = re.findall(r'^\tKUNIT_CASE\w*\(', (ROOT / KUNIT).read_text(), re.M)
    return {**dict(table_of_costs((ROOT / COSTS).read_text())), **dict(table_of_rows((ROOT / ROWS).read_text())),
            'kunit:cases': float(len(cases))}


def value_of(name: str, figures: Mapping[str, float]) -> float:
    """A figure, or what "A / B" or "A - B" makes of two."""
    match = re.fullmatch(r'(.*?)(?: ([/-]) (.*))?', name)
    assert match    # anything does
    first, sign, second = match.groups()
    for part in (first, second):
        if part and part not in figures:
            raise Broken(f'{LIST} asks for {part}, and no table has it')
    if sign == '/':
        return figures[first] / figures[second]
    return figures[first] - (figures[second] if sign else 0)


def as_in(text: str, value: float) -> str:
    """The value, with as many digits behind the point as the text has, and commas unless the text does without."""
    whole, _, fraction = text.partition('.')
    form = f'.{len(fraction)}f' if len(whole) > 3 and ',' not in whole else f',.{len(fraction)}f'
    return format(value, form)


def renewed(sentence: Sentence, text: str, figures: Mapping[str, float]) -> tuple[str, list[str]]:
    """The text with the sentence's figures as they are recorded, and what was wrong with it, a line each."""
    pattern = ''.join(rf'({NUMBER})' if place % 2 else r'\s+'.join(map(re.escape, re.split(r'\s+', part)))
                      for place, part in enumerate(sentence.words))
    matches = list(re.finditer(pattern, text))
    where = f'{sentence.file} ({LIST.name}:{sentence.line})'
    if len(matches) != 1:
        return text, [f'{where} has the sentence "{"…".join(sentence.words[::2])}" {len(matches)} times and not once']
    wrong = []
    for group, name in reversed(list(enumerate(sentence.words[1::2], 1))):
        said = matches[0].group(group)
        true = as_in(said, value_of(name, figures))
        if said != true:
            wrong.append(f'{where}: {said} where {name} is {true}; "scripts/eventfd figures-doc" writes it')
            text = text[:matches[0].start(group)] + true + text[matches[0].end(group):]
    return text, wrong[::-1]


def check() -> list[str]:
    """What is wrong with the texts, a line each."""
    figures, wrong = recorded(), []
    listed = sentences(LIST.read_text())
    for sentence in listed:
        wrong += renewed(sentence, (ROOT / sentence.file).read_text(), figures)[1]
    return wrong if listed else [f'{LIST} lists nothing']


def write(_options: Options, _arguments: argparse.Namespace) -> int:
    figures = recorded()
    for sentence in sentences(LIST.read_text()):
        text, wrong = renewed(sentence, (ROOT / sentence.file).read_text(), figures)
        if not write_if_changed(ROOT / sentence.file, text) and wrong:
            refuse(wrong[0])
        for line in wrong:
            say(line.partition(';')[0])
    return 0


COMMANDS = (Command('figures-doc', 'write the figures of the tables into the sentences that repeat them', write),)
