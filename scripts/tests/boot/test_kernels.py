# SPDX-License-Identifier: GPL-2.0
"""The rules and the lines of series/ on the kernels that are unpacked here, each as it came."""
import difflib
import functools
import pathlib
import tempfile
import unittest
from unittest import mock

from source import semantic, states
from tests.inserted import expect_inserted
from tests.support import PRISTINE


@unittest.skipUnless(PRISTINE, 'no kernel source is unpacked: "make run" gets it')
class Kernels(unittest.TestCase):
    def test_every_kernel_gets_the_lines_and_nothing_else(self) -> None:
        for source in PRISTINE:
            with self.subTest(source=source.name):
                expect_inserted(self, source)

    def test_every_kernel_is_changed_where_it_has_to_be(self) -> None:
        for source in PRISTINE:
            made = []
            for _ in range(2):
                with self.subTest(source=source.name), tempfile.TemporaryDirectory() as scratch, mock.patch.object(
                        semantic, 'changed', functools.partial(semantic.changed, known=pathlib.Path(scratch))):
                    made.append(states.end(source, small=True))
            self.assertEqual(*made)
            for name in states.code_files():
                before, after = (data.decode().splitlines() for data in ((source / name).read_bytes(), made[0][name]))
                self.assertNotEqual(before, after)
                # Nothing but what the rules ask for: no other line of the kernel's is laid out anew.
                gone = [line for line in difflib.ndiff(before, after) if line.startswith('- ')]
                self.assertLess(len(gone), 130 if name == 'fs/eventfd.c' else 9, name)
