# SPDX-License-Identifier: GPL-2.0
"""Get a kernel tree and make the copy of it that has our eventfd.

KERNEL=X.Y is Debian's linux-source-X.Y: from the system's own package sources, or else from the
backports of the next Debian, with a package state apart from the system's. It is unpacked under
build/src and stays as it came. KDIR is a tree of yours, and stays as it is too. What is built is a
copy whose files are hard links, where that can be, and whose changed files are not.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
from collections.abc import Collection, Iterable, Mapping

from core import processes
from core.command import Command
from core.options import OLDEST, Options
from core.places import BUILD, ROOT, SUITE_FOLDER, need_disk, project_files, scratch_folder, write_if_changed
from core.processes import Word
from core.report import Broken, Progress, refuse, say
from source import debian, messages, states, theirs

# Kernels that tests are shown to fail on: a file, and what changes in it.
VARIANTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    # EFD_AUTORESET as it was first posted: every poll resets, whoever it is that polls, blocked
    # writers are not told, and a wake-up says that the event is there to be reported.
    'rfc': ('fs/eventfd.c', {
        'if (wanted & POLL_CLAIM)\n': 'if (true)\n',
        'EPOLLIN | events | ctx->claim);\n': 'EPOLLIN | events);\n',
        'eventfd_take(ctx, count);\n': 'WRITE_ONCE(ctx->count, 0);\n',
    }),
    # What "make bench" has to notice: a write that costs some dozens of instructions more.
    'slow': ('fs/eventfd.c', {
        'eventfd_add(ctx, value, 0);\n': 'for (int i = 0; i < 20; i++)\n\t\tbarrier();\n\teventfd_add(ctx, value, 0);\n',
    }),
    # For KCSAN: the counter is written as if nobody polled meanwhile.
    'racy': ('fs/eventfd.c', {'smp_store_release(&ctx->count, ctx->count + n);\n': 'ctx->count += n;\n'}),
    # For kmemleak.
    'leaky': ('fs/eventfd.c', {'\tkfree(ctx);\n': ''}),
    # What is not open is looked into: no user space gets there, the kernel's own tests do.
    'careless': ('fs/eventfd.c', {'if (!file)\n': 'if (false)\n'}),
}


def changed_text(variant: str) -> tuple[pathlib.Path, bytes]:
    """The file of a variant and its text; each change has to fit in one place."""
    name, changes = VARIANTS[variant]
    text = (ROOT / name).read_text()
    for before, after in changes.items():
        if text.count(before) != 1:
            raise Broken(f'{name} has {text.count(before)} lines "{before.strip()}" and not the one '
                         f'that the variant {variant} changes')
        text = text.replace(before, after)
    return pathlib.Path(name), text.encode()


# What a build leaves in a tree. A build elsewhere refuses a tree that has been built in.
PRODUCTS = ('.git', '/.config', '/.config.old', '/include/config', '/include/generated',
            '/arch/*/include/generated', '/vmlinux*', '/Module.symvers', '/System.map', '*.o', '*.ko',
            '*.a', '*.cmd', '*.mod', '*.order', '/tools/objtool/objtool', '/usr/include/*/')

# What an image has nothing of.
NOT_BUILT = ('Documentation/', 'MAINTAINERS', 'samples/', 'tools/')


def ours() -> list[str]:
    """The files of a kernel tree that are ours as a whole, but for the suite: what the series carries."""
    return [name for name in messages.carried() if not name.startswith(f'{SUITE_FOLDER}/')]


def suite_files() -> list[pathlib.Path]:
    """The files of the suite, as paths from the top of a kernel tree."""
    return [pathlib.Path(name) for name in project_files(f'{SUITE_FOLDER}/')]


def tree_version(tree: pathlib.Path) -> tuple[int, int, str] | None:
    """(major, minor, 'a.b.c') of a kernel tree, or None if it is none."""
    try:
        text = (tree / 'Makefile').read_text(errors='replace')
    except OSError:
        return None
    value = {}
    for key in ('VERSION', 'PATCHLEVEL', 'SUBLEVEL', 'EXTRAVERSION'):
        match = re.search(rf'^{key}\s*=[ \t]*(\S*)', text, re.M)
        if not match:
            return None
        value[key] = match.group(1)
    if not (tree / 'Kbuild').exists():
        return None
    try:
        pair = int(value['VERSION']), int(value['PATCHLEVEL'])
    except ValueError:
        return None
    return (*pair, f'{pair[0]}.{pair[1]}.{value["SUBLEVEL"]}{value["EXTRAVERSION"]}')


def pristine(options: Options) -> pathlib.Path:
    """The tree as it came: Debian's or the user's tarball, unpacked once, or the user's tree."""
    if options.kdir and options.users_tree:
        return pathlib.Path(options.kdir).resolve()
    if options.kdir:
        given = pathlib.Path(options.kdir).resolve()
        return unpacked(options, given, BUILD / 'src' / name_of(given))
    tree = BUILD / 'src' / f'linux-source-{options.kernel}'
    return tree if tree.is_dir() else unpacked(options, debian.kernel_source(options.kernel), tree)


def name_of(tarball: pathlib.Path) -> str:
    """The folder for what is in a tarball of the user's: another one, when that has changed."""
    plain = re.fullmatch(r'(.+?)\.(?:tar(?:\.\w+)?|tgz|txz)', tarball.name)
    if not plain:
        refuse(f'{tarball} is no folder and no tarball: KDIR names the top of a kernel tree, or a linux-X.Y.tar.xz')
    stat = tarball.stat()
    known_by = f'{tarball} {stat.st_size} {stat.st_mtime_ns}'
    return f'{plain.group(1)}-{hashlib.sha256(known_by.encode()).hexdigest()[:8]}'


def unpacked(options: Options, tarball: pathlib.Path, tree: pathlib.Path) -> pathlib.Path:
    """The one folder that a tarball has at its top, as this tree."""
    if tree.is_dir():
        return tree
    need_disk(tree.parent, 2.5)
    progress = Progress(f'unpacking {tarball.name}', options.terminal)
    with scratch_folder(tree.parent) as scratch:
        log = BUILD / 'unpack.log'
        try:
            processes.run(['tar', '-xf', tarball, '-C', scratch], log, f'unpacking {tarball}')
        except Broken:
            if not options.kdir:
                raise
            said = [line for line in log.read_text(errors='replace').splitlines() if line.startswith(('tar: ', 'xz: '))]
            refuse(f'{tarball} cannot be unpacked: {said[0] if said else "it is empty"}')
        tops = sorted(pathlib.Path(scratch).iterdir())
        if len(tops) != 1 or not tops[0].is_dir():
            refuse(f'{tarball} has {len(tops)} things at its top and not one folder: KDIR names a tarball of a kernel tree')
        if tree_version(tops[0]) is None:
            refuse(f'{tarball} has no kernel tree in it: KDIR names the top of one, or a linux-X.Y.tar.xz')
        os.replace(tops[0], tree)
    progress.done('done')
    return tree


def check(tree: pathlib.Path, given: Word, as_it_is: bool = False) -> str:
    """Refuse what cannot become a tree of ours, before anything is made of it; returns its version.

    One that is to be built as it is may have the series already.
    """
    if not tree.is_dir():
        refuse(f'{given} is no directory: KDIR names the top of a kernel tree')
    version = tree_version(tree)
    if version is None or not (tree / 'fs/eventfd.c').is_file():
        refuse(f'{given} is no kernel tree: KDIR names the directory that has the kernel\'s Makefile')
    if version[:2] < OLDEST:
        refuse(f'{given} is Linux {version[2]}, and fs/eventfd.c needs 6.12 or later')
    if not as_it_is and theirs.has_flag(tree):
        refuse(f'{given} has EFD_AUTORESET already: name a tree without this series')
    return version[2]


def first_copy(source: pathlib.Path, target: pathlib.Path) -> None:
    """A copy at once, of hard links where both are on one file system."""
    with scratch_folder(target.parent) as scratch:
        for how in (['-al'], ['-a', '--reflink=auto']):
            try:
                processes.run(['cp', *how, source, f'{scratch}/tree'], target.parent / 'tree.log', f'copying {source}')
                break
            except Broken:
                shutil.rmtree(f'{scratch}/tree', ignore_errors=True)
        else:
            raise Broken(f'{source} cannot be copied to {target}; the log is {target.parent / "tree.log"}')
        os.replace(f'{scratch}/tree', target)


def copy(source: pathlib.Path, target: pathlib.Path, changed: Collection[pathlib.Path], untouched: bool) -> None:
    """Make target what source is, but for the files in changed, which the caller writes.

    An untouched source is as it was unpacked, with no products in it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        first_copy(source, target)
        if untouched:
            return
    command = ['rsync', '-a', '--delete', '--delete-excluded', f'--link-dest={source}']
    command += [f'--filter=P /{name}' for name in changed]
    command += [f'--filter=H /{name}' for name in changed]
    command += [f'--exclude={pattern}' for pattern in PRODUCTS]
    processes.run([*command, f'{source}/', f'{target}/'], target.parent / 'tree.log', f'copying {source}')


def changed_kernel_files(tree: pathlib.Path) -> list[str]:
    """The files that a prepared tree's image is made of and that are ours or changed by us, as paths from its top."""
    return [name for name in sorted({*ours(), *states.files()})
            if (tree / name).exists() and not name.startswith(NOT_BUILT)]


def contents(source: pathlib.Path, variant: str) -> dict[pathlib.Path, bytes]:
    """What the files that differ from the source have to be: {path from the top: bytes}."""
    suite = {name: (ROOT / name).read_bytes() for name in suite_files()}
    if variant == 'suite':
        return suite
    kernel = {pathlib.Path(name): data for name, data in states.end(source, small=variant == 'small').items()
              if not name.startswith(f'{SUITE_FOLDER}/')}
    if variant == 'stock':
        # Options and the like do nothing by themselves: they are there, and so the configuration is the same.
        for name in map(pathlib.Path, {*ours(), *states.code_files()}):
            kernel.pop(name, None)
            if (source / name).exists():
                kernel[name] = (source / name).read_bytes()
    elif variant not in ('ours', 'small'):
        name, data = changed_text(variant)
        kernel[name] = data
    return {**kernel, **suite}


def drop(source: pathlib.Path, tree: pathlib.Path, names: Iterable[str]) -> None:
    """Take back files that were of the suite and are no more; a look at the whole tree would take its time."""
    for name in names:
        (tree / name).unlink(missing_ok=True)
        if (source / name).exists():
            shutil.copy2(source / name, tree / name)


def prepare(options: Options, variant: str | None = None, folder: pathlib.Path | None = None) -> tuple[pathlib.Path, str]:
    """The tree with our files in it, and its version. Files that are right already keep their time stamps.

    The variant 'small' has the series without its optional patch; 'stock' has our suite and the kernel's own eventfd, to
    compare with; 'suite' is the same without a look at the kernel's files; for others see VARIANTS. They share a tree, and so
    the objects of its build, unless they are given a folder of their own.
    """
    source = pristine(options)
    found = theirs.eventfd(options)
    version = check(source, options.kdir or source, as_it_is=bool(found))
    if found and not variant:
        say(f'{options.kdir} {found.why}: it is built as it is, and the suite beside it'
            + ('' if theirs.has_flag(source) else '; OWN=1 puts ours in its place'))
    folder = folder or options.work
    variant = variant or ('suite' if found else 'small' if options.small else 'ours')
    files = contents(source, variant)
    stamp = folder / 'tree.from'
    wanted = f'{source}\n{version}\n' + ''.join(f'{name}\n' for name in suite_files())
    was = stamp.read_text() if stamp.exists() else ''
    # Debian's tree does not change; a tree of the user's may have, since the last run.
    if was.splitlines()[:2] == wanted.splitlines()[:2] and not options.users_tree:
        drop(source, folder / 'tree', set(was.splitlines()[2:]) - set(wanted.splitlines()[2:]))
        write_if_changed(stamp, wanted)
    else:
        need_disk(folder, 2.0 if os.stat(source).st_dev == os.stat(BUILD).st_dev else 4.0)
        stamp.unlink(missing_ok=True)
        copy(source, folder / 'tree', files, untouched=not options.users_tree)
        write_if_changed(stamp, wanted)
    for name, data in files.items():
        target = folder / 'tree' / name
        if write_if_changed(target, data):
            shutil.copymode((source if (source / name).exists() else ROOT) / name, target)
    return folder / 'tree', version


def main(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    target, version = prepare(options)
    say(f'Linux {version} with this eventfd: {target}')
    return 0


COMMANDS = (Command('tree', 'get a kernel tree, and make the copy that has our eventfd', main, small=True),)
