# SPDX-License-Identifier: GPL-2.0
"""make shell on a terminal: what is typed there, Ctrl-C among it, and what is left of the terminal when it ends."""
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
import unittest

from core.places import BUILD, SCRIPTS

ROWS, COLUMNS = 33, 120
# The shell asks the terminal where its cursor is.
PROMPT = '/kselftest/filesystems/eventfd # (?:\x1b\\[6n)?$'


class Shell(unittest.TestCase):
    def setUp(self) -> None:
        self.terminal, self.theirs = os.openpty()
        self.addCleanup(os.close, self.terminal)
        self.addCleanup(os.close, self.theirs)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
        self.said = ''

    def until(self, pattern: str) -> str:
        """All that is said up to what matches, and that is the end of it for now."""
        deadline = time.monotonic() + 120
        while not re.search(pattern, self.said):
            self.assertTrue(select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0],
                            f'it says no "{pattern}": {self.said!r}')
            # Guest and terminal each put a return before a new line.
            self.said = re.sub('\r+\n', '\n', self.said + os.read(self.terminal, 65536).decode(errors='replace'))
        said, self.said = self.said, ''
        return said

    def types(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def answer(self, line: str) -> str:
        """What a line comes to, without the line itself."""
        self.types(f'{line}\r')
        echoed, _, said = self.until(PROMPT).partition('\n')
        self.assertIn(line, echoed, 'the line that was typed is not on the screen in one piece')
        return re.sub(PROMPT, '', said)

    def test_what_is_typed_does_what_it_says_and_the_terminal_is_whole_afterwards(self) -> None:
        before = termios.tcgetattr(self.theirs)
        child = subprocess.Popen([SCRIPTS / 'eventfd', 'shell'], stdin=self.theirs, stdout=self.theirs, stderr=self.theirs,
                                 env={**os.environ, 'HARNESS_LOCK': str(BUILD)}, start_new_session=True)
        self.addCleanup(child.wait)
        self.addCleanup(child.terminate)
        self.assertIn('samples are in /sample', self.until(PROMPT))
        for what in ('exec sleep 1000', 'exec cat', 'while :; do :; done'):
            with self.subTest(what=what):
                # Who says so has the terminal: a shell that is about to start something may miss the signal.
                self.types(f"sh -c 'echo be\"\"gun; {what}'\r")
                self.until('begun\n')
                self.types('\x03')
                # The prompt is at the start of a line, and what was typed is on the one before it.
                self.assertRegex(self.until(PROMPT), r'\A\^C\n')
                self.assertEqual(self.answer('echo $?'), '130\n')
        self.types('half a line\x03')
        self.assertRegex(self.until(PROMPT), r'half a line\^C\n')
        self.assertEqual(self.answer('stty size'), f'{ROWS} {COLUMNS}\n')
        self.assertEqual(self.answer(f'echo {"long " * 15}'), f'{("long " * 15).strip()}\n')
        self.assertEqual(self.answer('/sample/event-loop 3'), 'autoreset: 3 wake-ups, 4 calls of poll, 0 of read\n')
        self.types('exit\r')
        self.assertEqual(child.wait(timeout=120), 0)
        self.assertEqual(termios.tcgetattr(self.theirs), before)
