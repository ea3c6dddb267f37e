# SPDX-License-Identifier: GPL-2.0
"""The tree that is built: what becomes of the one that is given, and which ones are refused."""
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable
from unittest import mock

from core.machines import ARCHES
from core.options import Options
from core.places import ROOT
from core.report import Broken, Refusal
from source import debian, trees
from tests import small_tree
from tests.calls import call_here
from tests.in_place import InPlace

UAPI = 'include/uapi/linux/eventfd.h'


class Refused(InPlace):
    def refused(self, pattern: str, tree: pathlib.Path | str) -> None:
        """Before anything is made of it, and in a line."""
        with self.assertRaisesRegex(Refusal, pattern):
            trees.check(pathlib.Path(tree), tree)
        self.assert_refused(call_here('tree', '--kdir', str(tree)), pattern)

    def test_a_folder_that_is_not_there(self) -> None:
        self.refused('/nowhere is no directory: KDIR names the top of a kernel tree', '/nowhere')

    def test_a_folder_that_is_no_kernel_tree(self) -> None:
        self.refused('is no kernel tree: KDIR names the directory that has the kernel', self.folder)

    def test_a_tree_without_eventfd(self) -> None:
        tree = small_tree.make(self.folder / 'tree')
        (tree / 'fs/eventfd.c').unlink()
        self.refused('is no kernel tree', tree)

    def test_a_tree_that_is_too_old(self) -> None:
        tree = small_tree.make(self.folder / 'tree', {'Makefile': ('PATCHLEVEL = 12', 'PATCHLEVEL = 11')})
        self.refused(r'is Linux 6\.11\.117, and fs/eventfd.c needs 6\.12 or later', tree)

    def test_a_tree_that_has_the_series_already(self) -> None:
        tree = small_tree.make(self.folder / 'tree', {UAPI: ('#define', '#define EFD_AUTORESET (1 << 6)\n#define')})
        with self.assertRaisesRegex(Refusal, 'has EFD_AUTORESET already: name a tree without this series'):
            trees.check(tree, tree)
        # To be built as it is it may have it.
        self.assertEqual(trees.check(tree, tree, as_it_is=True), small_tree.VERSION)

    def test_a_kernel_whose_makefile_says_no_version(self) -> None:
        tree = small_tree.make(self.folder / 'tree', {'Makefile': ('PATCHLEVEL = 12', 'PATCHLEVEL = $(shell date)')})
        self.refused('is no kernel tree', tree)

    def test_one_that_is_right_has_a_version(self) -> None:
        tree = small_tree.make(self.folder / 'tree', {'Makefile': ('EXTRAVERSION =', 'EXTRAVERSION = -rc1')})
        self.assertEqual(trees.check(tree, tree), '6.12.117-rc1')


class Given(InPlace):
    """A tree of the user's."""

    def setUp(self) -> None:
        super().setUp()
        self.with_rules()
        self.mine = small_tree.make(self.folder / 'mine')

    def prepare(self, tree: pathlib.Path | None = None, variant: str = 'ours') -> pathlib.Path:
        made, version = trees.prepare(Options.of({'KDIR': str(tree or self.mine)}), variant)
        self.assertEqual(version, small_tree.VERSION)
        return made

    def listing(self, folder: pathlib.Path) -> dict[str, tuple[int, int, int, int]]:
        return {str(path.relative_to(folder)): (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode)
                for path in folder.rglob('*') for stat in [path.lstat()]}

    def test_the_copy_has_what_is_ours_and_what_the_series_changes(self) -> None:
        copy = self.prepare()
        self.assertEqual((copy / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())
        self.assertIn('POLL_CLAIM', (copy / 'fs/select.c').read_text())
        self.assertIn('config EVENTFD_KUNIT_TEST\n', (copy / 'init/Kconfig').read_text())
        self.assertEqual((copy / 'Kbuild').read_bytes(), (self.mine / 'Kbuild').read_bytes())
        for name in trees.suite_files():
            self.assertEqual((copy / name).read_bytes(), (ROOT / name).read_bytes(), name)
            self.assertEqual((copy / name).stat().st_mode & 0o111, (ROOT / name).stat().st_mode & 0o111, name)

    def test_it_is_not_touched(self) -> None:
        before, text = self.listing(self.mine), (self.mine / 'fs/eventfd.c').read_bytes()
        for variant in ('ours', 'stock', 'ours'):
            copy = self.prepare(variant=variant)
            self.assertEqual((self.listing(self.mine), (self.mine / 'fs/eventfd.c').read_bytes()), (before, text))
        # And is not copied where that is not needed.
        self.assertTrue(os.path.samefile(copy / 'Kbuild', self.mine / 'Kbuild'))

    def test_what_changes_in_it_between_two_runs_is_in_the_second_one(self) -> None:
        copy = self.prepare()
        (self.mine / 'new').write_text('new\n')
        (self.mine / 'Kbuild').write_text('# other\n')
        (self.mine / 'samples/Kconfig').touch()
        (self.mine / 'gone').write_text('x')
        self.prepare()
        (self.mine / 'gone').unlink()
        self.prepare()
        self.assertEqual(((copy / 'new').read_text(), (copy / 'Kbuild').read_text()), ('new\n', '# other\n'))
        self.assertFalse((copy / 'gone').exists())

    def test_what_is_right_already_keeps_its_time_so_that_it_is_not_built_again(self) -> None:
        copy = self.prepare()
        before = self.listing(copy)
        self.prepare()
        after = self.listing(copy)
        # make looks at files, and rsync sets the times of folders.
        files = {name for name in before if not (copy / name).is_dir()}
        self.assertEqual({name: after[name] for name in files}, {name: before[name] for name in files})

    def test_what_was_built_in_it_is_left_out_of_the_copy(self) -> None:
        products = ('.config', 'vmlinux', 'fs/eventfd.o', 'fs/.eventfd.o.cmd', 'include/config/auto.conf',
                    'include/generated/autoconf.h', 'Module.symvers')
        for name in products:
            (self.mine / name).parent.mkdir(parents=True, exist_ok=True)
            (self.mine / name).write_text('made\n')
        for _ in range(2):
            copy = self.prepare()
            self.assertEqual([name for name in products if (copy / name).exists()], [])
        self.assertEqual([name for name in products if not (self.mine / name).exists()], [])

    def test_a_copy_that_a_kill_left_half_made_is_taken_up_again(self) -> None:
        copy = self.prepare()
        # As after a kill in the middle: no stamp, some files missing, one half written.
        (copy.parent / 'tree.from').unlink()
        (copy / 'fs/select.c').unlink()
        (copy / 'fs/eventfd.c').unlink()
        (copy / 'fs/eventfd.c').write_text('half')
        self.assertEqual(self.prepare(), copy)
        self.assertEqual((copy / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())
        self.assertIn('POLL_CLAIM', (copy / 'fs/select.c').read_text())

    def test_stock_has_its_own_files_and_our_suite(self) -> None:
        copy = self.prepare(variant='stock')
        self.assertEqual((copy / 'fs/eventfd.c').read_text(), small_tree.KNOWN_BY['fs/eventfd.c'])
        self.assertEqual((copy / 'fs/select.c').read_text(), small_tree.SOURCES['fs/select.c'])
        name = trees.suite_files()[0]
        self.assertEqual((copy / name).read_bytes(), (ROOT / name).read_bytes())
        # From one to the other and back, in the same place.
        self.assertIn('POLL_CLAIM', (self.prepare() / 'fs/select.c').read_text())
        self.assertNotIn('POLL_CLAIM', (self.prepare(variant='stock') / 'fs/select.c').read_text())

    def test_the_suite_alone_is_made_without_a_look_at_the_kernel(self) -> None:
        (self.mine / 'fs/select.c').unlink()
        self.assertEqual((self.prepare(variant='suite') / 'fs/eventfd.c').read_text(), small_tree.KNOWN_BY['fs/eventfd.c'])

    def test_one_that_is_read_only(self) -> None:
        if os.geteuid():
            self.skipTest('needs root to mount a file system')
        mounted = self.folder / 'mine-ro'
        mounted.mkdir()
        if subprocess.run(['mount', '-o', 'bind,ro', self.mine, mounted], capture_output=True, check=False).returncode:
            self.skipTest('nothing can be mounted here')
        self.addCleanup(lambda: subprocess.run(['umount', mounted], check=True))
        copy = self.prepare(mounted)
        self.assertEqual((copy / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())


class Variants(InPlace):
    """Kernels that do wrong what tests show."""

    def test_each_fits(self) -> None:
        for variant in trees.VARIANTS:
            with self.subTest(variant=variant):
                name, data = trees.changed_text(variant)
                self.assertNotEqual(data, (ROOT / name).read_bytes())

    def test_one_that_does_not_fit_any_more_is_said_to_be_so(self) -> None:
        with mock.patch.dict(trees.VARIANTS, odd=('fs/eventfd.c', {'no such line\n': ''})), \
                self.assertRaisesRegex(Broken,
                                       'fs/eventfd.c has 0 lines "no such line" and not the one that the variant odd changes'):
            trees.changed_text('odd')


class Debians(InPlace):
    """Debian's source, as an archive of the small tree."""

    def setUp(self) -> None:
        super().setUp()
        small_tree.make(self.folder / 'linux-source-6.12')
        self.archive = self.folder / 'linux-source-6.12.tar.gz'
        subprocess.run(['tar', '-czf', self.archive, '-C', self.folder, 'linux-source-6.12'], check=True)
        self.asked = self.enterContext(mock.patch.object(debian, 'kernel_source', return_value=self.archive))

    def test_is_unpacked_once(self) -> None:
        for _ in range(2):
            tree = trees.pristine(Options.of({}))
        self.assertEqual(tree, self.build / 'src/linux-source-6.12')
        self.assertEqual((tree / 'Kbuild').read_text(), small_tree.KNOWN_BY['Kbuild'])
        self.assertEqual(self.asked.call_count, 1)
        self.assertRegex(self.said.getvalue(), r'^unpacking linux-source-6\.12\.tar\.gz: done, 0 s\n$')

    def test_a_disk_that_is_too_small_for_it(self) -> None:
        with mock.patch.object(shutil, 'disk_usage', return_value=mock.Mock(free=10 ** 8)), \
                self.assertRaisesRegex(Refusal, r'/src has 0\.1 GB free and this needs 2\.5: '):
            trees.pristine(Options.of({}))

    def test_one_that_is_cut_short_leaves_nothing(self) -> None:
        self.archive.write_bytes(self.archive.read_bytes()[:-500])
        with self.assertRaisesRegex(Broken, 'unpacking '):
            trees.pristine(Options.of({}))
        self.assertEqual(list((self.build / 'src').iterdir()), [])

    def test_files_that_are_of_the_suite_no_more_are_taken_back(self) -> None:
        self.with_rules()
        tree, _ = trees.prepare(Options.of({}))
        suite = trees.suite_files()
        gone, theirs = tree / suite[0], tree / 'tools/testing/selftests/Makefile'
        self.assertTrue(gone.exists())
        (tree.parent / 'tree.from').write_text((tree.parent / 'tree.from').read_text() + 'Kbuild\n')
        (tree / 'Kbuild').unlink()
        (tree / 'Kbuild').write_text('the suite had one\n')
        with mock.patch.object(trees, 'suite_files', return_value=suite[1:]):
            trees.prepare(Options.of({}))
        self.assertFalse(gone.exists())
        self.assertTrue(theirs.exists())
        self.assertEqual((tree / 'Kbuild').read_text(), small_tree.KNOWN_BY['Kbuild'])


class Downloads(InPlace):
    """Packages by an apt-get and a dpkg-deb that a test has written."""
    DOWNLOAD = '''case "$*" in
*indextargets*) echo http://deb.example.org/debian/ ;;
download*) shift; for word; do touch "$word.deb"; done ;;
esac'''
    UNPACK = 'mkdir -p "$3/usr/src"; touch "$3/usr/src/$(basename "$2" .deb).tar.xz"'

    def setUp(self) -> None:
        super().setUp()
        (self.build / 'download').mkdir()
        bin_folder = self.folder / 'bin'
        bin_folder.mkdir()
        self.add('apt-get', self.DOWNLOAD)
        self.add('dpkg-deb', self.UNPACK)
        self.add('apt-cache', 'echo "$*" >>$(dirname $0)/asked; case "$*" in *-o*) echo Package: x ;; esac')
        self.enterContext(mock.patch.dict(os.environ, PATH=f'{bin_folder}:{os.environ["PATH"]}'))

    def add(self, name: str, text: str) -> None:
        path = self.folder / 'bin' / name
        path.write_text(f'#!/bin/sh\n{text}\n')
        path.chmod(0o755)

    def test_what_is_downloaded_is_unpacked_and_leaves_nothing_else(self) -> None:
        debian.unpack(['one', 'two'], [], self.build / 'download/made')
        self.assertEqual(sorted(path.name for path in (self.build / 'download/made/usr/src').iterdir()),
                         ['one.tar.xz', 'two.tar.xz'])
        self.assertEqual([path.name for path in (self.build / 'download').iterdir()], ['made'])

    def test_a_package_that_does_not_come(self) -> None:
        self.add('apt-get', 'touch one.deb')
        with self.assertRaisesRegex(Broken, 'apt-get did not bring all of one two; the log is '):
            debian.unpack(['one', 'two'], [], self.build / 'download/made')
        self.assertEqual(list((self.build / 'download').iterdir()), [])

    def test_where_the_systems_own_lists_lack_it_others_are_asked(self) -> None:
        with mock.patch.object(debian, 'this_suite', return_value='bookworm'):
            words = debian.sources_with('linux-source-7.3')
        self.assertIn(f'Dir::State={self.build}/download/security/state', words)
        self.assertIn('http://deb.example.org/debian-security bookworm-security main',
                      (self.build / 'download/security/sources.list').read_text())
        self.add('apt-cache', 'echo Package: x')
        self.assertEqual(debian.sources_with('linux-source-6.12'), [])

    def test_what_nobody_has(self) -> None:
        self.add('apt-cache', 'exit 0')
        with mock.patch.object(debian, 'this_suite', return_value='bookworm'), \
                self.assertRaisesRegex(Refusal, 'Debian has no linux-source-9.9, neither here nor in bookworm-security, .* or '):
            debian.sources_with('linux-source-9.9')

    def test_a_network_that_is_not_there_is_no_answer(self) -> None:
        self.add('apt-cache', 'exit 0')
        # To apt it is no failure unless it is told so.
        self.add('apt-get', f"""case "$*" in *Error-Mode=any*update|*update\\ download*)
	echo "W: Failed to fetch x  Temporary failure resolving 'deb.example.org'"; exit 100 ;;
esac
{self.DOWNLOAD}""")
        with mock.patch.object(debian, 'this_suite', return_value='bookworm'), \
                self.assertRaisesRegex(Refusal, 'linux-source-9.9 cannot be looked up, as Debian.s mirror does not answer '):
            debian.sources_with('linux-source-9.9')
        wanted: list[Callable[[], object]] = [lambda: debian.source_package('glib2.0', 'bookworm'), lambda: debian.sysroot(ARCHES['arm64'])]
        for get in wanted:
            with mock.patch.object(debian, 'this_suite', return_value='bookworm'), mock.patch.object(debian, 'BUILD', self.build), \
                    self.assertRaisesRegex(Refusal, 'cannot be looked up, as Debian.s mirror does not answer '):
                get()
        # Lists may be there from another day.
        with self.assertRaisesRegex(Refusal, 'linux-source-9.9 cannot be downloaded, as Debian.s mirror does not answer '
                                             r'\(http://deb.example.org/debian/\): see to the network; the log is '):
            debian.unpack(['linux-source-9.9'], ['-o', 'update'], self.build / 'download/made')
        # A mirror that answers and lacks some of them is another thing.
        self.add('apt-get', f'case "$*" in *security*update*) echo "E: no Release file"; exit 100 ;; esac\n{self.DOWNLOAD}')
        with mock.patch.object(debian, 'this_suite', return_value='bookworm'), \
                self.assertRaisesRegex(Refusal, 'Debian has no linux-source-9.9'):
            debian.sources_with('linux-source-9.9')

    def test_a_machine_without_a_mirror_or_without_apt(self) -> None:
        self.add('apt-get', 'exit 0')
        with self.assertRaisesRegex(Refusal, 'no Debian mirror among the package sources'):
            debian.mirror()
        with mock.patch.object(shutil, 'which', return_value=None), \
                self.assertRaisesRegex(Refusal,
                                       'linux-source-6.12 comes from Debian and this machine has no apt-get: use KDIR=PATH'):
            debian.need_apt('linux-source-6.12', 'use KDIR=PATH')


class Tarball(InPlace):
    """One of the user's, in place of a tree."""

    def setUp(self) -> None:
        super().setUp()
        self.with_rules()
        small_tree.make(self.folder / 'linux-6.12')
        self.tarball = self.folder / 'linux-6.12.tar.xz'
        self.pack('linux-6.12')

    def pack(self, *names: str) -> None:
        subprocess.run(['tar', '-C', self.folder, '-cJf', self.tarball, *names], check=True)

    def source(self) -> pathlib.Path:
        return trees.pristine(Options.of({'KDIR': str(self.tarball)}))

    def test_is_unpacked_once_and_becomes_a_tree_with_our_eventfd(self) -> None:
        made, version = trees.prepare(Options.of({'KDIR': str(self.tarball)}))
        self.assertEqual(version, small_tree.VERSION)
        self.assertEqual((made / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())
        first = self.source()
        self.assertEqual((first / 'Kbuild').stat().st_ino, (self.source() / 'Kbuild').stat().st_ino)
        self.assertNotEqual((first / 'fs/eventfd.c').read_bytes(), (ROOT / 'fs/eventfd.c').read_bytes())

    def test_that_has_changed_is_unpacked_anew(self) -> None:
        first = self.source()
        (self.folder / 'linux-6.12/new').write_text('new\n')
        self.pack('linux-6.12')
        self.assertEqual(((first / 'new').exists(), (self.source() / 'new').read_text()), (False, 'new\n'))

    def test_of_more_than_a_tree_is_refused_and_leaves_nothing(self) -> None:
        (self.folder / 'more').write_text('more\n')
        self.pack('linux-6.12', 'more')
        with self.assertRaisesRegex(Refusal, 'has 2 things at its top and not one folder'):
            self.source()
        self.assertEqual(list((self.build / 'src').iterdir()), [])

    def test_a_file_that_is_none_is_refused(self) -> None:
        for name in ('notes.txt', 'bzImage'):
            with self.subTest(name=name):
                (self.folder / name).write_text('text\n')
                self.assert_refused(call_here('tree', '--kdir', str(self.folder / name)), 'is no folder and no tarball')
