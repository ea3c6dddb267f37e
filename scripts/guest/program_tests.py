# SPDX-License-Identifier: GPL-2.0
"""Tests of real programs: a script runs them in a guest one after the other, and what they say is read from its report."""
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

# A test of a program's: in seconds of the guest, and how often at most.
LIMIT, RUNS = 300, 3
# {test: {case: outcome}}.
Outcomes = dict[str, dict[str, str]]


def mark(*words: str) -> str:
    return f'echo; echo {shlex.quote("== " + " / ".join(words))}'


def attempts(mark_of_it: str, command: str, runs: int = RUNS, limit: int = LIMIT) -> list[str]:
    """Lines of a script that run a test in an empty folder, and again where it fails, each time with its mark and status."""
    # A folder of a fixed name could be one that the program lies in.
    return [f'for run in $(seq {runs}); do', mark_of_it, 'mkdir -p /tmp && folder=$(mktemp -d) && chmod 755 "$folder" && cd "$folder"',
            f'(exec timeout {limit} env {command}) </dev/null 2>&1', 'status=$?', 'cd / && rm -rf "$folder"',
            'echo; echo "== status $status"', '[ $status != 0 ] || break', 'done']


def parts(lines: Sequence[str]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """What was said behind each mark."""
    words: tuple[str, ...] = ()
    said: list[str] = []
    for line in [*lines, '== ']:
        if line.startswith('== ') and not line.startswith('== status '):
            if words:
                yield words, said
            words, said = tuple(line[3:].split(' / ')), []
        else:
            said.append(line)


TAP = re.compile(r'(ok|not ok) \d+ (?:- )?([^#]*?)\s*(# SKIP.*)?')
RESULT = re.compile(r'(?:^|\.\.\. ?|[ \]])(OK|SKIPPED|DISABLED|ok|FAIL|ERROR|expected failure|skipped [\'"].*)$')
RESULTS = {'OK': 'passed', 'ok': 'passed', 'expected': 'passed', 'SKIPPED': 'skipped', 'DISABLED': 'skipped', 'skipped': 'skipped'}
UNITTEST = re.compile(r'(test\w*) \(([\w.]+)\)(.*)')
GO = re.compile(r'(?:=== RUN +([^\s/]+)|--- (PASS|FAIL|SKIP): ([^\s/]+) \(.*|(Benchmark\w+?)-\d+\s+\d+\s.*)')
GOS = {'PASS': 'passed', 'FAIL': 'failed', 'SKIP': 'skipped', None: 'passed'}
TINY = re.compile(r'([\w-]+/[\w./-]+): (.*)')


def outcomes(said: Sequence[str]) -> dict[str, str]:
    """The cases of a test, by what it said in TAP, or as tinytest, Python's unittest or Go's tests do: passed, failed or skipped."""
    found: dict[str, str] = {}
    case, status = '', ''
    for line in said:
        tap, tiny, python, go = TAP.fullmatch(line), TINY.fullmatch(line), UNITTEST.match(line), GO.fullmatch(line)
        if line.startswith('== status '):
            status = line.split()[-1]
        elif tap:
            found[tap[2]] = 'skipped' if tap[3] else {'ok': 'passed', 'not ok': 'failed'}[tap[1]]
        elif go and go[1]:
            found[go[1]] = 'failed'
        elif go:
            found[go[3] or go[4]] = GOS[go[2]]
        elif tiny:
            case = tiny[1]
            found[case] = 'failed'
        elif python and python[2] not in found:
            case = python[2]
            found[case] = 'failed'
        # What a case says stands between its name and its result.
        if case and (result := RESULT.search(line)):
            found[case], case = RESULTS.get(result[1].split()[0], 'failed'), ''
    if status != '0':
        found[f'exit status {status or "none"}'] = 'failed'
    return found


def summary(found: Mapping[str, str]) -> str:
    """What a table says of a test."""
    counts = {kind: sum(outcome == kind for outcome in found.values()) for kind in ('passed', 'failed', 'skipped')}
    return ', '.join(f'{number} {kind}' for kind, number in counts.items() if number or kind == 'passed')
