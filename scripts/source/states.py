# SPDX-License-Identifier: GPL-2.0
"""What each patch of the series leaves of the kernel's files.

A semantic patch and the lines beside it are applied to what the patches before have made. Where the last patch is
optional, and carries files of ours as a whole, there are two ends: "small" without it, and "ours" with it.
"""
import argparse
import difflib
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from core.command import Argument, Command
from core.options import Options
from core.places import ROOT, write_if_changed
from core.report import refuse, say
from source import definitions, insertion, messages, semantic

State = dict[str, bytes]


def replaced() -> set[str]:
    """The kernel's files that an optional patch puts ours in the place of."""
    return {name for patch in messages.patches() if patch.optional for name in messages.files_of(patch)}


def changed_by(patch: messages.Patch) -> list[str]:
    """The kernel's files that the rules and lines of a patch change."""
    files = {rule.file for rule in semantic.rules_of(patch.cocci)} if patch.cocci else set()
    return sorted(files | ({block.file for block in insertion.insertions_of(patch.lines)} if patch.lines else set()))


def files() -> list[str]:
    """The kernel's files that the series changes by rules and lines."""
    return sorted({name for patch in messages.patches() for name in changed_by(patch)})


def code_files() -> set[str]:
    """Those that rules change: the others get options and the like, which do nothing by themselves."""
    return set(semantic.files())


def read(source: pathlib.Path, name: str) -> bytes:
    if not (source / name).is_file():
        refuse(f'{source} has no {name}: name the top of a kernel tree')
    return (source / name).read_bytes()


def states(source: pathlib.Path, wanted: Callable[[str], bool] = lambda name: True,
           series: Sequence[messages.Patch] | None = None) -> Iterator[tuple[messages.Patch, State]]:
    """The series in order: (patch, the files that it touches as it leaves them). Of the kernel's, only those wanted."""
    series = series or messages.patches()
    late = {(file, name): index for index, patch in enumerate(series) for file, name in patch.later}
    current: State = {}
    for index, patch in enumerate(series):
        state: State = {}
        for name in filter(wanted, changed_by(patch)):
            data = current[name] if name in current else read(source, name)
            if patch.cocci and any(rule.file == name for rule in semantic.rules_of(patch.cocci)):
                data = semantic.changed(patch.cocci, name, data, source)
            state[name] = insertion.changed(patch.lines, name, data, source) if patch.lines else data
        for name in {*messages.files_of(patch), *(file for file, _ in patch.later)}:
            state[name] = (ROOT / name).read_bytes()
            for (file, defined), brought in late.items():
                if file == name and brought > index:
                    state[name] = definitions.without(state[name].decode(), defined, file).encode()
        current.update(state)
        yield patch, state


def end(source: pathlib.Path, series: Sequence[messages.Patch] | None = None, *, small: bool = False) -> State:
    """What the whole series leaves; small: all but what is optional."""
    whole = replaced()
    result: State = {}
    for patch, state in states(source, lambda name: small or name not in whole, series):
        if not (small and patch.optional):
            result.update(state)
    return result


def diff(source: pathlib.Path, changed: Mapping[str, bytes]) -> Iterator[str]:
    for name, data in changed.items():
        before = (source / name).read_text(errors='replace').splitlines(keepends=True)
        after = data.decode(errors='replace').splitlines(keepends=True)
        yield from difflib.unified_diff(before, after, f'a/{name}', f'b/{name}')


def main(_options: Options, arguments: argparse.Namespace) -> int:
    source = pathlib.Path(arguments.tree)
    theirs = set(files())
    changed = {name: data for name, data in sorted(end(source, small=True).items()) if name in theirs}
    if not arguments.folder:
        print(''.join(diff(source, changed)), end='')
        return 0
    for name, data in changed.items():
        write_if_changed(pathlib.Path(arguments.folder) / name, data)
    say(f'{len(changed)} changed files: {arguments.folder}')
    return 0


COMMANDS = (Command('changes', "what the series changes in a tree's own files: a diff, or the changed files", main, [
    Argument('tree', 'the top of a kernel tree, which stays as it is'),
    Argument('folder', 'where to write the changed files', '?')]),)
