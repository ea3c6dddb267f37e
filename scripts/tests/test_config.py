# SPDX-License-Identifier: GPL-2.0
"""What configuration fragments ask for, and what of it a tree can be held to."""
import pathlib
import tempfile
import unittest

from support import run


class Demands(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name)
        (self.tree / 'lib').mkdir()
        (self.tree / 'lib/Kconfig').write_text('config OLD\n\tbool\nmenuconfig GROUP\n\tbool\nconfig OLDER\n')

    def demands(self, *lines):
        return run.kernel.asked_for('\n'.join(lines), self.tree)

    def test_the_last_line_for_an_option_wins(self):
        self.assertEqual(self.demands('CONFIG_A=y', '# CONFIG_A is not set', 'CONFIG_B="x y"'),
                         [(('CONFIG_A',), 'n'), (('CONFIG_B',), '"x y"')])

    def test_two_names_for_one_thing_are_one_demand(self):
        self.assertEqual(self.demands('# CONFIG_A or CONFIG_B: renamed', 'CONFIG_A=y', 'CONFIG_B=y'),
                         [(('CONFIG_A', 'CONFIG_B'), 'y')])

    def test_what_only_some_trees_have_is_asked_of_those(self):
        lines = ('# CONFIG_NEW where there is one: split off', 'CONFIG_NEW=y')
        self.assertEqual(self.demands(*lines), [])
        (self.tree / 'Kconfig').write_text('config NEW\n\tbool\n')
        self.assertEqual(self.demands(*lines), [(('CONFIG_NEW',), 'y')])

    def test_a_part_of_a_name_is_not_the_name(self):
        self.assertEqual(self.demands('# CONFIG_OLDE where there is one: no', 'CONFIG_OLDE=y'), [])
        self.assertEqual(self.demands('# CONFIG_GROUP where there is one: menuconfig', 'CONFIG_GROUP=y'),
                         [(('CONFIG_GROUP',), 'y')])


if __name__ == '__main__':
    unittest.main()
