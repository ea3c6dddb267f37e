# SPDX-License-Identifier: GPL-2.0
"""Tables for pages."""
from collections.abc import Sequence


def simple_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """reStructuredText's simple table; the first columns to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = '  '.join('=' * width for width in widths)
    lines = ['  '.join(cell.ljust(width) if column < left else cell.rjust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in (head, *rows)]
    return [rule, lines[0], rule, *lines[1:], rule, '']
