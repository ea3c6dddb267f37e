# SPDX-License-Identifier: GPL-2.0
"""What the kernel's own kernel-doc says when it runs, less what perl says of kernel-doc.

A perl that is newer than the kernel may warn of the script itself, whatever it is called for. That is no remark on a
comment of ours.
"""
import functools
import pathlib

from core import processes

SCRIPT = 'scripts/kernel-doc'


@functools.cache
def of_itself(source: pathlib.Path) -> frozenset[str]:
    """What this machine's perl says of the script before it has read a file."""
    script = source / SCRIPT
    if not script.is_file() or 'perl' not in script.read_text(errors='replace').partition('\n')[0]:
        return frozenset()
    said = processes.output_of(['perl', '-c', script])
    return frozenset(line for line in said.splitlines() if not line.endswith('syntax OK'))


def remarks(said: str, source: pathlib.Path) -> str:
    """What is left of what a build of this tree said."""
    return '\n'.join(line for line in said.splitlines() if line not in of_itself(source))
