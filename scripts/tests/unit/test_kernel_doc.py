# SPDX-License-Identifier: GPL-2.0
"""What perl says of the kernel's own script is not taken for a remark on a comment of ours."""
import pathlib
import tempfile
import unittest

from checks import kernel_doc

# Any perl warns of it; "make check-releases" met one that warned of 6.12's.
SCRIPT = '#!/usr/bin/env perl\nuse warnings;\nmy $one = 1; my $one = 2;\nprint $one;\n'


class Remarks(unittest.TestCase):
    def tree(self, script: str) -> pathlib.Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / kernel_doc.SCRIPT
        path.parent.mkdir()
        path.write_text(script)
        return pathlib.Path(folder.name)

    def test_perls_own_are_left_out_and_those_on_comments_are_not(self) -> None:
        tree = self.tree(SCRIPT)
        own = f'"my" variable $one masks earlier declaration in same scope at {tree}/scripts/kernel-doc line 3.'
        of_ours = 'fs/eventfd.c:7: warning: Function parameter "ctx" not described'
        self.assertEqual(kernel_doc.remarks(f'{own}\n{of_ours}\n{own}\n', tree), of_ours)
        self.assertEqual(kernel_doc.remarks(f'{own}\n', tree), '')

    def test_one_that_is_no_perl_has_none(self) -> None:
        self.assertEqual(kernel_doc.remarks('a\nb\n', self.tree('#!/usr/bin/env python3\n')), 'a\nb')

    def test_one_that_is_not_there_has_none(self) -> None:
        self.assertEqual(kernel_doc.remarks('a\n', pathlib.Path('/nowhere')), 'a')


if __name__ == '__main__':
    unittest.main()
