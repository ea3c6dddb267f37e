# SPDX-License-Identifier: GPL-2.0
"""What series/*.lines insert into a tree, looked at line by line."""
import pathlib
import unittest

from source import insertion


def expect_inserted(test: unittest.TestCase, source: pathlib.Path) -> None:
    """Every file of the tree gets its lines beside those that they belong to, and nothing else."""
    files = insertion.patched(source)
    test.assertEqual(sorted(files), insertion.files())
    for name, data in files.items():
        before, rest = (source / name).read_bytes().splitlines(), data.splitlines()
        # The last one first: each was put beside its line when those after it were not there yet.
        for one in reversed([one for one in insertion.insertions() if one.file == name
                             and (one.always or one.text[0].encode() not in before)]):
            at = rest.index(one.text[0].encode())
            test.assertEqual(rest[at:at + len(one.text)], [line.encode() for line in one.text])
            beside = at + len(one.text) if one.where == 'before' else at - 1
            test.assertEqual(rest[beside], one.anchor.encode())
            del rest[at:at + len(one.text)]
        test.assertEqual(rest, before)
