# SPDX-License-Identifier: GPL-2.0
"""Build the kselftests of a prepared tree and the initramfs that they run in.

The initramfs is busybox, scripts/rootfs/init and the installed kselftests, put together by the
kernel's gen_init_cpio. overlay() makes a second archive that goes on top of it.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence

from core import processes
from core.command import Command
from core.options import Options
from core.places import ROOT, SUITE, write_if_changed
from core.report import Broken, Progress, refuse, say
from guest import kernels
from source import debian, trees

# What a program may say that it needs of its machine: the words are those of the suite's support/program.h.
ONE_PROCESSOR = 'one processor'
FAULT_INJECTION = 'fault injection'
NEEDS = 'needs.json'
# What a busybox is called that needs no library: Debian's, Alpine's and openSUSE's.
BUSYBOXES = ('busybox', 'busybox.static', 'busybox-static')


def inputs(options: Options, source: pathlib.Path) -> str:
    """A digest of all that the suite is made of."""
    top = source / 'tools/testing/selftests'
    wanted: list[object] = ['faults' in options.fragments, *link_flags(options),
                            *(os.environ.get(name) for name in ('CXX', 'CXXFLAGS'))]
    digest = hashlib.sha256(f'{source} {wanted}'.encode())
    for path in sorted([*(top / SUITE).rglob('*'), *top.glob('*'), *(top / 'kselftest').glob('*'),
                        source / 'include/uapi/linux/eventfd.h']):
        if path.is_file():
            digest.update(f'{path}\n'.encode() + path.read_bytes())
    return digest.hexdigest()


def install_suite(options: Options, source: pathlib.Path, build: pathlib.Path, installed: pathlib.Path | None = None,
                  quiet: bool = False) -> pathlib.Path:
    """The kselftests, built and installed by the kernel's own makefiles; the folder they are in."""
    installed = installed or options.work / 'kselftest'
    stamp = installed.with_name(f'{installed.name}.from')
    # make takes two seconds to find that there is nothing to do; a tree of the user's it has to look at.
    if not options.users_tree and programs(installed) and stamp.exists() and stamp.read_text() == inputs(options, source):
        say('building the suite: nothing to do')
        return installed
    stamp.unlink(missing_ok=True)
    log = installed.parent / 'kselftest.log'
    progress = Progress('building the suite', options.terminal, quiet)

    def on_line(line: str) -> None:
        if re.match(r'  \S+ +', line):
            progress.update(line.strip())

    processes.run([*kernels.make(options, source / 'tools/testing/selftests', build), f'TARGETS={SUITE}',
                   f'KSFT_INSTALL_PATH={installed}', 'FORCE_TARGETS=1', *link_flags(options),
                   '-j1' if quiet else kernels.jobs(), 'install'], log, 'building the suite', on_line=on_line)
    # The makefile goes on without what it cannot build, as a kselftest has to.
    without = re.search(r'^eventfd: (.*not built.*)$', log.read_text(errors='replace'), re.M)
    if without or not programs(installed):
        raise Broken(f'the suite is not complete: {without.group(1) if without else "no program"}; the log is {log}')
    needed = {program: needs_of([*options.arch.runner, str(installed / SUITE / program)]) for program in programs(installed)}
    write_if_changed(installed / NEEDS, json.dumps(needed, indent=1) + '\n')
    if 'faults' not in options.fragments:
        # Every test of theirs would be skipped.
        listed = installed / 'kselftest-list.txt'
        listed.write_text(''.join(f'{line}\n' for line in listed.read_text().splitlines()
                                  if FAULT_INJECTION not in needed.get(line.split(':')[-1], [])))
    progress.done(f'{len(programs(installed))} programs')
    write_if_changed(stamp, inputs(options, source))
    return installed


def needs_of(program: Sequence[str]) -> list[str]:
    """What a program of the suite says that it needs. One of the kernel's own knows no such question, and needs nothing."""
    said = subprocess.run([*program, '--list-needs'], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=60)
    needs = said.stdout.splitlines() if said.returncode == 0 else []
    return needs if set(needs) <= {ONE_PROCESSOR, FAULT_INJECTION} else []


def needs(installed: pathlib.Path) -> dict[str, list[str]]:
    """What each of the programs that were built needs, those among them that the list of programs leaves out."""
    found: dict[str, list[str]] = json.loads((installed / NEEDS).read_text())
    return found


def link_flags(options: Options) -> list[str]:
    """Everything is static: there is no library in the guest."""
    if options.arch.native:
        return ['USERLDFLAGS=-static']
    root = debian.sysroot(options.arch)
    return [f'USERLDFLAGS=-static -L{root}/{options.arch.libraries}', f'USERCFLAGS=-isystem {root}/usr/include']


def programs(installed: pathlib.Path) -> list[str]:
    """The suite's test programs, in the order in which the runner takes them."""
    try:
        lines = (installed / 'kselftest-list.txt').read_text().split()
    except OSError:
        return []
    return [line.split(':')[1] for line in lines if line.startswith(f'{SUITE}:')]


def busybox(options: Options) -> pathlib.Path:
    where = None if options.arch.native else str(debian.sysroot(options.arch) / 'bin')
    for path in [pathlib.Path(path) for path in (shutil.which(name, path=where) for name in BUSYBOXES) if path]:
        # A dynamic one names its loader at the start of the file.
        if not re.search(rb'ld-(?:linux|musl)', path.read_bytes()[:4096]):
            return path
    refuse('no static busybox: "make doctor" says how to get it')


def spec_of(folder: pathlib.Path, prefix: str) -> Iterator[str]:
    """Lines for gen_init_cpio for all that is in a folder."""
    for path in sorted(folder.rglob('*')):
        name = f'{prefix}/{path.relative_to(folder)}'
        if path.is_symlink():
            yield f'slink {name} {os.readlink(path)} 777 0 0'
        elif path.is_dir():
            yield f'dir {name} 755 0 0'
        else:
            yield f'file {name} {path} {path.stat().st_mode & 0o777:o} 0 0'


def without_times(data: bytes) -> bytes:
    """An archive whose files are of no time: so the same files make the same archive."""
    archived, at = bytearray(data), 0
    while archived[at:at + 6] == b'070701':
        # In hexadecimal, eight digits each: the sixth, the seventh and the twelfth field behind the mark.
        archived[at + 46:at + 54] = b'00000000'
        size, name = (int(archived[at + field:at + field + 8], 16) for field in (54, 94))
        last = archived[at + 110:at + 110 + name - 1] == b'TRAILER!!!'
        at = (at + 110 + name + 3) // 4 * 4
        at = (at + size + 3) // 4 * 4
        if last:
            break
    return bytes(archived)


def archive(build: pathlib.Path, lines: Iterable[str], target: pathlib.Path) -> pathlib.Path:
    """Write a cpio archive; gen_init_cpio comes with the kernel's own build."""
    with tempfile.NamedTemporaryFile('w', suffix='.list') as spec:
        spec.write('\n'.join(lines) + '\n')
        spec.flush()
        made = subprocess.run([build / 'usr/gen_init_cpio', spec.name], capture_output=True, check=False)
    if made.returncode:
        raise Broken(f'gen_init_cpio: {made.stderr.decode().strip()}')
    fresh = target.with_suffix('.new')
    fresh.write_bytes(without_times(made.stdout))
    os.replace(fresh, target)
    return target


def initramfs(options: Options, build: pathlib.Path, installed: pathlib.Path, init: str = 'init',
              target: str = 'initramfs.cpio') -> pathlib.Path:
    box = busybox(options)
    applets = subprocess.run([*options.arch.runner, box, '--list-full'], capture_output=True, text=True,
                             check=True).stdout.split()
    ours = ROOT / 'scripts/rootfs'
    lines = [f'dir /{name} 755 0 0' for name in
             ('proc', 'sys', 'dev', 'tmp', 'etc', 'bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'kselftest')]
    lines += ['nod /dev/console 600 0 0 c 5 1', 'nod /dev/null 666 0 0 c 1 3',
              f'file /bin/busybox {box} 755 0 0', f'file /init {ours}/{init} 755 0 0']
    instead = {'usr/bin/timeout': 'timeout', 'usr/bin/perl': 'perl'}
    lines += [f'file /{applet} {ours}/{name} 755 0 0' for applet, name in instead.items()]
    lines += [f'slink /{applet} /bin/busybox 777 0 0' for applet in applets
              if applet not in ('bin/busybox', 'linuxrc', *instead)]
    for name, text in (('report', options.arch.board.report), ('off', options.arch.board.off),
                       ('leaks', 'look' if options.debug else '')):
        path = options.work / f'etc/{name}'
        write_if_changed(path, f'{text}\n')
        lines.append(f'file /etc/{name} {path} 644 0 0')
    lines += spec_of(installed, '/kselftest')
    return archive(build, lines, options.work / target)


def overlay(build: pathlib.Path, folder: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """An archive of the files in a folder, which take the place of those of the initramfs."""
    return archive(build, spec_of(folder, ''), target)


def main(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    source, _ = trees.prepare(options)
    build = options.work / 'obj'
    kernels.headers(options, source, build)
    kernels.build(options, source, build)
    say(f'made {initramfs(options, build, install_suite(options, source, build))}')
    return 0


COMMANDS = (Command('initramfs', 'build the kernel, the suite and the initramfs', main),)
