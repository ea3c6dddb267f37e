# SPDX-License-Identifier: GPL-2.0
"""Whose eventfd is built and tested: that of this project, or the one that a tree of the user's has.

A tree with an fs/eventfd.c as it was released gets ours, which is the main job. One in which somebody has changed that
file is about his change, and one with patches of the series in it has what it is to have: both are built as they are,
with our suite beside it, and tests of changes that they lack are left out. OWN=0 does that with any tree, and OWN=1 puts
ours in the place of what somebody has changed.
"""
import functools
import hashlib
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from core.options import Options
from core.places import ROOT
from core.report import refuse
from source import insertion, messages, turns
from source.git import Git

NAME = 'fs/eventfd.c'
# That file as the releases from 6.12 to 7.3 have it. Those between the two differ in how they make the file alone; git's
# names of their texts, which begin af42b2c7d235 and 3219e0d596fe, are those that the patches which changed it were made
# from and led to.
RELEASED = {'0a1c91440a93705e2aa3def8fae1222cae36c3e0646d0a625e981f5780157ac1': '6.12',
            '05677248fc478bb70df586dce5a5a26d9a52d7e7a216418cc655aa05e138f539': 'later, with anon_inode_getfile_fmode()',
            'da6858c75d54df0fb156edb6ffaed5745e3cb8abf0a0637e7bf6a7f236d79d3b': 'later, with FD_PREPARE() and kmalloc()',
            'ceea005bec9ca9eeabced64eeb4d8d3377be31382b9ff8824a1aa6989ea9b546': '7.3'}


class Theirs(NamedTuple):
    """An eventfd that is built as it is."""
    why: str                # ends a sentence that begins with the tree's name
    has: Sequence[str]      # the changes that it has, as the suite calls them


def has_flag(tree: pathlib.Path) -> bool:
    header = tree / 'include/uapi/linux/eventfd.h'
    return header.is_file() and bool(re.search(r'\bEFD_AUTORESET\b', header.read_text(errors='replace')))


def repository(tree: pathlib.Path) -> Git | None:
    """The git tree that this is the top of, if it is one with a commit that may be looked at."""
    git = Git(tree, users=True)
    try:
        status, top, _ = git.try_('rev-parse', '--show-toplevel')
    except OSError:
        return None         # there is no git
    if status or pathlib.Path(top.strip()).resolve() != tree.resolve() or git.try_('rev-parse', '--verify', '-q', 'HEAD')[0]:
        return None
    return git


def patches_in(git: Git) -> list[messages.Patch]:
    """The patches of the series that a tree has as commits."""
    subjects = set(git('log', '-n', '1000', '--format=%s').splitlines())
    return [patch for patch in messages.patches() if patch.subject in subjects]


def is_released(tree: pathlib.Path, git: Git | None) -> bool:
    """Whether the file is what a release has: one that is known here, or the last one whose tag the tree has."""
    if hashlib.sha256((tree / NAME).read_bytes()).hexdigest() in RELEASED:
        return True
    if not git:
        return False
    status, tag, _ = git.try_('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*')
    return not status and not git.try_('diff', '--quiet', tag.strip(), '--', NAME)[0]


def look(tree: pathlib.Path) -> Theirs | None:
    """What a tree has of its own, or None if its eventfd is as released."""
    git = repository(tree)
    patches = patches_in(git) if git else []
    all_changes = list(turns.names().values())
    has = [change for patch in patches for change in patch.turns]
    edited = bool(git and git.try_('diff', '--quiet', 'HEAD', '--', NAME)[0])
    if has_flag(tree):
        # Without commits that tell, as with the suite alone: whoever knows the flag is taken to have all of it.
        return Theirs('has EFD_AUTORESET already' + (f', and a {NAME} that differs from its commit' if edited else ''),
                      has if patches else all_changes)
    if edited:
        return Theirs(f'has a {NAME} that differs from its commit', has)
    if patches:
        return Theirs(f'has {len(patches)} of the patches of this series', has)
    if not is_released(tree, git):
        return Theirs(f'has a {NAME} that is neither as released nor ours', [])
    return None


@functools.cache
def decide(kdir: str, own: int | None) -> Theirs | None:
    """The same for a tree, and what was said about it."""
    tree = pathlib.Path(kdir).resolve()
    if not (tree / NAME).is_file():
        return None
    if own == 1:
        if has_flag(tree):
            refuse(f'{kdir} has EFD_AUTORESET already, and OWN=1 puts it into a tree that has it not: leave OWN=1 out')
        return None
    found = look(tree)
    return Theirs('is built as it is (OWN=0)', []) if not found and own == 0 else found


def eventfd(options: Options) -> Theirs | None:
    """What is built as it is, or None where ours is put into the tree."""
    found = decide(options.kdir, options.own) if options.kdir and options.users_tree else None
    if found and options.small:
        refuse(f'{options.kdir} {found.why}, and SMALL=1 is about ours: leave it out, or say OWN=1')
    return found


def has(options: Options) -> list[str]:
    """The changes that the kernel has which is built."""
    found = eventfd(options)
    return list(found.has) if found else list(turns.names().values())


def lacks(options: Options, source: pathlib.Path) -> list[str]:
    """The options of the configuration that ours brings, and that a tree which is built as it is has not."""
    if not eventfd(options):
        return []
    return [option for patch in messages.patches() if patch.lines for name, option in insertion.options_of(patch.lines)
            if f'config {option.removeprefix("CONFIG_")}' not in (source / name).read_text(errors='replace').splitlines()]


def need_ours(options: Options, what: str) -> None:
    """Refuse a tree that is built as it is, where ours is what a command is about."""
    found = eventfd(options)
    if found:
        refuse(f'{options.kdir} {found.why}, and {what} is about the eventfd of {ROOT.name}: '
               + ('name a tree without it' if has_flag(pathlib.Path(options.kdir or '')) else
                  'OWN=1 puts that in its place; make run, test, shell, try and soak take the tree as it is'))
