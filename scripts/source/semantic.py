# SPDX-License-Identifier: GPL-2.0
"""Apply the semantic patches of series/ to the kernel files that are not ours.

Writes the changed files below FOLDER, or, without one, shows what changes as a diff. TREE stays as
it is: Coccinelle's spatch works on copies. It takes a rule that matches nothing for a success, so
each rule says what it has to match, in a line of its own:

    // expect: RULE FILE FUNCTION[|FUNCTION]... COUNT

FUNCTION is - for what is in none; those with | between them are the same thing in different
kernels. The rule marks what it matches with a position p. Whatever else it matches, or does not
match, is an error that names the rule, the file and the function.
"""
import argparse
import collections
import dataclasses
import difflib
import hashlib
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import BUILD, ROOT, write_if_changed
from core.report import Broken, refuse, say

SERIES = ROOT / 'series'


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule, and what it has to match."""
    patch: pathlib.Path     # the semantic patch that has it
    name: str
    file: str               # the kernel's
    functions: list[str]    # the names that the function has in one kernel or another; - for none
    count: int              # of the matches
    added: int              # words(), by each of them


# Reports each match of a rule; the braces are filled in.
REPORT = '''
@script:python@
p << {0}.p;
@@
for place in p:
    print("matched", "{0}", place.current_element, place.line, place.column)
'''


def words(text: str) -> int:
    """The words that each of our changes adds at least one of."""
    return len(re.findall(r'\w*claim\w*', text, re.I))


def rules_of(patch: pathlib.Path) -> list[Rule]:
    """The rules of a semantic patch, each with what it has to match."""
    text = patch.read_text()
    body = {part[1]: part[2] for part in re.finditer(r'^@(\w+)@\n(.*?)(?=^@\w+@\n|\Z)', text, re.M | re.S)}
    rules = [Rule(patch, name, file, functions.split('|'), int(count),
                  words('\n'.join(re.findall(r'^\+(.*)', body.get(name, ''), re.M))))
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
    script.write_text(patch.read_text() + ''.join(REPORT.format(rule.name) for rule in rules))
    places: set[tuple[str, ...]] = set()

    def on_line(line: str) -> None:
        if line.startswith('matched '):
            places.add(tuple(line.split()[1:]))

    # Away from any .cocciconfig of the user's, in a folder or in the home.
    processes.run(['spatch', '--very-quiet', '--no-show-diff', '--in-place', '--sp-file', script, file],
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


def fingerprint(*paths: pathlib.Path) -> str:
    """A name for what comes of these files."""
    return hashlib.sha256(b'\0'.join(path.read_bytes() for path in paths)).hexdigest()[:32]


def patched(source: pathlib.Path, series: pathlib.Path = SERIES,
            known: pathlib.Path = BUILD / 'semantic') -> dict[str, bytes]:
    """{relative path: the bytes of the changed file} for all the kernel files that the series changes.

    What spatch has made once is kept in the folder known.
    """
    patches = sorted(series.glob('*.cocci'))
    by_file: dict[str, dict[pathlib.Path, list[Rule]]] = {}
    for patch in patches:
        for rule in rules_of(patch):
            by_file.setdefault(rule.file, {}).setdefault(patch, []).append(rule)
    if not by_file:
        raise Broken(f'{series} has no semantic patches')
    for file in by_file:
        if not (source / file).is_file():
            refuse(f'{source} has no {file}: name the top of a kernel tree')
        if 'POLL_CLAIM' in (source / file).read_text(errors='replace'):
            refuse(f'{source} has POLL_CLAIM in {file} already: name a tree without this series')
    result = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for file, sets in by_file.items():
            kept = known / fingerprint(source / file, *sets, pathlib.Path(__file__))
            if kept.exists():
                result[file] = kept.read_bytes()
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, target)
            expected = words(target.read_text(errors='replace'))
            for patch, rules in sets.items():
                matched = apply(patch, rules, file, folder)
                for rule in rules:
                    check(rule, matched[rule.name], source)
                    expected += rule.count * rule.added
            result[file] = target.read_bytes()
            # A match is no change yet: spatch leaves alone what comes out of a macro.
            if words(result[file].decode(errors='replace')) != expected:
                raise Broken(f'{source}: the rules match in {file} but spatch did not make all of their changes')
            write_if_changed(kept, result[file])
    return result


def diff(source: pathlib.Path, files: Mapping[str, bytes]) -> Iterator[str]:
    for file, data in files.items():
        before = (source / file).read_text(errors='replace').splitlines(keepends=True)
        after = data.decode(errors='replace').splitlines(keepends=True)
        yield from difflib.unified_diff(before, after, f'a/{file}', f'b/{file}')


def main(_options: Options, arguments: argparse.Namespace) -> int:
    source = pathlib.Path(arguments.tree)
    files = patched(source)
    if not arguments.folder:
        print(''.join(diff(source, files)), end='')
        return 0
    for file, data in files.items():
        write_if_changed(pathlib.Path(arguments.folder) / file, data)
    say(f'{len(files)} changed files: {arguments.folder}')
    return 0


COMMANDS = (Command('semantic', 'apply series/*.cocci to a tree: a diff, or the changed files', main, [
    Argument('tree', 'the top of a kernel tree, which stays as it is'),
    Argument('folder', 'where to write the changed files', '?')]),)
