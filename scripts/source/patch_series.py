# SPDX-License-Identifier: GPL-2.0
"""The series as patches: write them, or apply them to a tree of yours.

make writes build/series/LABEL/0000-cover-letter.patch and what follows, by git format-patch. series/
has the messages (see source/messages.py); the changes are those that "make run" builds, on top of
the commit that KDIR is at. Debian's source is no git tree: it becomes the one commit of a
repository under build/series, whose name depends on nothing but the source.
Beside them are its parts, to be sent one after the other: LABEL/PART/0000-cover-letter.patch and so on, and
LABEL/PART.mbox, which is the same in one file.
With V=2 the subjects say so, and with SINCE=REV, a commit of this project, the cover letters say what has changed since
the series was made there (git range-diff).
apply puts them on a new branch, eventfd-autoreset, of the git tree KDIR: all of them, or those of the part PART, but
for those that are there already, or that tree stays as it is. Where they have been made for a kernel of that version,
and nothing has changed since, it takes these, and needs nothing but git.

Exit status: 0 if all is well, 1 if not, 2 for bad input.
"""
import argparse
import hashlib
import io
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from typing import NamedTuple

from core import processes
from core.command import Command
from core.options import Options
from core.places import BUILD, ROOT, need_disk, project_files, scratch_folder
from core.processes import Word
from core.report import Broken, Progress, refuse, say
from source import messages, states, trees, turns
from source.git import Git

BRANCH = 'eventfd-autoreset'
FOLDER = BUILD / 'series'
# In a folder of patches: what they were made from, and for which kernel.
MADE_FROM = 'made-from'
# Who wrote what is put into somebody's tree: not its owner.
AUTHOR = ('eventfd, rebuilt', 'eventfd@example.org')
# What says in a git directory that something there is half done.
UNFINISHED = {'rebase-apply': 'git am or git rebase', 'rebase-merge': 'git rebase', 'MERGE_HEAD': 'git merge',
              'CHERRY_PICK_HEAD': 'git cherry-pick', 'REVERT_HEAD': 'git revert'}


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
    on_it = git.try_('symbolic-ref', '-q', '--short', 'HEAD')[1].strip() == BRANCH
    if not on_it and not git.try_('rev-parse', '--verify', '-q', f'refs/heads/{BRANCH}')[0]:
        refuse(f'{given} has a branch {BRANCH} already: remove it with "git branch -D {BRANCH}" or rename it')


def message(patch: messages.Patch) -> str:
    """That of a commit. What is said of the tests goes in front of lines like "Fixes:"."""
    body, _, trailers = patch.body.rstrip().rpartition('\n\nFixes: ')
    text = f'{patch.subject}\n\n{body or patch.body.rstrip()}\n{turns.paragraph(patch)}'
    return f'{text}\nFixes: {trailers}\n' if body else text


def mode_of(source: pathlib.Path, name: str) -> str:
    """What git says of a file that may be run, or may not."""
    place = source / name if (source / name).exists() else ROOT / name
    return '100755' if place.stat().st_mode & stat.S_IXUSR else '100644'


def commit_all(git: Git, base: str, source: pathlib.Path, author: tuple[str, str]) -> str:
    """Commit the patches on top of base, on the branch of the series; returns the last commit.

    One git makes all of them: a call for each step of each patch takes several times as long.
    """
    who = identity(*author, git('log', '-1', '--format=%cd', '--date=raw', base))
    names = ''.join(f'{role} {git("var", f"GIT_{role.upper()}_IDENT", **who)}\n' for role in ('author', 'committer'))
    stream = io.BytesIO()

    def add(text: str, data: bytes) -> None:
        stream.write(f'{text}data {len(data)}\n'.encode() + data + b'\n')

    made: states.State = {}
    for patch, state in states.states(source):
        if all(data == (made[name] if name in made else (source / name).read_bytes() if (source / name).exists() else None)
               for name, data in state.items()):
            raise Broken(f'{patch.path} changes nothing in {source}')
        add(f'commit refs/heads/{BRANCH}\n{names}', message(patch).encode())
        if not made:
            stream.write(f'from {base}\n'.encode())
        for name, data in state.items():
            add(f'M {mode_of(source, name)} inline {name}\n', data)
        made.update(state)
    built = {str(name): data for name, data in trees.contents(source, 'ours').items()}
    for name in sorted({*built, *made}):
        if built.get(name) != made.get(name):
            raise Broken(f'"make run" builds with another {name} than the series leaves')
    git('fast-import', '--quiet', '--force', '--date-format=raw', text=stream.getvalue())
    return git('rev-parse', f'refs/heads/{BRANCH}')


def fingerprint() -> str:
    """Names what patches are made from."""
    digest = hashlib.sha256()
    for name in sorted({*project_files('series/'), *messages.carried()}):
        digest.update(f'{name}\0'.encode() + (ROOT / name).read_bytes() + b'\0')
    return digest.hexdigest()


def made_already(version: str) -> pathlib.Path | None:
    """The folder of patches that were made from what there is now, for a kernel of this version."""
    for path in sorted(FOLDER.glob(f'*/{MADE_FROM}')):
        made_from, _, made_for = path.read_text().strip().partition(' ')
        if made_from == fingerprint() and made_for.split('.')[:2] == version.split('.')[:2]:
            return path.parent
    return None


def part_branch(name: str) -> str:
    return f'eventfd-{name}-part'


def earlier(options: Options, git: Git) -> dict[str, str]:
    """The commits of the series as the commit SINCE of this project has it: {branch: FIRST..LAST}, all of them and parts."""
    if not options.since:
        return {}
    ours = Git(ROOT, users=True)
    status, commit, _ = ours.try_('rev-parse', '--verify', '-q', f'{options.since}^{{commit}}')
    if status:
        refuse(f'SINCE={options.since} is no commit of this project: name one with "git log"')
    with scratch_folder(FOLDER) as scratch:
        then, build = pathlib.Path(scratch) / 'then', pathlib.Path(scratch) / 'build'
        then.mkdir()
        build.mkdir()
        subprocess.run(['tar', '-x', '-C', then], check=True, input=subprocess.run(
            ['git', '-C', ROOT, 'archive', commit.strip()], capture_output=True, check=True, env=ours.env).stdout)
        for name in ('src', 'semantic', 'download'):
            if (BUILD / name).exists():
                (build / name).symlink_to(BUILD / name)
        given = ['--kdir', options.kdir] if options.kdir else ['--kernel', options.kernel]
        done = subprocess.run([then / 'scripts/eventfd', 'series', *given], capture_output=True, text=True, check=False,
                              env={**os.environ, 'BUILD': str(build)}, stdin=subprocess.DEVNULL)
        made = list(build.glob('series/*.git'))
        if done.returncode or len(made) != 1:
            refuse(f'SINCE={options.since} cannot be made for this kernel: {(done.stdout + done.stderr).strip().splitlines()[-1]}')
        git('fetch', '-q', made[0], 'refs/heads/*:refs/since/*')
    tips = dict(line.split() for line in git('for-each-ref', '--format=%(refname:lstrip=2) %(objectname)',
                                             'refs/since').splitlines())
    result = {BRANCH: f'{tips["base"]}..{tips[BRANCH]}'}
    below = tips['base']
    for part in messages.parts():
        tip = tips.get(part_branch(part.name))
        if tip:
            result[part_branch(part.name)], below = f'{below}..{tip}', tip
    return result


def make(options: Options, author: tuple[str, str] | None = None) -> tuple[Series, str]:
    """Write the patches, from the user if from nobody else; returns them and the version of what they are for."""
    author = author or sender()
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
    tip = commit_all(git, base, source, author)
    folder = FOLDER / label(options)
    who = identity(*author, git('log', '-1', '--format=%cd', '--date=raw', base))
    commits = git('rev-list', '--reverse', f'{base}..{tip}').splitlines()

    old = earlier(options, git)

    def format_to(target: str, letter: messages.Patch, branch: str, below: str) -> None:
        """The patches between a commit and a branch, with a cover letter; in one file, too, if the folder is a part's."""
        git('config', f'branch.{branch}.description', f'{letter.subject}\n\n{letter.body.rstrip()}\n')
        alone = branch == BRANCH
        git('format-patch', '-q', '--cover-letter', '--cover-from-description=subject', '--no-signature', f'--base={base}',
            *([] if alone else ['--thread=shallow']), *([] if options.version == 1 else [f'-v{options.version}']),
            *([f'--range-diff={old[branch]}'] if branch in old else []), '-o', target, f'{below}..{branch}', **who)
        if not alone:
            paths = sorted(pathlib.Path(target).glob('*.patch'))
            # git names a mail by the second at which it was written: by the series that it is of, the same one has one name.
            for path in paths:
                path.write_bytes(re.sub(rb'(<[^<>@\n]*\.)\d{10}(\.git\.)', rb'\g<1>%010d\2' % (int(tip[:8], 16)), path.read_bytes()))
            pathlib.Path(f'{target}.mbox').write_bytes(b''.join(path.read_bytes() + b'\n' for path in paths))

    with scratch_folder(FOLDER) as scratch:
        format_to(f'{scratch}/patches', cover, BRANCH, base)
        below = base
        for part in messages.parts():
            last = commits[messages.patches().index(part.patches[-1])]
            git('update-ref', f'refs/heads/{part_branch(part.name)}', last)
            format_to(f'{scratch}/patches/{part.name}', part.cover, part_branch(part.name), below)
            below = last
        (pathlib.Path(scratch) / 'patches' / MADE_FROM).write_text(f'{fingerprint()} {version}\n')
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(f'{scratch}/patches', folder)
    return Series(git, base, tip, sorted(folder.glob('*.patch')), folder), version


def chosen(name: str | None) -> list[messages.Patch]:
    """The patches of a part, or all."""
    parts = {part.name: part.patches for part in messages.parts()}
    if name and name not in parts:
        refuse(f'PART={name} is none: the parts are {", ".join(parts)}')
    return parts[name] if name else messages.patches()


def left_to_do(git: Git, given: str, part: str | None) -> list[messages.Patch]:
    """What of a part a tree has not yet; says what it has. Refuses a part whose predecessors are missing."""
    there = set(git('log', '-n', '1000', '--format=%s').splitlines())
    wanted = chosen(part)
    todo = [patch for patch in wanted if patch.subject not in there]
    known = [patch for patch in messages.patches() if patch.subject in there]
    if known:
        say(f'{given} has these already:')
        for patch in known:
            say(f'    {patch.subject}')
    if not todo:
        refuse(f'{given} has all patches {f"of the part {part}" if part else "of the series"} already: there is nothing to apply')
    before = [patch for patch in messages.patches() if patch.path < todo[0].path and patch.subject not in there]
    for earlier in messages.parts():
        if any(patch in before for patch in earlier.patches):
            refuse(f'PART={part} needs the part {earlier.name} before it: apply that first, or all of them without PART')
    return todo


def commit_mails(git: Git, paths: Iterable[pathlib.Path], given: str) -> str:
    """Commit patches on top of the tree's commit, without a look at its files; returns the last one."""
    name, email = sender()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        index = {'GIT_INDEX_FILE': str(folder / 'index')}
        parent = git('rev-parse', 'HEAD')
        git('read-tree', parent, **index)
        for path in paths:
            said = git('mailinfo', folder / 'text', folder / 'patch', text=path.read_bytes())
            subject = re.sub(r'^Subject: ', '', next(line for line in said.splitlines() if line.startswith('Subject: ')))
            status, _, err = git.try_('apply', '--cached', '--whitespace=nowarn', folder / 'patch', **index)
            if status:
                refuse(f'{given}: "{subject}" does not apply ({err.strip().splitlines()[0].removeprefix("error: ")}): '
                       f'this tree differs from those that the series is for')
            parent = git('commit-tree', git('write-tree', **index), '-p', parent,
                         text=f'{subject}\n\n{(folder / "text").read_text()}', **{
                             'GIT_AUTHOR_NAME': AUTHOR[0], 'GIT_AUTHOR_EMAIL': AUTHOR[1],
                             'GIT_COMMITTER_NAME': name, 'GIT_COMMITTER_EMAIL': email})
    return parent


def apply(options: Options, given: str) -> None:
    """Patches on a new branch of the user's tree, given as KDIR: all that were asked for, or the tree stays as it is."""
    tree = trees.pristine(options)
    if not tree.is_dir():
        refuse(f'{given} is no directory: KDIR names the top of a kernel tree')
    git = check_git_tree(tree, given)
    check_can_branch(git, given)
    todo = left_to_do(git, given, options.part)
    some = len(todo) < len(chosen(options.part)) or todo[0] != messages.patches()[0]
    found = trees.tree_version(tree)
    version = found[2] if some and found else trees.check(tree, given)
    folder = made_already(version)
    if not folder and some:
        kernel = '.'.join(version.split('.')[:2])
        refuse(f'{given} has a part of the series, and its patches have not been made yet: say "make series KERNEL={kernel}"')
    # Made apart from that tree, so that one which does not fit is refused before it is touched.
    folder = folder or make(options)[0].folder
    mails = sorted(folder.glob('*.patch'))[1:]
    tip = commit_mails(git, [mails[messages.patches().index(patch)] for patch in todo], given)
    was = git('rev-parse', 'HEAD')
    before = git.try_('symbolic-ref', '-q', '--short', 'HEAD')[1].strip() or git('rev-parse', '--short', 'HEAD')
    way_back = f'git -C {given} checkout {before} && git -C {given} branch -D {BRANCH}'
    change: tuple[str, ...]
    if before == BRANCH:
        # With a part of it already.
        change, way_back = ('merge', '-q', '--ff-only', tip), f'git -C {given} reset --keep {was[:12]}'
    else:
        change = ('checkout', '-q', BRANCH)
        git('update-ref', f'refs/heads/{BRANCH}', tip)
    try:
        status, out, err = git.try_(*change)
        if status:
            lines = (err or out).strip().splitlines()
            refuse(f'{given}: git does not change to the new branch: {" ".join(line.strip() for line in lines[:2])}')
    finally:
        if before != BRANCH and git.try_('rev-parse', '--verify', '-q', 'HEAD')[1].strip() != tip:
            git.try_('update-ref', '-d', f'refs/heads/{BRANCH}', tip)
    say(f'{len(todo)} patches on Linux {version}: {given}, branch {BRANCH}')
    say(f'back to what it was: {way_back}')


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
    Command('series', 'write the series as patches, in build/series/KERNEL', written),
    Command('apply', 'apply the series, or its PART, to the git tree KDIR=PATH', applied),
)
