# SPDX-License-Identifier: GPL-2.0
"""The programs that show a row each, in the booted kernel."""
import pathlib
import re
import tempfile
import unittest

from checks import shown
from core.options import Options
from guest import carried
from tests.support import boot, script

# What cannot be asked in the guest, and why.
NOT_ASKED: dict[str, str] = {}
# They sleep more than they run, and so some run beside one another.
ALL = ('echo TAP version 13', 'echo 1..1', 'echo ok 1 Good.Test', 'cd /rows',
       'for row in *; do (./$row >/tmp/$row 2>&1 </dev/null; echo $row $? >/tmp/status-$row) & '
       'n=$((n + 1)); [ $((n % 8)) != 0 ] || wait; done', 'wait',
       'cat /tmp/status-* | sed "s/^/# status /"',
       'grep "cannot be asked" /tmp/* | sed "s/^/# /"')


class Booted(unittest.TestCase):
    def test_each_is_as_linux_and_none_lacks_the_flag(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            # Not static: of each other, they share what they are linked with.
            programs = shown.build(pathlib.Path(folder), f'{Options.of().arch.cross}gcc', '-s')
            files = {name: (file.read_bytes(), 0o755) for name, file in carried.program_files(programs['1a.1']).items()
                     if file != programs['1a.1']}
            files |= {f'/rows/{row}': (path.read_bytes(), 0o755) for row, path in programs.items()}
        outcome, _ = boot('shown', script(*ALL), files=files)
        said = [line for _, line in outcome.report]
        status = {found[1]: int(found[2]) for found in (re.search(r'# status (\S+) (\d+)$', line) for line in said) if found}
        self.assertEqual(set(status), set(programs))
        self.assertEqual({row: code for row, code in status.items() if code and row not in NOT_ASKED}, {},
                         [line for line in said if 'cannot be asked' in line])
        self.assertEqual({row: status[row] for row in NOT_ASKED}, {row: 2 for row in NOT_ASKED})
