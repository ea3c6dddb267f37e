#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Get a kernel tree and make the copy of it that has our eventfd.

Usage: [KERNEL=6.12 | KDIR=PATH] scripts/tree.py

KERNEL=X.Y is Debian's linux-source-X.Y: from the system's own package sources, or else from the
backports of the next Debian, with a package state apart from the system's. It is unpacked under
build/src and stays as it came. KDIR is a tree of yours, and stays as it is too. What is built is a
copy whose files are hard links, where that can be, and whose changed files are not.
"""
import os
import pathlib
import re
import shutil
import tempfile

import debian
import harness
from harness import BUILD, ROOT, SUITE, refuse, say

# The files of a kernel tree that are ours as a whole.
OURS = ('fs/eventfd.c', 'include/linux/eventfd.h', 'include/uapi/linux/eventfd.h')
OUR_FOLDERS = (f'tools/testing/selftests/{SUITE}',)

# What a build leaves in a tree. A build elsewhere refuses a tree that has been built in.
PRODUCTS = ('.git', '/.config', '/.config.old', '/include/config', '/include/generated',
            '/arch/*/include/generated', '/vmlinux*', '/Module.symvers', '/System.map', '*.o', '*.ko',
            '*.a', '*.cmd', '*.mod', '*.order', '/tools/objtool/objtool', '/usr/include/*/')


def our_files():
    """Every file that we put into a kernel tree, as paths from its top."""
    files = [ROOT / name for name in OURS]
    for folder in OUR_FOLDERS:
        files += [path for path in sorted((ROOT / folder).rglob('*'))
                  if path.is_file() and path.suffix in ('', '.cpp', '.h', '.c', '.sh')
                  and path.read_bytes()[:4] != b'\x7fELF']
    return [path.relative_to(ROOT) for path in files]


def pristine(options):
    """The tree as it came: Debian's, unpacked once, or the user's."""
    if options.kdir:
        return pathlib.Path(options.kdir).resolve()
    tree = BUILD / 'src' / f'linux-source-{options.kernel}'
    if tree.is_dir():
        return tree
    tarball = debian.kernel_source(options.kernel)
    harness.need_disk(tree.parent, 2.5)
    progress = harness.Progress(f'unpacking {tarball.name}', options.terminal)
    with tempfile.TemporaryDirectory(dir=tree.parent) as scratch:
        harness.run(['tar', '-xf', tarball, '-C', scratch], BUILD / 'unpack.log', f'unpacking {tarball}')
        os.replace(f'{scratch}/{tree.name}', tree)
    progress.done('done')
    return tree


def check(tree, given):
    """Refuse what cannot become a tree of ours, before anything is made of it."""
    if not tree.is_dir():
        refuse(f'{given} is no directory: KDIR names the top of a kernel tree')
    version = harness.tree_version(tree)
    if version is None or not (tree / 'fs/eventfd.c').is_file():
        refuse(f'{given} is no kernel tree: KDIR names the directory that has the kernel\'s Makefile')
    if version[:2] < harness.OLDEST:
        refuse(f'{given} is Linux {version[2]}, and fs/eventfd.c needs 6.12 or later')
    if re.search(r'\bEFD_AUTORESET\b', (tree / 'include/uapi/linux/eventfd.h').read_text(errors='replace')):
        refuse(f'{given} has EFD_AUTORESET already: name a tree without this series')
    return version[2]


def copy(source, target, changed):
    """Make target what source is, but for the files in changed, which the caller writes."""
    target.mkdir(parents=True, exist_ok=True)
    command = ['rsync', '-a', '--delete', f'--link-dest={source}']
    command += [f'--exclude={pattern}' for pattern in PRODUCTS]
    command += [f'--exclude=/{name}' for name in changed]
    harness.run([*command, f'{source}/', f'{target}/'], target.parent / 'tree.log', f'copying {source}')


def prepare(options):
    """The tree with our files in it. Files that are right already keep their time stamps."""
    source = pristine(options)
    version = check(source, options.kdir or source)
    target = options.work / 'tree'
    files = our_files()
    stamp = options.work / 'tree.from'
    wanted = f'{source}\n{version}\n' + ''.join(f'{name}\n' for name in files)
    # Debian's tree does not change; a tree of the user's may have, since the last run.
    if options.kdir or not stamp.exists() or stamp.read_text() != wanted:
        harness.need_disk(options.work, 2.0 if os.stat(source).st_dev == os.stat(BUILD).st_dev else 4.0)
        stamp.unlink(missing_ok=True)
        copy(source, target, files)
        harness.write_if_changed(stamp, wanted)
    for name in files:
        if harness.write_if_changed(target / name, (ROOT / name).read_bytes()):
            shutil.copymode(ROOT / name, target / name)
    return target, version


def main():
    harness.lock()
    target, version = prepare(harness.Options())
    say(f'Linux {version} with this eventfd: {target}')


if __name__ == '__main__':
    harness.main(main)
