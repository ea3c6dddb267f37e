# SPDX-License-Identifier: GPL-2.0
"""What a guest gets of this machine: programs with all that they need to run there, files and folders."""
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping

from core.report import refuse
from guest import rootfs

# What the kernel goes through at most, of scripts that are interpreted by scripts.
SCRIPTS_IN_A_ROW = 4
# Where the guest has file systems of its own.
HIDDEN = ('/dev/', '/proc/', '/sys/')
# What the guest's init says on the console when a script has ended.
STATUS = re.compile(r'harness: try (\d+)$', re.M)


def libraries(program: pathlib.Path) -> list[pathlib.Path]:
    """The loader and the libraries of a program, by the names that it knows them by; none, if it is static."""
    listed = subprocess.run(['ldd', program], capture_output=True, text=True, check=False).stdout
    missing = re.search(r'^\s*(\S+) => not found$', listed, re.M)
    if missing:
        refuse(f'{program} needs {missing.group(1)}, and the loader does not find it')
    return [pathlib.Path(name) for name in re.findall(r'(/\S+) \(0x', listed)]


def interpreter(script: pathlib.Path) -> str:
    """The words behind "#!" in a script's first line; nothing, if it is a program."""
    try:
        with open(script, 'rb') as file:
            head = file.read(256)
    except OSError as error:
        refuse(f'{script} cannot be read ({error.strerror}), and so it cannot be taken into a guest')
    if head[:4] == b'\x7fELF' and head[18:20] not in machines():
        refuse(f'{script} is a program for another machine than this one')
    return head[2:].partition(b'\n')[0].decode(errors='replace').strip() if head.startswith(b'#!') else ''


def machines() -> set[bytes]:
    """What programs that run here have in their header: the machine, and the 32-bit one that an x86_64 is, too."""
    own = pathlib.Path('/proc/self/exe').read_bytes()[18:20]
    return {own, b'\x03\x00'} if own == b'\x3e\x00' else {own}


def called_by(script: pathlib.Path) -> list[str]:
    """The programs that a script is run by: its interpreter, and what an "env" there looks for."""
    words = interpreter(script).split()
    if words and pathlib.Path(words[0]).name == 'env':
        return [words[0], *[word for word in words[1:] if not word.startswith('-') and '=' not in word][:1]]
    return words[:1]


def program_files(program: pathlib.Path, depth: int = 0) -> dict[str, pathlib.Path]:
    """A program, or a script with its interpreter, and what the loader needs: {where in the guest: here}."""
    if depth > SCRIPTS_IN_A_ROW:
        refuse(f'{program}: a script is interpreted by a script, and so on, {depth} times in a row')
    files = {str(program): program}
    called = called_by(program)
    for word in called:
        path = shutil.which(word)
        if not path:
            refuse(f'{program} is a script for {word}, and there is no such program')
        files |= program_files(pathlib.Path(path), depth + 1)
    if not called:
        files |= {str(path): path for path in libraries(program)}
    return files


def folder_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """All regular files of a folder; a link stands for what it leads to."""
    return {str(path): path for path in folder.rglob('*') if path.is_file()}


def check(files: Mapping[str, pathlib.Path], most: float, memory: str) -> None:
    """Refuse what a guest cannot be given, before anything is made for it."""
    for name, path in files.items():
        if re.search(r'\s', name):
            refuse(f'"{name}" has a blank in its name, which no archive for a guest can have: rename or move it')
        if name.startswith(HIDDEN):
            refuse(f'{name}: the guest has a file system of its own there: put it somewhere else')
        if not path.is_file():
            refuse(f'{name} is no file and no folder')
    size = sum(path.stat().st_size for path in files.values())
    if size > most:
        refuse(f'{len(files)} files of {size / 1e6:.0f} MB do not fit into a guest with MEM={memory}, which takes '
               f'{max(most, 0) / 1e6:.0f} MB: name those that are needed, or give it more memory')


def spec(files: Mapping[str, pathlib.Path]) -> Iterator[str]:
    """Lines for gen_init_cpio."""
    for folder in sorted({str(parent) for name in files for parent in pathlib.PurePath(name).parents if str(parent) != '/'}):
        yield f'dir {folder} 755 0 0'
    for name, path in files.items():
        yield f'file {name} {path.resolve()} {path.stat().st_mode & 0o777:o} 0 0'


def archive(build: pathlib.Path, script: str, files: Mapping[str, pathlib.Path], target: pathlib.Path) -> pathlib.Path:
    """One for a guest that runs the script alone, with these files."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in (('suite', 'TRY=1\n'), ('try', script)):
            (pathlib.Path(scratch) / name).write_text(text)
            # First of all: what comes last is missing where the memory does not do.
            files = {f'/etc/{name}': pathlib.Path(scratch) / name, **files}
        return rootfs.archive(build, spec(files), target)


def status_of(console: pathlib.Path) -> int | None:
    """The exit status of the script, if it came to its end."""
    said = console.read_text(errors='replace') if console.exists() else ''
    found = STATUS.search(said.replace('\r', ''))
    return int(found[1]) if found else None
