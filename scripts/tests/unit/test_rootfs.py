# SPDX-License-Identifier: GPL-2.0
"""When the suite counts as built: not if anything that it is made of has changed."""
import pathlib
import tempfile
import unittest
from unittest import mock

from core.options import Options
from core.places import SUITE
from guest import rootfs


class Inputs(unittest.TestCase):
    def setUp(self) -> None:
        self.tree = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.selftests = self.tree / 'tools/testing/selftests'
        for name in (f'{SUITE}/eventfd_poll.cpp', f'{SUITE}/support/tasks.h', 'lib.mk', 'kselftest/runner.sh'):
            self.write(self.selftests / name, 'one')
        self.write(self.tree / 'include/uapi/linux/eventfd.h', 'one')

    @staticmethod
    def write(path: pathlib.Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def inputs(self, **env: str) -> str:
        return rootfs.inputs(Options.of(env), self.tree)

    def test_are_the_same_while_nothing_changes(self) -> None:
        self.assertEqual(self.inputs(), self.inputs())

    def test_differ_with_each_file(self) -> None:
        for path in sorted(path for path in self.tree.rglob('*') if path.is_file()):
            with self.subTest(path=path.name):
                before = self.inputs()
                path.write_text('two')
                self.assertNotEqual(self.inputs(), before)

    def test_differ_with_a_new_file_and_without_an_old_one(self) -> None:
        before = self.inputs()
        new = self.selftests / SUITE / 'eventfd_new.cpp'
        new.write_text('')
        self.assertNotEqual(self.inputs(), before)
        new.unlink()
        self.assertEqual(self.inputs(), before)

    def test_differ_with_the_flags_and_the_kind_of_kernel(self) -> None:
        before = self.inputs()
        self.assertNotEqual(self.inputs(FAULTS='1'), before)
        with mock.patch.dict('os.environ', CXXFLAGS='-O0'):
            self.assertNotEqual(self.inputs(), before)
