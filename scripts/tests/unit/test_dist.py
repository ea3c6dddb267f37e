# SPDX-License-Identifier: GPL-2.0
"""The archive for those who do not build: what its script refuses, and that the same files make the same bits."""
import io
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import unittest
from unittest import mock

from commands import dist
from core import places
from core.options import Options
from core.places import SCRIPTS
from core.report import Broken
from guest import rootfs
from tests.calls import Refusals, Said, call_here, few_programs, said_by, wait_until

# What the script calls, but for QEMU, strace and timeout; busybox has them all but ldd.
TOOLS = ('cat', 'cp', 'date', 'dirname', 'find', 'grep', 'head', 'mktemp', 'readlink', 'rm', 'sed', 'sleep', 'sort', 'tail',
         'tr')
# What a guest does that says something line by line: it waits for a file that whoever reads the first line makes.
WAITS = '''echo "harness: started"
echo first
tries=0
until [ -e "$HERE/read" ]; do
	[ $tries -lt 100 ] || { echo "nobody has read it"; break; }
	sleep 0.1
	tries=$((tries + 1))
done
echo second'''
# As the guest's init prints it.
SUITE = ['harness: release 6.12.117', 'harness: started 0.99', 'TAP version 13', '1..1', '# 1..2', '# ok 1 Good.Test',
         '# ok 2 More.Test', '# # Totals: pass:2 fail:0', 'ok 1 selftests: filesystems/eventfd: probe', 'harness: end']


class Script(Refusals):
    """./try, up to where it would boot."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tools = few_programs(self.folder / 'bin', 'sh', 'ldd', 'timeout', *TOOLS)
        (self.folder / 'boot').mkdir()
        for name in ('bzImage', 'initramfs.cpio'):
            (self.folder / 'boot' / name).write_text(name)
        self.program('gen_init_cpio', f'cp "$1" {self.folder}/list', self.folder / 'boot')
        # QEMU writes down its words, and the guest says on its console that the program ended with 7.
        self.guest(f'cp {self.folder}/words /dev/stderr', 'harness: try 7')
        script = self.folder / 'try'
        script.write_bytes(dist.guest_script(Options.of({})))
        script.chmod(0o755)

    def program(self, name: str, text: str, folder: pathlib.Path | None = None) -> None:
        path = (folder or self.folder / 'bin') / name
        path.write_text(f'#!/bin/sh\n{text}\n')
        path.chmod(0o755)

    def guest(self, text: str, console: str = '') -> None:
        """QEMU does this, with standard output for the guest's report, and the guest says that on its console."""
        self.program('qemu-system-x86_64', f'HERE={self.folder}\necho "$*" >$HERE/words\n'
                     f'for word; do case $word in *path=*console) echo "{console}" >"${{word##*path=}}" ;; esac; done\n{text}')

    def reports(self, *lines: str) -> None:
        """The guest reports these."""
        (self.folder / 'reported').write_text(''.join(f'{line}\r\n' for line in lines))
        self.guest('cat $HERE/reported')

    def says(self, *words: str, **env: str) -> Said:
        return said_by([self.folder / 'try', *words], {'PATH': self.tools, 'HOME': '/nowhere', **env})

    def test_every_place_is_filled_in_and_none_is_of_this_machine(self) -> None:
        text = dist.guest_script(Options.of({})).decode()
        self.assertEqual(re.findall(r'@[A-Z]+@', text), [])
        self.assertEqual(re.findall(r'tsc_early_khz=(\S+)', text), ["""'"$clock"'"""])
        self.assertIn('-accel kvm', text)

    def test_a_script_that_has_lost_a_place_is_said_to_have(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(dist, 'PARTS', pathlib.Path(folder)):
            (pathlib.Path(folder) / 'try').write_text('#!/bin/sh\n')
            with self.assertRaisesRegex(Broken, 'try has no @'):
                dist.guest_script(Options.of({}))

    def test_the_status_is_that_of_the_program(self) -> None:
        self.program('mine', 'exit 7')
        status, said = self.says(str(self.folder / 'bin/mine'), 'a b', "it's")
        self.assertEqual(status, 7, said)
        listed = (self.folder / 'list').read_text().splitlines()
        self.assertIn(f'file {self.folder}/bin/mine {self.folder}/bin/mine 755 0 0', listed)
        self.assertIn(f'dir {self.folder}/bin 755 0 0', listed)
        # The interpreter of a script, and its loader.
        self.assertTrue([line for line in listed if line.startswith('file /bin/sh ')], listed)
        self.assertTrue([line for line in listed if '/ld-linux' in line or '/libc.so' in line], listed)
        # What is a folder comes before what is in it.
        kinds = [line.split()[0] for line in listed]
        self.assertEqual(kinds, sorted(kinds))
        self.assertRegex((self.folder / 'words').read_text(), r'-m 1G .* tsc_early_khz=\d+000 ')

    def test_files_and_folders_come_along(self) -> None:
        (self.folder / 'data/deep').mkdir(parents=True)
        (self.folder / 'data/deep/one').write_text('1')
        self.program('mine', 'exit 7')
        self.assertEqual(self.says(str(self.folder / 'bin/mine'), WITH=str(self.folder / 'data'), MEM='2G', CPUS='4')[0], 7)
        self.assertIn(f'file {self.folder}/data/deep/one {self.folder}/data/deep/one 644 0 0',
                      (self.folder / 'list').read_text().splitlines())
        self.assertIn('-smp 4,sockets=4 -m 2G', (self.folder / 'words').read_text())

    def test_bad_input_is_refused_in_a_line(self) -> None:
        (self.folder / 'bin/no').write_bytes(b'\x7fELF')
        refused: list[tuple[list[str], dict[str, str], str]] = [
                (['/nowhere/mine'], {}, '/nowhere/mine: there is no such program'),
                (['sh'], {'CPUS': 'x'}, 'CPUS=x is no number of processors'), (['sh'], {'MEM': '5'}, 'MEM=5 is no size'),
                (['sh'], {'S': '0'}, 'S=0 is no number of seconds'), (['sh'], {'ACCEL': 'hvf'}, 'ACCEL=hvf is not known: use tcg or kvm'),
                (['sh'], {'WITH': '/nowhere'}, 'WITH=/nowhere: there is no such file or folder'),
                (['sh'], {'STRACE': 'yes'}, 'STRACE=yes is not known: use STRACE=1, or leave it out'),
                (['sh'], {'STRACE': '1'}, 'STRACE=1 needs strace, and it is not installed: it is in the package strace'),
                ([], {'STRACE': '1'}, 'STRACE=1 shows the calls of a program, and none is named')]
        for words, env, pattern in refused:
            with self.subTest(words=words, env=env):
                self.assert_refused(self.says(*words, **env), pattern)

    def test_without_qemu_or_a_part_of_the_archive(self) -> None:
        (self.folder / 'bin/qemu-system-x86_64').unlink()
        self.assert_refused(self.says(), 'qemu-system-x86_64 is not installed: it is in the package')
        self.program('qemu-system-x86_64', 'exit 0')
        (self.folder / 'boot/bzImage').unlink()
        self.assert_refused(self.says(), 'boot/bzImage is missing: unpack the whole archive again')

    def test_a_qemu_that_does_not_start_is_asked_why(self) -> None:
        self.program('qemu-system-x86_64', 'echo "no such accelerator" >&2; exit 1')
        self.assert_refused(self.says(), 'QEMU did not start: no such accelerator')

    def test_the_calls_of_a_program_are_shown_where_that_is_asked_for(self) -> None:
        self.program('mine', 'exit 7')
        self.program('strace', 'exit 0')
        # The list has the path of what the guest runs, which goes when the script ends.
        self.program('gen_init_cpio', 'while read -r kind name path more; do case $name in /etc/try)\n'
                     f'cat "$path" >{self.folder}/run ;; esac; done <"$1"\ncp "$1" {self.folder}/list', self.folder / 'boot')
        program, strace = (f'{self.folder}/bin/{name}' for name in ('mine', 'strace'))
        for asked, run, traced in (('1', f"NO_COLOR=1 exec '{strace}' '-f' '-E' 'NO_COLOR' '{program}' 'a b'", True),
                                   ('0', f"exec '{program}' 'a b'", False), ('', f"exec '{program}' 'a b'", False)):
            with self.subTest(asked=asked):
                status, said = self.says(program, 'a b', STRACE=asked)
                self.assertEqual(status, 7, said)
                self.assertEqual((self.folder / 'run').read_text().splitlines()[-1].strip(), run)
                self.assertEqual(f'file {strace} {strace} 755 0 0' in (self.folder / 'list').read_text().splitlines(), traced)

    def read_a_line_at_a_time(self, command: list[str | pathlib.Path]) -> list[str]:
        """What the script says, where the guest waits for its first line to be read."""
        (self.folder / 'read').unlink(missing_ok=True)
        with subprocess.Popen(command, env={'PATH': self.tools}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True) as script:
            assert script.stdout
            lines = [script.stdout.readline()]
            (self.folder / 'read').touch()
            return [line.rstrip('\n') for line in (*lines, *script.stdout)]

    def test_output_comes_line_by_line_as_it_is_made(self) -> None:
        self.program('mine', 'exit 7')
        self.guest(WAITS, 'harness: try 7')
        self.assertEqual(self.read_a_line_at_a_time([self.folder / 'try', self.folder / 'bin/mine']), ['first', 'second'])

    def test_it_does_so_with_the_tools_of_busybox(self) -> None:
        busybox = shutil.which('busybox')
        if not busybox:
            self.skipTest('no busybox here')
        for name in ('sh', 'timeout', *TOOLS):
            self.program(name, f'exec {busybox} {name} "$@"')
        self.program('mine', 'exit 7')
        self.guest(WAITS, 'harness: try 7')
        command: list[str | pathlib.Path] = [busybox, 'sh', self.folder / 'try']
        self.assertEqual(self.read_a_line_at_a_time([*command, self.folder / 'bin/mine']), ['first', 'second'])
        self.reports(*SUITE)
        self.assertEqual(said_by(command, {'PATH': self.tools}), (0, '\n'.join((*SUITE[7:9], 'PASS: 2 passed, 0 failed', ''))))

    def test_what_a_program_prints_comes_as_it_is(self) -> None:
        self.program('mine', 'exit 7')
        self.guest("printf 'harness: started\\n  two  blanks \\\\ 100%%\\r\\n\\nok 1 of mine\\nno end'", 'harness: try 7')
        self.assertEqual(self.says(str(self.folder / 'bin/mine')), (7, '  two  blanks \\ 100%\n\nok 1 of mine\nno end\n'))

    def test_the_suite_passes_fails_or_runs_nothing(self) -> None:
        bad = [line.replace('# ok 2 ', '# not ok 2 ').replace('ok 1 selftests', 'not ok 1 selftests') for line in SUITE]
        died = [line.replace('ok 1 selftests', 'not ok 1 selftests') for line in SUITE]
        none = [line for line in SUITE if 'ok ' not in line]
        for lines, status, said in ((SUITE, 0, [*SUITE[7:9], 'PASS: 2 passed, 0 failed']),
                                    (bad, 1, [bad[6], *bad[7:9], 'FAIL: 1 passed, 1 failed in 1 programs']),
                                    (died, 1, [*died[7:9], 'FAIL: 2 passed, 0 failed in 1 programs']),
                                    (none, 1, [SUITE[7], 'FAIL: 0 passed, 0 failed in 0 programs'])):
            with self.subTest(said=said[-1]):
                self.reports(*lines)
                self.assertEqual(self.says(), (status, ''.join(f'{line}\n' for line in said)))

    def test_a_time_that_was_up_is_told_by_timeout(self) -> None:
        self.program('timeout', 'shift; "$@"; exit 124')
        self.reports(*SUITE[:5])
        self.assertEqual(self.says(S='7'), (4, 'the time was up: S=SECONDS gives it more than 7\n'))
        self.assertEqual(self.says('sh', S='7')[1].splitlines()[-1], 'the time was up: S=SECONDS gives it more than 7')
        self.reports()
        for what, *words in (('suite',), ('program', 'sh')):
            self.assertEqual(self.says(*words, S='7'),
                             (4, f'the time was up: the kernel did not reach the {what} in 27 s; S=SECONDS gives it more\n'))

    def test_or_by_the_clock_as_busyboxs_timeout_has_no_status_for_it(self) -> None:
        # Each look at the clock is 27 s after the one before.
        self.program('date', f'cat {self.folder}/now\necho $(($(cat {self.folder}/now) + 27)) >{self.folder}/later\n'
                     f'cp {self.folder}/later {self.folder}/now')
        (self.folder / 'now').write_text('1000')
        self.reports(*SUITE[:5])
        self.assertEqual(self.says(S='7'), (4, 'the time was up: S=SECONDS gives it more than 7\n'))
        self.assertRegex(self.says(S='8')[1], 'QEMU ended before the suite had')

    def test_a_qemu_that_ends_by_itself_is_asked_why(self) -> None:
        self.guest('echo "failed to initialize kvm" >&2; echo "more of it" >&2; exit 1')
        self.assert_refused(self.says(), 'QEMU ended before the suite had, with exit status 1: failed to initialize kvm')
        self.guest('echo "harness: started"; kill -9 $$')
        self.assert_refused(self.says('sh'), 'QEMU ended before the program had, with exit status 137')
        self.guest('echo "harness: started"')
        self.assert_refused(self.says('sh'), 'QEMU ended before the program had, with exit status 0(?!:)')

    def test_a_crash_is_found_among_bytes_that_are_no_text(self) -> None:
        (self.folder / 'console').write_bytes(b'\0\xff\nBUG: KASAN: use-after-free\n')
        (self.folder / 'reported').write_text(''.join(f'{line}\r\n' for line in SUITE))
        self.guest('for word; do case $word in *path=*console) cat $HERE/console >"${word##*path=}" ;; esac; done; cat $HERE/reported')
        status, said = self.says()
        self.assertEqual((status, said.splitlines()[-1]), (3, 'the kernel crashed or warned: BUG: KASAN: use-after-free'))

    def test_the_words_of_a_call_come_as_they_are(self) -> None:
        words = ['c\\c', 'a\\tb', "it's", 'two  blanks', '-n', 'x\n\n', '$HOME', '']
        self.program('mine', f'printf "%s\\0" "$@" >{self.folder}/words.of.it')
        # What the guest would run is run here.
        self.program('gen_init_cpio', f"cp $(sed -n 's,^file /etc/try \\([^ ]*\\) .*,\\1,p' $1) {self.folder}/script", self.folder / 'boot')
        self.says(str(self.folder / 'bin/mine'), *words)
        subprocess.run(['sh', self.folder / 'script'], check=True)
        self.assertEqual((self.folder / 'words.of.it').read_text().split('\0')[:-1], words)

    def test_a_program_whose_name_the_shell_has_itself_is_the_file_of_that_name(self) -> None:
        (self.folder / 'echo').touch()
        self.program('echo', 'exit 7')
        self.assertEqual(self.says('echo', 'hi')[0], 7)
        self.assertIn(f'file {self.folder}/bin/echo {self.folder}/bin/echo 755 0 0', (self.folder / 'list').read_text().splitlines())

    def test_what_a_first_line_has_env_look_for_comes_along(self) -> None:
        self.program('helper', 'exit 7')
        (self.folder / 'bin/mine').write_text('#!/usr/bin/env -S A=1 helper -u\n')
        (self.folder / 'bin/mine').chmod(0o755)
        self.assertEqual(self.says('mine')[0], 7)
        self.assertIn(f'file {self.folder}/bin/helper {self.folder}/bin/helper 755 0 0', (self.folder / 'list').read_text().splitlines())

    def test_a_first_line_that_leads_nowhere_is_refused(self) -> None:
        for line in (f'#!{self.folder}/bin/mine', '#!'):
            with self.subTest(line=line):
                (self.folder / 'bin/mine').write_text(f'{line}\n')
                (self.folder / 'bin/mine').chmod(0o755)
                self.assert_refused(self.says('mine'), 'bin/mine, or what it calls, names no interpreter in its first line')

    def test_a_signal_ends_it_at_once_and_the_guest_with_it(self) -> None:
        (self.folder / 'tmp').mkdir()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                pid = self.folder / 'pid'
                pid.unlink(missing_ok=True)
                self.guest('echo $$ >$HERE/new; mv $HERE/new $HERE/pid; exec sleep 300')
                # In a job of the background, where it is ignored, no shell can be told of an interrupt.
                call = ['env', '--default-signal=INT,TERM,HUP', str(self.folder / 'try'), 'sh']
                with subprocess.Popen(call, env={'PATH': f'{self.tools}:/usr/bin:/bin', 'TMPDIR': str(self.folder / 'tmp')},
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as script:
                    wait_until(lambda: pid.exists() or script.poll() is not None)
                    self.assertIsNone(script.poll())
                    script.send_signal(number)
                    self.assertEqual(script.wait(60), 128 + number)
                # It is gone, or about to go.
                wait_until(lambda: not pathlib.Path(f'/proc/{pid.read_text().strip()}').exists(), 10)
                self.assertEqual(list((self.folder / 'tmp').iterdir()), [])

    def test_a_signal_as_the_guest_begins_leaves_neither_it_nor_a_folder(self) -> None:
        place = self.folder / 'tmp'
        place.mkdir()
        self.guest('echo $$ >>$HERE/pids; exec sleep 300')
        for _ in range(40):
            call = ['env', '--default-signal=TERM', str(self.folder / 'try'), 'sh']
            with subprocess.Popen(call, env={'PATH': f'{self.tools}:/usr/bin:/bin', 'TMPDIR': str(place)},
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as script:
                # The last file before the guest.
                wait_until(lambda: bool(list(place.glob('*/initrd'))) or script.poll() is not None)
                script.send_signal(signal.SIGTERM)
                self.assertEqual(script.wait(60), 128 + signal.SIGTERM)
            self.assertEqual(list(place.iterdir()), [])
        pids = self.folder / 'pids'
        for pid in pids.read_text().split() if pids.exists() else ():
            wait_until(lambda: not pathlib.Path(f'/proc/{pid}').exists(), 10)

    def test_nothing_stays_behind(self) -> None:
        self.program('mine', 'exit 7')
        (self.folder / 'tmp').mkdir()
        self.says(str(self.folder / 'bin/mine'), TMPDIR=str(self.folder / 'tmp'))
        self.assertEqual(list((self.folder / 'tmp').iterdir()), [])


class Asked(Refusals):
    def test_another_kernel_than_the_plain_one_is_refused_before_anything_is_built(self) -> None:
        for words in (['--kernel', '7.3'], ['--debug'], ['--arch', 'i386'], ['--kdir', '/nowhere']):
            with self.subTest(words=words):
                self.assert_refused(call_here('dist', *words), 'make dist is of the plain kernel: leave out KERNEL, KDIR, ARCH')


class Readme(unittest.TestCase):
    def test_it_names_the_package_of_alpine_as_the_doctor_does(self) -> None:
        [packages] = [line.split('\t') for line in (SCRIPTS / 'packages').read_text().splitlines()
                      if line.startswith('qemu-system-x86\t')]
        text = ' '.join((dist.PARTS / 'README').read_text().split())
        self.assertIn(f'{packages[-1]} on Alpine', text)
        self.assertIn(f'{packages[0]} on Debian and Fedora', text)


class Made(unittest.TestCase):
    """make dist, with what it would build in the place of it."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(dist, 'BUILD', self.folder))
        self.enterContext(mock.patch.object(dist, 'contents', return_value={'small': (b'1', 0o644), 'large': (b'12345', 0o644)}))

    def test_one_that_is_larger_than_may_be_is_not_written(self) -> None:
        self.enterContext(mock.patch.object(dist, 'packed', return_value=b'x' * (dist.LARGEST + 1_000_000)))
        status, said = call_here('dist')
        self.assertEqual(status, 1, said)
        self.assertRegex(said.splitlines()[-1], r'^failed: .*/eventfd-.*\.tar\.xz would have 61\.0 MB, and 60 are the most: '
                         'the largest file in it is large$')
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_it_has_its_name_and_its_time_from_the_commit(self) -> None:
        commit = '0123456789abcdef0123456789abcdef01234567'
        for changed, name in (('', 'eventfd-0123456789ab'), (' M fs/eventfd.c\n', 'eventfd-0123456789ab-changed')):
            with mock.patch.object(dist, 'project_commit', return_value=(commit, 17)), \
                    mock.patch.object(dist, 'said_by_git', return_value=changed):
                self.assertEqual(call_here('dist')[0], 0)
            with tarfile.open(self.folder / f'{name}.tar.xz') as archive:
                self.assertEqual([(entry.name, entry.mtime) for entry in archive], [(f'{name}/large', 17), (f'{name}/small', 17)])

    def test_one_of_no_commit_is_called_unknown_and_says_so(self) -> None:
        with mock.patch.object(places, 'ROOT', self.folder):
            status, said = call_here('dist')
        self.assertEqual(status, 0, said)
        self.assertRegex(said.splitlines()[0], '^git does not say which commit .* is at: it is called "unknown"')
        with tarfile.open(self.folder / 'eventfd-unknown.tar.xz') as archive:
            self.assertEqual([entry.mtime for entry in archive], [0, 0])


class Bits(Refusals):
    """The same files make the same archive."""
    FILES = {'b': (b'text', 0o644), 'a': (b'program', 0o755)}

    def test_whatever_their_order_was(self) -> None:
        packed = dist.packed(self.FILES, 'name', 17)
        self.assertEqual(packed, dist.packed(dict(reversed(self.FILES.items())), 'name', 17))
        with tarfile.open(fileobj=io.BytesIO(packed), mode='r:xz') as archive:
            self.assertEqual([(entry.name, entry.mode, entry.mtime, entry.uid) for entry in archive],
                             [('name/a', 0o755, 17, 0), ('name/b', 0o644, 17, 0)])

    def test_an_archive_for_a_guest_knows_no_times(self) -> None:
        def entry(name: bytes, data: bytes, when: int) -> bytes:
            fields = [1, 0o100644, 0, 0, 1, when, len(data), 0, 0, 0, 0, len(name) + 1, 0]
            head = b'070701' + b''.join(b'%08X' % field for field in fields) + name + b'\0'
            head += b'\0' * (-len(head) % 4)
            return head + data + b'\0' * (-len(data) % 4)

        def made(when: int) -> bytes:
            # What looks like a header and is a file's text is none.
            return (entry(b'one', b'070701' + b'F' * 120, when) + entry(b'three', b'', when + 1)
                    + entry(b'TRAILER!!!', b'', when)).ljust(1024, b'\0')

        self.assertNotEqual(made(5), made(7))
        self.assertEqual(rootfs.without_times(made(5)), rootfs.without_times(made(7)))
        self.assertEqual(len(rootfs.without_times(made(5))), 1024)
        self.assertIn(b'F' * 120, rootfs.without_times(made(5)))
