# SPDX-License-Identifier: GPL-2.0
"""The litmus tests by herd7, with the memory model of the kernel's tree: a wrong one is found out."""
import pathlib
import tempfile
import unittest

from checks import litmus
from core.places import BUILD
from core.report import Refusal
from tests.calls import Said, call


class Litmus(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        try:
            litmus.herd()
        except Refusal as reason:
            raise unittest.SkipTest(str(reason)) from None

    def judged(self, name: str, old: str = '', new: str = '') -> Said:
        """What is said of a litmus test of ours with some text changed."""
        text = (litmus.TESTS / f'{name}.litmus').read_text()
        self.assertIn(old, text)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f'{name}.litmus'
            path.write_text(text.replace(old, new))
            return call('litmus', path, BUILD=str(BUILD), HARNESS_LOCK=str(BUILD))

    def test_one_that_holds_is_accepted(self) -> None:
        self.assertEqual(self.judged('poll-acquire')[0], 0)

    def test_an_add_without_its_release_is_found(self) -> None:
        status, said = self.judged('poll-acquire', 'smp_store_release(count,', 'WRITE_ONCE(*count,')
        self.assertEqual(status, 1)
        self.assertIn('Never is expected, herd7 finds Sometimes', said)

    def test_a_twin_that_is_right_is_found(self) -> None:
        status, said = self.judged('poll-no-acquire', '\tif (r0)\n', '\tsmp_rmb();\n\tif (r0)\n')
        self.assertEqual(status, 1)
        self.assertIn('Sometimes is expected, herd7 finds Never', said)

    def test_a_data_race_that_is_not_expected_is_found(self) -> None:
        status, said = self.judged('peek-marked', 'READ_ONCE(*count)', '*count')
        self.assertEqual(status, 1)
        self.assertIn('with a data race', said)

    def test_a_test_that_cannot_be_read_is_found(self) -> None:
        status, said = self.judged('poll-acquire', 'spin_lock(', 'spin_luck(')
        self.assertEqual(status, 1)
        self.assertIn('herd7 observed nothing', said)
