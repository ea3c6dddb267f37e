# SPDX-License-Identifier: GPL-2.0
"""What is said of litmus tests and of the models: a wrong one is found out."""
import pathlib
import shutil
import tempfile
import unittest
from unittest import mock

from checks import litmus, model
from core.report import Broken
from source import debian
from tests.calls import Refusals, call_here

HEAD = 'C poll\n\n(*\n * Result: Never\n *)\n'
SAID = 'Test poll Allowed\nStates 3\n{}\nWitnesses\nPositive: 0 Negative: 3\nObservation poll {}\nTime poll 0.01\n'
NEVER, SOMETIMES, NOT_AT_ALL = 'Never 0 3', 'Sometimes 1 2', 'Never 0 0'
RACE = 'Flag data-race'
# A model with one variable, of a kind that Spin's code names as the model does.
SMALL = 'hidden byte NAME;\n\nactive proctype one()\n{\n\tNAME = 1;\n\tassert(NAME == 1);\n}\n'


class Litmus(Refusals):
    def test_one_that_holds_is_accepted(self) -> None:
        self.assertEqual(litmus.judge(HEAD, SAID.format('', NEVER)), '')
        self.assertEqual(litmus.judge(HEAD.replace('Never', 'Sometimes'), SAID.format('', SOMETIMES)), '')
        self.assertEqual(litmus.judge(HEAD.replace('Never', 'Never DATARACE'), SAID.format(RACE, NEVER)), '')

    def test_another_result_than_expected_is_found(self) -> None:
        self.assertEqual(litmus.judge(HEAD, SAID.format('', SOMETIMES)), 'Never is expected, herd7 finds Sometimes')
        self.assertEqual(litmus.judge(HEAD.replace('Never', 'Sometimes'), SAID.format('', NEVER)),
                         'Sometimes is expected, herd7 finds Never')

    def test_a_data_race_that_is_not_expected_is_found_and_so_is_one_that_is_missing(self) -> None:
        self.assertEqual(litmus.judge(HEAD, SAID.format(RACE, NEVER)),
                         'Never is expected, herd7 finds Never, with a data race')
        self.assertEqual(litmus.judge(HEAD.replace('Never', 'Never DATARACE'), SAID.format('', NEVER)),
                         'Never, with a data race is expected, herd7 finds Never')

    def test_one_that_cannot_be_read_is_found(self) -> None:
        self.assertRegex(litmus.judge(HEAD, 'File "poll.litmus", line 9: unexpected spin_luck'),
                         '^herd7 observed nothing:\n.*spin_luck')

    def test_one_that_cannot_run_to_its_end_is_found(self) -> None:
        self.assertEqual(litmus.judge(HEAD, SAID.format('', NOT_AT_ALL)), 'the test cannot run to its end')

    def test_one_that_says_not_what_it_expects_is_found(self) -> None:
        self.assertRegex(litmus.judge('C poll\n', SAID.format('', NEVER)), '^the test has no line " \\* Result: ')

    def test_each_of_ours_says_what_it_expects_and_is_in_the_readme(self) -> None:
        listed = (litmus.TESTS / 'README').read_text()
        for path in litmus.TESTS.glob('*.litmus'):
            with self.subTest(name=path.name):
                self.assertRegex(path.read_text(), r'(?m)^ \* Result: (Never|Sometimes|Always)( DATARACE)?$')
                self.assertIn(path.name, listed)

    def test_without_herd7_nothing_is_claimed(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(debian, 'DOWNLOADS', pathlib.Path(folder)):
            self.assert_refused(call_here('litmus', PATH=folder), 'no herd7, so nothing was checked: install ')


class Model(unittest.TestCase):
    """What Spin says of a size of the model."""

    def test_a_search_that_came_to_its_end_without_an_error(self) -> None:
        found = model.Search('State-vector 80 byte, depth reached 99, errors: 0\n    37845 states, stored\n')
        self.assertEqual((found.complete, found.errors, found.states), (True, 0, 37845))

    def test_one_that_found_an_error(self) -> None:
        found = model.Search('pan:1: assertion violated (count==0) (at depth 61)\n'
                             'State-vector 80 byte, depth reached 99, errors: 1\n    45 states, stored\n')
        self.assertEqual((found.complete, found.errors, found.broken), (False, 1, 'assertion violated (count==0)'))

    def test_one_that_is_cut_short_is_no_success(self) -> None:
        for why in ('error: max search depth too small', 'Warning: Search not completed', 'pan: out of memory'):
            with self.subTest(why=why):
                said = f'{why}\nState-vector 80 byte, depth reached 99, errors: 0\n    37845 states, stored\n'
                self.assertFalse(model.Search(said).complete)

    def test_a_verifier_that_says_nothing_is_no_success(self) -> None:
        self.assertFalse(model.Search('').complete)
        self.assertIsNone(model.Search('').errors)

    def test_each_mutant_is_one_of_its_model(self) -> None:
        """A name that no model has would be a model without any mutant: one that is not found, but for that reason."""
        for mutant in model.MUTANTS:
            with self.subTest(name=mutant.name):
                self.assertIn(f'MUTANT_{mutant.name}', mutant.model.read_text())


@unittest.skipUnless(shutil.which('spin') and shutil.which('gcc'), 'no spin, or no gcc: "make doctor" says how to get it')
class Spin(unittest.TestCase):
    def test_a_mutant_that_is_none_is_not_found_and_one_that_is_is(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, errors in (('OF_NO_EFFECT', 0), ('COUNTS_IF_AWAKE', 1)):
                found = model.search(pathlib.Path(folder) / 'search', f'{model.POLLING} MUTANT_{name}', model.CLAIMERS)
                with self.subTest(name=name):
                    self.assertEqual((found.errors, found.complete), (errors, not errors))
                    self.assertTrue(errors or found.states > 10000)

    def test_a_variable_in_whose_place_spin_takes_one_of_its_own_is_refused_by_every_gcc(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            written, made = pathlib.Path(folder) / 'small.pml', pathlib.Path(folder) / 'search'
            # Spin's code has a pointer t where it takes a step.
            for name, right in (('nth', True), ('t', False)):
                written.write_text(SMALL.replace('NAME', name))
                with self.subTest(name=name):
                    if right:
                        self.assertTrue(model.search(made, '', written).complete)
                        continue
                    with self.assertRaisesRegex(Broken, r'^compiling the model \(exit status 1\): pan\.m:.* error: '):
                        model.search(made, '', written)
