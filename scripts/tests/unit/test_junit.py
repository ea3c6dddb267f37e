# SPDX-License-Identifier: GPL-2.0
"""Verdicts as JUnit files: what GitLab and Jenkins read in them, and that they can."""
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from guest import junit
from tests.calls import call_here
from tests.recorded import ALL, Boot

# The schema that both go by: the elements below each, and the attributes of each (those it needs first).
CHILDREN = {'testsuites': {'testsuite'}, 'testsuite': {'properties', 'testcase', 'system-out', 'system-err'},
            'properties': {'property'}, 'property': set[str](), 'skipped': set[str](), 'failure': set[str](),
            'error': set[str](), 'system-out': set[str](), 'testcase': {'skipped', 'failure', 'error', 'system-out'}}
NEEDED = {'testsuite': {'name', 'tests'}, 'testcase': {'name', 'classname'}, 'property': {'name', 'value'}}
ALLOWED = {'testsuites': {'name', 'time', 'tests', 'failures', 'errors', 'disabled'},
           'testsuite': {'name', 'tests', 'failures', 'errors', 'skipped', 'time', 'timestamp', 'hostname', 'id',
                         'package', 'disabled'},
           'testcase': {'name', 'classname', 'time', 'status', 'assertions'}, 'property': {'name', 'value'},
           'skipped': {'message', 'type'}, 'failure': {'message', 'type'}, 'error': {'message', 'type'}}


class JUnit(unittest.TestCase):
    def valid(self, text: str) -> ElementTree.Element:
        """A file's root, checked against the schema."""
        root = ElementTree.fromstring(text)
        self.assertEqual(root.tag, 'testsuites')
        for parent in root.iter():
            self.assertLessEqual({child.tag for child in parent}, CHILDREN[parent.tag])
            self.assertLessEqual(NEEDED.get(parent.tag, set()), set(parent.attrib))
            self.assertLessEqual(set(parent.attrib), ALLOWED.get(parent.tag, set()))
            for name in ('tests', 'failures', 'errors', 'skipped', 'time'):
                self.assertGreaterEqual(float(parent.get(name, '0')), 0)
        for suite in root:
            cases = suite.findall('testcase')
            self.assertEqual(int(suite.attrib['tests']), len(cases))
            for name, tag in (('failures', 'failure'), ('errors', 'error'), ('skipped', 'skipped')):
                self.assertEqual(int(suite.attrib[name]), sum(case.find(tag) is not None for case in cases))
        for name in ('tests', 'failures', 'errors'):
            self.assertEqual(int(root.attrib[name]), sum(int(suite.attrib[name]) for suite in root))
        return root

    def of(self, boot: Boot, *expected: str) -> ElementTree.Element:
        return self.valid(junit.text(boot.judged(expected), 1.5))

    def cases(self, root: ElementTree.Element) -> dict[tuple[str, str], ElementTree.Element]:
        return {(case.attrib['classname'], case.attrib['name']): case for case in root.iter('testcase')}

    def child(self, case: ElementTree.Element, tag: str) -> ElementTree.Element:
        """What it has of this kind, and that this is all it has."""
        self.assertEqual([child.tag for child in case], [tag])
        return case[0]

    def test_a_boot_in_which_all_is_well(self) -> None:
        root = self.of(Boot.read('good'), *ALL)
        self.assertEqual([(suite.get('name'), suite.get('tests'), suite.get('time')) for suite in root],
                         [('kunit: eventfd', '3', '0.345'), ('eventfd_creation', '3', '0.180'),
                          ('eventfd_test', '2', '0.610'), ('boot', '1', '1.500')])
        self.assertEqual([(root.get('failures'), root.get('errors'), root.get('time'))], [('0', '0', '1.500')])
        self.assertEqual(set(self.cases(root)), {
            ('kunit: eventfd', 'signal_adds_one_and_wakes'), ('kunit: eventfd', 'signal_reaches_a_blocked_reader'),
            ('kunit: eventfd', 'signal_lets_one_blocked_reader_go_on'),
            ('eventfd_creation.Creation', 'EveryUndefinedFlagAloneIsEinval'),
            ('eventfd_creation.Creation', 'AnUndefinedFlagBesideDefinedOnesIsEinval'),
            ('eventfd_creation.Creation', 'FlagsAreThoseOfOpen'), ('eventfd_test.global', 'eventfd_check_flag_rdwr'),
            ('eventfd_test.global', 'eventfd_check_flag_cloexec'), ('boot', 'boot')})
        facts = {entry.get('name'): entry.get('value') for entry in root.iter('property')}
        self.assertEqual((facts['release'], facts['cpus']), ('6.12.117', '2'))

    def test_each_outcome_is_told(self) -> None:
        cases = self.cases(self.of(Boot.of_probe(
            'TAP version 13', '1..5', 'ok 1 A.Passes #  0.125 s', '# what it saw: \x01 <&>',
            'not ok 2 A.Fails #  failed, 1.5 s',
            'ok 3 A.Lacks # SKIP no such thing here', 'ok 4 All/B.Declared/X # XFAIL stock does it (failed, 0.1 s)',
            'not ok 5 A.Surprise #  XPASS passes, but is declared: why')))
        self.assertEqual(cases['probe.A', 'Passes'].get('time'), '0.125')
        self.assertEqual(len(cases['probe.A', 'Passes']), 0)
        failure = self.child(cases['probe.A', 'Fails'], 'failure')
        self.assertEqual((failure.get('message'), failure.get('type')), ('failed, 1.5 s', 'failed'))
        self.assertEqual(failure.text, '# what it saw: ? <&>\nnot ok 2 A.Fails #  failed, 1.5 s')
        self.assertEqual(self.child(cases['probe.A', 'Lacks'], 'skipped').get('message'), 'no such thing here')
        self.assertEqual(self.child(cases['probe.All/B', 'Declared/X'], 'system-out').text,
                         'fails as declared: stock does it (failed, 0.1 s)')
        self.assertEqual(self.child(cases['probe.A', 'Surprise'], 'failure').get('type'), 'XPASS')

    def test_each_failure_of_a_boot_is_one(self) -> None:
        root = self.of(Boot.read('flawed'), 'kunit: eventfd', 'eventfd_autoreset')
        self.assertEqual((root.get('failures'), root.get('errors')), ('3', '0'))
        failed = {key for key, case in self.cases(root).items() if case.find('failure') is not None}
        self.assertEqual(failed, {('kunit: eventfd', 'claim_lets_a_blocked_writer_go_on'),
                                  ('eventfd_autoreset.AutoresetLosesNo', 'EventFromBeforeItWasAddedToAnEpoll'),
                                  ('eventfd_autoreset.AutoresetLosesNo', 'EventFromBeforeItsEntryWasModified')})

    def test_what_is_wrong_with_the_whole_boot_is_an_error(self) -> None:
        root = self.of(Boot.read('panic'), 'eventfd_poll')
        error = self.child(self.cases(root)['boot', 'boot'], 'error')
        self.assertEqual(error.get('message'), 'the kernel panicked: Fatal exception')
        self.assertIn('\neventfd_poll: never started\n', error.text or '')

    def test_a_failure_of_stock_that_is_declared_is_a_pass_that_says_so(self) -> None:
        root = self.of(Boot.read('stock'))
        self.assertEqual((root.get('failures'), root.get('errors')), ('0', '0'))
        declared = self.cases(root)['eventfd_faults.FailedReads', 'AreNoEventForOutput']
        self.assertRegex(self.child(declared, 'system-out').text or '', '^fails as declared: stock has taken the count')
        self.assertEqual([suite.get('skipped') for suite in root], ['0', '0', '2', '0'])

    def test_an_earlier_boot(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            console = Boot.read('good').write(pathlib.Path(scratch))
            status, said = call_here('junit', str(console), str(console.with_suffix('.report')), *ALL)
        self.assertEqual(status, 0)
        self.assertEqual(self.valid(said).get('time'), '2.470')

    def test_a_file_of_it(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / 'run.junit.xml'
            junit.write(Boot.read('good').judged(ALL), path, 1.5)
            self.valid(path.read_text())
