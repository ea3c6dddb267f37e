# SPDX-License-Identifier: GPL-2.0
"""The rules and the lines of series/ on the kernels that are unpacked here, each as it came."""
import pathlib
import tempfile
import unittest

from source import semantic
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
            with self.subTest(source=source.name), tempfile.TemporaryDirectory() as scratch:
                files = semantic.patched(source, known=pathlib.Path(scratch) / 'first')
                self.assertEqual(sorted(files), semantic.files())
                for name, data in files.items():
                    before = (source / name).read_bytes()
                    self.assertNotIn(b'POLL_CLAIM', before)
                    self.assertIn(b'POLL_CLAIM', data)
                    # Nothing but what the rules ask for: no line of the kernel's is laid out anew.
                    self.assertLess(abs(data.count(b'\n') - before.count(b'\n')), 40)
                self.assertEqual(semantic.patched(source, known=pathlib.Path(scratch) / 'again'), files)
