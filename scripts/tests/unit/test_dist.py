# SPDX-License-Identifier: GPL-2.0
"""The archive for those who do not build: what its script refuses, and that the same files make the same bits."""
import io
import pathlib
import re
import tarfile
import tempfile
from unittest import mock

from commands import dist
from core.options import Options
from core.report import Broken
from guest import rootfs
from tests.calls import Refusals, Said, call_here, few_programs, said_by


class Script(Refusals):
    """./try, up to where it would boot."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tools = few_programs(self.folder / 'bin', 'sh', 'cat', 'cp', 'dirname', 'find', 'grep', 'head', 'ldd', 'mktemp', 'readlink', 'rm',
                                  'sed', 'sort', 'timeout', 'tail', 'tee', 'tr')
        (self.folder / 'boot').mkdir()
        for name in ('bzImage', 'initramfs.cpio'):
            (self.folder / 'boot' / name).write_text(name)
        self.program('gen_init_cpio', f'cp "$1" {self.folder}/list', self.folder / 'boot')
        # QEMU writes down its words, and the guest says on its console that the program ended with 7.
        self.program('qemu-system-x86_64', f'echo "$*" >{self.folder}/words\ncp {self.folder}/words /dev/stderr\n'
                     'for word; do case $word in *path=*console) echo "harness: try 7" >"${word##*path=}" ;; esac; done')
        script = self.folder / 'try'
        script.write_bytes(dist.guest_script(Options.of({})))
        script.chmod(0o755)

    def program(self, name: str, text: str, folder: pathlib.Path | None = None) -> None:
        path = (folder or self.folder / 'bin') / name
        path.write_text(f'#!/bin/sh\n{text}\n')
        path.chmod(0o755)

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
                (['sh'], {'WITH': '/nowhere'}, 'WITH=/nowhere: there is no such file or folder')]
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
