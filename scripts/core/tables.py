# SPDX-License-Identifier: GPL-2.0
"""Tables for pages."""
import pathlib
from collections.abc import Sequence

from core.places import write_if_changed
from core.report import Broken


def simple_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """reStructuredText's simple table; the first columns to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = '  '.join('=' * width for width in widths)
    lines = ['  '.join(cell.ljust(width) if column < left else cell.rjust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in (head, *rows)]
    return [rule, lines[0], rule, *lines[1:], rule, '']


def put_between(page: pathlib.Path, first: str, last: str, lines: Sequence[str]) -> None:
    """Let a page have these lines, which begin with first, up to last, in place of what it has there."""
    before, _, rest = page.read_text().partition(first)
    _, _, after = rest.partition(last)
    if not after:
        raise Broken(f'{page} has lost the lines between which the tables go: "{first}" and "{last}"')
    write_if_changed(page, before + '\n'.join(lines) + f'\n{last}{after}')
