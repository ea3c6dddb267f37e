# SPDX-License-Identifier: GPL-2.0
"""The series as patches: write them, or apply them to a tree of yours.

make writes build/series/LABEL/0000-cover-letter.patch and what follows, by git format-patch. series/
has the messages (see source/messages.py); the changes are those that "make run" builds, on top of
the commit that KDIR is at. Debian's source is no git tree: it becomes the one commit of a
repository under build/series, whose name depends on nothing but the source.
apply puts the same commits on a new branch, eventfd-autoreset, of the git tree KDIR: all of them, or
that tree stays as it is.

Exit status: 0 if all is well, 1 if not, 2 for bad input.
"""
import argparse
import os
import pathlib
import shutil
import stat
import subprocess
from typing import NamedTuple

from core import processes
from core.command import Command
from core.options import Options
from core.places import BUILD, ROOT, need_disk, scratch_folder
from core.processes import Word
from core.report import Broken, Progress, refuse, say
from source import insertion, messages, semantic, trees

BRANCH = 'eventfd-autoreset'
FOLDER = BUILD / 'series'
# What says in a git directory that something there is half done.
UNFINISHED = {'rebase-apply': 'git am or git rebase', 'rebase-merge': 'git rebase', 'MERGE_HEAD': 'git merge',
              'CHERRY_PICK_HEAD': 'git cherry-pick', 'REVERT_HEAD': 'git revert'}


class Git:
    """A repository, and git called on it."""

    def __init__(self, directory: Word, users: bool = False):
        """A user's own is handled as they have configured it; ours as if nobody had configured anything."""
        self.directory = pathlib.Path(directory)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
        self.env['LC_ALL'] = 'C'
        if not users:
            self.env.update(GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_NOSYSTEM='1')

    def try_(self, *words: Word, text: str | bytes | None = None, **env: str) -> tuple[int, str, str]:
        """(exit status, what it wrote, what it complained of)"""
        data = text.encode() if isinstance(text, str) else text
        done = subprocess.run(['git', '-C', self.directory, *map(str, words)], input=data, capture_output=True,
                              stdin=subprocess.DEVNULL if data is None else None, env={**self.env, **env}, check=False)
        return done.returncode, done.stdout.decode(errors='surrogateescape'), done.stderr.decode(errors='replace')

    def __call__(self, *words: Word, text: str | bytes | None = None, **env: str) -> str:
        """What it wrote; Broken where it fails."""
        status, out, err = self.try_(*words, text=text, **env)
        if status:
            raise Broken(f'git {" ".join(map(str, words[:3]))} in {self.directory} (exit status {status}): '
                         f'{(err or out).strip().splitlines()[-1] if (err or out).strip() else "no reason given"}')
        return out.strip('\n')


class Series(NamedTuple):
    """The patches as they were written, and where they are commits."""
    repository: Git
    base: str                       # the commit that they are on top of
    tip: str                        # that of the last one
    patches: list[pathlib.Path]     # the cover letter first
    folder: pathlib.Path            # where they are


def sender() -> tuple[str, str]:
    """Who the patches are from: the user, as far as git knows them."""
    git = Git('.', users=True)
    name, email = (git.try_('config', key)[1].strip() for key in ('user.name', 'user.email'))
    return (name or 'Sender', email or 'sender@example.org')


def identity(name: str, email: str, date: str) -> dict[str, str]:
    return {f'GIT_{who}_{what}': value for who in ('AUTHOR', 'COMMITTER')
            for what, value in (('NAME', name), ('EMAIL', email), ('DATE', date))}


def label(options: Options) -> str:
    """Names the folder of the patches: by the tree alone, as they are the same for all machines."""
    return options.label.removesuffix('-debug').removesuffix(f'-{options.arch.name}')


def debian_repository(options: Options, source: pathlib.Path, version: str) -> Git:
    """A repository whose branch base has Debian's source in one commit; made once."""
    target = FOLDER / f'{label(options)}.git'
    if (target / 'made').exists():
        return Git(target)
    shutil.rmtree(target, ignore_errors=True)
    need_disk(FOLDER, 0.6)
    progress = Progress(f'committing {source.name}', options.terminal)
    with scratch_folder(FOLDER) as scratch:
        git = Git(pathlib.Path(scratch) / 'git')
        Git(scratch)('init', '-q', '--bare', '-b', 'base', git.directory)
        for key, value in (('core.autocrlf', 'false'), ('core.compression', '1'), ('gc.auto', '0')):
            git('config', key, value)
        # Below the threshold each file would become a file of its own in the repository.
        git('-c', 'core.bareRepository=false', '-c', 'core.bigFileThreshold=1', f'--work-tree={source}',
            'add', '-A', '-f', source, GIT_DIR=str(git.directory))
        date = f'{int((source / "Makefile").stat().st_mtime)} +0000'
        base = git('commit-tree', git('write-tree'), text=f'{source.name} {version}\n',
                   **identity('Debian', 'debian@example.org', date))
        git('update-ref', 'refs/heads/base', base)
        (git.directory / 'made').write_text(f'{base}\n')
        os.replace(git.directory, target)
    progress.done('done')
    return Git(target)


def users_repository(options: Options, tree: pathlib.Path) -> Git:
    """A repository of ours that borrows the objects of the user's, whose branch base is where that is."""
    target = FOLDER / f'{label(options)}.git'
    shutil.rmtree(target, ignore_errors=True)
    theirs = Git(tree, users=True)
    git = Git(target)
    FOLDER.mkdir(parents=True, exist_ok=True)
    Git(FOLDER)('init', '-q', '--bare', '-b', 'base', target)
    objects = theirs('rev-parse', '--path-format=absolute', '--git-path', 'objects')
    (target / 'objects/info/alternates').write_text(f'{objects}\n')
    shallow = pathlib.Path(theirs('rev-parse', '--path-format=absolute', '--git-path', 'shallow'))
    if shallow.exists():
        shutil.copyfile(shallow, target / 'shallow')
    git('update-ref', 'refs/heads/base', theirs('rev-parse', 'HEAD'))
    return git


def check_git_tree(tree: pathlib.Path, given: Word) -> Git:
    """Refuse what is no git tree, or one whose files are not those of its commit."""
    git = Git(tree, users=True)
    status, top, err = git.try_('rev-parse', '--show-toplevel')
    if status and 'dubious ownership' in err:
        refuse(f'{given} belongs to somebody else, and so git does not look at it: '
               f'say "git config --global --add safe.directory {tree}"')
    if status or pathlib.Path(top.strip()).resolve() != tree:
        refuse(f'{given} is no git tree: name a clone of the kernel, or leave KDIR out to use Debian\'s source')
    if git.try_('rev-parse', '--verify', '-q', 'HEAD^{commit}')[0]:
        refuse(f'{given} has no commit yet: the series needs one to be based on')
    changed = git('status', '--porcelain', '--untracked-files=no').splitlines()
    if changed:
        refuse(f'{given} has changes that are not committed, {changed[0].split()[-1]} for one: '
               f'commit or stash them')
    return git


def check_can_branch(git: Git, given: str) -> None:
    """Refuse a tree that the new branch cannot be made in."""
    for name, what in UNFINISHED.items():
        if pathlib.Path(git('rev-parse', '--path-format=absolute', '--git-path', name)).exists():
            refuse(f'{given} is in the middle of {what}: end that first')
    if not git.try_('rev-parse', '--verify', '-q', f'refs/heads/{BRANCH}')[0]:
        refuse(f'{given} has a branch {BRANCH} already: remove it with "git branch -D {BRANCH}" or rename it')


def states(source: pathlib.Path) -> list[tuple[messages.Patch, dict[str, bytes]]]:
    """The series in order: [(patch, {path from the top: its bytes after that patch})].

    What the last one leaves is what "make run" builds: that is where the bytes are from.
    """
    full = {str(name): data for name, data in trees.contents(source, 'ours').items()}
    missing = set(full)
    result = []
    inserted: list[pathlib.Path] = []
    later = {(file, option): patch for patch in messages.patches() for file, option in patch.later}
    done: set[str] = set()
    for patch in messages.patches():
        files = messages.files_of(patch)
        if patch.cocci:
            files += sorted({rule.file for rule in semantic.rules_of(patch.cocci)})
        files += [file for file, _ in patch.later]
        state = {}
        for name in files:
            if name not in full:
                raise Broken(f'{patch.path} carries {name}, which is not in the tree that "make run" builds')
            if name in done and not any(file == name for file, _ in patch.later):
                raise Broken(f'{name} is changed by {patch.path.name} and by a patch before it')
            state[name] = full[name]
        for (file, option), which in later.items():
            if file in state and which.path > patch.path:
                state[file] = messages.without(state[file].decode(), option).encode()
        if patch.lines:
            inserted.append(patch.lines)
            changed = insertion.patched(source, inserted)
            state.update({name: changed[name] for name in {block.file for block in insertion.insertions([patch.lines])}})
        done.update(files)
        missing -= set(state)
        result.append((patch, state))
    if missing:
        raise Broken(f'"make run" builds with {sorted(missing)[0]}, which no patch carries or changes')
    return result


def commit_all(git: Git, base: str, source: pathlib.Path) -> str:
    """Commit the patches on top of base, on the branch of the series; returns the last commit."""
    index = {'GIT_INDEX_FILE': str(git.directory / 'index.series')}
    git('read-tree', base, **index)
    who = identity(*sender(), git('log', '-1', '--format=%cd', '--date=raw', base))
    parent = base
    for patch, state in states(source):
        entries = []
        for name, data in state.items():
            place = source / name if (source / name).exists() else ROOT / name
            mode = '100755' if place.stat().st_mode & stat.S_IXUSR else '100644'
            entries.append(f'{mode} {git("hash-object", "-w", "--stdin", text=data)}\t{name}\n')
        git('update-index', '--index-info', text=''.join(entries), **index)
        tree = git('write-tree', **index)
        if tree == git('rev-parse', f'{parent}^{{tree}}'):
            raise Broken(f'{patch.path} changes nothing in {source}')
        parent = git('commit-tree', tree, '-p', parent, text=f'{patch.subject}\n\n{patch.body.rstrip()}\n', **who)
    git('update-ref', f'refs/heads/{BRANCH}', parent)
    return parent


def make(options: Options) -> tuple[Series, str]:
    """Write the patches; returns them and the version of what they are for."""
    source = trees.pristine(options)
    given = options.kdir or source
    version = trees.check(source, given)
    cover = messages.cover()
    messages.check_all_carried()
    if options.users_tree:
        check_git_tree(source, given)
        git = users_repository(options, source)
    else:
        git = debian_repository(options, source, version)
    base = git('rev-parse', 'refs/heads/base')
    tip = commit_all(git, base, source)
    git('config', f'branch.{BRANCH}.description', f'{cover.subject}\n\n{cover.body.rstrip()}\n')
    folder = FOLDER / label(options)
    with scratch_folder(FOLDER) as scratch:
        git('format-patch', '-q', '--cover-letter', '--cover-from-description=subject', '--no-signature',
            f'--base={base}', '-o', f'{scratch}/patches', f'{base}..{BRANCH}',
            **identity(*sender(), git('log', '-1', '--format=%cd', '--date=raw', base)))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(f'{scratch}/patches', folder)
    return Series(git, base, tip, sorted(folder.glob('*.patch')), folder), version


def apply(options: Options, given: str) -> None:
    """The commits on a new branch of the user's tree, given as KDIR: all of them, or the tree stays as it is."""
    tree = trees.pristine(options)
    trees.check(tree, given)
    git = check_git_tree(tree, given)
    check_can_branch(git, given)
    # Made apart from that tree, so that one which does not fit is refused before it is touched.
    series, version = make(options)
    before = git.try_('symbolic-ref', '-q', '--short', 'HEAD')[1].strip() or git('rev-parse', '--short', 'HEAD')
    try:
        git('-c', 'gc.auto=0', 'fetch', '-q', '--no-tags', '--no-write-fetch-head', series.repository.directory,
            f'refs/heads/{BRANCH}:refs/heads/{BRANCH}')
        status, out, err = git.try_('checkout', '-q', BRANCH)
        if status:
            lines = (err or out).strip().splitlines()
            refuse(f'{given}: git does not change to the new branch: {" ".join(line.strip() for line in lines[:2])}')
    finally:
        if git.try_('rev-parse', '--verify', '-q', 'HEAD')[1].strip() != series.tip:
            git.try_('update-ref', '-d', f'refs/heads/{BRANCH}', series.tip)
    say(f'{len(series.patches) - 1} patches on Linux {version}: {given}, branch {BRANCH}')
    say(f'back to what it was: git -C {given} checkout {before} && git -C {given} branch -D {BRANCH}')


def written(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    series, version = make(options)
    say(f'{len(series.patches) - 1} patches and a cover letter for Linux {version}: {series.folder}')
    return 0


def applied(options: Options, _arguments: argparse.Namespace) -> int:
    if not options.kdir:
        refuse('make apply needs KDIR=PATH: the git tree of a kernel that the series is to be applied to')
    processes.lock()
    apply(options, options.kdir)
    return 0


COMMANDS = (
    Command('series', 'write the series as patches: build/series/KERNEL/0000-cover-letter.patch and so on', written),
    Command('apply', 'apply the series to the git tree KDIR=PATH, on a new branch', applied),
)
