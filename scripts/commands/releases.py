# SPDX-License-Identifier: GPL-2.0
"""The README's two commands on other releases of Debian, each from a bare debootstrap.

A release is a root file system under build/releases with a compiler for nothing: make, git and what they need. The project
is copied into it, and make is called there as on a fresh machine, so that all else has to come from the project's own
set-up. check-releases takes what says whether a release's tools are good for the project, make run among it, in half an
hour or so for all three; with "whole" it is make check, which takes hours. A release that held is not run again before a
file of the project changes. What they came to goes into Documentation/dev-tools/eventfd.rst by "releases-doc".

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

from core import processes
from core.command import Argument, Command
from core.options import Options
from core.places import BUILD, ROOT, need_disk, project_files, write_if_changed
from core.report import refuse, say
from core.tables import put_between, simple_table
from source import debian

FOLDER = BUILD / 'releases'
PAGE = ROOT / 'Documentation/dev-tools/eventfd.rst'
FIRST, LAST = '.. From "make check-releases"', '.. End of what "make releases-doc" writes'
# Debian 12, 13, and what is to be the next one.
RELEASES = ('bookworm', 'trixie', 'testing')
# Called in this order, and up to the first that fails.
QUICK = ('run', 'check-static', 'model', 'litmus')
WHOLE = ('run', 'check')
# What a person has who has fetched the project: no compiler, no python3.
BARE = ('make', 'git', 'ca-certificates')
# Where the project is in there.
PLACE = 'src/eventfd'
SAYS = re.compile(r'verdict: PASS: (.*?)(?:;|$)|(\d+ passed, 0 failed, \d+ skipped)|(\d+ checks of the model passed), 0 failed|'
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


def state() -> str:
    digest = hashlib.sha256()
    for name in project_files():
        if not name.startswith(('Documentation/', 'README')):
            digest.update(f'{name}\0'.encode() + (ROOT / name).read_bytes() + b'\0')
    return digest.hexdigest()[:16]


def path_of(release: str, jobs: Sequence[str]) -> pathlib.Path:
    return FOLDER / f'{release}-{"-".join(jobs)}.json'


def last(release: str, jobs: Sequence[str]) -> Result | None:
    path = path_of(release, jobs)
    return Result(**json.loads(path.read_text())) if path.exists() else None


def root_of(options: Options, release: str) -> pathlib.Path:
    """The release's root file system, made once."""
    target = FOLDER / release
    if target.exists():
        return target
    need_disk(FOLDER, 12.0)
    debian.bootstrap(release, BARE, target, options.terminal)
    return target


def put_project(root: pathlib.Path) -> None:
    """The project's files as they are here, as a git tree; what was built in there stays."""
    place = root / PLACE
    for old in place.iterdir() if place.exists() else ():
        if old.name != 'build':
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for name in project_files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    if (ROOT / '.git').exists():
        subprocess.run(['git', 'clone', '-q', '--bare', '--no-hardlinks', ROOT, place / '.git'], check=True)
        for words in (['config', 'core.bare', 'false'], ['reset', '-q']):
            subprocess.run(['git', '-C', place, *words], check=True)


def inside(root: pathlib.Path, *words: str) -> list[str]:
    """A call in there, with its own /proc, and nothing of it left when it ends."""
    script = ('mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t tmpfs tmp "$0/tmp" && '
              'exec chroot "$0" "$@"')
    environment = ['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root',
                   'LC_ALL=C.UTF-8', f'EVENTFD_TEST_TIMEOUT={os.environ.get("EVENTFD_TEST_TIMEOUT", "60")}']
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-c', script,
            str(root), *environment, *words]


def said_of(text: str) -> str:
    """What a call says of itself: the last line of its kind."""
    found = [next(group for group in match.groups() if group) for match in map(SAYS.match, text.splitlines()) if match]
    return found[-1] if found else ''


def asked(root: pathlib.Path, *words: str) -> str:
    done = subprocess.run(inside(root, *words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.strip()


def examine(options: Options, release: str, jobs: Sequence[str], now: str) -> Result:
    """Call the jobs in the release; what there is to know of it."""
    root = root_of(options, release)
    put_project(root)
    start = time.monotonic()
    said: dict[str, str] = {}
    failed = ''
    for job in jobs:
        log = FOLDER / f'{release}-{job}.log'
        say(f'{release}: make {job} ...')
        with open(log, 'w', encoding='utf-8') as out:
            child = subprocess.Popen(processes.ending_with_us(inside(root, 'make', '-C', f'/{PLACE}', job)),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            stop = processes.stop_at_exit(child)
            status = child.wait()
            stop()
        said[job] = said_of(log.read_text(errors='replace'))
        # A make that ends well and says nothing of what it did has not done it.
        if status or not said[job]:
            failed = f'make {job} (exit status {status}; the log is {log})'
            break
    name = re.search(r'^PRETTY_NAME="(.*)"', (root / 'etc/os-release').read_text(), re.M)
    result = Result(now, name[1] if name else release, asked(root, 'gcc', '-dumpfullversion'), said, failed,
                    round(time.monotonic() - start))
    write_if_changed(path_of(release, jobs), json.dumps(dataclasses.asdict(result)) + '\n')
    return result


def check_releases(options: Options, arguments: argparse.Namespace) -> int:
    jobs = WHOLE if 'whole' in arguments.words else QUICK
    releases = [word for word in arguments.words if word != 'whole'] or list(RELEASES)
    if os.geteuid():
        refuse('make check-releases makes root file systems, and changes into them: run it as root')
    processes.lock()
    now = state()
    bad = 0
    for release in releases:
        result = last(release, jobs)
        if not result or result.failed or result.state != now:
            result = examine(options, release, jobs, now)
        for job, words in result.said.items():
            say(f'{result.name}, gcc {result.compiler}: make {job}: {words or "says nothing"}')
        if result.failed:
            bad += 1
            say(f'{result.name}: DOES NOT HOLD: {result.failed}')
    say(f'releases: {"FAIL" if bad else "PASS"}: {len(releases) - bad} hold, {bad} do not')
    return 1 if bad else 0


def rows(results: Sequence[tuple[Sequence[str], Result]]) -> Iterator[tuple[str, str, str, str]]:
    for jobs, result in results:
        for number, job in enumerate(jobs):
            yield ((result.name, result.compiler) if number == 0 else ('', '')) + (f'``make {job}``', result.said[job])


def write_page(_options: Options, _arguments: argparse.Namespace) -> int:
    results = [(jobs, result) for release in RELEASES for jobs in (WHOLE, QUICK)
               for result in [last(release, jobs)] if result and not result.failed]
    if not results:
        refuse('no release has held here yet: "make check-releases" first')
    put_between(PAGE, FIRST, LAST, [f'{FIRST}; "make releases-doc" writes this part', '',
                                    *simple_table(('', 'gcc', '', 'says'), list(rows(results)), left=4)])
    say(f'wrote {PAGE.relative_to(ROOT)}')
    return 0


COMMANDS = (
    Command('check-releases', 'the two commands on Debian 12, 13 and testing, each from a bare debootstrap', check_releases,
            [Argument('words', 'which releases, if not all; whole: make check, too (hours)', '*', (*RELEASES, 'whole'))]),
    Command('releases-doc', 'put the table of make check-releases into the documentation', write_page),
)
