# SPDX-License-Identifier: GPL-2.0
"""A verdict as JUnit's XML, for GitLab, Jenkins and their like.

Prints the XML for an earlier boot (build/*/boots) in which the PROGRAMs should have run; each boot
writes its own, NAME.junit.xml. A test program is a testsuite, and what is wrong with the boot as a
whole is a testsuite of one case, "boot". A failure that is declared (XFAIL) is a pass that says so.
"""
import argparse
import pathlib
import re
import xml.etree.ElementTree as ElementTree

from core.command import Command
from core.options import Options
from core.places import write_if_changed
from guest import verdicts

# What XML cannot hold, whichever way it is written.
UNPRINTABLE = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def clean(text: str) -> str:
    return UNPRINTABLE.sub('?', text)


def element(parent: ElementTree.Element, tag: str, text: str | None = None, **attributes: object) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, tag, {name: clean(str(value)) for name, value in attributes.items()})
    if text:
        made.text = clean(text)
    return made


def add_result(suite: ElementTree.Element, program: verdicts.Program, result: verdicts.Result) -> None:
    """A testcase; the part of its name before the dot, GoogleTest's suite, is its class."""
    group, _, name = result.name.rpartition('.') if '/' not in result.name else result.name.partition('.')
    case = element(suite, 'testcase', classname=f'{program.name}.{group}' if group else program.name,
                   name=name or result.name, time=f'{result.seconds:.3f}')
    if result.outcome == 'skipped':
        element(case, 'skipped', message=result.text)
    elif result.outcome in ('failed', 'XPASS'):
        element(case, 'failure', '\n'.join(result.notes), message=result.text or 'failed', type=result.outcome)
    elif result.outcome == 'XFAIL':
        element(case, 'system-out', f'fails as declared: {result.text}')


def add_suite(root: ElementTree.Element, name: str, cases: int, failures: int, errors: int, skipped: int,
              seconds: float) -> ElementTree.Element:
    return element(root, 'testsuite', name=name, tests=cases, failures=failures, errors=errors, skipped=skipped,
                   time=f'{seconds:.3f}')


def tree(verdict: verdicts.Verdict, seconds: float) -> ElementTree.Element:
    """The document."""
    failed = {f'{program.name}: {test.name} failed' for program in verdict.programs for test in program.tests}
    errors = [reason for reason in verdict.reasons if reason not in failed]
    root = ElementTree.Element('testsuites', name='eventfd', time=f'{seconds:.3f}',
                               tests=str(sum(len(program.tests) for program in verdict.programs) + 1),
                               failures=str(verdict.count('failed')), errors=str(int(bool(errors))))
    for program in verdict.programs:
        suite = add_suite(root, program.name, len(program.tests), program.count('failed'), 0,
                          program.count('skipped'), program.seconds)
        for result in verdicts.results(program):
            add_result(suite, program, result)
    boot = add_suite(root, 'boot', 1, 0, int(bool(errors)), 0, seconds)
    properties = element(boot, 'properties')
    for key, value in verdict.facts.items():
        element(properties, 'property', name=key, value=value)
    case = element(boot, 'testcase', classname='boot', name='boot', time=f'{seconds:.3f}')
    if errors:
        element(case, 'error', '\n'.join(errors), message=errors[0], type='boot')
    ElementTree.indent(root)
    return root


def text(verdict: verdicts.Verdict, seconds: float) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(tree(verdict, seconds), 'unicode') + '\n'


def write(verdict: verdicts.Verdict, path: pathlib.Path, seconds: float) -> None:
    write_if_changed(path, text(verdict, seconds))


def main(_options: Options, arguments: argparse.Namespace) -> int:
    verdict, seconds = verdicts.read(arguments.console, arguments.report, *arguments.programs)
    print(text(verdict, seconds), end='')
    return 0


COMMANDS = (Command('junit', "an earlier boot as JUnit's XML", main, verdicts.BOOT_FILES),)
