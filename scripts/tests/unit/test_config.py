# SPDX-License-Identifier: GPL-2.0
"""What configuration fragments ask for, and what of it a tree can be held to."""
import contextlib
import io
import pathlib
import tempfile
import unittest
from unittest import mock

from core.machines import ARCHES
from core.options import Options
from core.report import Broken
from guest import kernels

MERGE = '''#!/bin/sh
# As the kernel's does: the last line for an option wins, and what the tree lacks is not taken.
while [ "$1" != -O ]; do shift; done
build=$2; shift 2
cat "$@" | grep -v CONFIG_LACKS >$build/.config
echo merged >>$build/calls
'''


class Demands(unittest.TestCase):
    def setUp(self) -> None:
        self.tree = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.tree / 'lib').mkdir()
        (self.tree / 'lib/Kconfig').write_text('config OLD\n\tbool\nmenuconfig GROUP\n\tbool\nconfig OLDER\n')

    def demands(self, *lines: str) -> list[tuple[tuple[str, ...], str]]:
        return [(tuple(names), value) for names, value in kernels.asked_for('\n'.join(lines), self.tree)]

    def test_the_last_line_for_an_option_wins(self) -> None:
        self.assertEqual(self.demands('CONFIG_A=y', '# CONFIG_A is not set', 'CONFIG_B="x y"'),
                         [(('CONFIG_A',), 'n'), (('CONFIG_B',), '"x y"')])

    def test_two_names_for_one_thing_are_one_demand(self) -> None:
        self.assertEqual(self.demands('# CONFIG_A or CONFIG_B: renamed', 'CONFIG_A=y', 'CONFIG_B=y'),
                         [(('CONFIG_A', 'CONFIG_B'), 'y')])

    def test_what_only_some_trees_have_is_asked_of_those(self) -> None:
        lines = ('# CONFIG_NEW where there is one: split off', 'CONFIG_NEW=y')
        self.assertEqual(self.demands(*lines), [])
        (self.tree / 'Kconfig').write_text('config NEW\n\tbool\n')
        self.assertEqual(self.demands(*lines), [(('CONFIG_NEW',), 'y')])

    def test_a_part_of_a_name_is_not_the_name(self) -> None:
        self.assertEqual(self.demands('# CONFIG_OLDE where there is one: no', 'CONFIG_OLDE=y'), [])
        self.assertEqual(self.demands('# CONFIG_GROUP where there is one: menuconfig', 'CONFIG_GROUP=y'),
                         [(('CONFIG_GROUP',), 'y')])


class Configuring(unittest.TestCase):
    """A tree whose merge_config.sh is a few lines."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        script = self.folder / 'tree/scripts/kconfig/merge_config.sh'
        script.parent.mkdir(parents=True)
        script.write_text(MERGE)
        script.chmod(0o755)
        self.fragment = self.folder / 'fragment'

    def configure(self, text: str, *absent: str) -> int:
        """Configure with these lines; how often that was done so far."""
        self.fragment.write_text(text)
        with mock.patch.object(kernels, 'fragments', return_value=[self.fragment]), contextlib.redirect_stdout(io.StringIO()):
            kernels.configure(Options.of({}), self.folder / 'tree', self.folder / 'obj', absent=list(absent))
        return len((self.folder / 'obj/calls').read_text().splitlines())

    def test_it_is_done_again_only_where_something_has_changed(self) -> None:
        self.assertEqual([self.configure('CONFIG_A=y\n'), self.configure('CONFIG_A=y\n'), self.configure('CONFIG_B=y\n')],
                         [1, 1, 2])

    def test_what_was_not_taken_is_named(self) -> None:
        with self.assertRaisesRegex(Broken, 'the configuration did not take CONFIG_LACKS=y: this tree lacks it .*config.log'):
            self.configure('CONFIG_A=y\nCONFIG_LACKS=y\n')
        # And is not believed to be there the next time.
        with self.assertRaises(Broken):
            self.configure('CONFIG_A=y\nCONFIG_LACKS=y\n')

    def test_what_a_later_patch_brings_is_asked_for_in_vain(self) -> None:
        self.configure('CONFIG_LACKS=y\n', 'CONFIG_LACKS')

    def test_an_option_that_is_to_be_off_is(self) -> None:
        self.configure('# CONFIG_A is not set\n')

    def test_each_kernel_has_the_fragments_that_it_is_to_have(self) -> None:
        cases: list[tuple[dict[str, str], list[str]]] = [
            ({}, []), ({'DEBUG': '1'}, ['debug', 'faults']), ({'SMP': '0'}, ['up']), ({'KCSAN': '1'}, ['kcsan'])]
        for given, names in cases:
            with self.subTest(given=given):
                found = [path.name for path in kernels.fragments(Options.of(given))]
                self.assertEqual(found, ['base.config', 'x86_64.config', 'config', *(f'{name}.config' for name in names)])

    def test_other_machines_are_built_for_by_their_compilers(self) -> None:
        for name, arch in ARCHES.items():
            words = [str(word) for word in kernels.make(Options.of({'ARCH': name}), pathlib.Path('s'), pathlib.Path('b'))]
            self.assertEqual(words[:5], ['make', '-C', 's', 'O=b', f'ARCH={arch.kernel}'])
            # Whoever builds it, the image is the same.
            self.assertEqual(words[5:9], list(kernels.BUILT_BY))
            self.assertEqual(words[9:], [f'CROSS_COMPILE={arch.cross}'] if arch.cross else [])
