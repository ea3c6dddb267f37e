# SPDX-License-Identifier: GPL-2.0
"""VNG=1: the configuration has what virtme-ng asks for of a kernel, but for what is left out with the reason."""
import importlib
import pathlib
import sys
import unittest

from core.options import Options
from guest import kernels

RECORDED = pathlib.Path(__file__).parent / 'recorded/virtme-ng.config'
# Where Debian has it; it is no package of this Python's.
INSTALLED = '/usr/lib/python3/dist-packages'
LEFT_OUT = {
    'for a screen and a keyboard, which "vng -g" shows': (
        'VT', 'VGA_CONSOLE', 'FB', 'FB_VESA', 'FRAMEBUFFER_CONSOLE', 'INPUT', 'INPUT_KEYBOARD', 'KEYBOARD_ATKBD', 'SERIO'),
    'for a debugger, and makes the build twice as long': ('DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT',),
    'no kernel from 6.12 on has it': ('DAX_DRIVER',),
    'on by itself': ('VIRTIO',),
}
# Off in allnoconfig, where nothing asks for them.
OFF = ('UEVENT_HELPER', 'CMDLINE_OVERRIDE', 'MODULE_SIG_FORCE')


def asked(lines: list[str]) -> set[tuple[str, str]]:
    words = [line.split()[0].removeprefix('CONFIG_').partition('=') for line in lines if line.startswith('CONFIG_')]
    return {(name, value) for name, _, value in words}


def ours() -> dict[str, str]:
    """What our fragments say of each option, the last line for one winning."""
    found: dict[str, str] = {}
    for path in kernels.fragments(Options.of({'VNG': '1'})):
        found |= {name: value for line in path.read_text().splitlines()
                  for name, value in asked([line.replace('# CONFIG_', 'CONFIG_').replace(' is not set', '=n')])}
    return found


class Configuration(unittest.TestCase):
    def assert_has(self, wanted: set[tuple[str, str]]) -> None:
        have, left_out = ours(), {name for names in LEFT_OUT.values() for name in names}
        self.assertEqual({name for name, value in wanted if value == 'n' and have.get(name, 'n') != 'n'}, set())
        lacking = {name for name, value in wanted if value == 'y' and have.get(name) != 'y'}
        self.assertEqual(lacking, left_out)

    def test_it_has_what_the_recorded_version_asks_for(self) -> None:
        wanted = asked(RECORDED.read_text().splitlines())
        self.assertGreater(len(wanted), 60)
        self.assertEqual({name for name, value in wanted if value == 'n'}, set(OFF))
        self.assert_has(wanted)

    def test_and_what_the_one_that_is_here_asks_for(self) -> None:
        if not (pathlib.Path(INSTALLED) / 'virtme').is_dir():
            self.skipTest('no virtme-ng is here')
        sys.path.append(INSTALLED)
        self.addCleanup(sys.path.remove, INSTALLED)
        lists, machines = (importlib.import_module(name) for name in ('virtme.commands.configkernel', 'virtme.architectures'))
        self.assert_has(asked([*lists._GENERIC_CONFIG, *machines.get('x86_64').config_base()]))
