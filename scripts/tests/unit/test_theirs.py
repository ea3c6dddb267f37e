# SPDX-License-Identifier: GPL-2.0
"""Whose eventfd is built: ours in a tree as it was released, and a tree's own where somebody has changed it."""
import hashlib
import os
import pathlib
import subprocess
from unittest import mock

from core.options import Options
from core.places import BUILD, ROOT, SUITE
from core.report import Refusal
from guest import session
from source import messages, theirs, trees, turns
from tests import small_tree
from tests.calls import call_here
from tests.in_place import InPlace

UAPI = 'include/uapi/linux/eventfd.h'
FLAG = {UAPI: ('#define', '#define EFD_AUTORESET (1 << 6)\n#define')}
ALL = list(turns.names().values())
NEITHER = 'has a fs/eventfd.c that is neither as released nor ours'
DIFFERS = 'has a fs/eventfd.c that differs from its commit'


class Trees(InPlace):
    def setUp(self) -> None:
        super().setUp()
        self.mine = small_tree.make(self.folder / 'mine')

    def git(self, *words: str) -> None:
        subprocess.run(['git', '-C', self.mine, '-c', 'user.name=A', '-c', 'user.email=a@example.org', *words], check=True,
                       capture_output=True)

    def committed(self, subject: str = 'all of it') -> None:
        self.git('init', '-q')
        self.git('add', '-A')
        self.git('commit', '-q', '-m', subject)

    def edit(self, name: str = theirs.NAME) -> None:
        with open(self.mine / name, 'a', encoding='utf-8') as out:
            out.write('/* mine */\n')

    def options(self, **more: str) -> Options:
        return Options.of({'KDIR': str(self.mine), **more})

    def found(self, **more: str) -> tuple[str, list[str]] | None:
        theirs.decide.cache_clear()
        found = theirs.eventfd(self.options(**more))
        return (found.why, list(found.has)) if found else None


class Looks(Trees):
    """What is said of a tree."""

    def test_a_file_as_it_was_released_gets_ours(self) -> None:
        digest = hashlib.sha256((self.mine / theirs.NAME).read_bytes()).hexdigest()
        with mock.patch.dict(theirs.RELEASED, {digest: '6.12'}):
            self.assertIsNone(self.found())
            self.committed()
            self.assertIsNone(self.found())
            # Whatever else has changed.
            self.edit('fs/select.c')
            self.assertIsNone(self.found())

    def test_one_that_no_commit_has_is_theirs(self) -> None:
        digest = hashlib.sha256((self.mine / theirs.NAME).read_bytes()).hexdigest()
        self.committed()
        self.edit()
        with mock.patch.dict(theirs.RELEASED, {digest: '6.12'}):
            self.assertEqual(self.found(), (DIFFERS, []))

    def test_one_that_is_unknown_is_theirs(self) -> None:
        self.assertEqual(self.found(), (NEITHER, []))
        self.committed()
        self.assertEqual(self.found(), (NEITHER, []))

    def test_one_as_the_last_tag_has_it_is_released(self) -> None:
        self.committed()
        self.git('tag', '-a', 'v6.12', '-m', 'Linux 6.12')
        self.edit('fs/select.c')
        self.git('commit', '-q', '-a', '-m', 'select: mine')
        self.assertIsNone(self.found())
        self.edit()
        self.git('commit', '-q', '-a', '-m', 'eventfd: mine')
        self.assertEqual(self.found(), (NEITHER, []))

    def test_one_with_the_flag_has_all_changes_where_no_commit_tells(self) -> None:
        for name, (before, after) in FLAG.items():
            (self.mine / name).write_text((self.mine / name).read_text().replace(before, after))
        self.assertEqual(self.found(), ('has EFD_AUTORESET already', ALL))
        self.committed()
        self.edit()
        self.assertEqual(self.found(), (f'has EFD_AUTORESET already, and a {theirs.NAME} that differs from its commit', ALL))

    def test_one_with_patches_of_the_series_has_what_these_turn(self) -> None:
        self.committed()
        for patch in messages.patches()[:7]:
            self.git('commit', '-q', '--allow-empty', '-m', patch.subject)
        has = [change for patch in messages.patches()[:7] for change in patch.turns]
        self.assertIn('read_faults_keep', has)
        self.assertEqual(self.found(), ('has 7 of the patches of this series', has))
        self.edit()
        self.assertEqual(self.found(), (DIFFERS, has))

    def test_a_folder_in_a_git_tree_is_none(self) -> None:
        outer = self.mine
        self.mine = self.folder
        self.committed()
        self.mine = outer
        self.assertEqual(self.found(), (NEITHER, []))

    def test_without_git_there_are_no_commits(self) -> None:
        self.committed()
        self.edit()
        with mock.patch.dict(os.environ, PATH='/nowhere'):
            self.assertEqual(self.found(), (NEITHER, []))

    def test_a_tarball_and_debians_are_as_released(self) -> None:
        self.assertIsNone(theirs.eventfd(Options.of({})))
        archive = self.folder / 'linux-6.12.tar'
        archive.touch()
        self.assertIsNone(theirs.eventfd(Options.of({'KDIR': str(archive)})))

    def test_the_ones_that_are_known_are_known_by_their_hashes(self) -> None:
        for digest in theirs.RELEASED:
            self.assertRegex(digest, r'\A[0-9a-f]{64}\Z')

    def test_those_of_releases_in_between_follow_from_the_two_around_them(self) -> None:
        """By what their patches changed, as far as Debian's two kernels are here."""
        known = {text: digest for digest, text in theirs.RELEASED.items()}
        steps = {('6.12', 'later, with anon_inode_getfile_fmode()'): (
                     ('getfile("[eventfd]", &eventfd_fops, ctx, flags)',
                      'getfile_fmode("[eventfd]", &eventfd_fops,\n\t\t\t\t\tctx, flags, FMODE_NOWAIT)'),
                     ('\n\tfile->f_mode |= FMODE_NOWAIT;\n', '')),
                 ('7.3', 'later, with FD_PREPARE() and kmalloc()'): (('kmalloc_obj(*ctx)', 'kmalloc(sizeof(*ctx), GFP_KERNEL)'),)}
        for (version, between), changes in steps.items():
            path = BUILD / f'src/linux-source-{version}' / theirs.NAME
            if not path.exists():
                self.skipTest(f'Linux {version} is not unpacked here')
            text = path.read_text()
            self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), known[version])
            for before, after in changes:
                self.assertEqual(text.count(before), 1)
                text = text.replace(before, after)
            self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), known[between])


class Asked(Trees):
    """What OWN= makes of it."""

    def test_zero_takes_any_tree_as_it_is(self) -> None:
        digest = hashlib.sha256((self.mine / theirs.NAME).read_bytes()).hexdigest()
        with mock.patch.dict(theirs.RELEASED, {digest: '6.12'}):
            self.assertEqual(self.found(OWN='0'), ('is built as it is (OWN=0)', []))
        self.assertEqual(self.found(OWN='0'), (NEITHER, []))

    def test_one_puts_ours_in(self) -> None:
        self.committed()
        self.edit()
        self.assertIsNone(self.found(OWN='1'))

    def test_one_is_refused_where_the_flag_is_already(self) -> None:
        for name, (before, after) in FLAG.items():
            (self.mine / name).write_text((self.mine / name).read_text().replace(before, after))
        with self.assertRaisesRegex(Refusal, 'has EFD_AUTORESET already, and OWN=1 .*: leave OWN=1 out'):
            self.found(OWN='1')

    def test_anything_else_or_without_a_tree_is_refused(self) -> None:
        with self.assertRaisesRegex(Refusal, 'OWN=2 is not known: use OWN=0, which .*, or OWN=1'):
            self.found(OWN='2')
        with self.assertRaisesRegex(Refusal, 'OWN= is about a tree of yours: name that with KDIR=PATH'):
            Options.of({'OWN': '1'})

    def test_the_small_series_is_not_theirs(self) -> None:
        with self.assertRaisesRegex(Refusal, f'{NEITHER}, and SMALL=1 is about ours: leave it out, or say OWN=1'):
            self.found(SMALL='1')
        self.assertIsNone(self.found(SMALL='1', OWN='1'))

    def test_what_is_about_ours_refuses_theirs(self) -> None:
        for command in ('compare', 'bench', 'coverage', 'mutants', 'check', 'stress', 'samples'):
            with self.subTest(command):
                self.assert_refused(call_here(command, '--kdir', str(self.mine)),
                                    rf'{NEITHER}, and (make|scripts/eventfd) {command} is about .*OWN=1 puts that in its place')


class Builds(Trees):
    """The tree that is built from one that is theirs."""

    def prepared(self, **more: str) -> pathlib.Path:
        theirs.decide.cache_clear()
        return trees.prepare(self.options(**more))[0]

    def test_has_their_file_and_our_suite(self) -> None:
        made = self.prepared()
        self.assertEqual((made / theirs.NAME).read_bytes(), (self.mine / theirs.NAME).read_bytes())
        self.assertEqual((made / 'fs/select.c').read_bytes(), (self.mine / 'fs/select.c').read_bytes())
        name = trees.suite_files()[0]
        self.assertEqual((made / name).read_bytes(), (ROOT / name).read_bytes())
        self.assertIn(f'{self.mine} {NEITHER}: it is built as it is, and the suite beside it; OWN=1 puts ours in its place',
                      self.said.getvalue())

    def test_has_ours_where_that_was_asked_for_and_theirs_again_after_that(self) -> None:
        self.with_rules()
        self.assertEqual((self.prepared(OWN='1') / theirs.NAME).read_bytes(), (ROOT / theirs.NAME).read_bytes())
        made = self.prepared()
        self.assertEqual((made / theirs.NAME).read_bytes(), (self.mine / theirs.NAME).read_bytes())
        self.assertEqual((made / 'fs/select.c').read_bytes(), (self.mine / 'fs/select.c').read_bytes())

    def test_what_ours_brings_is_not_asked_of_its_configuration(self) -> None:
        self.assertIn('CONFIG_EVENTFD_KUNIT_TEST', theirs.lacks(self.options(), self.mine))
        self.assertEqual(theirs.lacks(self.options(OWN='1'), self.mine), [])
        with open(self.mine / 'init/Kconfig', 'a', encoding='utf-8') as out:
            out.write('config EVENTFD_KUNIT_TEST\n')
        self.assertNotIn('CONFIG_EVENTFD_KUNIT_TEST', theirs.lacks(self.options(), self.mine))

    def test_the_kernels_own_tests_are_those_that_it_has(self) -> None:
        self.assertIsNone(session.kunit_selection(self.options()))
        path = self.mine / 'fs/tests/eventfd_kunit.c'
        path.parent.mkdir(parents=True)
        path.write_text('KUNIT_CASE(mine),\n')
        self.assertEqual(session.kunit_selection(self.options()), 'eventfd')
        self.assertEqual(session.kunit_selection(self.options(T='mine')), 'eventfd.*mine*')
        self.assertIsNone(session.kunit_selection(self.options(T='claim')))


class LeftOut(Trees):
    """The tests of what it has not."""

    def setUp(self) -> None:
        super().setUp()
        self.installed = self.folder / 'installed'
        suite = self.installed / SUITE
        suite.mkdir(parents=True)
        tests = {'eventfd_one': 'A.B\\twake_one: it wakes all\\nA.C\\tautoreset: none; wake_one: it wakes all\\n', 'eventfd_two': ''}
        for name, declared in tests.items():
            (suite / name).write_text(f'#!/bin/sh\ncase $1 in --list-declared) printf "{declared}" ;;\n'
                                      '--gtest_list_tests) printf "A.\\n  D\\n" ;; esac\n')
            (suite / name).chmod(0o755)
        (self.installed / 'kselftest-list.txt').write_text(''.join(f'{SUITE}:{name}\n' for name in tests))
        (self.installed / 'needs.json').write_text('{}')
        self.options().work.mkdir(parents=True)

    def chosen(self, **more: str) -> tuple[list[str], str | None]:
        theirs.decide.cache_clear()
        return session.chosen(self.options(**more), self.installed)

    def test_all_that_need_a_change_are_left_out_and_named(self) -> None:
        self.assertEqual(self.chosen(), (['eventfd_one', 'eventfd_two'], '*-A.B:A.C'))
        self.assertEqual((self.options().work / 'left-out.txt').read_text(),
                         'eventfd_one: A.B: needs wake_one\neventfd_one: A.C: needs autoreset, wake_one\n')
        self.assertIn('2 tests are left out, as this eventfd has not what they are about (2 need wake_one, 1 need autoreset): ',
                      self.said.getvalue())

    def test_and_from_what_was_asked_for(self) -> None:
        self.assertEqual(self.chosen(T='A.*')[1], 'A.*-A.B:A.C')
        self.assertEqual(self.chosen(T='A.*-*D')[1], 'A.*-*D:A.B:A.C')

    def test_none_where_ours_is_put_in(self) -> None:
        self.assertEqual(self.chosen(OWN='1'), (['eventfd_one', 'eventfd_two'], None))

    def test_the_guest_is_told_what_it_has(self) -> None:
        with mock.patch.object(theirs, 'look', return_value=theirs.Theirs('has some', ['wake_one'])):
            theirs.decide.cache_clear()
            text = session.settings(self.options())['/etc/suite'][0]
        self.assertIn('export EVENTFD_CHANGES=wake_one\n', text)
