# SPDX-License-Identifier: GPL-2.0
"""Which programs a job starts, which of the listed files it opens, and which packages those are of.

Made from what strace saw, and kept in recorded/started.txt for a test to compare with.

Called as "python3 -m tests.started JOB TRACE..." on a Debian that ran the job from nothing under

    strace -f --seccomp-bpf -qq -e trace=execve,openat -e status=successful -o TRACE scripts/eventfd JOB

it prints a line for each program: the job, the program, and the package of scripts/doctor's list that brings it, by itself
or by what it depends on; "base" for what every Debian has, and a package that is not listed by its name. What the project
and its builds bring themselves is left out. A header, a library and an archive of the list have a line, too, if they were
opened. (To trace the calls of execve alone takes a job half again as long; all that it opens makes it five times as long.)
"""
import argparse
import fnmatch
import functools
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

from core.places import BUILD, ROOT, SCRIPTS

RECORDED = SCRIPTS / 'tests/unit/recorded/started.txt'
BASE = 'base'
# Folders of what is no package's.
OWN = (str(ROOT), str(BUILD), '/tmp/', '/proc/')
EXECVE = re.compile(r'execve\("(/[^"]+)"')
OPENAT = re.compile(r'openat\([^"]*"([^"]+)"')


def listed(job: str) -> dict[str, list[str]]:
    """The packages that scripts/doctor wants for a job, and how it looks for each."""
    text = subprocess.run(['sh', str(SCRIPTS / 'doctor'), '--list', job], capture_output=True, text=True, check=True).stdout
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        package, probe = line.split()
        found.setdefault(package, []).append(probe)
    return found


def rows(text: str) -> dict[str, dict[str, str]]:
    """{job: {program: package}} of what was recorded."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line and not line.startswith('#'):
            job, program, package = line.split()
            found.setdefault(job, {})[program] = package
    return found


def seen(pattern: re.Pattern[str], traces: Iterable[pathlib.Path]) -> set[str]:
    return {match.group(1) for trace in traces for match in pattern.finditer(trace.read_text(errors='replace'))}


@functools.cache
def status() -> dict[str, dict[str, str]]:
    """dpkg's records: {package: {field: value}}."""
    shown = subprocess.run(['dpkg-query', '-W', '-f', '${Package}|${Essential}|${Priority}|${Pre-Depends}, ${Depends}|${Provides}\n'],
                           capture_output=True, text=True, check=True).stdout
    found = {}
    for line in shown.splitlines():
        name, essential, priority, more = line.split('|', 3)
        depends, _, provides = more.rpartition('|')
        found[name] = {'essential': essential, 'priority': priority, 'depends': depends, 'provides': provides}
    return found


@functools.cache
def brought(package: str) -> frozenset[str]:
    """A package and all that comes with it."""
    virtual = {name.split()[0]: real for real, fields in status().items() for name in fields['provides'].split(',') if name.strip()}
    todo, found = [package], set()
    while todo:
        name = todo.pop()
        name = name if name in status() else virtual.get(name, name)
        if name in found or name not in status():
            continue
        found.add(name)
        todo += [word.split()[0].partition(':')[0] for part in status()[name]['depends'].split(',') if part.strip()
                 for word in part.split('|')[:1]]
    return frozenset(found)


def owner(path: str) -> str | None:
    for name in dict.fromkeys((path, os.path.realpath(path), path.removeprefix('/usr'), f'/usr{path}',
                               os.path.realpath(path).removeprefix('/usr'))):
        done = subprocess.run(['dpkg-query', '-S', name], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            if not line.startswith('diversion '):
                return line.partition(':')[0]
    return None


def report(job: str, traces: list[pathlib.Path]) -> Iterator[str]:
    base = {name for package, fields in status().items() if fields['essential'] == 'yes' or fields['priority'] == 'required'
            for name in brought(package)}
    wanted = listed(job)
    # The package itself before one that brings it, and the one that brings least.
    order = sorted(wanted, key=lambda package: len(brought(package)))
    found: dict[str, str] = {}
    for path in sorted(seen(EXECVE, traces)):
        if path.startswith(OWN) or '/ld-linux' in path:
            continue
        package = owner(path)
        if package is None:
            print(f'{path} is no package\'s', file=sys.stderr)
            continue
        by = package if package in wanted else BASE if package in base else next(
            (one for one in order if package in brought(one)), package)
        found[pathlib.Path(path).name] = by
    opened = seen(OPENAT, traces)
    for package, probes in wanted.items():
        for kind, _, name in (probe.partition(':') for probe in probes):
            if kind in ('header', 'archive', 'library') and any(fnmatch.fnmatch(path, f'*/{name}*') for path in opened):
                found[name] = package
    for program, by in sorted(found.items()):
        yield f'{job} {program} {by}'


def main() -> None:
    parser = argparse.ArgumentParser(prog='python3 -m tests.started', description='Which programs a job started, and of which package each is.')
    parser.add_argument('job', help='the name that scripts/doctor has for it')
    parser.add_argument('traces', metavar='trace', type=pathlib.Path, nargs='+', help='what strace wrote')
    asked = parser.parse_args()
    for row in report(asked.job, asked.traces):
        print(row)


if __name__ == '__main__':
    main()
