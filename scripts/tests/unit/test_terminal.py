# SPDX-License-Identifier: GPL-2.0
"""The terminal of make shell, when what had it did not give it back."""
import os
import subprocess
import sys
import termios
import unittest

from core.places import SCRIPTS

# As QEMU does it: raw first, and then something ends it.
GUEST = 'stty raw -echo; kill -KILL $$'
HOLDER = f'''
import subprocess, sys
sys.path.insert(0, {str(SCRIPTS)!r})
from guest import qemu
with qemu.terminal_as_it_was():
    sys.exit(subprocess.call(['sh', '-c', {GUEST!r}]))
'''


class Terminal(unittest.TestCase):
    def test_is_as_it_was_when_its_holder_was_killed(self) -> None:
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        before = termios.tcgetattr(theirs)
        subprocess.run(['sh', '-c', GUEST], stdin=theirs, check=False)
        self.assertNotEqual(termios.tcgetattr(theirs), before)
        termios.tcsetattr(theirs, termios.TCSANOW, before)
        subprocess.run([sys.executable, '-B', '-c', HOLDER], stdin=theirs, check=False)
        self.assertEqual(termios.tcgetattr(theirs), before)

    def test_need_not_be_one(self) -> None:
        with open(os.devnull, encoding='ascii') as null:
            done = subprocess.run([sys.executable, '-B', '-c', HOLDER], stdin=null, stderr=subprocess.DEVNULL, check=False)
        self.assertNotEqual(done.returncode, 1)
