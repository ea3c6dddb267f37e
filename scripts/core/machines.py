# SPDX-License-Identifier: GPL-2.0
"""The machines that the harness can build for, and the kinds of kernel that it builds."""
import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Board:
    """A machine of QEMU's: what the kernel on it calls its two ports, and the devices behind them."""
    name: str
    console: str            # a tty of the kernel's
    report: str
    devices: Mapping[str, tuple[str, ...]]  # QEMU's options for each of the two; its chardev has the port's name
    off: str = 'poweroff'   # what a guest ends with: reboot, where it cannot be powered off


PC = Board('pc', 'ttyS0', 'ttyS1', {'console': ('-device', 'isa-serial,chardev=console'),
                                    'report': ('-device', 'isa-serial,chardev=report')}, off='reboot')
VIRT = Board('virt', 'ttyAMA0', 'hvc0', {
    'console': ('-serial', 'chardev:console'),      # part of the board
    'report': ('-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=report')})
# The board's own consoles keep what they are given for some ticks, and the last words of a guest are lost.
CCW = Board('s390-ccw-virtio', 'hvc0', 'hvc1', {
    'console': ('-device', 'virtio-serial-ccw', '-device', 'virtconsole,chardev=console'),
    'report': ('-device', 'virtconsole,chardev=report')})


@dataclass(frozen=True)
class Arch:
    """What differs between the machines that the harness can build for."""
    name: str
    kernel: str             # ARCH= of the kernel's build
    image: str              # what QEMU boots, below the build directory
    board: Board
    qemu: str
    cpu: str                # what TCG emulates
    prefix: str             # of the compilers
    debian: str             # Debian's name of it
    libraries: str          # Debian's folder for them
    user: str = ''          # runs its programs where the processor here cannot

    @property
    def native(self) -> bool:
        return self.name == os.uname().machine

    @property
    def cross(self) -> str:
        return '' if self.native else self.prefix

    @property
    def runner(self) -> list[str]:
        """What a program of this machine has to be called with here."""
        return [] if self.native or not self.user else [self.user]


ARCHES = {arch.name: arch for arch in (
    # TCG takes a string instruction byte by byte, and a kernel that is told to clears its pages with it.
    Arch('x86_64', 'x86_64', 'arch/x86/boot/bzImage', PC, 'qemu-system-x86_64', 'max,-erms,-fsrm',
         'x86_64-linux-gnu-', 'amd64', 'usr/lib/x86_64-linux-gnu'),
    # As AMD's it would be a K7, which had no SMP.
    Arch('i386', 'i386', 'arch/x86/boot/bzImage', PC, 'qemu-system-i386', 'max,vendor=GenuineIntel',
         'i686-linux-gnu-', 'i386', 'usr/lib/i386-linux-gnu'),
    Arch('arm64', 'arm64', 'arch/arm64/boot/Image', VIRT, 'qemu-system-aarch64', 'max,pauth-impdef=on',
         'aarch64-linux-gnu-', 'arm64', 'usr/lib/aarch64-linux-gnu', user='qemu-aarch64'),
    Arch('s390x', 's390', 'arch/s390/boot/bzImage', CCW, 'qemu-system-s390x', 'max',
         's390x-linux-gnu-', 's390x', 'usr/lib/s390x-linux-gnu', user='qemu-s390x'),
)}


@dataclass(frozen=True)
class Flavour:
    """A kernel that is built otherwise than the plain one."""
    name: str               # part of the build directory's name
    switch: str             # what asks for it on make's command line; '' if only a command can
    fragments: tuple[str, ...]                                  # of the configuration
    variables: tuple[str, ...] = ()                             # for the kernel's makefiles
    excludes: Mapping[str, str] = field(default_factory=dict)   # {another option: why not with that}


FLAVOURS = (
    Flavour('debug', 'DEBUG=1', ('debug', 'faults'), excludes={'ARCH=i386': 'the kernel has KASAN for 64 bits alone'}),
    # fs/eventfd.c alone is looked at, and io_uring's file of that name: races elsewhere are not for us to judge. Its
    # locks are dropped in spinlock.o, and that they are is what orders its accesses.
    Flavour('kcsan', 'KCSAN=1', ('kcsan',),
            ('KCSAN_SANITIZE=n', 'KCSAN_SANITIZE_eventfd.o=y', 'KCSAN_INSTRUMENT_BARRIERS_spinlock.o=y'),
            {'DEBUG=1': 'a kernel has KASAN or KCSAN', 'SMP=0': 'one processor has nobody to race with',
             'ARCH=i386': 'the kernel has KCSAN for 64 bits alone'}),
    Flavour('faults', 'FAULTS=1', ('faults',)),
    # make coverage. What the optimiser joins or splits counts as one, or twice.
    Flavour('coverage', '', ('faults', 'coverage'), ('GCOV_PROFILE_eventfd.o=y', 'CFLAGS_eventfd.o=-O1 -fno-inline')),
    # make distro.
    Flavour('distro', '', ('distro',)),
    Flavour('preempt', 'PREEMPT=1', ('preempt',)),
    Flavour('up', 'SMP=0', ('up',)),
    Flavour('vng', 'VNG=1', ('vng',), excludes={f'ARCH={name}': 'what virtme-ng asks for is known here for x86_64 alone'
                                                for name in ('i386', 'arm64', 's390x')}),
)
