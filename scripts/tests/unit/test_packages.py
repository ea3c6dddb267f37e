# SPDX-License-Identifier: GPL-2.0
"""The packages of the harness: each knows those before it, and none of those that come after."""
import ast
import pathlib
import unittest

from core.places import SCRIPTS

# From the ground up.
PACKAGES = ('core', 'source', 'guest', 'checks', 'commands')
MODULES = [path for package in PACKAGES for path in sorted((SCRIPTS / package).glob('*.py'))]


def imported(text: str) -> set[str]:
    """The packages of ours that a module's text imports from, at its top or anywhere else."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, 'packages are named'
            names.append(node.module or '')
    return {name.partition('.')[0] for name in names} & {*PACKAGES, 'tests'}


def upwards(package: str, text: str) -> set[str]:
    """What is imported that stands above."""
    return imported(text) - set(PACKAGES[:PACKAGES.index(package) + 1])


class Imports(unittest.TestCase):
    def test_each_module_goes_down_only(self) -> None:
        self.assertGreater(len(MODULES), 30)
        for path in MODULES:
            with self.subTest(path=f'{path.parent.name}/{path.name}'):
                self.assertEqual(upwards(path.parent.name, path.read_text()), set())

    def test_there_is_no_other_place_for_modules(self) -> None:
        found = {path.relative_to(SCRIPTS).parts[0] for path in SCRIPTS.rglob('*.py')}
        self.assertEqual(found, {*PACKAGES, 'tests'})

    def test_one_that_goes_up_is_seen_wherever_it_stands(self) -> None:
        for text in ('import guest.qemu', 'from guest import qemu', 'from guest.qemu import boot as start',
                     'def main():\n    from guest import qemu\n'):
            with self.subTest(text=text):
                self.assertEqual(upwards('source', text), {'guest'})
                self.assertEqual(upwards('guest', text), set())


class Files(unittest.TestCase):
    def test_each_module_says_what_it_is_for(self) -> None:
        for path in MODULES:
            with self.subTest(path=path):
                self.assertTrue(ast.get_docstring(ast.parse(path.read_text())))

    def test_tests_are_found(self) -> None:
        """unittest takes files of these names below its folders, and no others."""
        for kind in ('unit', 'boot'):
            folder = pathlib.Path(SCRIPTS / 'tests' / kind)
            self.assertEqual([path.name for path in folder.glob('*.py') if not path.name.startswith(('test_', '__init__'))],
                             [])
            self.assertNotEqual(list(folder.glob('test_*.py')), [])
