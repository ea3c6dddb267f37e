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
import subprocess
import tempfile

import harness
from harness import BUILD, ROOT, SUITE, Broken, refuse, say

# The files of a kernel tree that are ours as a whole.
OURS = ('fs/eventfd.c', 'include/linux/eventfd.h', 'include/uapi/linux/eventfd.h')
OUR_FOLDERS = (f'tools/testing/selftests/{SUITE}',)

# What a build leaves in a tree. A build elsewhere refuses a tree that has been built in.
PRODUCTS = ('.git', '/.config', '/.config.old', '/include/config', '/include/generated',
            '/arch/*/include/generated', '/vmlinux*', '/Module.symvers', '/System.map', '*.o', '*.ko',
            '*.a', '*.cmd', '*.mod', '*.order', '/tools/objtool/objtool', '/usr/include/*/')

NEXT_DEBIAN = 'trixie-backports'


def our_files():
    """Every file that we put into a kernel tree, as paths from its top."""
    files = [ROOT / name for name in OURS]
    for folder in OUR_FOLDERS:
        files += [path for path in sorted((ROOT / folder).rglob('*'))
                  if path.is_file() and path.suffix in ('', '.cpp', '.h', '.c', '.sh')
                  and path.read_bytes()[:4] != b'\x7fELF']
    return [path.relative_to(ROOT) for path in files]


def apt_of_next_debian(folder):
    """apt options for a package state of its own that knows the backports of the next Debian."""
    listed = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI)'],
                            capture_output=True, text=True, check=False).stdout.split()
    mirrors = [uri for uri in listed if re.search(r'/debian/?$', uri)]
    if not mirrors:
        refuse('no Debian mirror among the package sources: run "apt-get update" and try again')
    for name in ('state/lists/partial', 'cache/archives/partial'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
    (folder / 'sources.list').write_text(
        f'deb [signed-by={keyring}] {mirrors[0]} {NEXT_DEBIAN} main\n')
    return ['-o', f'Dir::State={folder}/state', '-o', 'Dir::State::status=/var/lib/dpkg/status',
            '-o', f'Dir::Cache={folder}/cache', '-o', f'Dir::Etc::sourcelist={folder}/sources.list',
            '-o', 'Dir::Etc::sourceparts=/dev/null', '-o', 'APT::Sandbox::User=root']


def known_to_apt(package, options=()):
    shown = subprocess.run(['apt-cache', *options, 'show', package], capture_output=True, check=False)
    return shown.returncode == 0 and shown.stdout.strip() != b''


def download(version):
    """The path of linux-source-VERSION's tarball, fetched if the system does not have it."""
    package = f'linux-source-{version}'
    installed = pathlib.Path(f'/usr/src/{package}.tar.xz')
    if installed.exists():
        return installed
    folder = BUILD / 'download'
    tarball = folder / installed.name
    if tarball.exists():
        return tarball
    if not shutil.which('apt-get'):
        refuse(f'{package} comes from Debian and this machine has no apt-get: use KDIR=PATH')
    folder.mkdir(parents=True, exist_ok=True)
    harness.need_disk(folder, 0.7)
    options = []
    log = BUILD / 'download.log'
    if not known_to_apt(package):
        options = apt_of_next_debian(folder / 'apt')
        harness.run(['apt-get', *options, 'update'], log, 'updating the package lists')
        if not known_to_apt(package, options):
            refuse(f'Debian has no {package}, neither here nor in {NEXT_DEBIAN}: use KDIR=PATH')
    say(f'downloading Debian\'s {package}')
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        harness.run(['apt-get', *options, 'download', package], log, f'downloading {package}', cwd=scratch)
        package_file = next(pathlib.Path(scratch).glob('*.deb'), None)
        if not package_file:
            raise Broken(f'apt-get brought no {package}; the log is {log}')
        harness.run(['dpkg-deb', '-x', package_file, f'{scratch}/x'], log, f'unpacking {package_file.name}')
        os.replace(f'{scratch}/x/usr/src/{tarball.name}', tarball)
    return tarball


def pristine(options):
    """The tree as it came: Debian's, unpacked once, or the user's."""
    if options.kdir:
        return pathlib.Path(options.kdir).resolve()
    tree = BUILD / 'src' / f'linux-source-{options.kernel}'
    if tree.is_dir():
        return tree
    tarball = download(options.kernel)
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
