# SPDX-License-Identifier: GPL-2.0
"""Build the pages with Sphinx and the kernel's extensions, and compile what they tell readers to write.

Our pages, and the kernel-doc comments of our files, are built as the kernel's own are, with its
conf.py and its extensions, but without its other pages; a warning is a failure. The manual page has to
please mandoc and man. The programs in both are compiled. The result is build/docs/html.

Exit status: 0 if all is well, 1 if not, 2 if a tool is missing.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator, Sequence

from checks import kernel_doc
from core import processes
from core.command import Command
from core.options import Options
from core.places import BUILD, ROOT, project_files, scratch_folder, write_if_changed
from core.report import Broken, refuse, say, tell
from source import trees

MAN = 'Documentation/userspace-api/eventfd.2'
# Whose kernel-doc is built: as Documentation/filesystems/api-summary.rst does it for fs/eventfd.c.
COMMENTED = (('fs/eventfd.c', 'export'), ('include/linux/eventfd.h', 'internal'))
PRELUDE = '#define _GNU_SOURCE\n#include <errno.h>\n#include <stdbool.h>\n#include <sys/eventfd.h>\n'


def pages() -> list[pathlib.Path]:
    """Our pages, as paths below Documentation."""
    return [pathlib.Path(name).relative_to('Documentation') for name in project_files('Documentation/*.rst')]


def status() -> str:
    """What all of it is, as the README has it in its first paragraph: for the top of every page, but not of the kernel's."""
    found = re.search(r'^Status: (\S.*?)\n\n', (ROOT / 'README.md').read_text(), re.M | re.S)
    if not found:
        raise Broken('README.md has no paragraph that begins with "Status: "')
    words = ' '.join(found[1].split())
    return words[0].upper() + words[1:]


def sphinx(options: Options) -> str:
    """What Sphinx warns of, or nothing."""
    source, _ = trees.prepare(options)
    top = BUILD / 'docs'
    for name in ('source', 'html', 'doctrees'):
        shutil.rmtree(top / name, ignore_errors=True)
    folder = top / 'source' / 'Documentation'
    for page in pages():
        write_if_changed(folder / page, (ROOT / 'Documentation' / page).read_bytes())
    for picture in (ROOT / 'Documentation').rglob('*.svg'):
        write_if_changed(folder / picture.relative_to(ROOT / 'Documentation'), picture.read_bytes())
    shutil.copytree(ROOT / 'samples', top / 'source/samples')
    toctree = '\n'.join(f'   {page.with_suffix("")}' for page in pages())
    comments = '\n\n'.join(f'.. kernel-doc:: {name}\n   :{which}:' for name, which in COMMENTED)
    write_if_changed(folder / 'index.rst', f'=======\neventfd\n=======\n\n.. toctree::\n\n{toctree}\n   kernel\n')
    write_if_changed(folder / 'kernel.rst', f'==============\nFor the kernel\n==============\n\n{comments}\n')
    # As Documentation/Makefile calls it.
    env = processes.environment(srctree=str(source), BUILDDIR=str(top), KERNELVERSION='', PYTHONDONTWRITEBYTECODE='1')
    done = subprocess.run(['sphinx-build', '-q', '-b', 'html', '-c', source / 'Documentation', '-d', top / 'doctrees',
                           '-D', 'version=', '-D', 'release=', '-D', f'rst_prolog=.. note:: {status()}\n',
                           '-D', f'kerneldoc_srctree={source}', '-D', f'kerneldoc_bin={source}/scripts/kernel-doc',
                           folder, top / 'html'], cwd=source / 'Documentation', env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    # That this machine cannot make pictures is no fault of a page.
    said = '\n'.join(line for line in kernel_doc.remarks(done.stdout, source).splitlines() if not re.search(
        r'Using \w+ theme|sphinx_rtd_theme|dot\(1\)|convert\(1\)|rsvg|inkscape|html_static_path|^$', line))
    if done.returncode and not said:
        said = f'exit status {done.returncode}'
    page = top / 'html/userspace-api/eventfd.html'
    first = status().partition('.')[0]
    if not said and not (page.is_file() and first in page.read_text()):
        said = f'no page was made, or it does not say "{first}", as the README does'
    return said


def blocks() -> Iterator[tuple[str, str, str]]:
    """(name, language, text) of the programs in the pages and in the manual page."""
    for page in pages():
        text = (ROOT / 'Documentation' / page).read_text()
        for number, match in enumerate(re.finditer(r'^\.\. code-block:: (c|c\+\+)\n\n((?:[ \t]+.*\n|\n)+)', text, re.M)):
            code = textwrap.dedent(match.group(2))
            # A synopsis is no program.
            if '{' in code:
                yield f'{page}, {match.group(1)} {number + 1}', match.group(1), code
    text = (ROOT / MAN).read_text()
    for number, match in enumerate(re.finditer(r'^\.EX\n(.*?)^\.EE$', text, re.M | re.S)):
        code = re.sub(r'^\\&$', '', match.group(1), flags=re.M)
        yield f'{pathlib.Path(MAN).name}, example {number + 1}', 'c', code.replace('\\-', '-').replace('\\e', '\\')


def compiled(language: str, code: str) -> str:
    """What the compiler says of it; a program with main() is also run."""
    BUILD.mkdir(parents=True, exist_ok=True)
    # Programs may be run there, which not every folder for temporary files allows.
    with scratch_folder(BUILD) as folder:
        path = pathlib.Path(folder) / ('a.cpp' if language == 'c++' else 'a.c')
        whole = 'main(void)' in code
        path.write_text(code if whole or language == 'c++' else PRELUDE + code)
        target = pathlib.Path(folder) / 'a'
        compiler = ['g++', '-std=c++20'] if language == 'c++' else ['gcc']
        done = subprocess.run([*compiler, '-Wall', '-Wextra', '-Werror', '-O2', *([] if whole else ['-c']), '-o', target,
                               path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode or not whole:
            return done.stdout
        ran = subprocess.run([target], capture_output=True, text=True, check=False, timeout=30)
        return '' if ran.returncode == 0 else f'it ran and ended with {ran.returncode}: {ran.stderr}'


def complaints_of(command: Sequence[str]) -> str:
    """What a command says is wrong, or its exit status where it fails without a word."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, 'MANWIDTH': '80', 'LC_ALL': 'C.UTF-8'})
    return done.stderr or (f'exit status {done.returncode}' if done.returncode else '')


def results(options: Options) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each check."""
    for tool in ('mandoc', 'man', 'sphinx-build'):
        if not shutil.which(tool):
            refuse(f'no {tool}: "make doctor" says how to get it')
    lint = subprocess.run(['mandoc', '-Tlint', MAN], cwd=ROOT, capture_output=True, text=True, check=False)
    yield f'mandoc -Tlint {MAN}', lint.stdout + lint.stderr
    yield f'man -l {MAN}', complaints_of(['man', '-l', '--warnings', MAN])
    for name, language, code in blocks():
        yield f'compiles: {name}', compiled(language, code)
    yield 'sphinx, our pages and our kernel-doc', sphinx(options)


def check_pages(options: Options, _arguments: argparse.Namespace) -> int:
    processes.lock()
    right, wrong = tell(results(options))
    say(f'\n{right} checks of the pages passed, {wrong} failed{"" if wrong else f"; they are in {BUILD}/docs/html"}')
    return 1 if wrong else 0


COMMANDS = (Command('docs', 'build the pages with Sphinx, check the manual page, compile the examples', check_pages),)
