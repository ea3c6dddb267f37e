# SPDX-License-Identifier: GPL-2.0
"""Configure and build the kernel of a prepared tree.

The configuration is allnoconfig with fragments on top: scripts/config/base.config, the machine's,
the suite's own config file, and those of what else was asked for (FLAVOURS). Each line that
they ask for is looked up in the result.
"""
import argparse
import hashlib
import pathlib
import re
from collections.abc import Collection, Iterable

from core import processes
from core.command import Command
from core.options import Options
from core.places import ROOT, SUITE, need_disk, write_if_changed
from core.report import Broken, Progress, say
from source import theirs, trees


# The same files make the same image, whenever, wherever and by whomever it is built.
BUILT_BY = ('KBUILD_BUILD_USER=eventfd', 'KBUILD_BUILD_HOST=eventfd', 'KBUILD_BUILD_VERSION=1',
            'KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 2026')


def fragments(options: Options) -> list[pathlib.Path]:
    config = ROOT / 'scripts/config'
    return [config / 'base.config', config / f'{options.arch.name}.config',
            ROOT / f'tools/testing/selftests/{SUITE}/config',
            *(config / f'{name}.config' for name in options.fragments)]


def jobs() -> str:
    """How much make does at once: one thing more than there are processors, as some wait for the disk."""
    return f'-j{processes.processors() + 1}'


def make(options: Options, source: pathlib.Path, build: pathlib.Path) -> list[str]:
    command = ['make', '-C', str(source), f'O={build}', f'ARCH={options.arch.kernel}', *BUILT_BY]
    if options.arch.cross:
        command.append(f'CROSS_COMPILE={options.arch.cross}')
    return command


def asked_for(text: str, source: pathlib.Path) -> list[tuple[tuple[str, ...], str]]:
    """What fragments ask for, the last line for an option winning: [(options, value or n)].

    A comment "# CONFIG_A or CONFIG_B: why" makes one demand of two names for the same thing;
    "# CONFIG_A where there is one: why" makes none of a tree whose Kconfig files do not have it.
    """
    wanted: dict[tuple[str, ...], str] = {}
    for line in text.splitlines():
        match = re.fullmatch(r'(CONFIG_\w+)=(.+)|# (CONFIG_\w+) is not set', line.strip())
        if match:
            wanted[(match.group(1) or match.group(3),)] = match.group(2) or 'n'
    for first, second in re.findall(r'^# (CONFIG_\w+) or (CONFIG_\w+):', text, re.M):
        wanted[(first, second)] = wanted.pop((first,))
        wanted.pop((second,))
    for option in re.findall(r'^# CONFIG_(\w+) where there is one:', text, re.M):
        if not any(re.search(rf'^(?:menu)?config {option}$', path.read_text(errors='replace'), re.M)
                   for path in source.glob('**/Kconfig*')):
            wanted.pop((f'CONFIG_{option}',))
    return list(wanted.items())


def taken(option: str, value: str, config: str) -> bool:
    if value == 'n':
        return not re.search(rf'^{option}=', config, re.M)
    return bool(re.search(f'^{option}={re.escape(value)}$', config, re.M))


def configure(options: Options, source: pathlib.Path, build: pathlib.Path, extra: Iterable[pathlib.Path] = (),
              absent: Collection[str] = ()) -> None:
    """Write .config, unless it was made from the same fragments and the same tree; absent has what that lacks yet."""
    paths = [*fragments(options), *extra]
    absent = [*absent, *theirs.lacks(options, source)]
    text = f'{source}\n' + ''.join(path.read_text() for path in paths) + ''.join(f'# no {name}\n' for name in absent)
    stamp = build / '.config.from'
    if (build / '.config').exists() and stamp.exists() and stamp.read_text() == text:
        return
    build.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    log = build.parent / 'config.log'
    env = processes.environment(ARCH=options.arch.kernel, CROSS_COMPILE=options.arch.cross)
    processes.run([source / 'scripts/kconfig/merge_config.sh', '-n', '-O', build, *paths], log,
                  'configuring the kernel', cwd=source, env=env)
    result = (build / '.config').read_text()
    for names, value in asked_for(text, source):
        if not any(option in absent or taken(option, value, result) for option in names):
            raise Broken(f'the configuration did not take {" or ".join(names)}={value}: '
                         f'this tree lacks it or what it depends on; the log is {log}')
    write_if_changed(stamp, text)


def headers(options: Options, source: pathlib.Path, target: pathlib.Path) -> None:
    """Install the headers for user space where the kselftests look for them."""
    configure(options, source, target)
    ours = (source / 'include/uapi/linux/eventfd.h').read_bytes()
    installed = target / 'usr/include/.eventfd.h'
    if not options.users_tree and installed.exists() and installed.read_bytes() == ours:
        return
    processes.run([*make(options, source, target), jobs(), 'headers'],
                  target.parent / 'headers.log', 'installing the headers')
    write_if_changed(installed, ours)


def inputs(options: Options, source: pathlib.Path, target: pathlib.Path) -> str:
    """What an image of Debian's tree depends on: how it is configured and made, and the files that we change in it."""
    digest = hashlib.sha256((target / '.config').read_bytes() + ' '.join([*BUILT_BY, *options.variables]).encode())
    for path in trees.changed_kernel_files(source):
        digest.update(f'{path}\n'.encode() + (source / path).read_bytes())
    return digest.hexdigest()


def build(options: Options, source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Build the image; returns its path."""
    configure(options, source, target)
    stamp = target / '.image.from'
    # make itself takes seconds to find that there is nothing to do; a tree of the user's it has to look at.
    if not options.users_tree and (target / options.arch.image).exists() and stamp.exists() \
            and stamp.read_text() == inputs(options, source, target):
        say('building the kernel: nothing to do')
        return target / options.arch.image
    stamp.unlink(missing_ok=True)
    count_file = target / '.objects'
    expected = int(count_file.read_text()) if count_file.exists() else 1229
    progress = Progress('building the kernel', options.terminal)
    done = 0

    def on_line(line: str) -> None:
        nonlocal done
        if re.match(r'  (CC|AS|AR|LD) ', line):
            done += 1
            progress.update(f'{done} objects of about {max(expected, done)}')

    need_disk(target, 0.8)
    image = options.arch.image
    processes.run([*make(options, source, target), *options.variables, jobs(), image.rsplit('/', 1)[1]],
                  target.parent / 'build.log', 'building the kernel', on_line=on_line)
    if done > expected // 2:
        write_if_changed(count_file, str(done))
    progress.done(f'{done} objects' if done else 'nothing to do')
    write_if_changed(stamp, inputs(options, source, target))
    return target / image


def main(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    source, _ = trees.prepare(options)
    say(f'built {build(options, source, options.work / "obj")}')
    return 0


COMMANDS = (Command('kernel', 'configure and build the kernel alone', main, small=True),)
