# SPDX-License-Identifier: GPL-2.0
"""What a job starts, as it was recorded, is of a package that scripts/doctor wants for it; and what it wants is of use."""
import os
import re
import unittest
from unittest import mock

from core.places import ROOT, SCRIPTS
from tests import started

# Not from nothing in less than an hour, or in a root file system of its own.
NOT_RECORDED = ('bench', 'bench-asm', 'check', 'coverage', 'dist', 'distro', 'harness', 'kunit', 'model', 'others', 'programs',
                'releases', 'series-check', 'static', 'tarballs')
# Used where they are there, and not missed; the last two by apt itself.
OPTIONAL = {'git', 'ccache', 'appstream', 'gpgconf'}
# Tests among the unit tests that need these are left out without.
SKIPPED = {'gcc-12', 'cpp-12', 'binutils', 'spin'}
# Probes for what is not started: whether it is opened was recorded for make run alone.
OPENED = ('header:', 'archive:', 'library:')
# What a job wants and did not start as it was recorded: why it does.
UNSEEN = {'xz-utils': "unpacks Debian's kernel, which was unpacked already",
          'rsync': "copies a tree of the user's, and what has changed in it"}
# What one of the programs needs.
CALLED_BY = {'libmailtools-perl': 'git send-email', 'pkg-config': 'meson'}


class Started(unittest.TestCase):
    def setUp(self) -> None:
        # Without patches that were made already.
        self.enterContext(mock.patch.dict(os.environ, BUILD='/nowhere', ARCH='x86_64'))
        self.recorded = started.rows(started.RECORDED.read_text())

    def test_each_job_was_recorded_or_is_named(self) -> None:
        [known] = re.findall(r'^known="([^"]*)"$', (SCRIPTS / 'doctor').read_text(), re.M)
        self.assertEqual(sorted([*self.recorded, *NOT_RECORDED]), sorted(known.replace('\\\n', '').split()))

    def test_each_program_is_of_a_package_that_is_wanted(self) -> None:
        for job, programs in self.recorded.items():
            with self.subTest(job=job):
                self.assertGreater(len(programs), 5)
                self.assertEqual(set(programs.values()) - {*started.listed(job), started.BASE, *OPTIONAL}
                                 - (SKIPPED if job == 'unit' else set()), set())

    def test_each_package_that_is_wanted_was_of_use(self) -> None:
        for job, programs in self.recorded.items():
            with self.subTest(job=job):
                # Of what every Debian has, some is a program of the list.
                unused = {package for package, probes in started.listed(job).items()
                          if package not in programs.values() and not set(probes) & set(programs)
                          and not (probes[0].startswith(OPENED) and package in self.recorded['run'].values())}
                self.assertEqual(unused - set(UNSEEN), set())

    def test_what_a_job_that_was_not_recorded_wants_beyond_make_run_is_called_somewhere(self) -> None:
        text = ''.join(path.read_text() for folder in ('core', 'source', 'guest', 'checks', 'commands')
                       for path in (SCRIPTS / folder).glob('*.py')) + (ROOT / 'Makefile').read_text()
        run = set(started.listed('run'))
        for job in NOT_RECORDED:
            for package, probes in started.listed(job).items():
                for name in (probe for probe in probes if package not in {*run, *CALLED_BY} and not probe.startswith(OPENED)):
                    # Another machine's compiler, or its emulator, is called by that machine's name.
                    called = re.sub(r'-(?:gcc|g\+\+)$|^qemu-(?=s390x$)', '', name.split(':')[-1])
                    self.assertTrue(re.search(rf'''['" /-]{re.escape(called)}['" ,-]''', text), f'{job} calls no {name}')
