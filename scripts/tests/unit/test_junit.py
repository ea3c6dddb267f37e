# SPDX-License-Identifier: GPL-2.0
"""The JUnit files that boots leave: what GitLab and Jenkins read in them, and that they can.

Not called by itself: "make check-harness" runs it.
"""
import unittest
import xml.etree.ElementTree as ElementTree

from tests.support import boot, script

# The schema that both go by: the elements below each, and the attributes of each (those it needs first).
CHILDREN = {'testsuites': {'testsuite'}, 'testsuite': {'properties', 'testcase', 'system-out', 'system-err'},
            'properties': {'property'}, 'property': set(), 'skipped': set(), 'failure': set(), 'error': set(),
            'system-out': set(), 'testcase': {'skipped', 'failure', 'error', 'system-out'}}
NEEDED = {'testsuite': {'name', 'tests'}, 'testcase': {'name', 'classname'}, 'property': {'name', 'value'}}
ALLOWED = {'testsuites': {'name', 'time', 'tests', 'failures', 'errors', 'disabled'},
           'testsuite': {'name', 'tests', 'failures', 'errors', 'skipped', 'time', 'timestamp', 'hostname', 'id',
                         'package', 'disabled'},
           'testcase': {'name', 'classname', 'time', 'status', 'assertions'}, 'property': {'name', 'value'},
           'skipped': {'message', 'type'}, 'failure': {'message', 'type'}, 'error': {'message', 'type'}}


class JUnit(unittest.TestCase):
    def valid(self, outcome):
        """The file of a boot, checked against the schema; its root."""
        root = ElementTree.parse(outcome.console.with_suffix('.junit.xml')).getroot()
        self.assertEqual(root.tag, 'testsuites')
        for parent in root.iter():
            self.assertLessEqual({child.tag for child in parent}, CHILDREN[parent.tag])
            self.assertLessEqual(NEEDED.get(parent.tag, set()), set(parent.attrib))
            self.assertLessEqual(set(parent.attrib), ALLOWED.get(parent.tag, set()))
            for name in ('tests', 'failures', 'errors', 'skipped', 'time'):
                self.assertGreaterEqual(float(parent.get(name, 0)), 0)
        for suite in root:
            cases = suite.findall('testcase')
            self.assertEqual(int(suite.get('tests')), len(cases))
            for name, tag in (('failures', 'failure'), ('errors', 'error'), ('skipped', 'skipped')):
                self.assertEqual(int(suite.get(name)), sum(case.find(tag) is not None for case in cases))
        for name in ('tests', 'failures', 'errors'):
            self.assertEqual(int(root.get(name)), sum(int(suite.get(name)) for suite in root))
        return root

    def test_each_outcome_is_told(self):
        outcome, _ = boot('junit', script('echo TAP version 13', 'echo 1..5', "echo 'ok 1 A.Passes #  0.125 s'",
                                          "printf '# what it saw: \\001 <&>\\n'",
                                          "echo 'not ok 2 A.Fails #  failed, 1.5 s'",
                                          "echo 'ok 3 A.Lacks # SKIP no such thing here'",
                                          "echo 'ok 4 All/B.Declared/X # XFAIL stock does it (failed, 0.1 s)'",
                                          "echo 'not ok 5 A.Surprise #  XPASS passes, but is declared: why'", 'exit 1'))
        suite = self.valid(outcome).find("testsuite[@name='probe']")
        cases = {(case.get('classname'), case.get('name')): case for case in suite}
        self.assertEqual(cases['probe.A', 'Passes'].get('time'), '0.125')
        self.assertEqual(len(cases['probe.A', 'Passes']), 0)
        failure = cases['probe.A', 'Fails'].find('failure')
        self.assertEqual(failure.get('message'), 'failed, 1.5 s')
        self.assertRegex(failure.text, r'what it saw: . <&>\n')
        self.assertEqual(cases['probe.A', 'Lacks'].find('skipped').get('message'), 'no such thing here')
        self.assertRegex(cases['probe.All/B', 'Declared/X'].find('system-out').text, 'fails as declared: stock does it')
        self.assertEqual(cases['probe.A', 'Surprise'].find('failure').get('type'), 'XPASS')

    def test_a_boot_that_goes_wrong_is_an_error(self):
        outcome, _ = boot('junit-panic', script('echo TAP version 13', 'echo 1..1', 'echo ok 1 Good.Test',
                                                'echo c > /proc/sysrq-trigger', 'sleep 60'))
        error = self.valid(outcome).find("testsuite[@name='boot']/testcase/error")
        self.assertRegex(error.get('message'), 'the kernel panicked')
