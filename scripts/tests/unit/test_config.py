# SPDX-License-Identifier: GPL-2.0
"""What configuration fragments ask for, and what of it a tree can be held to."""
import pathlib
import subprocess
import tempfile
import unittest
import unittest.mock


from core import processes
from core.machines import FLAVOURS, Flavour
from core.options import Options
from core.places import ROOT
from guest import kernels


class Demands(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name)
        (self.tree / 'lib').mkdir()
        (self.tree / 'lib/Kconfig').write_text('config OLD\n\tbool\nmenuconfig GROUP\n\tbool\nconfig OLDER\n')

    def demands(self, *lines):
        return kernels.asked_for('\n'.join(lines), self.tree)

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


class Flavours(unittest.TestCase):
    """What the switches on make's command line choose."""

    def label(self, **env):
        return Options.of(env).label

    def test_each_has_a_build_directory_of_its_own(self):
        labels = [self.label(**dict([flavour.switch.split('=')])) for flavour in FLAVOURS if flavour.switch]
        self.assertEqual(labels, ['6.12-x86_64-debug', '6.12-x86_64-kcsan', '6.12-x86_64-faults', '6.12-x86_64-preempt',
                                  '6.12-x86_64-up'])

    def test_one_that_is_off_is_the_plain_kernel(self):
        self.assertEqual(self.label(DEBUG='0', KCSAN='', SMP='1'), '6.12-x86_64')

    def test_several_are_named_one_after_the_other(self):
        self.assertEqual(self.label(PREEMPT='1', KCSAN='1'), '6.12-x86_64-kcsan-preempt')

    def test_what_another_one_has_already_is_not_named_again(self):
        both, one = (Options.of({'DEBUG': '1', **more}) for more in ({'FAULTS': '1'}, {}))
        self.assertEqual((both.label, both.fragments), (one.label, one.fragments))
        self.assertIn('faults', one.fragments)

    def test_one_without_a_switch_is_for_a_script_to_choose(self):
        counted = Flavour('counted', '', ('faults', 'counted'), ('COUNT=y',))
        with unittest.mock.patch.object(processes, 'FLAVOURS', (*FLAVOURS, counted)):
            options = Options.of({'FAULTS': '1'})
            self.assertEqual((options.counted, options.label, options.variables), (False, '6.12-x86_64-faults', []))
            options.counted = True
            self.assertEqual((options.label, options.variables), ('6.12-x86_64-counted', ['COUNT=y']))

    def test_each_fragment_is_there(self):
        for flavour in FLAVOURS:
            for name in flavour.fragments:
                self.assertTrue((ROOT / f'scripts/config/{name}.config').is_file(), name)

    def test_the_guest_is_what_its_kernel_can_use(self):
        self.assertEqual([Options.of(env).cpus for env in ({}, {'SMP': '0'})], [2, 1])


class Compiler(unittest.TestCase):
    """The one that the harness puts in front of PATH."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        # Somebody's own settings, in either place, are not to be ours.
        (self.folder / 'ccache').mkdir()
        (self.folder / 'ccache/ccache.conf').write_text('depend_mode = true\n')
        cache = unittest.mock.patch.dict('os.environ', {'CCACHE_DIR': f'{scratch.name}/ccache', 'CCACHE_DEPEND': '1'})
        cache.start()
        self.addCleanup(cache.stop)
        self.env = processes.environment()

    def run_in_folder(self, *argv):
        return subprocess.run(argv, cwd=self.folder, env=self.env, check=True, capture_output=True, text=True).stdout

    def test_looks_each_time_at_what_an_assembler_file_takes_in(self):
        (self.folder / 'piggy.S').write_text('.incbin "image"\n')
        for image in (b'the first one', b'the other one'):
            (self.folder / 'image').write_bytes(image)
            self.run_in_folder('gcc', '-MMD', '-c', 'piggy.S')
            self.assertIn(image, (self.folder / 'piggy.o').read_bytes())

    def test_remembers_what_it_made_of_c_and_goes_by_the_list_of_its_files(self):
        (self.folder / 'one.c').write_text('#include "one.h"\n')
        for number, (text, hits) in enumerate((('int a;', 0), ('int a;', 1), ('int other;', 1))):
            (self.folder / 'one.h').write_text(text)
            self.run_in_folder('gcc', '-MMD', '-c', 'one.c')
            stats = dict(line.split('\t') for line in self.run_in_folder('ccache', '--print-stats').splitlines())
            self.assertEqual(int(stats['direct_cache_hit']), hits, f'compilation {number}: {stats}')
            # Without depend mode each miss is preprocessed first.
            self.assertEqual(int(stats['preprocessed_cache_miss']), 0, stats)
        self.assertIn('other', self.run_in_folder('nm', 'one.o'))

    def test_is_that_of_this_checkout_where_another_one_built_there_before(self):
        (self.folder / 'compilers').mkdir()
        for other in (pathlib.Path('/nowhere'), pathlib.Path(__file__)):
            link = self.folder / 'compilers/gcc'
            link.unlink(missing_ok=True)
            link.symlink_to(other)
            with unittest.mock.patch.object(processes, 'BUILD', self.folder):
                self.assertEqual((processes.compilers() / 'gcc').resolve(), ROOT / 'scripts/ccache')
