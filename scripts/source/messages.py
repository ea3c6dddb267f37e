# SPDX-License-Identifier: GPL-2.0
"""The patches of the series as series/ describes them: a message each, and what it carries.

Not called by itself. series/NN-NAME.message is

    # SPDX-License-Identifier: GPL-2.0
    carries: FILE|FOLDER/ ...
    later: FILE NAME
    turns: CHANGE ...
    shown by: OPTION=VALUE ...
    optional

    SUBJECT

    BODY

with as many lines "carries:" as it takes, as there are files of ours. A patch also makes what
series/NN-NAME.cocci and series/NN-NAME.lines beside its message change in the kernel's own files.
"later:" says that what a file of ours defines as NAME belongs to this patch, and not to the one that carries the
file. "turns:" names what the suite calls changes (support/changes.h): their tests fail before this patch and pass after
it. "shown by:" is what make is called with for a kernel on which that is seen, where the plain one shows nothing or not
all. "optional" stands in the last patch, where the series is whole without it.

The patch 00 is the cover letter, and carries nothing. In place of that it has lines "leaves:", for what lies
where it would in a kernel tree and yet is no part of the series. 00-N-PART.message is that of a part which can be sent
by itself, in the order of N; "patches: FIRST LAST" in it says which patches that has.
"""
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from core.places import ROOT, project_files
from core.report import Broken

SERIES = ROOT / 'series'
# Where our files lie as in a kernel tree.
KERNEL_FOLDERS = ('Documentation/', 'fs/', 'include/', 'samples/', 'tools/')


class Part(NamedTuple):
    """Patches that can be sent by themselves, once the parts before them have been."""
    name: str
    cover: 'Patch'
    patches: list['Patch']


class Patch(NamedTuple):
    """A message, and the files beside it."""
    path: pathlib.Path              # of the message
    subject: str
    body: str
    carries: list[str]              # files of ours, and folders, which end with /
    leaves: list[str]               # the same, in the cover letter: what is no part of the series
    later: list[tuple[str, str]]    # (file, name) whose definition is this patch's
    span: list[str]                 # in the cover letter of a part: the numbers of its first and last patch
    turns: list[str]                # the changes that the patch is
    shown_by: dict[str, str]
    optional: bool
    cocci: pathlib.Path | None
    lines: pathlib.Path | None


def read(path: pathlib.Path) -> Patch:
    """One message; Broken, with the line, where it is not of the form above."""
    head, _, text = path.read_text().partition('\n\n')
    carries: list[str] = []
    leaves: list[str] = []
    later: list[tuple[str, str]] = []
    span: list[str] = []
    turns: list[str] = []
    optional = False
    shown_by: dict[str, str] = {}
    for number, line in enumerate(head.splitlines(), 1):
        key, _, value = line.partition(': ')
        if line.startswith('#'):
            continue
        if key == 'carries' and value.strip():
            carries += value.split()
        elif key == 'leaves' and path.name.startswith('00-') and value.strip():
            leaves += value.split()
        elif key == 'patches' and re.fullmatch(r'00-\d-.*', path.name) and re.fullmatch(r'\d+ \d+', value):
            span = value.split()
        elif key == 'later' and len(value.split()) == 2:
            file, name = value.split()
            later.append((file, name))
        elif key == 'turns' and re.fullmatch(r'\w+( \w+)*', value):
            turns += value.split()
        elif key == 'shown by' and re.fullmatch(r'\w+=\w+( \w+=\w+)*', value):
            shown_by = dict(word.split('=') for word in value.split())
        elif line == 'optional':
            optional = True
        else:
            raise Broken(f'{path}:{number}: "{line}" where "carries: FILE" or "later: FILE NAME" has to be')
    subject, _, body = text.strip('\n').partition('\n\n')
    if not subject or '\n' in subject or not body.strip():
        raise Broken(f'{path} needs a subject in one line and a body below it, with an empty line before each')
    wide = [line for line in body.splitlines() if len(line) > 75 and not line.startswith('Fixes: ')]
    if wide:
        raise Broken(f'{path} has a line of more than 75 columns: "{wide[0]}"')
    cocci, lines = path.with_suffix('.cocci'), path.with_suffix('.lines')
    return Patch(path, subject, body, carries, leaves, later, span, turns, shown_by, optional, cocci if cocci.exists() else None,
                 lines if lines.exists() else None)


def cover() -> Patch:
    """The cover letter."""
    patch = read(SERIES / '00-cover-letter.message')
    if patch.carries or patch.later or patch.cocci or patch.lines:
        raise Broken(f'{patch.path} is the cover letter, and carries nothing')
    return patch


def parts() -> list[Part]:
    """The parts in order: all patches are in one of them, but for an optional one."""
    known = [patch for patch in patches() if not patch.optional]
    found = []
    for path in sorted(SERIES.glob('00-[0-9]-*.message')):
        letter = read(path)
        if not letter.span:
            raise Broken(f'{path} needs a line "patches: FIRST LAST"')
        first, last = letter.span
        mine = [patch for patch in known if first <= patch.path.name.partition('-')[0] <= last]
        found.append(Part(re.sub(r'^00-\d-', '', path.stem), letter, mine))
    listed = [patch.path.name for part in found for patch in part.patches]
    if found and listed != [patch.path.name for patch in known]:
        raise Broken(f'the parts of {SERIES} have {" ".join(listed)}, and have to have each patch once, in order')
    return found


def patches() -> list[Patch]:
    """The patches in order; every rule and every insertion belongs to one of them."""
    found = [read(path) for path in sorted(SERIES.glob('*.message')) if not path.name.startswith('00-')]
    for path in sorted((*SERIES.glob('*.cocci'), *SERIES.glob('*.lines'))):
        if not path.with_suffix('.message').exists():
            raise Broken(f'{path} has no message beside it: write {path.with_suffix(".message").name}')
    for patch in found:
        if not (patch.carries or patch.later or patch.cocci or patch.lines):
            raise Broken(f'{patch.path} carries nothing: it needs a line "carries: FILE", or a .cocci or '
                         f'.lines file beside it')
    return found


def expanded(path: pathlib.Path, names: Sequence[str]) -> list[str]:
    """The files of ours that a message names, as paths from the top of a kernel tree."""
    found = []
    folders = [name for name in names if name.endswith('/')]
    inside = project_files(*folders) if folders else []
    for name in names:
        files = ([file for file in inside if file.startswith(name)] if name in folders
                 else [name] if (ROOT / name).is_file() else [])
        if not files:
            raise Broken(f'{path} names {name}, and there is no such {"folder" if name.endswith("/") else "file"}')
        found += files
    return found


def files_of(patch: Patch) -> list[str]:
    """The files of ours that a patch carries."""
    return expanded(patch.path, patch.carries)


def carried() -> dict[str, Patch]:
    """The files of ours that the series puts into a kernel tree: {name: the patch that does}."""
    found: dict[str, Patch] = {}
    for patch in patches():
        for name in files_of(patch):
            if name in found:
                raise Broken(f'{name} is carried by {found[name].path.name} and by {patch.path.name}')
            found[name] = patch
    return found


def check_all_carried() -> None:
    """Broken where a file of ours for a kernel tree is in no patch, and is not left out on purpose either."""
    known = {*carried(), *expanded(cover().path, cover().leaves)}
    for name in (name for folder in KERNEL_FOLDERS if (ROOT / folder).is_dir() for name in project_files(folder)):
        if name not in known:
            raise Broken(f'no patch carries {name}: name it in a line "carries:" of series/*.message, '
                         f'or "leaves:" of {cover().path.name}')
