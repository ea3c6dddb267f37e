# SPDX-License-Identifier: GPL-2.0
"""What a guest gets of this machine: programs with all that they need to run there, files and folders."""
import pathlib
import re
import subprocess
from collections.abc import Iterator

from core.report import refuse

# What is copied of a folder, in all; a guest has 1 GB of memory, and its files lie there.
MOST = 400_000_000


def libraries(program: pathlib.Path) -> list[pathlib.Path]:
    """The loader and the libraries of a program, by the names that it knows them by; none, if it is static."""
    listed = subprocess.run(['ldd', program], capture_output=True, text=True, check=False).stdout
    missing = re.search(r'^\s*(\S+) => not found$', listed, re.M)
    if missing:
        refuse(f'{program} needs {missing.group(1)}, and the loader does not find it')
    return [pathlib.Path(name) for name in re.findall(r'(/\S+) \(0x', listed)]


def interpreter(script: pathlib.Path) -> str:
    """The words behind "#!" in a script's first line; nothing, if it is a program."""
    with open(script, 'rb') as file:
        head = file.read(256)
    return head[2:].partition(b'\n')[0].decode(errors='replace').strip() if head.startswith(b'#!') else ''


def program_files(program: pathlib.Path) -> dict[str, pathlib.Path]:
    """A program, or a script with its interpreter, and what the loader needs: {where in the guest: here}."""
    words = interpreter(program).split()
    files = {str(program): program}
    if words:
        files |= program_files(pathlib.Path(words[0]))
    else:
        files |= {str(path): path for path in libraries(program)}
    return files


def folder_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """All regular files of a folder."""
    files = {str(path): path for path in folder.rglob('*') if path.is_file()}
    size = sum(path.stat().st_size for path in files.values())
    if size > MOST:
        refuse(f'{folder} has {size / 1e6:.0f} MB of files, and a guest takes {MOST / 1e6:.0f} MB: name those that are needed')
    return files


def spec(files: dict[str, pathlib.Path]) -> Iterator[str]:
    """Lines for gen_init_cpio."""
    blank = next((name for name in files if re.search(r'\s', name)), None)
    if blank:
        refuse(f'"{blank}" has a blank in its name, which no archive for a guest can have: rename or move it')
    for folder in sorted({str(parent) for name in files for parent in pathlib.PurePath(name).parents if str(parent) != '/'}):
        yield f'dir {folder} 755 0 0'
    for name, path in files.items():
        yield f'file {name} {path.resolve()} {path.stat().st_mode & 0o777:o} 0 0'
