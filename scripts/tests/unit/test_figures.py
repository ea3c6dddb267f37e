# SPDX-License-Identifier: GPL-2.0
"""Figures in texts: a sentence says what the table says, or is seen not to."""
import unittest

from checks import figures
from core.report import Broken
from core.tables import simple_table

COSTS = '\n'.join([
    *simple_table(('instructions an operation', 'stock', 'ours', 'ratio'),
                  [('write_poll/claiming', '', '1024.00', ''), ('write/eventfd', '391.01', '363.01', '0.928')]),
    *simple_table(('seconds', 'from nothing', 'again'), [('all of it', '225.9', '25.2')])])
ROWS = '''
.. From "make matrix"; "make matrix-doc" writes this part
``make run``                        1331 passed, 0 failed    2
``make compare T=Torn``             1 agrees; 2349 of        2
                                    3000000 polls
.. End of what "make matrix-doc" writes
'''


def found(sentence: str, text: str) -> tuple[str, list[str]]:
    [listed] = figures.sentences(f'FILE\n  {sentence}\n')
    known = {'ours:a': 10.0, 'stock:a': 40.0, 'big': 2349.0}
    return figures.renewed(listed, text, known)


class Tables(unittest.TestCase):
    def test_each_cell_of_a_table_of_costs_has_a_name(self) -> None:
        self.assertEqual(dict(figures.table_of_costs(COSTS)), {
            'stock:write/eventfd': 391.01, 'ours:write/eventfd': 363.01, 'ratio:write/eventfd': 0.928,
            'ours:write_poll/claiming': 1024.0, 'from nothing:all of it:seconds': 225.9, 'again:all of it:seconds': 25.2})

    def test_numbers_of_a_row_are_named_by_the_word_behind_them(self) -> None:
        rows = dict(figures.table_of_rows(ROWS))
        self.assertEqual((rows['matrix:run:passed'], rows['matrix:compare T=Torn:of'], rows['matrix:compare T=Torn:polls']),
                         (1331, 2349, 3000000))


class Sentences(unittest.TestCase):
    def test_one_that_is_right_is_left_alone(self) -> None:
        self.assertEqual(found('It takes {ours:a}, {ours:a / stock:a} of {stock:a}.', 'It takes\n10, 0.25 of 40.'),
                         ('It takes\n10, 0.25 of 40.', []))

    def test_one_that_is_wrong_is_named_and_renewed_with_as_many_digits_as_it_has(self) -> None:
        text, wrong = found('It takes {ours:a / stock:a} of {stock:a - ours:a}.', 'It takes 0.3 of 31.0.')
        self.assertEqual(text, 'It takes 0.2 of 30.0.')
        self.assertEqual(len(wrong), 2)
        self.assertRegex(wrong[0], r'FILE \(figures.txt:2\): 0\.3 where ours:a / stock:a is 0\.2; "scripts/eventfd')

    def test_thousands_are_written_as_the_text_has_them(self) -> None:
        self.assertEqual(found('in {big} of', 'in 2,349 of')[1], [])
        self.assertEqual(found('in {big} of', 'in 2349 of')[1], [])
        self.assertEqual(found('in {big} of', 'in 410 of')[0], 'in 2,349 of')

    def test_one_that_is_not_there_or_there_twice_is_wrong(self) -> None:
        for text, times in (('It takes 9.', 0), ('in 1 of, in 1 of', 2)):
            with self.subTest(text=text):
                self.assertRegex(found('in {big} of', text)[1][0], f'"in … of" {times} times and not once')

    def test_a_figure_that_no_table_has_is_an_error(self) -> None:
        with self.assertRaisesRegex(Broken, 'asks for ours:b, and no table has it'):
            found('{ours:b}', '1')

    def test_the_list_has_nothing_but_sentences_below_files(self) -> None:
        for text in ('  a {figure} without a file\n', 'FILE\n  a sentence without one\n'):
            with self.subTest(text=text), self.assertRaisesRegex(Broken, 'where a sentence with a'):
                figures.sentences(text)
