# SPDX-License-Identifier: GPL-2.0
"""The one entry, and the targets of the Makefile that call it."""
import ast
import pathlib
import re
import sys
import tempfile
import unittest

from core.command import Command
from core.options import OPTIONS
from core.places import ROOT
from tests.calls import ENTRY, Refusals, call, call_here, entry, make, nothing_asked, said_by

MAKEFILE = (ROOT / 'Makefile').read_text()
# {target: (its line of help, what it does)}
TARGETS = {name: (text.strip(), recipe) for name, text, recipe in
           re.findall(r'^([a-z-]+):[^\n#]*##([^\n]*)\n((?:\t[^\n]*\n)*)', MAKEFILE, re.M)}
# The entry, as a Python of another version would have it.
OTHERWISE = 'import runpy, sys; sys.version_info = {}; runpy.run_path({!r}, run_name="__main__")'
CALLING = {name: text for name, (text, recipe) in TARGETS.items() if re.search(r'scripts/eventfd \$@|\$\(call JOB,', recipe)}


def commands() -> dict[str, Command]:
    return {command.name: command for module in entry().MODULES for command in module.COMMANDS}


class WrongCalls(Refusals):
    def test_no_subcommand(self) -> None:
        self.assert_refused(call_here(), r'the following arguments are required: COMMAND')

    def test_an_unknown_subcommand(self) -> None:
        self.assert_refused(call_here('rum'), r"invalid choice: 'rum'")
        # And as users see it.
        self.assert_refused(call('rum'), r'"scripts/eventfd --help" says what there is')

    def test_an_unknown_word(self) -> None:
        for name, command in commands().items():
            taken = [argument for argument in command.arguments if argument.nargs != '?' or argument.choices]
            if not any(argument.nargs in ('*', '+') for argument in taken):
                words = ['one'] * len([argument for argument in command.arguments if argument.nargs is None])
                words += [argument.choices[0] if argument.choices else 'one' for argument in command.arguments
                          if argument.nargs == '?']
                with self.subTest(name=name):
                    self.assert_refused(call_here(name, *words, 'nonsense'), 'unrecognized arguments: nonsense')

    def test_a_word_that_is_none_of_those_which_a_subcommand_takes(self) -> None:
        choosy = [(name, argument) for name, command in commands().items() for argument in command.arguments
                  if argument.choices]
        self.assertIn('check', [name for name, _ in choosy])
        for name, argument in choosy:
            with self.subTest(name=name):
                taken = ', '.join(argument.choices or ())
                self.assert_refused(call_here(name, 'nonsense'),
                                    f'scripts/eventfd {name} does not know "nonsense": it takes {taken}')

    def test_an_unknown_option(self) -> None:
        for name in commands():
            words = ['one' for argument in commands()[name].arguments if argument.nargs in (None, '+')]
            with self.subTest(name=name):
                self.assert_refused(call_here(name, *words, '--kernal'), 'unrecognized arguments: --kernal')

    def test_an_option_that_is_cut_short(self) -> None:
        self.assert_refused(call_here('run', '--kern', '7.3'), 'unrecognized arguments: --kern')

    def test_an_option_without_its_value(self) -> None:
        self.assert_refused(call_here('run', '--kernel'), 'argument --kernel: expected one argument')

    def test_a_value_that_cannot_be_had(self) -> None:
        self.assert_refused(call_here('run', '--arch', 'vax'), 'ARCH=vax is not known here')
        self.assert_refused(call_here('run', ARCH='vax'), 'ARCH=vax is not known here')

    def test_a_file_that_is_none(self) -> None:
        for name in ('verdict', 'junit'):
            self.assert_refused(call_here(name, '/nowhere', '/nowhere', 'eventfd_poll'), '/nowhere is no file: name the two')
        self.assert_refused(call_here('litmus', '/nowhere'), '/nowhere is no litmus test')

    def test_a_job_that_needs_an_option(self) -> None:
        self.assert_refused(call_here('test'), 'make test needs T=PATTERN')
        self.assert_refused(call_here('run', '--tests', 'Poll'), 'make run runs all tests: say make test T=Poll')
        self.assert_refused(call_here('apply'), 'make apply needs KDIR=PATH')

    def test_an_option_that_would_change_what_is_measured(self) -> None:
        for job in ('bench', 'mutants', 'coverage', 'series-check', 'check', 'stress'):
            self.assert_refused(call_here(job, SMALL='1'), f'SMALL=1 is not for scripts/eventfd {job}: leave it out')

    def test_what_matches_nothing(self) -> None:
        self.assert_refused(call_here('mutants', '--tests', 'nonsense'), 'T=nonsense matches no mutant')
        self.assert_refused(call_here('mutants', 'nonsense'), 'there is no mutant nonsense')
        self.assert_refused(call_here('kunit', '--tests', 'nonsense'),
                            'T=nonsense matches no case of fs/tests/eventfd_kunit.c')
        self.assert_refused(call_here('matrix', 'nonsense'), '"nonsense" is no row')

    def test_a_job_that_is_not_for_the_machine(self) -> None:
        for what, *words in (('make bench', 'bench'), ('make bench', 'bench-asm'), ('make check-host', 'conformance'),
                             ('make check', 'check', 'bench'), ('scripts/eventfd samples', 'samples')):
            with self.subTest(words=words):
                self.assert_refused(call_here(*words, ARCH='s390x'), f'{what} is not for ARCH=s390x, only for x86_64, i386: ')

    def test_an_accelerator_that_is_not_for_the_machine(self) -> None:
        self.assert_refused(call_here('run', '--arch', 'arm64', '--accel', 'kvm'),
                            'ACCEL=kvm: this processor cannot run a guest of arm64')

    def test_a_switch_that_excludes_the_kernel_of_make_stress(self) -> None:
        self.assert_refused(call_here('stress', '--kcsan'), 'KCSAN=1 and DEBUG=1 exclude each other: ')


class OldPython(Refusals):
    def test_is_refused_before_a_module_is_loaded_that_it_cannot_load(self) -> None:
        for version, refused in (((3, 9, 2), True), ((3, 10, 0), False)):
            with self.subTest(version=version):
                said = said_by([sys.executable, '-c', OTHERWISE.format(version, str(ENTRY)), 'options'], nothing_asked())
                if refused:
                    self.assert_refused(said, 'this needs Python 3.10 or later, and this is 3.9: put a newer one first in PATH')
                else:
                    self.assertEqual(said[0], 0, said[1])

    def test_can_read_the_entry(self) -> None:
        ast.parse(ENTRY.read_text(), feature_version=(3, 7))


class Help(unittest.TestCase):
    def test_each_subcommand_has_some(self) -> None:
        for name, command in commands().items():
            with self.subTest(name=name):
                status, said = call_here(name, '--help')
                self.assertEqual(status, 0, said)
                self.assertTrue(said.startswith(f'usage: scripts/eventfd {name} '), said)
                self.assertIn(command.text[:40], said)
                self.assertIn('--kernel', said)

    def test_the_entry_has_some_with_each_subcommand(self) -> None:
        status, said = call_here('--help')
        self.assertEqual(status, 0)
        for name in commands():
            self.assertRegex(said, rf'(?m)^ +{name}\b')

    def test_each_module_says_what_it_is_for(self) -> None:
        for module in entry().MODULES:
            self.assertTrue(module.__doc__, module.__name__)


class Targets(unittest.TestCase):
    maxDiff = None

    def test_each_that_calls_the_entry_is_a_subcommand_with_the_same_help(self) -> None:
        self.assertGreater(len(CALLING), 20)
        self.assertEqual(CALLING, {name: command.text for name, command in commands().items() if name in CALLING})

    def test_each_has_a_line_of_make_help(self) -> None:
        status, said = make('help-all')
        self.assertEqual(status, 0, said)
        for name, (text, _) in TARGETS.items():
            self.assertIn(f'  make {name:<20} {text}\n', said)

    def test_make_help_is_no_more_than_a_screen(self) -> None:
        for call_, columns, lines in (('help', 79, 23), ('help-all', 100, len(TARGETS) + len(OPTIONS) + 2)):
            with self.subTest(call=call_):
                said = make(call_)[1].splitlines()
                self.assertEqual([line for line in said if len(line) > columns], [])
                self.assertLessEqual(len(said), lines)
                self.assertIn('run', ' '.join(said))

    def test_one_that_does_not_exist(self) -> None:
        status, said = make('rum')
        self.assertIn("No rule to make target 'rum'", said)
        self.assertEqual(status, 2)

    def test_what_each_has_the_doctor_look_for_is_known_to_it(self) -> None:
        kinds = set(re.findall(r'\$\(call JOB,([\w-]+)\)', MAKEFILE))
        self.assertLessEqual({'run', 'series-check'}, kinds)
        _, said = said_by([ROOT / 'scripts/doctor', 'nonsense'], {})
        known = re.findall(r'[\w-]+', said.partition('it takes ')[2])
        self.assertLessEqual(kinds, set(known))


class Build(unittest.TestCase):
    """Where to build is what modules go by as soon as they are loaded."""

    def test_is_where_it_is_said_to_be(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            cases: list[tuple[str, list[str], dict[str, str]]] = [
                ('one', [f'--build={folder}/one'], {}), ('two', ['--build', f'{folder}/two'], {'BUILD': '/nowhere/at/all'})]
            for name, words, env in cases:
                with self.subTest(name=name):
                    status, said = call('boot', *words, **env)
                    self.assertEqual((status, said), (2, 'error: nothing is built for 6.12-x86_64: "make run" builds it\n'))
                    self.assertTrue((folder / name / 'lock').exists())
