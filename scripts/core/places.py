# SPDX-License-Identifier: GPL-2.0
"""Where things lie, and how files are written."""
import contextlib
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from core.report import Broken, refuse, say

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / 'scripts'
BUILD = pathlib.Path(os.environ.get('BUILD') or ROOT / 'build').resolve()
# The suite's folder, below that of all kselftests.
SUITE = 'filesystems/eventfd'
SUITE_FOLDER = f'tools/testing/selftests/{SUITE}'
# How the names of folders begin in which something is half done.
UNFINISHED = 'unfinished-'
# What a build, or an editor, leaves beside our files.
PRODUCTS = ('.o', '.a', '.d', '.gch', '.pyc', '.swp', '.new')


def without_git() -> dict[str, str]:
    """The environment, but for what has git look at another repository, as in a hook of one."""
    return {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}


def said_by_git(*words: str) -> str | None:
    """What git says of the project; nothing, if there is no git, or no repository."""
    if not (ROOT / '.git').exists():
        return None
    # To look at a checkout of somebody else's, as in a container, writes nothing, and whoever does so runs its makefile, too.
    git = ['git', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', '--no-optional-locks', '-C', str(ROOT)]
    try:
        done = subprocess.run([*git, *words], capture_output=True, text=True, check=False, env=without_git())
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def listed_by_git(patterns: Sequence[str]) -> list[str] | None:
    """What git has of them; nothing, if there is no git, or no repository."""
    listed = said_by_git('ls-files', '-coz', '--exclude-standard', '--', *patterns)
    return None if listed is None else listed.split('\0')[:-1]


def project_commit() -> tuple[str, int]:
    """The commit that the project is at, and when it was made; "unknown" and 0, with a line that says so, if git has no word."""
    commit, _, when = (said_by_git('log', '-1', '--no-show-signature', '--format=%H %ct') or '').strip().partition(' ')
    if not when.isdecimal():
        say(f'git does not say which commit {ROOT} is at: it is called "unknown", and its time is that of 1970; '
            'with git, in a clone, it has its name')
        return 'unknown', 0
    return commit, int(when)


def project_files(*patterns: str) -> list[str]:
    """The project's files that match git's patterns, committed yet or not; what git ignores is none of them."""
    names = listed_by_git(patterns)
    if names is None:
        # A copy without git's records. As with git, a star stands for any part of a path, and a folder for what is in it.
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob('*')
                 if path.suffix not in PRODUCTS and BUILD not in path.parents and path.is_file()
                 and '.git' not in path.relative_to(ROOT).parts and path.read_bytes()[:4] != b'\x7fELF']
        names = [name for name in names if not patterns or any(
            fnmatch.fnmatchcase(name, pattern) or name.startswith(f'{pattern.rstrip("/")}/') for pattern in patterns)]
    return sorted(name for name in names if (ROOT / name).is_file())


@contextlib.contextmanager
def scratch_folder(beside: pathlib.Path) -> Iterator[str]:
    """A folder for what is not done yet, beside the place that it is for; it goes when that is moved there, or fails."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=UNFINISHED) as folder:
        yield folder


def leftovers() -> list[pathlib.Path]:
    """What runs have left that were killed with something half done. Of use to nobody, where no other run is at work."""
    return [path for depth in ('', '*/', '*/*/') for path in BUILD.glob(f'{depth}{UNFINISHED}*')]


def need_plain_paths() -> None:
    """Refuse folders whose names the kernel's makefiles, and its gen_init_cpio, take for two."""
    for path, cure in ((ROOT, 'move the project to another folder'), (BUILD, 'put the build elsewhere with BUILD=DIR')):
        if re.search(r'[\s:]', str(path)):
            refuse(f'"{path}" has a blank or a colon in it, which the kernel\'s makefiles do not take: {cure}')


def need_small(target: pathlib.Path, data: bytes, most: int, cure: str) -> None:
    """Fail where an archive is larger than those can do with whom it is for."""
    if len(data) > most:
        raise Broken(f'{target} would have {len(data) / 1e6:.1f} MB, and {most / 1e6:.0f} are the most: {cure}')


def need_disk(path: pathlib.Path, gigabytes: float) -> None:
    """Refuse before a step that would fill the disk."""
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free / 1e9
    if free < gigabytes:
        refuse(f'{path} has {free:.1f} GB free and this needs {gigabytes:.1f}: '
               f'make room, or put the build elsewhere with BUILD=DIR')


def write_if_changed(path: pathlib.Path, data: str | bytes) -> bool:
    """Leave a file alone that is as it should be, so that make does not build it again."""
    if isinstance(data, str):
        data = data.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Never through a hard link: the other name may be somebody's own tree.
    fresh = path.with_name(path.name + '.new')
    fresh.write_bytes(data)
    os.replace(fresh, path)
    return True
