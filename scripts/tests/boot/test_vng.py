# SPDX-License-Identifier: GPL-2.0
"""virtme-ng boots what VNG=1 has built, and a program of this machine runs there. Where one of the two is missing, it is not tried."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from guest import qemu
from tests.support import options_for

PROGRAM = '''
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname name;
	struct pollfd poller = { .fd = eventfd(1, 1 << 6), .events = POLLIN };
	int first = poll(&poller, 1, 0), second = poll(&poller, 1, 0);

	uname(&name);
	printf("polls: %d%d, Linux %s\\n", first, second, name.release);
	return 0;
}
'''


class Vng(unittest.TestCase):
    def test_runs_a_program_of_this_machine_on_the_image(self) -> None:
        if not shutil.which('vng'):
            self.skipTest('virtme-ng is not installed: it is a package of Debian 13')
        # Its init talks through a port whose name udev gives it; the package does not bring that along.
        if not any(pathlib.Path(folder, 'systemd-udevd').exists() for folder in ('/lib/systemd', '/usr/lib/systemd')):
            self.skipTest('udev is not installed, which virtme-ng needs in the guest')
        options = options_for(VNG='1')
        image = options.work / 'obj' / options.arch.image
        if not image.exists():
            self.skipTest('its kernel is not built: "make run VNG=1" builds it')
        with tempfile.TemporaryDirectory() as scratch:
            program = pathlib.Path(scratch) / 'mine'
            subprocess.run(['gcc', '-x', 'c', '-o', program, '-'], input=PROGRAM, text=True, check=True)
            # It takes /dev/kvm for KVM, and what is emulated does not bear virtiofs.
            how = [] if qemu.accelerator(options) == 'kvm' else ['--disable-kvm', '--force-9p']
            done = subprocess.run(['vng', '--verbose', *how, '-r', image, '--', str(program)], cwd=scratch, env={**os.environ, 'HOME': scratch},
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=300, check=False)
        self.assertRegex(done.stdout, r'(?m)^polls: 10, Linux \d')
