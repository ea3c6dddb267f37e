# SPDX-License-Identifier: GPL-2.0
"""A build that is killed, and the one after it."""
import os
import pathlib
import signal
import subprocess
import unittest

from core.places import BUILD, ROOT, SUITE
from guest import session
from tests.calls import wait_until
from tests.support import built, options_for


def still_at(objects: pathlib.Path) -> bool:
    """Is anything at work that was called for this folder?"""
    for entry in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            if f'O={objects}'.encode() in entry.read_bytes().split(b'\0'):
                return True
        except OSError:
            pass
    return False


class KilledBuild(unittest.TestCase):
    def test_is_taken_up_again(self) -> None:
        options = options_for()
        built()
        objects = options.work / 'obj'
        image = objects / options.arch.image
        for path in (objects / '.image.from', objects / 'fs/eventfd.o', image):
            path.unlink()
        child = subprocess.Popen([ROOT / 'scripts/eventfd', 'kernel'], env={**os.environ, 'HARNESS_LOCK': str(BUILD)},
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: (objects / 'fs/eventfd.o').exists() or child.poll() is not None)
        child.kill()
        self.assertEqual(child.wait(), -signal.SIGKILL, 'it had come to its end before')
        # What it had started goes at its next line of output, which nobody reads any more.
        wait_until(lambda: not still_at(objects))
        self.assertFalse(image.exists(), 'it was killed too late to show anything')

        image, initrd, objects, _ = session.build(options)
        _, result = session.run_guest(options, image, initrd, objects, ['eventfd_fdinfo'], name='harness-killed',
                              files={'/etc/suite': (f"TESTS='-t {SUITE}:eventfd_fdinfo'\n", 0o644)})
        self.assertEqual(result.reasons, [])
        self.assertEqual(result.count('failed'), 0)
        self.assertGreater(result.count('passed'), 0)
