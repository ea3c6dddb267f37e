# SPDX-License-Identifier: GPL-2.0
"""What boots have left, as data: see unit/recorded/README."""
import pathlib
import re
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from guest import verdicts

FOLDER = pathlib.Path(__file__).with_name('unit') / 'recorded'
ALL = ('kunit: eventfd', 'eventfd_creation', 'eventfd_test')    # what ran in the boot "good"


class Boot(NamedTuple):
    """A console and a report; each method gives the same boot with something changed."""
    report: list[tuple[float, str]]
    console: str

    @classmethod
    def read(cls, name: str) -> 'Boot':
        (_, *report), (_, *console) = ((FOLDER / f'{name}.{kind}').read_text().splitlines() for kind in ('report', 'console'))
        stamped = [line.lstrip().partition(' ') for line in report]
        return cls([(float(seconds), text) for seconds, _, text in stamped], ''.join(f'{line}\n' for line in console))

    @classmethod
    def of_probe(cls, *lines: str, ends: str = 'ok 1 selftests: filesystems/eventfd: probe') -> 'Boot':
        """A guest in which all is well, but for what one program prints, and the runner says of it."""
        said = ['harness: release 6.12.117', 'harness: started 2.15', 'TAP version 13', '1..1', '# timeout set to 300',
                '# selftests: filesystems/eventfd: probe', *(f'# {line}' for line in lines), *([ends] if ends else []),
                'harness: eventfd-id 0 0', 'harness: tainted 0', 'harness: end']
        return cls([(float(number), line) for number, line in enumerate(said, 1)], '[   40.7] reboot: Restarting system\n')

    def without(self, pattern: str) -> 'Boot':
        """Without the lines of the report that match; there have to be some."""
        kept = [(seconds, line) for seconds, line in self.report if not re.search(pattern, line)]
        assert len(kept) < len(self.report), f'nothing matches {pattern}'
        return self._replace(report=kept)

    def until(self, pattern: str) -> 'Boot':
        """Ended before the first line of the report that matches, and with nothing more on the console."""
        end = next(number for number, (_, line) in enumerate(self.report) if re.search(pattern, line))
        return Boot(self.report[:end], self.console.replace('reboot: Restarting system', ''))

    def changed(self, before: str, after: str) -> 'Boot':
        """With another text in the report."""
        assert any(before in line for _, line in self.report), f'nothing has {before}'
        return self._replace(report=[(seconds, line.replace(before, after)) for seconds, line in self.report])

    def saying(self, *lines: str) -> 'Boot':
        """With more on the console, before its last line."""
        head = self.console.splitlines()
        return self._replace(console=''.join(f'{line}\n' for line in (*head[:-1], *lines, *head[-1:])))

    def write(self, folder: pathlib.Path, name: str = 'run') -> pathlib.Path:
        """Leave it as a boot does; the console's path."""
        console = folder / f'{name}.console'
        console.write_text(self.console)
        console.with_suffix('.report').write_text(''.join(f'{seconds:8.2f} {line}\n' for seconds, line in self.report))
        return console

    def judged(self, expected: Sequence[str] = (), ended: str = '', status: int = 0) -> verdicts.Verdict:
        with tempfile.TemporaryDirectory() as scratch:
            return verdicts.judge(self.report, self.write(pathlib.Path(scratch)), list(expected), ended=ended, status=status)
