# SPDX-License-Identifier: GPL-2.0
"""A Debian on our kernel: what the guest says of itself, when it does not hold, and which files the guest gets."""
import os
import pathlib
import tempfile
import unittest
from unittest import mock

from commands import distro
from core.options import Options
from core.report import Refusal
from guest import debian_root

GOOD = ['harness: started', 'harness: system running', 'harness: release 6.12.117', 'harness: multi-user.target active',
        'harness: seconds 19.53', 'harness: dmesg <4>[    0.1] something', 'harness: end']


class Verdicts(unittest.TestCase):
    def reasons(self, report: list[str], complaints: tuple[str, ...] = (), ended: str = '') -> list[str]:
        return list(distro.wrong(distro.System.of(report), complaints, ended))

    def test_one_that_holds(self) -> None:
        system = distro.System.of(GOOD)
        self.assertEqual(list(distro.wrong(system, (), '')), [])
        self.assertEqual((system.failed, system.errors), ([], ['<4>[    0.1] something']))

    def test_what_does_not_hold(self) -> None:
        degraded = [line.replace('running', 'degraded') for line in GOOD]
        failed = [*degraded[:-1], 'harness: failed-unit dbus.service loaded failed failed D-Bus', GOOD[-1]]
        for report, reasons in ((GOOD[:-1], ['the system did not come to its end']),
                                ([line.replace('active', 'inactive') for line in GOOD], ['multi-user.target is inactive']),
                                ([GOOD[0], GOOD[-1]], ['multi-user.target is not known', 'the system is in no state']),
                                (failed, ['the system is degraded', 'a unit failed: dbus.service loaded failed failed D-Bus'])):
            with self.subTest(reasons=reasons):
                self.assertEqual(self.reasons(report), reasons)
        self.assertEqual(self.reasons(GOOD, ('WARNING: x',)), ['the kernel complained: WARNING: x'])
        self.assertEqual(self.reasons(GOOD, ended='the suite was not done'), ['the suite was not done'])


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_all_that_a_guest_needs_and_no_more(self) -> None:
        for name in ('bin', 'usr/share/doc/x', 'dev', 'proc/1'):
            (self.root / name).mkdir(parents=True)
        for name in ('bin/true', 'bin/a b', 'usr/share/doc/x/README', 'dev/null'):
            (self.root / name).write_text('')
        (self.root / 'bin/true').chmod(0o4755)
        (self.root / 'bin/other').symlink_to('true')
        owner = f'{os.getuid()} {os.getgid()}'
        lines = list(debian_root.spec(self.root))
        self.assertIn(f'file /bin/true {self.root}/bin/true 4755 {owner}', lines)
        self.assertIn(f'slink /bin/other true 777 {owner}', lines)
        self.assertEqual([line.split()[1] for line in lines if line.startswith('dir')],
                         [name for name in (line.split()[1] for line in lines if line.startswith('dir'))
                          if not name.startswith(('/usr/share/doc/', '/proc/'))])
        self.assertTrue({'/dev', '/proc', '/usr/share/doc'} <= {line.split()[1] for line in lines})
        self.assertFalse([line for line in lines if 'README' in line or '/dev/null' in line or 'a b' in line])

    def test_ours_start_with_the_system(self) -> None:
        lines = list(debian_root.ours())
        self.assertIn('slink /init /sbin/init 777 0 0', lines)
        [report] = [line for line in lines if line.startswith('file /eventfd/report ')]
        self.assertTrue(report.endswith(' 755 0 0'))
        unit = (debian_root.OURS / 'etc/systemd/system/eventfd.service').read_text()
        self.assertIn('ExecStart=/eventfd/report\n', unit)

    def test_it_is_made_by_root(self) -> None:
        with mock.patch.object(debian_root, 'FOLDER', self.root), mock.patch.object(os, 'geteuid', return_value=1000), \
                self.assertRaisesRegex(Refusal, 'made by debootstrap, which has to be root: run this as root'):
            debian_root.made(Options.of({}))
