# SPDX-License-Identifier: GPL-2.0
"""The README's two commands on other releases of Debian, each from a bare debootstrap.

A release is a root file system under build/releases with a compiler for nothing: make, git and what they need. The project
is copied into it, as files of another user's, as those of a volume in a container are, and make is called there as on a
fresh machine, so that all else has to come from the project's own set-up. A root in which all holds is not kept, and the
release not run again before a file of the project changes; where something failed, "kept" goes on in the root that is
there, which the page does not count.

check-releases takes what says whether a release's tools are good for the project, make run among it, in half an hour or so
for all three: what needs least first, then make run once more where apt and dpkg are hidden, all of it with the rights of
root in a container. check-releases-whole is make run and make check, with all rights, and takes hours. What they came to
goes into Documentation/dev-tools/eventfd.rst by "releases-doc".

Exit status: 0 if every release holds, 1 if one does not, 2 for bad input.
"""
import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence

from commands.matrix import EARLIER
from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import BUILD, ROOT, need_disk, project_files, write_if_changed
from core.report import refuse, say
from core.tables import put_between, simple_table
from source import debian
from source.git import Git

FOLDER = BUILD / 'releases'
PAGE = ROOT / 'Documentation/dev-tools/eventfd.rst'
FIRST, LAST = '.. From "make check-releases"', '.. End of what "make releases-doc" writes'
# Debian 12, 13, and what is to be the next one.
RELEASES = ('bookworm', 'trixie', 'testing')
KEPT = 'kept'
# Where the project is in there.
PLACE = 'src/eventfd'
# Of files that are not root's.
STRANGER = 1000
# The kernel's tarball as make has fetched it, in a call for which apt and dpkg are not there.
NO_APT = f'run KDIR=/{PLACE}/build/download/linux-source-6.12/usr/src/linux-source-6.12.tar.xz'
APT = ('apt', 'apt-cache', 'apt-config', 'apt-get', 'dpkg', 'dpkg-deb', 'dpkg-query', 'dpkg-source')
# What docker leaves to root in a container. The tests of make check make file systems and groups of their own.
CAPABILITIES = ('chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'net_bind_service', 'net_raw',
                'sys_chroot', 'mknod', 'audit_write', 'setfcap')
# Called in this order, and up to the first that fails: what needs the fewest packages first, with nothing but these.
QUICK = ('litmus', 'model', 'docs', 'run', 'check-static', NO_APT)
WHOLE = ('run', 'check')
# What a person has who has fetched the project: no compiler, no python3.
BARE = ('make', 'git', 'ca-certificates')
SAYS = re.compile(r'verdict: PASS: (.*?)(?:;|$)|(\d+ passed, 0 failed, \d+ skipped)|(\d+ checks of the (?:model|pages) passed), 0 failed|'
                  r'(\d+ litmus tests are as they should be), 0 are not')


@dataclasses.dataclass(frozen=True)
class Result:
    """What a release came to; kept as JSON."""
    state: str          # of the project's files
    name: str           # "Debian GNU/Linux 13 (trixie)", as it calls itself
    compiler: str       # the version of its gcc
    said: dict[str, str]
    failed: str         # the call that did not end well, or nothing
    seconds: int
    bare: bool          # whether it began in a root that was made for it


def state() -> str:
    digest = hashlib.sha256()
    for name in project_files():
        # The pages have what this comes to.
        if not name.startswith('README') and not (name.startswith('Documentation/') and name.endswith(('.rst', '.svg'))):
            digest.update(f'{name}\0'.encode() + (ROOT / name).read_bytes() + b'\0')
    return digest.hexdigest()[:16]


def path_of(release: str, jobs: Sequence[str]) -> pathlib.Path:
    return FOLDER / f'{release}-{"whole" if jobs == WHOLE else "quick"}.json'


def last(release: str, jobs: Sequence[str]) -> Result | None:
    path = path_of(release, jobs)
    return Result(**json.loads(path.read_text())) if path.exists() else None


def bare_root(options: Options, root: pathlib.Path) -> None:
    """The release's root file system, made anew."""
    if root.exists():
        shutil.rmtree(root)
    need_disk(FOLDER, 12.0)
    debian.bootstrap(root.name, BARE, root, options.terminal)


def put_project(root: pathlib.Path) -> None:
    """The project's files as they are here, as a git tree of a stranger's; what was built in there stays."""
    place = root / PLACE
    for old in place.iterdir() if place.exists() else ():
        if old.name != 'build':
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for name in project_files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    if (ROOT / '.git').exists():
        # Not a clone of ROOT: whoever serves one wants it to be its own.
        bundle = root / 'tmp/project'
        Git(ROOT)('-c', 'safe.directory=*', 'bundle', 'create', '-q', bundle, 'HEAD')
        Git(root)('clone', '-q', '--bare', bundle, place / '.git')
        bundle.unlink()
        # Where the history ends in a clone that has not all of it.
        shallow = ROOT / Git(ROOT)('-c', 'safe.directory=*', 'rev-parse', '--git-path', 'shallow')
        if shallow.exists():
            shutil.copy(shallow, place / '.git/shallow')
        for words in (['config', 'core.bare', 'false'], ['reset', '-q']):
            Git(place)('-c', 'safe.directory=*', *words)
    for folder, below, names in os.walk(place):
        if folder == str(place) and 'build' in below:
            below.remove('build')
        for name in ('', *names):
            os.chown(pathlib.Path(folder, name), STRANGER, STRANGER, follow_symlinks=False)


def inside(root: pathlib.Path, words: Sequence[str], hidden: Sequence[str] = (), contained: bool = False) -> list[str]:
    """A call in there, with its own /proc and /tmp, without the hidden programs, and nothing of it left when it ends.

    One that is contained has the rights of root in a container.
    """
    # What cannot be executed is not found.
    hide = ''.join(f'mount --bind /dev/null usr/bin/{name} && ' for name in hidden if (root / 'usr/bin' / name).exists())
    # Its root becomes that of the mount namespace, as a container's does: in a mere chroot nobody can have a user
    # namespace, nor mounts of his own. (pivot_root is in a package of its own since Debian 14.)
    script = ('mount --bind "$0" "$0" && cd "$0" && mount --rbind /dev dev && mount --rbind /sys sys && mount -t proc proc proc && '
              f'mount -t tmpfs tmp tmp && {hide}mount --move . / && exec chroot . "$@"')
    environment = ['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root',
                   'LC_ALL=C.UTF-8', f'EVENTFD_TEST_TIMEOUT={os.environ.get("EVENTFD_TEST_TIMEOUT", "60")}',
                   *(f'{name}={value}' for name, value in os.environ.items() if name.lower().endswith('_proxy'))]
    rights = ['setpriv', f'--bounding-set=-all,{",".join(f"+{name}" for name in CAPABILITIES)}', '--inh-caps=-all']
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-c', script,
            str(root), *environment, *(rights if contained else ()), *words]


def name_of(job: str) -> str:
    """What a job is called where it is told of."""
    return 'run without apt and dpkg' if job == NO_APT else job


def said_of(text: str) -> str:
    """What a call says of itself: the last line of its kind."""
    found = [next(group for group in match.groups() if group) for match in map(SAYS.match, text.splitlines()) if match]
    return found[-1] if found else ''


def asked(root: pathlib.Path, *words: str) -> str:
    done = subprocess.run(inside(root, words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.strip()


def examine(options: Options, release: str, jobs: Sequence[str], now: str, kept: bool) -> Result:
    """Call the jobs in the release; what there is to know of it."""
    root = FOLDER / release
    if not kept:
        bare_root(options, root)
    elif not root.exists():
        refuse(f'there is no {root} that an earlier run has kept: leave out "kept"')
    put_project(root)
    start = time.monotonic()
    said: dict[str, str] = {}
    failed = ''
    for job in jobs:
        log = FOLDER / f'{release}-{name_of(job).replace(" ", "-")}.log'
        say(f'{release}: make {name_of(job)} ...')
        words = ('make', '-C', f'/{PLACE}', *job.split())
        with open(log, 'w', encoding='utf-8') as out:
            child = subprocess.Popen(processes.ending_with_us(inside(root, words, APT if job == NO_APT else (), jobs == QUICK)),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            stop = processes.stop_at_exit(child)
            status = child.wait()
            stop()
        said[job] = said_of(log.read_text(errors='replace'))
        # A make that ends well and says nothing of what it did has not done it.
        if status or not said[job]:
            failed = f'make {name_of(job)} (exit status {status}; the log is {log})'
            break
    name = re.search(r'^PRETTY_NAME="(.*)"', (root / 'etc/os-release').read_text(), re.M)
    result = Result(now, name[1] if name else release, asked(root, 'gcc', '-dumpfullversion'), said, failed,
                    round(time.monotonic() - start), not kept)
    write_if_changed(path_of(release, jobs), json.dumps(dataclasses.asdict(result)) + '\n')
    if not failed:
        shutil.rmtree(root)
    return result


def check(options: Options, wanted: Sequence[str], jobs: Sequence[str]) -> int:
    releases = [word for word in wanted if word != KEPT] or RELEASES
    if os.geteuid():
        refuse('make check-releases makes root file systems, and changes into them: run it as root')
    processes.lock()
    now = state()
    bad = 0
    for release in releases:
        result = last(release, jobs)
        if not result or result.failed or result.state != now or not result.bare:
            result = examine(options, release, jobs, now, KEPT in wanted)
        for job, words in result.said.items():
            say(f'{result.name}, gcc {result.compiler}: make {name_of(job)}: {words or "says nothing"}')
        if result.failed:
            bad += 1
            say(f'{result.name}: DOES NOT HOLD: {result.failed}')
    say(f'releases: {"FAIL" if bad else "PASS"}: {len(releases) - bad} hold, {bad} do not')
    return 1 if bad else 0


def check_releases(options: Options, arguments: argparse.Namespace) -> int:
    return check(options, arguments.words, QUICK)


def check_whole(options: Options, arguments: argparse.Namespace) -> int:
    return check(options, arguments.words, WHOLE)


def rows(results: Sequence[tuple[Sequence[str], Result]], now: str) -> Iterator[tuple[str, str, str, str]]:
    for jobs, result in results:
        mark = '' if result.state == now else f' {EARLIER}'
        for number, job in enumerate(jobs):
            yield ((result.name + mark, result.compiler) if number == 0 else ('', '')) + (f'``make {name_of(job)}``', result.said[job])


def write_page(_options: Options, _arguments: argparse.Namespace) -> int:
    results = [(jobs, result) for release in RELEASES for jobs in (WHOLE, QUICK)
               for result in [last(release, jobs)] if result and result.bare and not result.failed]
    if not results:
        refuse('no release has held here yet: "make check-releases" first')
    put_between(PAGE, FIRST, LAST, [f'{FIRST}; "make releases-doc" writes this part', '',
                                    *simple_table(('', 'gcc', '', 'says'), list(rows(results, state())), left=4)])
    say(f'wrote {PAGE.relative_to(ROOT)}')
    return 0


CHOSEN = [Argument('words', f'which releases, if not all; {KEPT}: in the roots that are there', '*', (*RELEASES, KEPT))]
COMMANDS = (
    Command('check-releases', 'make run, static checks, pages, model, litmus on Debian 12, 13, testing', check_releases, CHOSEN),
    Command('check-releases-whole', 'make run and make check there, each from a bare debootstrap (hours)', check_whole, CHOSEN),
    Command('releases-doc', 'put the table of make check-releases into the documentation', write_page),
)
