# SPDX-License-Identifier: GPL-2.0
"""What can be asked for: what is refused, what it comes to, and that all who name options name the same ones."""
import dataclasses
import os
import re
import unittest
from unittest import mock

from core import processes
from core.machines import FLAVOURS, Flavour
from core.options import OPTIONS, Options
from core.places import BUILD, ROOT
from core.report import Refusal
from tests.calls import call_here, make

# A value for each option that it takes, and that is not what it is without.
GOOD = {'KERNEL': '7.3', 'KDIR': '/usr/src/linux', 'OWN': '0', 'ARCH': 'arm64', 'ACCEL': 'tcg', 'DEBUG': '1', 'KCSAN': '1', 'FAULTS': '1',
        'SMALL': '1', 'PART': 'fixes', 'V': '3', 'SINCE': 'HEAD', 'PREEMPT': '1', 'SMP': '0', 'VNG': '1', 'T': 'Poll', 'ROUNDS': '2000', 'N': '3', 'S': '600', 'SEED': '7', 'PROG': './mine --flag',
        'WITH': 'words', 'STRACE': '1', 'CPUS': '4', 'MEM': '512M', 'BUILD': '/tmp/elsewhere'}
# What has to be said along with one.
ALONG = {'OWN': {'KDIR': GOOD['KDIR']}}
# Those that one command reads, or that are looked at when the entry is loaded.
READ_ELSEWHERE = {'PROG', 'WITH', 'STRACE', 'CPUS', 'MEM', 'BUILD'}


class What(unittest.TestCase):
    """What is refused."""

    def refused(self, text: str, **given: str) -> None:
        with self.assertRaises(Refusal) as caught:
            Options.of(given)
        self.assertNotIn('\n', str(caught.exception))
        self.assertIn(text, str(caught.exception))

    def test_a_switch_that_is_neither_on_nor_off(self) -> None:
        for switch in ('DEBUG=1', 'KCSAN=1', 'FAULTS=1', 'PREEMPT=1', 'SMP=0', 'VNG=1'):
            with self.subTest(switch=switch):
                name = switch.partition('=')[0]
                self.refused(f'{name}=maybe is not known: use {switch}, or leave it out', **{name: 'maybe'})

    def test_switches_that_exclude_each_other(self) -> None:
        for name, value in (('DEBUG', '1'), ('SMP', '0'), ('ARCH', 'i386')):
            with self.subTest(name=name):
                self.refused(f'KCSAN=1 and {name}={value} exclude each other: ', KCSAN='1', **{name: value})
        self.refused('DEBUG=1 and ARCH=i386 exclude each other: ', DEBUG='1', ARCH='i386')
        self.refused('VNG=1 and ARCH=arm64 exclude each other: ', VNG='1', ARCH='arm64')

    def test_two_kernels_at_once(self) -> None:
        self.refused('KERNEL and KDIR exclude each other: name the one kernel to use', KERNEL='6.12', KDIR='/usr/src')

    def test_a_kernel_that_is_no_version(self) -> None:
        for kernel in ('newest', '6', '6.12.1', '6.12 '):
            with self.subTest(kernel=kernel):
                self.refused(f'KERNEL={kernel} is no version: write KERNEL=6.12 or KERNEL=7.3', KERNEL=kernel)

    def test_a_kernel_that_is_too_old(self) -> None:
        for kernel in ('6.1', '6.11', '5.13'):
            with self.subTest(kernel=kernel):
                self.refused(f'KERNEL={kernel} is too old: 6.12 is the oldest that fs/eventfd.c fits', KERNEL=kernel)

    def test_an_unknown_machine(self) -> None:
        self.refused('ARCH=vax is not known here: use one of x86_64, i386, arm64, s390x', ARCH='vax')

    def test_an_unknown_accelerator(self) -> None:
        self.refused('ACCEL=warp is not known: use tcg or kvm, or leave it out', ACCEL='warp')

    def test_a_number_that_is_none_or_too_small_or_too_large(self) -> None:
        for name, wrong in (('ROUNDS', ('many', '-1', '1000000001')), ('N', ('0', '10000', '1.5')),
                            ('S', ('0', 'much', '1000001')),
                            ('SEED', ('much', '-7'))):
            for value in wrong:
                with self.subTest(name=name, value=value):
                    self.refused(f'{name}={value} is no number from ', **{name: value})


class Values(unittest.TestCase):
    def test_nothing_that_is_asked_for_is_the_plain_job(self) -> None:
        options = Options.of({})
        self.assertEqual((options.label, options.kernel, options.kdir, options.pattern, options.accel, options.seed),
                         ('6.12-x86_64', '6.12', None, None, None, None))
        self.assertEqual((options.rounds, options.boots, options.seconds, options.flavours), (0, 20, 60, []))
        self.assertEqual(options.asked, {})

    def test_each_is_taken(self) -> None:
        for name, value in GOOD.items():
            with self.subTest(name=name):
                given = {name: value, **ALONG.get(name, {})}
                options = Options.of(given)
                self.assertEqual(options.asked, given)
                if name not in READ_ELSEWHERE:
                    self.assertNotEqual(dataclasses.replace(options, asked={}), Options.of({}))

    def test_what_is_empty_is_not_asked_for(self) -> None:
        self.assertEqual(Options.of({name: '' for name in GOOD}), Options.of({}))

    def test_what_is_no_option_is_not_looked_at(self) -> None:
        self.assertEqual(Options.of({'KERNAL': '1', 'HOME': '/'}).asked, {})

    def test_the_same_with_more_asked_for(self) -> None:
        options = Options.of({'T': 'Poll'}).asking(DEBUG='1')
        self.assertEqual((options.debug, options.pattern, dict(options.asked)), (True, 'Poll', {'T': 'Poll', 'DEBUG': '1'}))
        self.assertFalse(options.asking(DEBUG='0').debug)
        with self.assertRaisesRegex(Refusal, 'KCSAN=1 and DEBUG=1 exclude each other'):
            options.asking(KCSAN='1')

    def test_the_same_but_for_some_values(self) -> None:
        options = Options.of({'T': 'Poll', 'ROUNDS': '7'})
        other = options.but(pattern=None)
        self.assertEqual((other.pattern, other.rounds, options.pattern), (None, 7, 'Poll'))
        self.assertEqual(other.but(pattern='Poll'), options)

    def test_they_do_not_change(self) -> None:
        with self.assertRaises(dataclasses.FrozenInstanceError):
            Options.of({}).pattern = 'Poll'     # type: ignore[misc]  # that is what is tested

    def test_a_tree_of_the_users_has_a_label_that_two_trees_of_one_name_do_not_share(self) -> None:
        labels = {Options.of({'KDIR': f'/home/{who}/linux'}).label for who in ('anna', 'otto')}
        self.assertEqual(len(labels), 2)
        for label in labels:
            self.assertRegex(label, r'^linux-[0-9a-f]{8}-x86_64$')

    def test_they_are_built_below_the_build_directory(self) -> None:
        self.assertEqual(Options.of({'ARCH': 'i386'}).work, BUILD / '6.12-i386')


class Flavours(unittest.TestCase):
    """What the switches on make's command line choose."""

    def label(self, **given: str) -> str:
        return Options.of(given).label

    def test_each_has_a_build_directory_of_its_own(self) -> None:
        switches = [flavour.switch.split('=') for flavour in FLAVOURS if flavour.switch]
        self.assertEqual([self.label(**{name: value}) for name, value in switches],
                         ['6.12-x86_64-debug', '6.12-x86_64-kcsan', '6.12-x86_64-faults', '6.12-x86_64-preempt',
                          '6.12-x86_64-up', '6.12-x86_64-vng'])

    def test_one_that_is_off_is_the_plain_kernel(self) -> None:
        self.assertEqual(self.label(DEBUG='0', KCSAN='', SMP='1'), '6.12-x86_64')

    def test_several_are_named_one_after_the_other(self) -> None:
        self.assertEqual(self.label(PREEMPT='1', KCSAN='1'), '6.12-x86_64-kcsan-preempt')

    def test_what_another_one_has_already_is_not_named_again(self) -> None:
        both, one = Options.of({'DEBUG': '1', 'FAULTS': '1'}), Options.of({'DEBUG': '1'})
        self.assertEqual((both.label, both.fragments), (one.label, one.fragments))
        self.assertIn('faults', one.fragments)

    def test_one_without_a_switch_is_for_a_command_to_choose(self) -> None:
        options = Options.of({'FAULTS': '1'})
        self.assertEqual((options.label, options.variables), ('6.12-x86_64-faults', []))
        counted = options.flavoured('coverage')
        self.assertEqual(counted.label, '6.12-x86_64-coverage')
        self.assertIn('GCOV_PROFILE_eventfd.o=y', counted.variables)
        self.assertEqual(options.label, '6.12-x86_64-faults')

    def test_one_that_excludes_an_option_says_which_and_why(self) -> None:
        odd = Flavour('odd', 'PREEMPT=1', ('preempt',), excludes={'ARCH=i386': 'it is odd'})
        with mock.patch('core.options.FLAVOURS', (odd,)), self.assertRaisesRegex(Refusal,
                                                                                 'PREEMPT=1 and ARCH=i386 .*: it is odd'):
            Options.of({'PREEMPT': '1', 'ARCH': 'i386'})

    def test_each_fragment_is_there(self) -> None:
        for flavour in FLAVOURS:
            for name in flavour.fragments:
                self.assertTrue((ROOT / f'scripts/config/{name}.config').is_file(), name)

    def test_the_guest_is_what_its_kernel_can_use(self) -> None:
        self.assertEqual([Options.of({}).cpus, Options.of({'SMP': '0'}).cpus], [2, 1])


class Environment(unittest.TestCase):
    """What compilers and other makes are told."""

    def test_nothing_but_what_is_passed_on_is_there(self) -> None:
        given = {**GOOD, 'MAKEFLAGS': 'T=Poll', 'MAKELEVEL': '1', 'MFLAGS': '-k', 'MAKEOVERRIDES': 'T=Poll'}
        with mock.patch.dict(os.environ, given):
            there = {name for name in given if name in processes.environment()}
        self.assertEqual(there, {option.name for option in OPTIONS if option.passed_on})
        self.assertEqual(there, {'ACCEL', 'BUILD'})

    def test_what_is_given_is_there(self) -> None:
        with mock.patch.dict(os.environ, ARCH='x86_64'):
            self.assertEqual(processes.environment(ARCH='arm64')['ARCH'], 'arm64')
        self.assertEqual(processes.environment()['LC_ALL'], 'C')


class Names(unittest.TestCase):
    """The one list, and those who go by it."""
    NAMES = {option.name for option in OPTIONS}

    def test_the_entry_alone_looks_at_the_words_of_its_call(self) -> None:
        bare = 'sys.' + 'argv'
        self.assertEqual([str(path.relative_to(ROOT)) for path in [ROOT / 'scripts/eventfd', *(ROOT / 'scripts').rglob('*.py')]
                          if bare in path.read_text()], ['scripts/eventfd'])

    def test_there_is_a_good_value_of_each_here(self) -> None:
        self.assertEqual(set(GOOD), self.NAMES)

    def test_what_is_a_letter_to_make_is_a_word_to_the_entry(self) -> None:
        self.assertEqual([(option.name, option.flag) for option in OPTIONS if option.flag != f'--{option.name.lower()}'],
                         [('V', '--reroll'), ('T', '--tests'), ('N', '--boots'), ('S', '--seconds')])

    def test_each_is_a_flag_and_a_variable_of_the_entry(self) -> None:
        for option in OPTIONS:
            if option.name == 'BUILD':
                continue    # see test_entry.py
            value = GOOD[option.name]
            words = [option.flag] if option.form == '1' else [option.flag, value]
            cases: list[tuple[list[str], dict[str, str]]] = [
                (words, {}), ([], {option.name: value}), (words, {option.name: 'not this'})]
            for given, env in cases:
                with self.subTest(name=option.name, given=given, env=env):
                    status, said = call_here('options', *given, **env, **ALONG.get(option.name, {}))
                    self.assertEqual(status, 0, said)
                    self.assertIn(f'{option.name}={value}\n', said)

    def test_each_is_taken_by_the_makefile_and_handed_on(self) -> None:
        """Without any other, as some exclude each other: by a target that shows nothing but what it was given."""
        status, said = make('help-all', *(f'{name}={value}' for name, value in GOOD.items()))
        self.assertEqual(status, 0, said)
        for option in OPTIONS:
            self.assertIn(f'  {option.name}={option.form} ', said)
            self.assertIn(option.text, said)

    def test_no_other_is_taken_by_the_makefile(self) -> None:
        status, said = make('help', 'KERNAL=6.12')
        self.assertRegex(said, r'^Makefile:\d+: \*\*\* unknown option KERNAL=: use KERNEL KDIR ')
        self.assertEqual((status, len(said.splitlines())), (2, 1))

    def test_the_pages_name_no_other(self) -> None:
        # Two of other makefiles.
        others = {'TARGETS', 'W'}
        for page in ('README.md', 'Documentation/dev-tools/eventfd.rst'):
            text = (ROOT / page).read_text()
            named = set(re.findall(r'\b(?<![-.\w])([A-Z][A-Z_]*)=', text)) - others
            self.assertGreater(len(named), 5, page)
            self.assertLessEqual(named, self.NAMES, page)

    def test_the_pages_name_flags_that_there_are(self) -> None:
        flags = {option.flag for option in OPTIONS}
        pages = ''.join((ROOT / page).read_text() for page in ('README.md', 'Documentation/dev-tools/eventfd.rst'))
        calls = re.findall(r'scripts/eventfd [a-z-]+((?: --[a-z]+(?: [^-\s`"]+)?)+)', pages)
        self.assertNotEqual(calls, [])
        for words in calls:
            self.assertLessEqual(set(re.findall(r'--[a-z]+', words)), flags | {'--help'})
