# SPDX-License-Identifier: GPL-2.0
"""Calls of what users call: the entry, in this process or in one of its own, make, and programs with few others about."""
import contextlib
import functools
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import types
import unittest
from collections.abc import Callable, Mapping
from unittest import mock

from core.options import OPTIONS
from core.places import BUILD, ROOT, SCRIPTS

Said = tuple[int, str]      # an exit status, and what was said

ENTRY = SCRIPTS / 'eventfd'


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Look again and again; it is an error if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'what was waited for has not come true in {seconds} s')
        time.sleep(0.01)


def skip_without_mounts(test: unittest.TestCase) -> None:
    """Skip a test that mounts something for itself where nobody can: without root, or in a chroot whose / is no mount."""
    done = subprocess.run(['unshare', '--mount', '--propagation', 'private', 'true'], capture_output=True, text=True, check=False)
    if done.returncode:
        test.skipTest(f'nothing can be mounted for a test alone: {done.stderr.strip()}')


def nothing_asked() -> dict[str, str]:
    """The environment without what was asked of the make that runs the tests, and without its lock."""
    ours = {'MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'HARNESS_LOCK', *(option.name for option in OPTIONS)}
    return {**{name: value for name, value in os.environ.items() if name not in ours}, 'PYTHONDONTWRITEBYTECODE': '1'}


@functools.cache
def entry() -> types.ModuleType:
    """scripts/eventfd as a module."""
    loader = importlib.machinery.SourceFileLoader('eventfd_entry', str(ENTRY))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = sys.modules[loader.name] = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def call_here(*words: str, **env: str) -> Said:
    """Call the entry in this process, which is quicker, for what writes nothing. It goes by the lock that others have."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    said = io.StringIO()
    try:
        with (contextlib.redirect_stdout(said), mock.patch.object(sys, 'argv', [str(ENTRY), *words]),
              mock.patch.dict(os.environ, {**nothing_asked(), 'HARNESS_LOCK': str(BUILD), **env}, clear=True)):
            entry().main()
            raise AssertionError('it ends by an exit')
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def call(*words: str | pathlib.Path, **env: str) -> Said:
    """Call the entry as a user does."""
    return said_by([ENTRY, *words], {**nothing_asked(), **env})


def make(*words: str, **env: str) -> Said:
    return said_by(['make', '-C', ROOT, '--no-print-directory', *words], {**nothing_asked(), **env})


def said_by(command: list[str | pathlib.Path], env: Mapping[str, str]) -> Said:
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', check=False, timeout=120)
    return done.returncode, done.stdout


def few_programs(folder: pathlib.Path, *names: str) -> str:
    """A PATH with these programs alone: scripts, as a test that writes another one in the place of a link writes to the real one."""
    folder.mkdir()
    for name in names:
        path = sys.executable if name == 'python3' else shutil.which(name)
        if not path:
            raise unittest.SkipTest(f'no {name} here')
        (folder / name).write_text(f'#!/bin/sh\nexec {path} "$@"\n')
        (folder / name).chmod(0o755)
    return str(folder)


class Refusals(unittest.TestCase):
    """Tests of what is refused: in one line that begins with "error: ", and with exit status 2."""

    def assert_refused(self, said: Said, pattern: str) -> None:
        status, output = said
        self.assertRegex(output, rf'\Aerror: [^\n]*{pattern}[^\n]*\n\Z')
        self.assertEqual(status, 2)
