# SPDX-License-Identifier: GPL-2.0
"""The suite as one static program that says, row by row, what a running system's eventfd does.

run builds it and runs it here. tarball packs it, with rows.txt, the licence and a README, for those
who test a system that is not this one: build/eventfd-conformance-ARCH.tar.gz. Exit status of run: 0 if
no row differs, 1 if one does, 2 for bad input or a run that did not come to its end.
"""
import argparse
import gzip
import io
import pathlib
import re
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core import processes
from core.command import Command
from core.machines import ARCHES
from core.options import Options, need_programs_here
from core.places import BUILD, ROOT, SUITE, need_small, project_commit, write_if_changed
from core.report import Progress, say
from guest import kernels, rootfs
from source import trees

PROGRAM = 'eventfd_conformance'
# It is sent by mail, and put into images.
LARGEST = 10_000_000
SUMMARY = re.compile(r'rows: (\d+) conformant, (\d+) as stock, (\d+) differ, (\d+) unknown;')


class Summary(NamedTuple):
    """How many rows came to what."""
    conformant: int
    as_stock: int
    differing: int
    unknown: int


class Run(NamedTuple):
    """What came of running the program."""
    status: int
    summary: Summary | None     # it may have died before it
    differing: list[str]        # a line for each such row


def build(options: Options) -> pathlib.Path:
    """The program: built where nothing else is, without a kernel, by the suite's own makefile."""
    folder = BUILD / ('host' if options.arch.native else f'host-{options.arch.name}')
    source, _ = trees.prepare(options, 'suite', folder)
    output = folder / 'obj/kselftest' / SUITE
    output.mkdir(parents=True, exist_ok=True)
    progress = Progress('building the conformance program', options.terminal)
    processes.run([*kernels.make(options, source / 'tools/testing/selftests' / SUITE, folder / 'obj'),
                   f'OUTPUT={output}', f'KHDR_INCLUDES=-isystem {folder}/obj/usr/include', *rootfs.link_flags(options),
                   kernels.jobs(), 'conformance'], folder / 'conformance.log',
                  'building the conformance program', on_line=lambda line: progress.update(line.strip()))
    program = output / PROGRAM
    progress.done(f'{program.stat().st_size / 1e6:.1f} MB')
    return program


def run(program: pathlib.Path) -> Run:
    """Run it, with its report on the terminal and in a file, and each row as it is judged in another one."""
    report: list[str] = []
    (BUILD / 'host').mkdir(parents=True, exist_ok=True)
    with (BUILD / 'host/progress').open('w') as progress:
        child = subprocess.Popen(processes.ending_with_us([program]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=progress, text=True, errors='replace', start_new_session=True)
    stop = processes.stop_at_exit(child)
    assert child.stdout
    with child.stdout:
        for line in child.stdout:
            report.append(line)
            print(line, end='', flush=True)
    status = child.wait()
    stop()
    write_if_changed(BUILD / 'host/report', ''.join(report))
    found = SUMMARY.match(report[-1]) if report else None
    return Run(status, Summary(*map(int, found.groups())) if found else None, differing(report))


def differing(report: Iterable[str]) -> list[str]:
    """A line for each row of a report that differs: the row, and the tests that failed in it."""
    rows: list[list[str]] = []
    for line in report:
        row, test = re.match(r'(\w.*?)  +(\S+)', line), re.match(r' +(\w+[\w/]*\.\w+[\w/]*): ', line)
        if row:
            rows.append([row.group(1), f'row {row.group(2)}:'])
        elif test and rows:
            rows[-1].append(test.group(1))
    return [' '.join(words) for kind, *words in rows if kind == 'differs']


def tarball(options: Options, program: pathlib.Path) -> pathlib.Path:
    """Pack it; the same files make the same archive."""
    name = f'eventfd-conformance-{options.arch.name}'
    suite = ROOT / 'tools/testing/selftests' / SUITE
    version, when = project_commit()
    readme = (pathlib.Path(__file__).with_name('conformance.README')).read_text().split('\n', 1)[1]
    readme = readme.replace('@VERSION@', version).replace('@ARCH@', options.arch.name)
    target = BUILD / f'{name}.tar.gz'
    with io.BytesIO() as data:
        with tarfile.open(fileobj=data, mode='w', format=tarfile.GNU_FORMAT) as archive:
            for path, content, mode in ((PROGRAM, program.read_bytes(), 0o755),
                                        ('rows.txt', (suite / 'rows.txt').read_bytes(), 0o644),
                                        ('LICENSE', (ROOT / 'LICENSE').read_bytes(), 0o644),
                                        ('README', readme.encode(), 0o644)):
                entry = tarfile.TarInfo(f'{name}/{path}')
                entry.size, entry.mode, entry.mtime = len(content), mode, when
                archive.addfile(entry, io.BytesIO(content))
        packed = gzip.compress(data.getvalue(), mtime=0)
    need_small(target, packed, LARGEST, 'see what the program is linked with')
    write_if_changed(target, packed)
    return target


def run_here(options: Options, _arguments: argparse.Namespace) -> int:
    need_programs_here(options, 'make check-host')
    processes.lock()
    return run(build(options)).status


def write_tarballs(machines: Sequence[Options]) -> int:
    processes.lock()
    for options in machines:
        target = tarball(options, build(options))
        say(f'{target}: {target.stat().st_size / 1e6:.1f} MB')
    return 0


def write_tarball(options: Options, _arguments: argparse.Namespace) -> int:
    return write_tarballs([options])


def write_all(options: Options, _arguments: argparse.Namespace) -> int:
    return write_tarballs([options.asking(ARCH=name) for name in ARCHES])


COMMANDS = (
    Command('conformance', "what the running system's eventfd does, row by row, whatever that is", run_here),
    Command('conformance-tarball', 'the same as one static program, to test another system with', write_tarball),
    Command('conformance-tarballs', 'that program for every machine: x86_64, i386, arm64 and s390x', write_all),
)
