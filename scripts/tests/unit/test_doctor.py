# SPDX-License-Identifier: GPL-2.0
"""What scripts/doctor misses on a machine with few programs, what it says of that, and what it does not install."""
import pathlib
import re
import shutil
import tempfile

from core.machines import ARCHES
from core.places import ROOT
from guest import rootfs
from tests.calls import Refusals, Said, few_programs, said_by

DOCTOR = ROOT / 'scripts/doctor'
# What it calls itself.
OWN = ('sh', 'awk', 'cat', 'df', 'dirname', 'find', 'grep', 'head', 'id', 'nproc', 'uname')
FOREIGN = {'i386': {'g++-i686-linux-gnu', 'gcc-i686-linux-gnu'},
           'arm64': {'g++-aarch64-linux-gnu', 'gcc-aarch64-linux-gnu', 'qemu-system-arm'},
           's390x': {'g++-s390x-linux-gnu', 'gcc-s390x-linux-gnu', 'qemu-system-s390x'}}


class Machine(Refusals):
    """One with few programs."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.build = self.folder / 'build'
        self.tools = few_programs(self.folder / 'bin', *OWN)

    def says(self, *words: str, **env: str) -> Said:
        return said_by([DOCTOR, *words], {'PATH': self.tools, 'BUILD': str(self.build), 'PYTHONDONTWRITEBYTECODE': '1', **env})

    def add(self, name: str, text: str) -> None:
        (self.folder / 'bin' / name).write_text(f'#!/bin/sh\n{text}\n')
        (self.folder / 'bin' / name).chmod(0o755)

    def listed(self, *words: str, **env: str) -> set[str]:
        """What is wanted, there or not."""
        status, said = self.says('--list', *words, **env)
        self.assertEqual(status, 0, said)
        return {line.split()[0] for line in said.splitlines()}

    def missing(self, *words: str, **env: str) -> set[str]:
        status, said = self.says(*words, **env)
        self.assertEqual(status, 1, said)
        [line] = [line for line in said.splitlines() if line.startswith('missing: ')]
        return set(line.split()[1:])


class Doctor(Machine):
    def test_a_word_that_it_does_not_know(self) -> None:
        self.assert_refused(self.says('nonsense'), 'scripts/doctor does not know "nonsense": it takes --install, --list, and one of: run ')

    def test_a_machine_that_it_never_ran_on_is_refused_by_what_builds_for_one(self) -> None:
        (self.folder / 'bin/uname').unlink()
        self.add('uname', 'echo aarch64')
        for what in ('run', 'check', 'host', 'kunit'):
            self.assert_refused(self.says(what), 'this is no x86_64 but aarch64, on which the harness has never run: use one')
            self.assert_refused(self.says('--install', what), 'this is no x86_64 but aarch64')
        for what in ('apply', 'unit', 'litmus'):
            self.assertNotIn('aarch64', self.says(what)[1])

    def test_the_command_that_gets_what_is_missing_is_named(self) -> None:
        self.add('apt-get', 'exit 0')
        status, said = self.says()
        self.assertRegex(said, r'get it with: .*apt-get install -y --no-install-recommends .*\bflex\b')
        self.assertEqual(status, 1)
        for line in ('kernel: ', 'disk: ', 'time: ', 'accelerator: '):
            self.assertRegex(said, rf'(?m)^{line}')

    def test_the_packages_are_those_of_the_machine_that_is_asked_for_and_of_no_other(self) -> None:
        ours = self.missing('run', ARCH='x86_64')
        self.assertLessEqual({'qemu-system-x86', 'flex', 'coccinelle'}, ours)
        for name, packages in FOREIGN.items():
            with self.subTest(name=name):
                theirs = self.missing('run', ARCH=name)
                self.assertFalse(ours & packages)
                self.assertLessEqual(theirs - ours - {'qemu-user'}, packages)
                self.assertLessEqual(packages, theirs)

    def test_every_machine_is_known(self) -> None:
        self.assertEqual(set(ARCHES) - {'x86_64'}, set(FOREIGN))

    def test_a_job_needs_what_it_needs(self) -> None:
        needs = {what: self.missing(what) for what in ('host', 'run', 'coverage', 'bench', 'series-check', 'dist', 'check')}
        self.assertLess(needs['host'], needs['run'])
        for what, more in (('coverage', {'lcov'}), ('bench', {'gnuplot-nox'}), ('series-check', {'git', 'sparse'}),
                           ('dist', {'git', 'python3-sphinx'}),
                           ('check', {'shellcheck', 'sparse', 'spin', 'python3-sphinx'})):
            with self.subTest(what=what):
                self.assertLess(needs['run'], needs[what])
                self.assertLessEqual(more, needs[what])
        # The harness's own tests need little, and no kernel; others need no guest.
        for what in ('unit', 'apply', 'docs', 'litmus', 'model', 'others', 'releases', 'series'):
            self.assertFalse(self.missing(what) & {'flex', 'qemu-system-x86', 'busybox-static'}, what)
        self.assertEqual(self.listed('litmus'), {'python3', 'xz-utils'})
        # Without what gcc recommends, it has no header of C's.
        self.assertEqual(self.listed('model'), {'gcc', 'libc6-dev', 'python3', 'spin'})
        # Of the conformance program there is one for each machine.
        self.assertEqual(self.listed('others'), self.listed('host') | {*FOREIGN['i386'], *FOREIGN['s390x'], 'qemu-user'}
                         - {'qemu-system-s390x'})

    def test_no_job_needs_what_another_one_is_for(self) -> None:
        needs = {what: self.listed(what) for what in ('run', 'bench-asm', 'check', 'docs', 'harness', 'kunit', 'static')}
        guest = {'qemu-system-x86'}
        self.assertEqual(needs['bench-asm'], needs['run'] - guest)
        self.assertEqual(needs['harness'] - needs['run'], {'file', 'util-linux'})
        self.assertEqual(needs['static'] - needs['run'] - needs['docs'],
                         {'clang-format', 'mypy', 'pyflakes3', 'shellcheck', 'sparse'})
        self.assertEqual(needs['run'] - needs['static'], {*guest, 'busybox-static'})
        self.assertEqual(needs['run'] - needs['kunit'],
                         {*guest, 'busybox-static', 'g++', 'libelf-dev', 'libgmock-dev', 'libgtest-dev', 'liburing-dev'})
        self.assertLess(needs['kunit'], needs['run'])
        # For a machine that is named it boots.
        self.assertEqual(self.listed('kunit', ARCH='x86_64') - needs['kunit'], {*guest, 'libelf-dev'})
        for what in needs:
            self.assertLessEqual(needs[what], needs['check'])

    def test_what_make_run_needs_of_what_is_missing_for_make_check_is_said(self) -> None:
        status, said = self.says('check')
        self.assertEqual(status, 1)
        [line] = re.findall(r'^make run: +needs of these: (.*)$', said, re.M)
        self.assertEqual(set(line.split()), self.missing('run'))
        self.assertEqual(len(line.split()), len(self.missing('run')))
        self.assertLess(self.missing('run'), self.missing('check'))
        self.assertNotIn('make run:', self.says('run')[1])

    def test_where_make_run_has_all_that_it_needs_that_is_said(self) -> None:
        for line in self.says('--list', 'run')[1].splitlines():
            if ':' not in line:
                self.add(line.split()[1], 'exit 0')
        self.add('gcc', 'case $1 in -print-file-name=*) echo /bin/sh ;; *) cat >/dev/null ;; esac')
        self.add('find', 'echo library')
        self.add('busybox', 'exit 0')
        self.assertRegex(self.says('check')[1], r'(?m)^missing: .*\n^make run: +needs none of these$')

    def test_what_the_harness_refuses_is_said_beside_what_is_missing(self) -> None:
        """A Python that is too old for it is what this is for; it does not go away when something is installed."""
        self.add('python3', 'echo "error: this needs Python 3.10 or later, and this is 3.9: put"; exit 2')
        status, said = self.says('run')
        self.assertEqual(status, 1)
        self.assertRegex(said, r'(?m)^missing: .*\n(.*\n)+refused: +this needs Python 3\.10 or later, and this is 3\.9: put$')
        self.add('python3', 'exit 0')
        self.assertNotIn('refused:', self.says('run')[1])

    def test_a_python_that_cannot_load_the_harness_is_said_to_be_incomplete(self) -> None:
        self.add('python3', 'echo "Traceback:" >&2; echo "ModuleNotFoundError: No module named \'lzma\'" >&2; exit 1')
        why = "python3 cannot load the harness (ModuleNotFoundError: No module named 'lzma'): install all of it, Debian's package python3"
        self.assertIn(f'refused:      {why}\n', self.says('unit')[1])
        self.add('apt-get', 'exit 0')
        self.assertEqual(self.says('--install', 'unit'), (2, f'error: {why}\n'))

    def test_no_compiler_and_no_way_to_get_one(self) -> None:
        self.assert_refused(self.says('--install', 'run'), r'missing, and there is no apt-get to get it with: .*\bgcc;.* spatch;.* '
                            r'\(Debian.s packages for these are .*\bcoccinelle\b.*\)')
        status, said = self.says('run')
        self.assertEqual(status, 1)
        self.assertIn("these are names of Debian's packages, and there is no apt-get here; wanted are", said)
        [named] = re.findall(r'\n +(python3; .*\bg\+\+; .*\bspatch; .*)\n', said)
        self.assertEqual(len(named.split('; ')), len(set(named.split('; '))))

    def test_what_is_missing_is_installed_with_a_log(self) -> None:
        self.add('apt-get', 'echo "installed $*"')
        self.add('mkdir', '/bin/mkdir "$@"')
        self.add('id', 'echo 0')
        status, said = self.says('--install', 'unit')
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r'\Ainstalling from Debian: [^\n]*\bpython3\b[^\n]*\n\Z')
        self.assertRegex((self.build / 'install.log').read_text(),
                         r'installed install -y --no-install-recommends .*\bpython3\b')

    def test_where_that_fails_the_log_is_named(self) -> None:
        self.add('apt-get', 'echo "no network"; exit 1')
        self.add('mkdir', '/bin/mkdir "$@"')
        self.add('id', 'echo 0')
        status, said = self.says('--install', 'unit')
        self.assertEqual(status, 2, said)
        self.assertRegex(said, rf'error: this did not work: .*; the log is {self.build}/install.log\n\Z')
        self.assertIn('no network', (self.build / 'install.log').read_text())

    def test_a_name_server_that_answers_nothing_is_named_before_apt_waits_for_it(self) -> None:
        self.add('apt-get', 'case $1 in indextargets) echo http://mirror.invalid/debian ;; *) echo installed ;; esac')
        self.add('id', 'echo 0')
        for name in ('timeout', 'mkdir'):
            self.add(name, f'exec {shutil.which(name)} "$@"')
        for answer, proxy, refused in ((2, '', True), (0, '', False), (2, 'http://127.0.0.1:9', False)):
            with self.subTest(answer=answer, proxy=proxy):
                self.add('getent', f'exit {answer}')
                said = self.says('--install', 'unit', http_proxy=proxy)
                if refused:
                    self.assert_refused(said, "no name server knows mirror.invalid, Debian's mirror: see to the network; missing: .*python3")
                else:
                    self.assertRegex(said[1], r'\Ainstalling from Debian: [^\n]*\n\Z')

    def test_one_who_is_not_root_needs_sudo(self) -> None:
        self.add('apt-get', 'echo installed')
        self.add('id', 'echo 1000')
        self.assert_refused(self.says('--install', 'run'), 'missing: .*; run as root: apt-get install')
        self.assertRegex(self.says()[1], 'get it with:  sudo apt-get install ')

    def test_nothing_is_installed_for_a_call_that_is_wrong(self) -> None:
        self.add('apt-get', 'echo installed')
        few = few_programs(self.folder / 'python', 'python3')
        self.assert_refused(self.says('--install', 'run', PATH=f'{self.tools}:{few}', KCSAN='1', DEBUG='1'),
                            'KCSAN=1 and DEBUG=1 exclude each other: ')

    def test_make_hands_it_what_was_asked_for(self) -> None:
        """As a user meets it: a call of make, on a machine that lacks nearly all."""
        self.add('apt-get', 'echo installed')
        few = few_programs(self.folder / 'more', 'make', 'python3')
        status, said = said_by(['make', '-C', ROOT, '--no-print-directory', 'run', 'KERNEL=6.1'],
                               {'PATH': f'{self.tools}:{few}', 'BUILD': str(self.build), 'PYTHONDONTWRITEBYTECODE': '1'})
        lines = [line for line in said.splitlines() if not line.startswith('make: ***')]
        self.assertEqual((status, lines), (2, ['error: KERNEL=6.1 is too old: 6.12 is the oldest that fs/eventfd.c fits']))

    def test_what_is_there_is_not_spoken_of(self) -> None:
        missing = self.missing('unit')
        self.add('spatch', 'exit 0')
        self.assertEqual(missing - self.missing('unit'), {'coccinelle'})

    def test_too_little_memory_is_said(self) -> None:
        (self.folder / 'meminfo').write_text('MemTotal: 99 kB\nMemAvailable:    3000000 kB\n')
        files = {'MEMINFO': str(self.folder / 'meminfo'), 'LIMIT': str(self.folder / 'limit')}
        for limit, megabytes, enough in ((None, 3000, True), ('max', 3000, True), ('2147483648', 2097, True), ('1000000000', 976, False),
                                         ('9223372036854771712', 3000, True)):
            with self.subTest(limit=limit):
                if limit:
                    (self.folder / 'limit').write_text(f'{limit}\n')
                said = self.says('run', **files)[1]
                self.assertRegex(said, rf'(?m)^memory:       {megabytes} MB; the build and a run take up to \d+ MB$')
                self.assertEqual('too little: end what else runs' in said, not enough)

    def test_too_little_disk_is_said(self) -> None:
        self.add('df', 'printf "Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/x 9000000 0 1000000 90%% /\\n"')
        status, said = self.says('run')
        self.assertIn('disk:         1 GB free in ', said)
        self.assertIn('too little: make room, or use BUILD=DIR', said)
        self.assertEqual(status, 1)


class Elsewhere(Machine):
    """On a system of another family: what is missing is named as that has it, too."""

    # Its command, what it calls a package of Debian's, and what it is not known to have.
    FAMILIES = {'dnf': ('dnf install ', 'gcc-c++', ''), 'pacman': ('pacman -S ', 'python', 'coccinelle'),
                'zypper': ('zypper install ', 'qemu-x86', ''), 'apk': ('apk add ', 'qemu-system-x86_64', '')}

    def test_packages_are_named_as_the_family_has_them(self) -> None:
        for name, (words, package, unknown) in self.FAMILIES.items():
            with self.subTest(name=name):
                self.add(name, 'exit 1')
                (status, said), refused = self.says('run'), self.says('--install', 'run')
                (self.folder / 'bin' / name).unlink()
                self.assertEqual(status, 1)
                [line] = [line.strip() for line in said.splitlines() if 'get them with: ' in line]
                call, _, rest = line.removeprefix('get them with: ').partition('; ')
                self.assertRegex(call, rf'^(sudo )?{words}')
                self.assertIn(package, call.split())
                self.assertEqual(rest, f'what Debian has as {unknown} is to be got otherwise' if unknown else '')
                # Nothing twice, although several of Debian's are one elsewhere.
                self.assertEqual(len(call.split()), len(set(call.split())))
                self.assert_refused(refused, rf'no apt-get to get it with: .*\(get them with: .*{words}')

    def test_a_family_that_is_not_known_is_told_of_programs_and_headers(self) -> None:
        _, said = self.says('run')
        for what in ('flex;', 'the archive libc.a;', 'a static busybox;'):
            self.assertIn(f' {what}', said)
        self.assertNotIn('get them with', said)

    def test_the_list_has_what_make_check_needs_and_names_for_what_make_run_needs(self) -> None:
        rows = [line.split('\t') for line in (ROOT / 'scripts/packages').read_text().splitlines() if not line.startswith('#')]
        self.assertEqual({len(row) for row in rows}, {1 + len(self.FAMILIES)})
        names = [row[0] for row in rows]
        self.assertEqual(names, sorted(set(names)))
        self.add('apt-get', 'exit 0')
        self.assertEqual(set(names), self.listed('check'))
        # Of what make check needs beside these, not all is known by a name.
        needed = set[str]().union(*(self.listed(job) for job in ('run', 'host', 'unit', 'apply')))
        for row in rows:
            if row[0] in needed:
                self.assertLessEqual(row[1:].count('-'), 1, row[0])

    def test_debians_kernel_needs_apt(self) -> None:
        self.assertIn("Debian's linux-source-6.12, which needs apt-get: name a tree, or a tarball of one, with KDIR=PATH",
                      self.says('run')[1])
        self.assertIn('kernel:       /nowhere', self.says('run', KDIR='/nowhere')[1])
        for job in ('host', 'litmus'):
            self.assertIn('linux-source-6.12, which needs apt-get', self.says(job)[1])
        self.add('apt-get', 'exit 0')
        self.assertIn('linux-source-6.12, to be downloaded', self.says('run')[1])

    def test_where_the_shell_goes_by_cdpath_the_project_is_found(self) -> None:
        env = {'PATH': self.tools, 'BUILD': str(self.build), 'PYTHONDONTWRITEBYTECODE': '1'}
        self.add('python3', '[ -e "$1" ]')
        said = said_by(['sh', '-c', f'cd {ROOT}; export CDPATH=.:/tmp; exec sh scripts/doctor run'], env)[1]
        self.assertIn('missing:', said)
        self.assertNotIn('refused:', said)

    def test_a_static_busybox_may_have_another_name(self) -> None:
        for name in rootfs.BUSYBOXES:
            with self.subTest(name=name):
                self.add(name, 'exit 0')
                static = self.missing('run')
                self.add(name, '# /lib/ld-musl-x86_64.so.1')
                dynamic = self.missing('run')
                (self.folder / 'bin' / name).unlink()
                self.assertEqual(dynamic - static, {'busybox-static'})
