# SPDX-License-Identifier: GPL-2.0
"""git, called on a repository."""
import pathlib
import subprocess

from core.places import without_git
from core.processes import Word
from core.report import Broken


class Git:
    """A repository, and git called on it."""

    def __init__(self, directory: Word, users: bool = False):
        """A user's own is handled as they have configured it; ours as if nobody had configured anything."""
        self.directory = pathlib.Path(directory)
        self.env = without_git()
        self.env['LC_ALL'] = 'C'
        if not users:
            self.env.update(GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_NOSYSTEM='1')

    def try_(self, *words: Word, text: str | bytes | None = None, **env: str) -> tuple[int, str, str]:
        """(exit status, what it wrote, what it complained of)"""
        data = text.encode() if isinstance(text, str) else text
        done = subprocess.run(['git', '-C', self.directory, *map(str, words)], input=data, capture_output=True,
                              stdin=subprocess.DEVNULL if data is None else None, env={**self.env, **env}, check=False)
        return done.returncode, done.stdout.decode(errors='surrogateescape'), done.stderr.decode(errors='replace')

    def __call__(self, *words: Word, text: str | bytes | None = None, **env: str) -> str:
        """What it wrote; Broken where it fails."""
        status, out, err = self.try_(*words, text=text, **env)
        if status:
            raise Broken(f'git {" ".join(map(str, words[:3]))} in {self.directory} (exit status {status}): '
                         f'{(err or out).strip().splitlines()[-1] if (err or out).strip() else "no reason given"}')
        return out.strip('\n')
