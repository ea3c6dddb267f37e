# SPDX-License-Identifier: GPL-2.0
"""The rules and the lines of series/ on the kernels that are unpacked here, each as it came."""
import pathlib
import tempfile
import unittest

from source import insertion, semantic
from tests.support import PRISTINE


@unittest.skipUnless(PRISTINE, 'no kernel source is unpacked: "make run" gets it')
class Kernels(unittest.TestCase):
    def test_every_kernel_gets_the_lines_and_nothing_else(self) -> None:
        for source in PRISTINE:
            with self.subTest(source=source.name):
                files = insertion.patched(source)
                self.assertEqual(sorted(files), insertion.files())
                for name, data in files.items():
                    before, rest = (source / name).read_bytes().splitlines(), data.splitlines()
                    # The last one first: each was put beside its line when those after it were not there yet.
                    for one in reversed([one for one in insertion.insertions() if one.file == name
                                         and (one.always or one.text[0].encode() not in before)]):
                        at = rest.index(one.text[0].encode())
                        self.assertEqual(rest[at:at + len(one.text)], [line.encode() for line in one.text])
                        beside = at + len(one.text) if one.where == 'before' else at - 1
                        self.assertEqual(rest[beside], one.anchor.encode())
                        del rest[at:at + len(one.text)]
                    self.assertEqual(rest, before)

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
