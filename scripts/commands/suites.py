# SPDX-License-Identifier: GPL-2.0
"""The own suites of programs that use eventfd, unchanged, in a Debian on our kernel and on stock: "make programs T=suites".

Those of GLib, libevent (all of regress) and libuv are built from Debian's source packages as they are, and use the system's
C library; Go's are of a newer release, and static; Python's come with the system. Nothing of them uses the flag. What a
suite's cases come to on stock they have to come to on ours; what fails on both, as it wants more than this guest has, is
said. A suite that fails is run once more, and a case has passed if it did in either run.
"""
import functools
import pathlib
from collections.abc import Iterator, Mapping

from commands import distro
from core import processes
from core.options import Options
from core.places import BUILD
from core.report import Broken, say
from guest import carried, session, verdicts
from guest.known_programs import GLIB_AS_IT_IS, LIBEVENT, LIBUV, build
from guest.program_tests import LIMIT, Outcomes, attempts, mark, outcomes, parts, summary
from source import golang

BUILT = (GLIB_AS_IT_IS, LIBEVENT, LIBUV)
# All of libevent's, as this kernel has INET.
LIBEVENTS = {'regress': '{build}/test/regress'}
PYTHONS = {f'python: {what}': f'PYTHONDONTWRITEBYTECODE=1 python3 -W ignore -m unittest -v {modules}' for what, modules in (
    ('os.eventfd', 'test.test_os.EventfdTests'), ('selectors', 'test.test_selectors'), ('asyncio', 'test.test_asyncio'))}
# Of the runtime's, those of what it waits with.
GOS = {'os': '', 'net': '', 'internal/poll': '',
       'runtime': "'-test.run=Timer|Netpoll|Sleep' -test.bench=NetpollBreak -test.benchtime=20000x"}
RUNS = 2


def commands(folders: Mapping[str, pathlib.Path], of_go: Mapping[str, golang.Test]) -> dict[str, str]:
    """What each suite is called with."""
    found = {f'go: {package}': f'-C {test.folder} {test.program} -test.short -test.v {GOS[package]}'
             for package, test in of_go.items()}
    for program in BUILT:
        tests = LIBEVENTS if program is LIBEVENT else program.tests
        for test, command in tests.items():
            folder = folders[program.name]
            found[f'{program.package}: {test}'] = command.format(source=folder / 'source', build=folder / 'build')
    return {**found, **PYTHONS}


def script(called: Mapping[str, str]) -> str:
    lines = ['ulimit -c 0', 'export HOME=/root LC_ALL=C.UTF-8 RES_OPTIONS=attempts:0']
    for suite, command in called.items():
        lines += attempts(mark(suite), command, RUNS, 4 * LIMIT)
    return '\n'.join(lines) + '\n'


def files_for(folders: Mapping[str, pathlib.Path], of_go: Mapping[str, golang.Test], called: Mapping[str, str]
              ) -> dict[str, pathlib.Path]:
    """What is not the system's."""
    files: dict[str, pathlib.Path] = carried.folder_files(folders['libuv'] / 'source/test/fixtures')
    for test in of_go.values():
        files |= carried.folder_files(test.folder) | carried.folder_files(test.folder.parent / 'testdata')
    words = [word for program in BUILT for word in program.words(program.carried, folders[program.name])]
    for word in [*words, *(word for command in called.values() for word in command.split())]:
        path = pathlib.Path(word)
        if path.is_absolute() and path.is_file():
            files |= {str(one): one for one in [path, *carried.libraries(path)] if one.is_relative_to(BUILD)}
    return files


def results(lines: list[str]) -> Outcomes:
    """What each suite's cases came to, at best."""
    found: Outcomes = {}
    for (suite,), said in parts(lines):
        now = outcomes(said)
        before = found.get(suite)
        if before:
            # An exit status is that of the last run.
            now = {case: 'passed' if 'passed' in (before.get(case), outcome) else outcome for case, outcome in now.items()}
        found[suite] = now
    return found


def differences(ours: Outcomes, stock: Outcomes) -> Iterator[str]:
    for suite in dict.fromkeys([*stock, *ours]):
        here, there = ours.get(suite, {}), stock.get(suite, {})
        for case in dict.fromkeys([*there, *here]):
            if here.get(case) != there.get(case):
                yield f'{suite}: {case}: {there.get(case, "missing")} on stock, {here.get(case, "missing")} on ours'


def run(options: Options) -> int:
    """Build, boot both, say what each suite came to; the exit status."""
    folders = {program.name: build(options, program, 'plain') for program in BUILT}
    of_go = golang.tests(options, tuple(GOS))
    distros = options.flavoured('distro')
    images = {'stock': session.variant_image(distros, 'stock')}
    distros, images['ours'], initrd = distro.build(options)
    called = commands(folders, of_go)
    overlay = carried.archive(distros.work / 'obj', script(called), files_for(folders, of_go, called), distros.work / 'suites.cpio')
    found: dict[str, Outcomes] = {}
    # Beside one another: they sleep most of the time.
    booted = {kernel: processes.Background(functools.partial(distro.boot, distros, image, initrd, f'suites-{kernel}', overlay))
              for kernel, image in images.items()}
    for kernel, guest in booted.items():
        outcome, system = guest.result()
        reasons = list(distro.wrong(system, verdicts.complaints(outcome.console), outcome.ended))
        if reasons:
            raise Broken(f'Debian on {kernel}: {reasons[0]}; the console is {outcome.console}')
        found[kernel] = results([line for _, line in outcome.report if not line.startswith('harness: ')])
    wrong = [f'{suite} did not run on {kernel}' for kernel, ran in found.items() for suite in called if not ran.get(suite)]
    wrong += differences(found['ours'], found['stock'])
    say()
    for suite, cases in found['ours'].items():
        bad = [case for case, outcome in cases.items() if outcome == 'failed']
        say(f'{suite}: {summary(cases)}' + (f': {", ".join(bad)[:200]}' if bad else ''))
    for line in wrong:
        say(f'  {line}')
    number = sum(len(cases) for cases in found['ours'].values())
    say(f'programs: {"FAIL" if wrong else "PASS"}: {len(called)} suites as they are, {number} cases on ours and on stock, '
        f'{len(wrong)} wrong')
    return 1 if wrong else 0
