# SPDX-License-Identifier: GPL-2.0
"""Packages from Debian that are unpacked under build/ and not installed.

Not called by itself. Where the system's own package lists do not do, apt gets a state, a cache and
sources apart from the system's: for the backports of the next Debian, or for another machine.
"""
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Sequence

from core import processes
from core.machines import Arch
from core.places import BUILD, need_disk, scratch_folder
from core.processes import Word
from core.report import Broken, Progress, refuse, say

DOWNLOADS = BUILD / 'download'
LOG = BUILD / 'download.log'
NEXT, STABLE = 'trixie-backports', 'trixie'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'


def mirror() -> str:
    """The address of a Debian mirror, from the system's own sources."""
    need_apt('what Debian has', 'use a machine with Debian, or a container of it')
    listed = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI)'],
                            capture_output=True, text=True, check=False).stdout.split()
    mirrors = [uri for uri in listed if re.search(r'/debian/?$', uri)]
    if not mirrors:
        refuse('no Debian mirror among the package sources: run "apt-get update" and try again')
    return mirrors[0]


def bootstrap(suite: str, packages: Sequence[str], target: pathlib.Path, terminal: bool) -> None:
    """A root file system of a release, with these packages beside what every Debian has; there whole, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(f'debootstrap {suite}', terminal)
    with scratch_folder(target.parent) as scratch:
        processes.run(['debootstrap', '--variant=minbase', f'--include={",".join(packages)}', suite, f'{scratch}/root', mirror()],
                      target.parent / f'{target.name}.log', f'debootstrap {suite}',
                      on_line=lambda line: progress.update(line.strip()[:60]))
        os.replace(f'{scratch}/root', target)
    progress.done('done')


def apart(name: str, suite: str, machine: str | None = None, archive: str = '', kind: str = 'deb') -> list[str]:
    """apt options for a state of its own, with fresh lists of one suite; -security is an archive of its own.

    With kind deb-src they are of its source packages.
    """
    folder = DOWNLOADS / name
    for part in ('state/lists/partial', 'cache/archives/partial'):
        (folder / part).mkdir(parents=True, exist_ok=True)
    # Whoever does not answer has had its time. A mirror that lags behind is better than none: its lists are signed all the same.
    options: dict[str, Word] = {
        'Acquire::Check-Valid-Until': 'false', 'APT::Update::Error-Mode': 'any', 'Acquire::Retries': '1',
        'Acquire::http::Timeout': '20', 'Acquire::https::Timeout': '20',
        'Dir::State': folder / 'state', 'Dir::Cache': folder / 'cache', 'APT::Sandbox::User': 'root',
        'Dir::State::status': '/var/lib/dpkg/status', 'Dir::Etc::sourceparts': '/dev/null',
        'Dir::Etc::sourcelist': folder / 'sources.list'}
    (folder / 'sources.list').write_text(f'{kind} [signed-by={KEYRING}] {mirror().rstrip("/")}{archive} {suite} main\n')
    if machine:
        # No installed package is of use to another machine.
        (folder / 'status').write_text('')
        options.update({'APT::Architecture': machine, 'APT::Architectures': machine,
                        'Dir::State::status': folder / 'status'})
    words = [word for key, value in options.items() for word in ('-o', f'{key}={value}')]
    processes.run(['apt-get', *words, 'update'], LOG, 'updating the package lists')
    return words


def needed(what: str, name: str, suite: str, machine: str | None = None, kind: str = 'deb') -> list[str]:
    """The same for what can be had nowhere else."""
    try:
        return apart(name, suite, machine, kind=kind)
    except Broken:
        need_network(f'{what} cannot be looked up')
        raise


def this_suite() -> str:
    """The name of the Debian that runs here."""
    match = re.search(r'^VERSION_CODENAME=(\w+)', pathlib.Path('/etc/os-release').read_text(), re.M)
    if not match:
        refuse('/etc/os-release names no release of Debian, and packages come from there: '
               'use KDIR=PATH and ARCH=x86_64')
    return match.group(1)


def knows(package: str, words: Sequence[str] = ()) -> bool:
    shown = subprocess.run(['apt-cache', *words, 'show', package], capture_output=True, check=False)
    return shown.returncode == 0 and shown.stdout.strip() != b''


def has_apt() -> bool:
    return shutil.which('apt-get') is not None


def need_apt(what: str, otherwise: str) -> None:
    if not has_apt():
        refuse(f'{what} comes from Debian and this machine has no apt-get: {otherwise}')


def download(command: Sequence[Word], what: str, folder: Word) -> None:
    """Have apt put something into a folder."""
    try:
        processes.run(command, LOG, f'downloading {what}', cwd=folder)
    except Broken:
        need_network(f'{what} cannot be downloaded')
        raise


def unpack(packages: Sequence[str], words: Sequence[str], target: pathlib.Path) -> None:
    """Download packages and unpack them into one folder."""
    with scratch_folder(DOWNLOADS) as scratch:
        for package in packages:
            say(f'downloading Debian\'s {package}')
        download(['apt-get', *words, 'download', *packages], " ".join(packages), scratch)
        found = sorted(pathlib.Path(scratch).glob('*.deb'))
        if len(found) != len(packages):
            raise Broken(f'apt-get did not bring all of {" ".join(packages)}; the log is {LOG}')
        for archive in found:
            processes.run(['dpkg-deb', '-x', archive, f'{scratch}/x'], LOG, f'unpacking {archive.name}')
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(f'{scratch}/x', target)


def kernel_source(version: str) -> pathlib.Path:
    """The path of linux-source-VERSION's tarball, fetched if the system does not have it."""
    package = f'linux-source-{version}'
    installed = pathlib.Path(f'/usr/src/{package}.tar.xz')
    if installed.exists():
        return installed
    folder = DOWNLOADS / package
    tarball = folder / 'usr/src' / installed.name
    if not tarball.exists():
        need_apt(package, 'use KDIR=PATH, a kernel tree or a tarball of one')
        need_disk(DOWNLOADS, 0.7)
        unpack([package], sources_with(package), folder)
    return tarball


def sources_with(package: str) -> list[str]:
    """apt options for the first place that has the package: the system's own lists, security updates, the next Debian."""
    if knows(package):
        return []
    security = f'{this_suite()}-security'
    failed: Broken | None = None
    for name, suite, archive in (('security', security, '-security'), ('next', NEXT, ''), ('stable', STABLE, '')):
        try:
            words = apart(name, suite, archive=archive)
        except Broken as error:
            failed = error      # a mirror need not have all
            continue
        if knows(package, words):
            return words
    if failed:
        need_network(f'{package} cannot be looked up', ', or use KDIR=PATH')
    refuse(f'Debian has no {package}, neither here nor in {security}, {NEXT} or {STABLE}: use KDIR=PATH')


def need_network(what: str, otherwise: str = '') -> None:
    """Refuse if apt has said last that it was the network, and not that there is no such thing."""
    if re.search(r'Temporary failure resolving|Could not resolve|Could not connect|Connection (?:timed out|refused)|'
                 r'Unable to connect|connection timed out|Network is unreachable', LOG.read_text(errors='replace')):
        refuse(f'{what}, as Debian\'s mirror does not answer ({mirror()}): see to the network{otherwise}; the log is {LOG}')


def sysroot(arch: Arch) -> pathlib.Path:
    """What the suite is linked with, and busybox, for another machine than this one."""
    folder = BUILD / f'sysroot-{arch.name}'
    if not folder.exists():
        need_apt(f'what the suite is linked with for {arch.name}', 'leave ARCH out, for the machine that runs here')
        packages = ('libgtest-dev', 'libgmock-dev', 'liburing-dev', 'busybox-static')
        unpack(packages, needed(f'what the suite is linked with for {arch.name}', arch.debian, this_suite(), arch.debian), folder)
    return folder


def source_package(package: str, suite: str) -> pathlib.Path:
    """The .dsc file of a source package, fetched beside what it names: the system needs no sources of its own for that."""
    folder = DOWNLOADS / f'source-{package}'
    if not folder.exists():
        need_apt(f'the source of {package}', 'use a machine with Debian, or a container of it')
        words = needed(f'the source of {package}', f'{suite}-source', suite, kind='deb-src')
        with scratch_folder(DOWNLOADS) as scratch:
            fresh = pathlib.Path(scratch) / package
            fresh.mkdir()
            say(f'downloading the source of Debian\'s {package}')
            download(['apt-get', *words, 'source', '--download-only', package], f'the source of {package}', fresh)
            if len(list(fresh.glob('*.dsc'))) != 1:
                raise Broken(f'apt-get did not bring the source of {package}; the log is {LOG}')
            os.replace(fresh, folder)
    [found] = folder.glob('*.dsc')
    return found
