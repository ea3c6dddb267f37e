# SPDX-License-Identifier: GPL-2.0
"""What many checks come to."""
import contextlib
import time
from collections.abc import Iterator

from core.report import Broken, say


class Totals:
    """What passed, failed and was skipped so far."""

    def __init__(self) -> None:
        self.passed = self.skipped = 0
        self.wrong: list[str] = []  # what failed, a line each
        self.title = ''             # of the part that runs

    def fail(self, *lines: str) -> None:
        """Each line is one thing that failed. They are said once more at the end, as a log is read from there."""
        self.wrong += [f'{self.title}: {line}' for line in lines]

    def check(self, name: str, output: str) -> None:
        """One check: it passed if it has nothing to say."""
        say(f'{"not ok" if output else "ok"}  {name}')
        for line in output.strip().splitlines()[:30]:
            say(f'    {line}')
        if output:
            self.fail(name)
        else:
            self.passed += 1

    def skip(self, name: str, reason: str) -> None:
        """One that cannot be had here."""
        say(f'skipped: {name}: {reason}')
        self.skipped += 1

    @contextlib.contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Several checks; where they cannot go on, that is one more failure, and the next part begins."""
        say(f'\n== {title} ==')
        self.title = title
        start = time.monotonic()
        try:
            yield
        except Broken as error:
            say(f'failed: {error}')
            self.fail(str(error))
        say(f'== {title} took {time.monotonic() - start:.0f} s ==')

    def status(self) -> int:
        """Say what failed, and the totals; the exit status that they make."""
        say()
        for line in self.wrong:
            say(f'failed: {line}')
        say(f'{self.passed} passed, {len(self.wrong)} failed, {self.skipped} skipped')
        return 0 if self.passed and not self.wrong else 1


