# SPDX-License-Identifier: GPL-2.0
"""What series/*.lines insert into a tree, looked at line by line."""
import pathlib
import unittest

from source import insertion, states


def expect_inserted(test: unittest.TestCase, source: pathlib.Path) -> None:
    """Every file that no rule changes gets its lines beside those that they belong to, and nothing else."""
    made = states.end(source, small=True)
    rest = set(insertion.files()) - states.code_files()
    test.assertTrue(rest)
    for name in rest:
        before, lines = (source / name).read_bytes().splitlines(), made[name].splitlines()
        # The last one first: each was put beside its line when those after it were not there yet.
        for one in reversed([one for one in insertion.insertions() if one.file == name
                             and (one.always or one.text[0].encode() not in before)]):
            at = lines.index(one.text[0].encode())
            test.assertEqual(lines[at:at + len(one.text)], [line.encode() for line in one.text])
            beside = at + len(one.text) if one.where == 'before' else at - 1
            test.assertEqual(lines[beside], one.anchor.encode())
            del lines[at:at + len(one.text)]
        test.assertEqual(lines, before)
