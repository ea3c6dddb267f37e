# SPDX-License-Identifier: GPL-2.0
"""Which tests of the suite each patch turns green, as they declare it: what a message says of its patch."""
import re
from collections.abc import Collection, Iterator, Mapping

from core.places import ROOT, SUITE_FOLDER
from core.report import Broken
from source.messages import Patch, patches

# A change as the suite's code has it, and as everybody else does.
LISTED = re.compile(r'\{Change::(k\w+),\s*"(\w+)"')
DECLARED = re.compile(r'\bTEST(?:_F|_P)?_WITH\((\w+),\s*(\w+),((?:[^{};]|\{[^{}]*\})*?)\)\s*\{')


def names() -> dict[str, str]:
    """{k...: the name of a change}, as the suite lists them."""
    found = dict(LISTED.findall((ROOT / SUITE_FOLDER / 'support/changes.h').read_text()))
    if not found:
        raise Broken('support/changes.h of the suite has no list of changes')
    return found


def turned_by(changes: Collection[str]) -> dict[str, list[str]]:
    """The tests for which one of these changes is the last one that they need, by their programs.

    They are GROUP.NAME, with /PARAMETER where only that one needs it.
    """
    order = [change for patch in patches() for change in patch.turns]
    found: dict[str, list[str]] = {}
    known = names()
    for path in sorted((ROOT / SUITE_FOLDER).glob('*.cpp')):
        for group, name, attributes in DECLARED.findall(path.read_text()):
            declared = [('', one) for listed in re.findall(r'\bNeeds\((.*?)\)', attributes, re.S)
                        for one in re.findall(r'Change::(k\w+)', listed)]
            declared += re.findall(r'\bNeedsFor\("(\w+)",\s*Change::(k\w+)\)', attributes)
            for parameter in dict.fromkeys(where for where, _ in declared):
                needs = {known[one] for where, one in declared if where in ('', parameter)}
                # What the fixture is for.
                if group.startswith('Autoreset'):
                    needs.add('autoreset')
                if max(needs, key=order.index) in changes:
                    found.setdefault(path.stem, []).append(f'{group}.{name}{parameter and "/" + parameter}')
    return found


def lines(tests: Mapping[str, list[str]]) -> Iterator[str]:
    """One for each test. That it looks like a path is how checkpatch knows what cannot be wrapped."""
    for program, listed in tests.items():
        for name in listed:
            yield f'  eventfd/{program}: {name}'


def paragraph(patch: Patch) -> str:
    """What a message says of the tests that its patch turns, or nothing."""
    if not patch.turns:
        return ''
    text = ''
    if 'autoreset' in patch.turns:
        text = ('\nThe selftests that ask for the flag are skipped before this patch, and pass\n'
                'after it.\n')
    tests = turned_by(patch.turns)
    if tests:
        text += '\n'.join(['\nThese selftests fail before this patch, and pass after it:\n' if not text else
                           '\nThese also need a patch before this one:\n', *lines(tests)]) + '\n'
    return text
