# SPDX-License-Identifier: GPL-2.0
"""The conformance program's archive where there is nothing else: no root, no place to write, no /proc, no /dev."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from checks import conformance
from core.options import Options
from tests.calls import skip_without_mounts

# What needs no file of the system's.
ROWS = '1a.*:1b.1:1b.2:1b.3:1c.1:1d.*'


class Bare(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, 'needs root to take things away from it')
    def test_it_runs_from_anywhere_without_a_place_to_write(self) -> None:
        skip_without_mounts(self)
        options = Options.of()
        target = conformance.tarball(options, conformance.build(options))
        self.assertLess(target.stat().st_size, conformance.LARGEST)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o755)
            subprocess.run(['tar', '-xf', target, '-C', folder], check=True)
            program = f'/{target.name.removesuffix(".tar.gz")}/{conformance.PROGRAM}'
            script = ('mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && '
                      'exec chroot --userspec=65534:65534 "$0" "$@"')
            done = subprocess.run(['unshare', '--mount', 'sh', '-c', script, folder, program, f'--filter={ROWS}'],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600)
        found = re.search(r'^rows: (\d+) conformant, .* 0 differ', done.stdout, re.M)
        self.assertTrue(found, done.stdout[-2000:] + done.stderr)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])
        assert found
        self.assertGreater(int(found[1]), 20)
