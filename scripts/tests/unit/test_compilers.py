# SPDX-License-Identifier: GPL-2.0
"""The compiler that the harness puts in front of PATH: ccache, by settings of its own."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

from core import processes
from core.places import ROOT


@unittest.skipUnless(os.path.isdir(processes.CCACHE) and shutil.which('gcc'),
                     'no ccache, or no gcc: "make doctor" says how to get it')
class Compiler(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        # Somebody's own settings, in either place, are not to be ours.
        (self.folder / 'ccache').mkdir()
        (self.folder / 'ccache/ccache.conf').write_text('depend_mode = true\n')
        self.enterContext(mock.patch.dict('os.environ', {'CCACHE_DIR': f'{self.folder}/ccache', 'CCACHE_DEPEND': '1'}))
        self.enterContext(mock.patch.object(processes, 'BUILD', self.folder))
        self.env = processes.environment()

    def run_in_folder(self, *argv: str) -> str:
        return subprocess.run(argv, cwd=self.folder, env=self.env, check=True, capture_output=True, text=True).stdout

    def test_looks_each_time_at_what_an_assembler_file_takes_in(self) -> None:
        (self.folder / 'piggy.S').write_text('.incbin "image"\n')
        for image in (b'the first one', b'the other one'):
            (self.folder / 'image').write_bytes(image)
            self.run_in_folder('gcc', '-MMD', '-c', 'piggy.S')
            self.assertIn(image, (self.folder / 'piggy.o').read_bytes())

    def test_remembers_what_it_made_of_c_and_goes_by_the_list_of_its_files(self) -> None:
        (self.folder / 'one.c').write_text('#include "one.h"\n')
        for number, (text, hits) in enumerate((('int a;', 0), ('int a;', 1), ('int other;', 1))):
            (self.folder / 'one.h').write_text(text)
            self.run_in_folder('gcc', '-MMD', '-c', 'one.c')
            stats = dict(line.split('\t') for line in self.run_in_folder('ccache', '--print-stats').splitlines())
            self.assertEqual(int(stats['direct_cache_hit']), hits, f'compilation {number}: {stats}')
            # Without depend mode each miss is preprocessed first.
            self.assertEqual(int(stats['preprocessed_cache_miss']), 0, stats)
        self.assertIn('other', self.run_in_folder('nm', 'one.o'))

    def test_is_that_of_this_checkout_where_another_one_built_there_before(self) -> None:
        for other in (pathlib.Path('/nowhere'), pathlib.Path(__file__)):
            link = self.folder / 'compilers/gcc'
            link.unlink(missing_ok=True)
            link.symlink_to(other)
            self.assertEqual((processes.compilers() / 'gcc').resolve(), ROOT / 'scripts/ccache')
