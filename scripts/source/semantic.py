# SPDX-License-Identifier: GPL-2.0
"""Apply the semantic patches of series/ to the kernel's files.

Coccinelle's spatch works on copies. It takes a rule that matches nothing for a success, so each rule says what it
has to match, in a line of its own:

    // expect: RULE FILE FUNCTION[|FUNCTION]... COUNT

FUNCTION is - for what is in none; those with | between them are the same thing in different
kernels. The rule marks what it matches with a position p. Whatever else it matches, or does not
match, is an error that names the rule, the file and the function.
"""
import collections
import dataclasses
import functools
import hashlib
import pathlib
import re
import tempfile
from collections.abc import Sequence

from core import processes
from core.places import BUILD, ROOT, write_if_changed
from core.report import Broken, refuse

SYSTEM_PYTHON = '/usr/bin/python3'
SERIES = ROOT / 'series'


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule, and what it has to match."""
    patch: pathlib.Path     # the semantic patch that has it
    name: str
    file: str               # the kernel's
    functions: list[str]    # the names that the function has in one kernel or another; - for none
    count: int              # of the matches
    text: str               # as spatch takes it
    adds: list[str]         # by each of them: patterns for lines without their blanks
    removes: str            # likewise: a text without blanks


# Reports each match of a rule; the braces are filled in.
REPORT = '''
@script:python@
p << {0}.p;
@@
for place in p:
    print("matched", "{0}", place.current_element, place.line, place.column)
'''


def bare(text: str) -> str:
    return re.sub(r'\s', '', text)


def changed_lines(body: str) -> tuple[list[str], str]:
    """What a rule adds and removes. A metavariable may be anything short."""
    names = {name for listed in re.findall(r'^(?:expression|identifier) (.*);$', body, re.M)
             for name in re.findall(r'\w+', listed)}
    lines = [re.findall(r'\w+|[^\w\s]', line) for line in re.findall(r'^\+(.*\S)', body, re.M)]
    return ([''.join('.{1,60}?' if word in names else re.escape(word) for word in line) for line in lines],
            bare(re.sub(r'@\w+', '', ''.join(re.findall(r'^-(.*)', body, re.M)))))


def not_made(rules: Sequence[Rule], before: str, after: str) -> str | None:
    """A line that the rules should have added and did not: spatch leaves alone what comes out of a macro."""
    before, after = bare(before), bare(after)
    for line in dict.fromkeys(line for rule in rules for line in rule.adds):
        more = sum(rule.count * (rule.adds.count(line) - len(re.findall(line, rule.removes))) for rule in rules)
        if len(re.findall(line, after)) < len(re.findall(line, before)) + more:
            return line
    return None


@functools.cache
def rules_of(patch: pathlib.Path) -> list[Rule]:
    """The rules of a semantic patch, each with what it has to match."""
    text = patch.read_text()
    body = {part[1]: part[2] for part in re.finditer(r'^@(\w+)@\n(.*?)(?=^@\w+@\n|\Z)', text, re.M | re.S)}
    rules = [Rule(patch, name, file, functions.split('|'), int(count), f'@{name}@\n{body.get(name, "")}',
                  *changed_lines(body.get(name, '')))
             for name, file, functions, count
             in re.findall(r'^// expect: (\w+) (\S+) (\S+) (\d+)$', text, re.M)]
    if sorted(rule.name for rule in rules) != sorted(body):
        raise Broken(f'{patch}: its rules are {", ".join(body)}, but the lines "// expect:" name '
                     f'{", ".join(rule.name for rule in rules) or "none"}')
    return rules


def apply(patch: pathlib.Path, rules: Sequence[Rule], file: str, folder: pathlib.Path
          ) -> collections.defaultdict[str, list[str]]:
    """Change one file below folder; returns the functions that each rule matched in."""
    script = folder / patch.name
    # Those for other files match nothing here, and take their time for it.
    script.write_text(''.join(rule.text for rule in rules) + ''.join(REPORT.format(rule.name) for rule in rules))
    places: set[tuple[str, ...]] = set()

    def on_line(line: str) -> None:
        if line.startswith('matched '):
            places.add(tuple(line.split()[1:]))

    # Away from any .cocciconfig of the user's, in a folder or in the home.
    # The system's own python is the one that spatch is linked with. About another one that comes first in PATH it asks a dozen
    # programs, each time anew.
    python = ['--python', SYSTEM_PYTHON] if pathlib.Path(SYSTEM_PYTHON).exists() else []
    processes.run(['spatch', *python, '--very-quiet', '--no-show-diff', '--in-place', '--sp-file', script, file],
                  BUILD / f'semantic/{patch.stem}.log', f'{patch.name} on {file}', cwd=folder,
                  env=processes.environment(HOME=str(folder)), on_line=on_line)
    matched: collections.defaultdict[str, list[str]] = collections.defaultdict(list)
    for name, function, *_ in sorted(places):
        matched[name].append('-' if function == 'something_else' else function)
    return matched


def check(rule: Rule, matched: Sequence[str], source: pathlib.Path) -> None:
    """Refuse a tree in which a rule matched anything but what it has to."""
    where = f'{source}: the rule {rule.name} of {rule.patch.name}'
    stray = [function for function in matched if function not in rule.functions]
    if stray:
        refuse(f'{where} matches in {rule.file}, function {stray[0]}, and must not: '
               f'this tree differs from those that the series is for')
    if len(matched) != rule.count or len(set(matched)) > 1:
        refuse(f'{where} has to match {rule.count}x in {rule.file}, function {" or ".join(rule.functions)}, '
               f'and matches {len(matched)}x: this tree differs from those that the series is for')


def files() -> list[str]:
    """The kernel files that the series changes."""
    return sorted({rule.file for patch in SERIES.glob('*.cocci') for rule in rules_of(patch)})


def changed(patch: pathlib.Path, file: str, before: bytes, source: pathlib.Path,
            known: pathlib.Path = BUILD / 'semantic') -> bytes:
    """What a semantic patch makes of a kernel file, which is source's or what other patches made of it.

    What spatch has made once is kept in the folder known.
    """
    rules = [rule for rule in rules_of(patch) if rule.file == file]
    kept = known / hashlib.sha256(b'\0'.join(
        [file.encode(), before, patch.read_bytes(), pathlib.Path(__file__).read_bytes()])).hexdigest()[:32]
    if kept.exists():
        return kept.read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        target = pathlib.Path(scratch) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(before)
        matched = apply(patch, rules, file, pathlib.Path(scratch))
        for rule in rules:
            check(rule, matched[rule.name], source)
        after = target.read_bytes()
    line = not_made(rules, before.decode(errors='replace'), after.decode(errors='replace'))
    # A match is no change yet.
    if line:
        raise Broken(f'{source}: the rules of {patch.name} match in {file} but spatch did not make all of their '
                     f'changes: {line}')
    write_if_changed(kept, after)
    return after
