# SPDX-License-Identifier: GPL-2.0
"""Commands that are run, and what they leave when they are stopped; the lock on the build directory."""
import atexit
import contextlib
import errno
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Generic, NoReturn, TypeVar

from core.options import OPTIONS
from core.places import BUILD, SCRIPTS, leftovers, need_plain_paths
from core.report import Broken, Ended, Refusal, refuse, say

CCACHE = '/usr/lib/ccache'
Word = str | pathlib.Path
Value = TypeVar('Value')


def processors() -> int:
    """How many this process may use: under taskset, or in a container, fewer than there are."""
    return len(os.sched_getaffinity(0))


def main(function: Callable[[], int | None]) -> NoReturn:
    """Run a job: 0 or what it returns, 1 for a failed step, 2 for bad input, 130 for an interrupt."""
    def end(number: int, _: object) -> NoReturn:
        raise Ended(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    try:
        sys.exit(function())
    except Refusal as error:
        say(f'error: {error}')
        sys.exit(2)
    except Broken as error:
        say(f'failed: {error}')
        sys.exit(1)
    except BrokenPipeError:
        # Whoever listened has heard enough: what is left to say goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        say(f'error: the disk of {BUILD} is full: make room and run this again, or put the build elsewhere with BUILD=DIR')
        sys.exit(2)
    except Ended as error:
        sys.exit(error.args[0])
    except KeyboardInterrupt:
        say('interrupted: the next run goes on from here')
        sys.exit(130)


class Lock:
    """One run at a time in one build directory; a second one waits. What holds it is this process."""
    handle: IO[str] | None = None


def lock() -> None:
    """Take the lock for as long as this process lives, unless one that called it has it."""
    if os.environ.get('HARNESS_LOCK') == str(BUILD):
        return
    need_plain_paths()
    try:
        BUILD.mkdir(parents=True, exist_ok=True)
        handle = open(BUILD / 'lock', 'w', encoding='ascii')
    except OSError as error:
        refuse(f'{BUILD} cannot be written to ({error.strerror}): put the build elsewhere with BUILD=DIR')
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f'another run is using {BUILD}: waiting for it')
        fcntl.flock(handle, fcntl.LOCK_EX)
    os.environ['HARNESS_LOCK'] = str(BUILD)
    Lock.handle = handle
    clear_away()


def clear_away() -> None:
    """Remove what a run left that was killed: it could not do so itself. Who holds the lock is alone here."""
    left = leftovers()
    for path in left:
        # What still writes there has been orphaned, and is told to go; a file of it more is no reason to fail.
        shutil.rmtree(path, ignore_errors=True)
    if left:
        say(f'removed what an interrupted run has left half done: {", ".join(str(path.relative_to(BUILD)) for path in left)}')


def compilers() -> pathlib.Path:
    """The folder in which the compilers' names stand for scripts/ccache."""
    folder = BUILD / 'compilers'
    folder.mkdir(parents=True, exist_ok=True)
    script = SCRIPTS / 'ccache'
    for link in (folder / name for name in os.listdir(CCACHE)):
        if link.resolve() != script:
            # It may lead to another checkout, which may be gone; and another script may be quicker.
            with contextlib.suppress(FileExistsError):
                link.unlink(missing_ok=True)
                link.symlink_to(script)
    return folder


def environment(**extra: str) -> dict[str, str]:
    """The environment for compilers: ccache where there is one, messages in English, nothing that was asked of us."""
    env = dict(os.environ, LC_ALL='C')
    ours = [option.name for option in OPTIONS if not option.passed_on]
    for name in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', *ours):
        env.pop(name, None)
    env.update(extra)
    if os.path.isdir(CCACHE):
        # Where ccache looks for the compilers themselves: not in front of it.
        env.setdefault('CCACHE_PATH', env['PATH'])
        env['PATH'] = f'{compilers()}:{env["PATH"]}'
        env.setdefault('CCACHE_DIR', str(BUILD / 'ccache'))
        # Trees of other paths share what they have in common. The debug information is none of that.
        env.setdefault('CCACHE_BASEDIR', str(BUILD))
        env.setdefault('CCACHE_NOHASHDIR', '1')
        # For the suite's precompiled header.
        env.setdefault('CCACHE_SLOPPINESS', 'pch_defines,time_macros')
    return env


class Background(threading.Thread, Generic[Value]):
    """A step beside another one; result() waits for it, and raises what it raised."""

    def __init__(self, step: Callable[[], Value]):
        # Not waited for when the script is interrupted: what it runs is stopped then.
        super().__init__(daemon=True)
        self.step = step
        self.value: Value
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.value = self.step()
        except Exception as error:      # whatever it is, it is for who asks for the result
            self.error = error

    def result(self) -> Value:
        self.join()
        if self.error:
            raise self.error
        return self.value


def ending_with_us(command: Sequence[Word], env: Mapping[str, str] = os.environ) -> list[str]:
    """A command as it is to be called if it is not to go on when this process is gone, in whatever way it went."""
    if not shutil.which(str(command[0]), path=env.get('PATH')):
        refuse(f'{command[0]} is not installed: "make doctor" says how to get it')
    caller = ['setpriv', '--pdeathsig', 'TERM'] if shutil.which('setpriv') else []
    return [*caller, *(str(word) for word in command)]


def run(command: Sequence[Word], log: pathlib.Path, what: str, *, cwd: Word | None = None,
        env: Mapping[str, str] | None = None, on_line: Callable[[str], object] | None = None) -> None:
    """Run a command with its output in a log; Broken, with the first error line, if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    env = env or environment()
    error = None
    with open(log, 'w', encoding='utf-8', errors='replace') as out:
        out.write(f'$ {" ".join(map(str, command))}\n')
        child = subprocess.Popen(ending_with_us(command, env), cwd=cwd, env=env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, errors='replace',
                                 start_new_session=True)
        stop = stop_at_exit(child)
        assert child.stdout
        try:
            with child.stdout:
                for line in child.stdout:
                    out.write(line)
                    if error is None and re.search(r'\berror\b:|\bError \d|No space left|\*\*\*', line):
                        error = line.strip()
                    if on_line:
                        on_line(line)
            status = child.wait()
        finally:
            # After an interrupt it must be gone before its files are cleared away.
            stop()
    if status:
        detail = f': {error}' if error else ''
        raise Broken(f'{what} (exit status {status}){detail}; the log is {log}')


def stop_at_exit(child: 'subprocess.Popen[Any]') -> Callable[[], None]:
    """See to it that a child, and its children, do not outlive an interrupted run."""
    def stop() -> None:
        atexit.unregister(stop)
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(child.pid, number)
                child.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
    atexit.register(stop)
    return stop


def output_of(command: Sequence[Word], **more: Any) -> str:
    """What a command says, or its exit status where it fails without a word."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', check=False, **more)
    return str(done.stdout) or (f'exit status {done.returncode}' if done.returncode else '')
