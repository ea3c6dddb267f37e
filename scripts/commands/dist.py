# SPDX-License-Identifier: GPL-2.0
"""One archive for whoever has no time to build: build/eventfd-VERSION.tar.xz.

It has the series as mails for both of Debian's kernels, the suite as installed kselftests, the conformance program, a
kernel and its initramfs with ./try, which boots them in QEMU to the suite or to a program, and the pages as HTML. The same
commit and the same kernels make the same bits: nothing in it knows when, where or by whom it was made.
"""
import argparse
import io
import lzma
import pathlib
import re
import shlex
import tarfile
from collections.abc import Iterator

from checks import conformance, pages
from core import processes
from core.command import Command
from core.options import Options, need_programs_here
from core.places import BUILD, ROOT, SUITE, need_small, project_commit, project_files, said_by_git
from core.report import Broken, Progress, refuse, say
from guest import qemu, session, verdicts
from source import patch_series

PARTS = ROOT / 'scripts/dist'
KERNELS = ('6.12', '7.3')
# Who has no time to build has none for a long download.
LARGEST = 60_000_000
# Names of the guest's parts in the script, which it fills in.
PLACES = ('"$here/boot/bzImage"', '"$work/initrd"', '"$cpus"', '"$memory"')
Files = dict[str, tuple[bytes, int]]


def version() -> tuple[str, int]:
    """Of the project: the commit, and when it was made; with a mark where files differ from it."""
    commit, when = project_commit()
    return commit[:12] + ('-changed' if said_by_git('status', '--porcelain') else ''), when


def tree(folder: pathlib.Path, name: str) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """All files below a folder, by what they are called in the archive."""
    for path in sorted(folder.rglob('*')):
        if path.is_file():
            yield f'{name}/{path.relative_to(folder)}', (path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)


def guest_script(options: Options) -> bytes:
    """The script that boots the guest, with QEMU's options as "make run" has them."""
    text = (PARTS / 'try').read_text()
    cmdline = 'loglevel=5 panic_on_warn=1 hung_task_panic=1 softlockup_panic=1'
    made = {}
    for accel in ('tcg', 'kvm'):
        words = qemu.qemu(options, accel, 'IMAGE', 'INITRD', cmdline, 99, 'MEMORY')
        # The clock is that of the machine on which the script runs.
        line = shlex.join(re.sub(r' tsc_early_khz=\d+', ' tsc_early_khz=CLOCK', word) for word in words)
        line = line.replace('CLOCK', """'"$clock"'""")
        for there, here in (('IMAGE', PLACES[0]), ('INITRD', PLACES[1]), ('99,sockets=99', f'{PLACES[2]},sockets={PLACES[2]}'),
                            ('MEMORY', PLACES[3])):
            if there not in line:
                raise Broken(f'QEMU is not told its {there.lower()}: {line}')
            line = line.replace(there, here)
        made[f'@{accel.upper()}@'] = line
    console = shlex.join(qemu.port(options, 'console', 'file', 'path=CONSOLE')).replace('CONSOLE', '"$work/console"')
    made['@PORTS@'] = f'{console} {shlex.join(qemu.port(options, "report", "stdio", "signal=off"))}'
    # As grep -E has it.
    made['@COMPLAINT@'] = verdicts.COMPLAINT.pattern.replace('(?:', '(').replace(r'\w', '[[:alnum:]_]').replace(r'\b', '')
    for name, value in made.items():
        if name not in text:
            raise Broken(f'{PARTS / "try"} has no {name}')
        text = text.replace(name, value)
    return text.encode()


def packer(source: pathlib.Path, target: pathlib.Path) -> bytes:
    """The kernel's gen_init_cpio, without a library that another system may not have."""
    processes.run(['gcc', '-O2', '-static', '-s', '-o', target, source / 'usr/gen_init_cpio.c'], target.with_suffix('.log'),
                  'building gen_init_cpio')
    return target.read_bytes()


def mails(options: Options, kernel: str) -> Iterator[tuple[str, tuple[bytes, int]]]:
    series, _ = patch_series.make(options.asking(KERNEL=kernel), patch_series.AUTHOR)
    for name, (data, mode) in tree(series.folder, f'series/{kernel}'):
        if not name.endswith(patch_series.MADE_FROM):
            yield name, (data, mode)


def contents(options: Options, name: str) -> Files:
    built = session.build(options)
    files: Files = {'boot/bzImage': (built.image.read_bytes(), 0o644), 'boot/initramfs.cpio': (built.initrd.read_bytes(), 0o644),
                    'boot/gen_init_cpio': (packer(options.work / 'tree', options.work / 'gen_init_cpio'), 0o755),
                    'boot/config': ((built.objects / '.config').read_bytes(), 0o644),
                    'try': (guest_script(options), 0o755), 'LICENSE': ((ROOT / 'LICENSE').read_bytes(), 0o644),
                    'README': ((PARTS / 'README').read_text().replace('@VERSION@', name).encode(), 0o644)}
    files |= tree(built.installed, 'kselftest')
    program = conformance.build(options)
    files[f'conformance/{program.name}'] = (program.read_bytes(), 0o755)
    files['conformance/rows.txt'] = ((ROOT / f'tools/testing/selftests/{SUITE}/rows.txt').read_bytes(), 0o644)
    for kernel in KERNELS:
        files |= mails(options, kernel)
    wrong = pages.sphinx(options)
    if wrong:
        raise Broken(f'the pages: {wrong.splitlines()[0]}')
    # Where they were made is for those who make them anew.
    files |= {path: data for path, data in tree(BUILD / 'docs/html', 'html')
              if not path.endswith(('.buildinfo', 'environment.pickle'))}
    for page in project_files('Documentation/userspace-api/*.2'):
        files[f'man/{pathlib.Path(page).name}'] = ((ROOT / page).read_bytes(), 0o644)
    return files


def packed(files: Files, name: str, when: int) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w', format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(files):
            content, mode = files[path]
            entry = tarfile.TarInfo(f'{name}/{path}')
            entry.size, entry.mode, entry.mtime = len(content), mode, when
            archive.addfile(entry, io.BytesIO(content))
    return lzma.compress(data.getvalue(), preset=4)


def dist(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make dist')
    if options.label != Options.of({}).label:
        refuse('make dist is of the plain kernel: leave out KERNEL, KDIR, ARCH and what asks for a special one')
    processes.lock()
    commit, when = version()
    name = f'eventfd-{commit}'
    files = contents(options, name)
    progress = Progress(f'packing {name}.tar.xz', options.terminal)
    target = BUILD / f'{name}.tar.xz'
    data = packed(files, name, when)
    progress.done(f'{len(files)} files, {len(data) / 1e6:.1f} MB')
    largest = max(files, key=lambda path: len(files[path][0]))
    need_small(target, data, LARGEST, f'the largest file in it is {largest}')
    target.write_bytes(data)
    say(f'{target}')
    return 0


COMMANDS = (Command('dist', 'one archive: the series, the suite, a kernel with ./try, the pages', dist),)
