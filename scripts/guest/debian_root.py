# SPDX-License-Identifier: GPL-2.0
"""A Debian root file system that runs in a guest's memory: its files, made once, and an initramfs of them."""
import hashlib
import os
import pathlib
import re
import stat
from collections.abc import Iterator

from core.options import Options
from core.places import BUILD, ROOT, need_disk, project_files, write_if_changed
from core.report import refuse
from guest import rootfs
from source import debian

FOLDER = BUILD / 'distro'
SUITE = 'bookworm'
# Beside what every Debian has: an init, and Python with its own tests, to try things with.
PACKAGES = ('systemd-sysv', 'udev', 'dbus', 'procps', 'iproute2', 'python3', 'libpython3.11-testsuite')
# What nothing in a guest reads, below the root.
LEFT_OUT = ('usr/share/doc/', 'usr/share/man/', 'usr/share/locale/', 'var/cache/', 'var/lib/apt/', 'usr/share/zoneinfo/', 'dev/',
            'proc/', 'sys/', 'run/', 'tmp/')
# Ours, of scripts/rootfs/distro, which has each at its place in the guest.
OURS = ROOT / 'scripts/rootfs/distro'


def made(options: Options) -> pathlib.Path:
    """The root file system by debootstrap, once for each list of packages."""
    name = f'{SUITE}-{hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]}'
    target = FOLDER / name
    if target.exists():
        return target
    if os.geteuid():
        refuse('a root file system of Debian is made by debootstrap, which has to be root: run this as root')
    need_disk(FOLDER, 3.0)
    debian.bootstrap(SUITE, PACKAGES, target, options.terminal)
    return target


def spec(root: pathlib.Path) -> Iterator[str]:
    """Lines for gen_init_cpio for all that a guest needs of it, with its owners."""
    for folder, folders, files in os.walk(root):
        for name in sorted([*folders, *files]):
            path = pathlib.Path(folder) / name
            inside = str(path.relative_to(root))
            if f'{inside}/'.startswith(LEFT_OUT) and f'{inside}/' not in LEFT_OUT or re.search(r'\s', inside):
                continue
            found = path.lstat()
            owner = f'{found.st_uid} {found.st_gid}'
            mode = f'{stat.S_IMODE(found.st_mode):o}'
            if path.is_symlink():
                if not re.search(r'\s', os.readlink(path)):
                    yield f'slink /{inside} {os.readlink(path)} 777 {owner}'
            elif path.is_dir():
                yield f'dir /{inside} {mode} {owner}'
            elif path.is_file():
                yield f'file /{inside} {path} {mode} {owner}'


def ours() -> Iterator[str]:
    """What this project adds: the files of scripts/rootfs/distro, and the links that make systemd start them."""
    names = [pathlib.Path(name).relative_to(OURS.relative_to(ROOT)) for name in project_files(f'{OURS.relative_to(ROOT)}/')]
    yield from (f'dir /{folder} 755 0 0' for folder in sorted({str(parent) for name in names for parent in name.parents} - {'.'}))
    yield from (f'file /{name} {OURS / name} {(OURS / name).stat().st_mode & 0o777:o} 0 0' for name in names)
    yield 'dir /etc/systemd/system/multi-user.target.wants 755 0 0'
    yield 'slink /etc/systemd/system/multi-user.target.wants/eventfd.service /etc/systemd/system/eventfd.service 777 0 0'
    yield 'slink /etc/systemd/system/default.target /lib/systemd/system/multi-user.target 777 0 0'
    # It looks for block devices, and fails where a kernel knows of none.
    yield 'slink /etc/systemd/system/e2scrub_reap.service /dev/null 777 0 0'
    yield 'slink /init /sbin/init 777 0 0'
    yield 'nod /dev/console 600 0 0 c 5 1'


def initramfs(options: Options, build: pathlib.Path) -> pathlib.Path:
    """The guest's files, with ours. Made anew when one of ours, or the root, is another."""
    root = made(options)
    target = FOLDER / f'{root.name}.cpio'
    lines = [*spec(root), *ours()]
    listed = '\n'.join(lines) + ''.join(f'\n{name} {(ROOT / name).read_text()}' for name in project_files('scripts/rootfs/distro/'))
    stamp = target.with_suffix('.from')
    if not target.exists() or not stamp.exists() or stamp.read_text() != listed:
        stamp.unlink(missing_ok=True)
        rootfs.archive(build, lines, target)
        write_if_changed(stamp, listed)
    return target
