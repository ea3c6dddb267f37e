# SPDX-License-Identifier: GPL-2.0
"""The litmus tests and the models: a wrong one is found out.

Not called by itself: "make check-harness" runs it.
"""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.support import ROOT

from checks import litmus, model
from core.places import BUILD
from core.report import Refusal


class Litmus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            litmus.herd()
        except Refusal as reason:
            raise unittest.SkipTest(str(reason)) from None

    def judged(self, name, old='', new=''):
        """What is said of a litmus test of ours with some text changed."""
        text = (litmus.TESTS / f'{name}.litmus').read_text()
        self.assertIn(old, text)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f'{name}.litmus'
            path.write_text(text.replace(old, new))
            done = subprocess.run([ROOT / 'scripts/eventfd', 'litmus', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False)
        return done.returncode, done.stdout

    def test_one_that_holds_is_accepted(self):
        self.assertEqual(self.judged('poll-acquire')[0], 0)

    def test_an_add_without_its_release_is_found(self):
        status, said = self.judged('poll-acquire', 'smp_store_release(count,', 'WRITE_ONCE(*count,')
        self.assertEqual(status, 1)
        self.assertIn('Never is expected, herd7 finds Sometimes', said)

    def test_a_twin_that_is_right_is_found(self):
        status, said = self.judged('poll-no-acquire', '\tif (r0)\n', '\tsmp_rmb();\n\tif (r0)\n')
        self.assertEqual(status, 1)
        self.assertIn('Sometimes is expected, herd7 finds Never', said)

    def test_a_data_race_that_is_not_expected_is_found(self):
        status, said = self.judged('peek-marked', 'READ_ONCE(*count)', '*count')
        self.assertEqual(status, 1)
        self.assertIn('with a data race', said)

    def test_a_test_that_cannot_be_read_is_found(self):
        status, said = self.judged('poll-acquire', 'spin_lock(', 'spin_luck(')
        self.assertEqual(status, 1)
        self.assertIn('herd7 observed nothing', said)

    def test_without_herd7_nothing_is_claimed(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(['/usr/bin/python3', ROOT / 'scripts/eventfd', 'litmus'], stdout=subprocess.PIPE, text=True,
                                  env={'PATH': '/nowhere', 'BUILD': folder}, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout, r'\Aerror: no herd7, so nothing was checked: install [^\n]*\n\Z')


class Model(unittest.TestCase):
    def setUp(self):
        if not shutil.which('spin'):
            self.skipTest('no spin: "make doctor" says how to get it')

    def searched(self, *what):
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            return model.search(pathlib.Path(folder) / 'search', *what)

    def test_a_mutant_that_is_none_is_not_found(self):
        for options, which in (model.WRITING, model.WAITERS), (model.POLLING, model.CLAIMERS):
            with self.subTest(which.name):
                found = self.searched(f'{options} MUTANT_OF_NO_EFFECT', which)
                self.assertEqual(found.errors, 0)
                self.assertTrue(found.complete)
                self.assertGreater(found.states, 10000)

    def test_a_search_that_is_cut_short_is_no_success(self):
        said = ('error: max search depth too small\n'
                'State-vector 80 byte, depth reached 99, errors: 0\n    37845 states, stored\n')
        self.assertFalse(model.Search(said).complete)

    def test_a_verifier_that_says_nothing_is_no_success(self):
        self.assertFalse(model.Search('').complete)
