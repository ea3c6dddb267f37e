# SPDX-License-Identifier: GPL-2.0
"""How the harness refuses, fails and speaks."""
import shutil
import time
from collections.abc import Iterable
from typing import NoReturn


class Refusal(Exception):
    """Bad input or a machine that lacks something: one line that says what is wrong and what to do."""


class Broken(Exception):
    """A step failed: one line, and the log that has the rest."""


class Ended(KeyboardInterrupt):
    """A signal that ends the script; like an interrupt it passes through all that catches errors."""


def refuse(text: str) -> NoReturn:
    raise Refusal(text)


def say(text: str = '') -> None:
    print(text, flush=True)


def columns() -> int:
    """Of the terminal, or of what is none."""
    return shutil.get_terminal_size().columns


def tell(results: Iterable[tuple[str, str]]) -> tuple[int, int]:
    """A line for each check, (name, what is wrong) or (name, ''); how many passed, and how many failed."""
    passed = failed = 0
    for name, complaint in results:
        say(f'{"not ok" if complaint else "ok"}  {name}{f": {complaint}" if complaint else ""}')
        passed, failed = passed + (not complaint), failed + bool(complaint)
    return passed, failed


class Progress:
    """One line that moves; a line every 30 s on what is no terminal. Where it is quiet, only the last one."""

    def __init__(self, what: str, terminal: bool, quiet: bool = False):
        self.what = what
        self.terminal = terminal
        self.quiet = quiet
        self.start = self.last = time.monotonic()
        self.lines = 0

    def seconds(self) -> float:
        return time.monotonic() - self.start

    def update(self, text: str) -> None:
        if self.quiet:
            return
        now = time.monotonic()
        line = f'{self.what}: {text}, {int(now - self.start)} s'
        if self.terminal and now - self.last >= 0.2:
            self.last = now
            # A line that wraps cannot be taken back.
            print(f'\r\033[K{line[:columns() - 1]}', end='', flush=True)
        elif not self.terminal and now - self.last >= 30:
            self.last = now
            say(line)

    def line(self, _: str) -> None:
        """One more line of what a guest says."""
        self.lines += 1
        self.update(f'{self.lines} lines')

    def done_with_lines(self) -> None:
        self.done(f'{self.lines} lines')

    def clear(self) -> None:
        if self.terminal:
            print('\r\033[K', end='', flush=True)

    def done(self, text: str) -> None:
        self.clear()
        say(f'{self.what}: {text}, {self.seconds():.0f} s')
