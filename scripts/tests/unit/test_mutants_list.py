# SPDX-License-Identifier: GPL-2.0
"""What "make mutants" makes of its list, and of what a guest says of the mutants: seen, not seen, or not to be seen."""
import contextlib
import io
import pathlib
import tempfile
import unittest
from collections.abc import Callable, Sequence
from unittest import mock

from checks import behaviours
from commands import killers, mutants
from core.options import Options
from core.places import ROOT
from core.report import Broken, Refusal
from guest import qemu, rootfs, session
from source import trees

ENTRY = """
mutant: semaphore-unknown
killed by: Semaphore.ReadTakesOneAndReportsOne
-	ctx->is_semaphore = !!(flags & EFD_SEMAPHORE);
+	ctx->is_semaphore = 0;
"""
OURS = (ROOT / 'fs/eventfd.c').read_text()


class TheList(unittest.TestCase):
    def broken(self, pattern: str, text: str) -> None:
        with self.assertRaisesRegex(Broken, pattern):
            for mutant in mutants.parse(text):
                mutant.changed('one line\nanother line\none line\n')

    def test_is_as_it_says(self) -> None:
        listed = mutants.parse(mutants.LIST.read_text())
        self.assertGreaterEqual(len(listed), 60)
        for mutant in listed:
            text = (ROOT / mutant.file).read_text()
            self.assertNotEqual(mutant.changed(text), text)

    def test_names_each_mutant_once(self) -> None:
        self.broken('there are two mutants semaphore-unknown', ENTRY + ENTRY)

    def test_names_a_test_or_a_reason(self) -> None:
        self.broken('needs either "killed by:" or "invisible:"', 'mutant: a\n-one line\n')
        self.broken('needs either "killed by:" or "invisible:"', 'mutant: a\nkilled by: B\ninvisible: c\n-one line\n')

    def test_changes_one_place(self) -> None:
        self.broken('are in fs/eventfd.c 0 times and not once', 'mutant: a\nkilled by: B\n-no line\n')
        self.broken('are in fs/eventfd.c 2 times and not once', 'mutant: a\nkilled by: B\n-one line\n')
        self.broken('a changes nothing', 'mutant: a\nkilled by: B\n another line\n')

    def test_knows_no_other_fields(self) -> None:
        self.broken('neither a field nor part of a change', 'mutant: a\nkilt by: B\n')

    def test_has_no_test_that_the_suite_has_not(self) -> None:
        with self.assertRaisesRegex(Broken, 'the suite has no test Read.Hums'):
            mutants.matching({'eventfd_values': ['Read.ReturnsEight']}, ['Read.Hums'])

    def test_is_chosen_from_by_name_or_pattern(self) -> None:
        listed = mutants.parse(ENTRY + ENTRY.replace('semaphore-unknown', 'other'))
        cases: list[tuple[list[str], str | None, int]] = [([], None, 2), (['other'], None, 1), ([], 'semaphore', 1),
                                                          ([], 'o*', 1), (['other'], 'o*', 1)]
        for names, pattern, chosen in cases:
            self.assertEqual(len(mutants.chosen(listed, names, pattern)), chosen)
        cases = [(['nobody'], None, 0), ([], 'nonsense', 0), (['other'], 'semaphore', 0)]
        for names, pattern, _ in cases:
            with self.assertRaises(Refusal):
                mutants.chosen(listed, names, pattern)


class ManyInOne(unittest.TestCase):
    """One file of many: each copy has names of its own for what it defines."""

    def test_nothing_is_defined_twice(self) -> None:
        wrong = mutants.parse(ENTRY)[0].changed(OURS)
        text = mutants.many([OURS, wrong])
        for number in (0, 1):
            self.assertEqual(text.count(f'static long eventfd_m{number}_make2(unsigned int count, int flags)'), 1)
            self.assertEqual(text.count(f'#line 1 "eventfd-{number}.c"'), 1)
        self.assertEqual(text.count('SYSCALL_DEFINE2(eventfd2'), 1)
        self.assertEqual(text.count('\tctx->is_semaphore = 0;\n'), 1)
        self.assertNotIn('EXPORT_SYMBOL', text)

    def test_a_file_that_it_does_not_know_any_more_is_said_to_be_so(self) -> None:
        with self.assertRaisesRegex(Broken, 'fs/eventfd.c has 0 lines .* that commands/mutants.py goes by'):
            mutants.many([OURS.replace('SYSCALL_DEFINE2(eventfd2', 'SYSCALL_DEFINE2(eventfd3')])


class TheLaboratory(unittest.TestCase):
    """A laboratory whose kernels are not built, and whose guest is what a test says of its mutants."""
    HOW = {'seen': 'killed by: Read.One', 'elsewhere': 'killed by: Read.One', 'unseen': 'killed by: Read.One',
           'deadly': 'killed by: Read.One', 'after-it': 'killed by: Write.One', 'hidden': 'invisible: it is',
           'shown': 'invisible: it is not'}
    LIST = '\n'.join(f'mutant: {name}\n{how}\n'
                     f'-\tctx->is_semaphore = !!(flags & EFD_SEMAPHORE);\n+\tctx->is_semaphore = {number};\n'
                     for number, (name, how) in enumerate(HOW.items()))
    # What is wrong with which of them, in the tests that should see it, and in all.
    NAMED = {'seen': 'Read.One'}
    WHOLE = {'elsewhere': 'Poll.One', 'shown': 'Write.One'}

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.built: list[dict[str, bytes]] = []
        self.boots: list[list[str]] = []
        self.unchanged = ''
        self.starts = True
        built = session.Built(self.folder, self.folder, self.folder, self.folder)
        for of, name, instead in ((session, 'build', lambda _: built), (session, 'overlay_for', self.overlay),
                                  (qemu, 'boot', self.boot),
                                  (rootfs, 'programs', lambda _: ['values', 'poll']),
                                  (behaviours, 'tests_of',
                                   lambda path: {'values': ['Read.One', 'Write.One'], 'poll': ['Poll.One']}[path.name]),
                                  (trees, 'pristine', lambda _: self.folder),
                                  (mutants.Laboratory, 'build', lambda _, files: self.built.append(files))):
            self.enterContext(mock.patch.object(of, name, instead))
        self.laboratory = mutants.Laboratory(Options.of({}))

    def overlay(self, _options: object, _objects: object, files: session.Files, *_more: object) -> pathlib.Path:
        self.jobs = str(files['/etc/mutants'][0]).splitlines()
        return self.folder / 'overlay'

    def boot(self, *_what: object, on_line: Callable[[str], object], **_more: object) -> qemu.Outcome:
        """The guest: it goes through the jobs, but ends where the kernel dies."""
        self.boots.append([job.split()[1] for job in self.jobs])
        report: list[tuple[float, str]] = []
        console = self.folder / 'mutant.console'
        console.write_text('reboot: Restarting system\n')

        def say(line: str) -> bool:
            report.append((1.0, line))
            return bool(on_line(line))

        say('harness: started 1')
        for job in self.jobs if self.starts else ():
            _, name, pattern, _, *programs = job.split()
            whole = pattern == '*'
            self.assertEqual(programs, ['values', 'poll'] if whole else ['values'])
            say(f'harness: mutant {name}')
            if name == 'deadly':
                console.write_text('[    9.1] Kernel panic - not syncing: Attempted to kill init!\n')
                return qemu.Outcome(console, report, '', 0, 1.0, 'tcg')
            wrong = self.unchanged if name == 'unchanged' else self.NAMED.get(name) or (whole and self.WHOLE.get(name))
            if wrong and say(f'not ok 1 {wrong} #  failed, 0.1 s'):
                return qemu.Outcome(console, report, 'stopped, as enough was seen', 0, 1.0, 'tcg')
            say('harness: mutant -')
        for line in ('harness: eventfd-id 0 0', 'harness: tainted 0', 'harness: end') if self.starts else ():
            say(line)
        return qemu.Outcome(console, report, '', 0, 1.0, 'tcg')

    def examined(self, names: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
        rows: list[mutants.Row] = []
        with contextlib.redirect_stdout(io.StringIO()):
            mutants.examine(self.laboratory, mutants.chosen(mutants.parse(self.LIST), names, None), rows)
        return {name: (verdict, by) for name, verdict, by in rows}

    def test_tells_the_dead_from_the_living(self) -> None:
        self.assertEqual(self.examined(), {
            'seen': ('killed', 'Read.One'),
            'elsewhere': ('killed', 'Poll.One, not by those named'),
            'unseen': ('SURVIVED', ''),
            'deadly': ('killed', 'the kernel panicked: Attempted to kill init!'),
            'after-it': ('SURVIVED', ''),
            'hidden': ('invisible', 'it is'),
            'shown': ('not invisible', 'Write.One')})
        self.assertEqual(len(self.built), 1)

    def test_goes_on_after_one_that_was_deadly_and_asks_each_suspect_again_alone(self) -> None:
        self.examined()
        many = ['seen', 'elsewhere', 'unseen', 'deadly', 'after-it']
        self.assertEqual(self.boots[:4], [['unchanged'], many, ['deadly'], ['after-it']])
        # Then the whole suite, for each that nobody saw.
        self.assertEqual(self.boots[4:], [['hidden'], ['shown'], ['elsewhere'], ['unseen'], ['after-it']])

    def test_proves_nothing_where_the_unchanged_file_fails(self) -> None:
        self.unchanged = 'Read.One'
        with self.assertRaisesRegex(Broken, 'without any mutant: Read.One'):
            self.examined()

    def test_gives_up_where_no_guest_comes_to_its_first_mutant(self) -> None:
        self.starts = False
        with self.assertRaisesRegex(Broken, 'the guest does not come to its first mutant: '):
            self.examined()
        self.assertEqual(len(self.boots), 3)

    def test_writes_a_table(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            mutants.show([mutants.Row('seen', 'killed', 'Read.One'), mutants.Row('unseen', 'SURVIVED', '')],
                         self.folder / 'table')
        self.assertEqual((self.folder / 'table').read_text(),
                         'mutant  verdict        by, or why\nseen    killed         Read.One\nunseen  SURVIVED       \n')
        self.assertIn('unseen  SURVIVED', said.getvalue())


class Killers(unittest.TestCase):
    """The table of all tests that kill each mutant."""

    FOUND = {'semaphore-unknown': ('0123456789ab', ['Read.ReturnsEight', killers.MORE]),
             'fits-one-too-few': ('ba9876543210', [f'{killers.KERNEL}the kernel panicked'])}

    def test_is_read_as_it_was_written(self) -> None:
        text = killers.render(self.FOUND, ['semaphore-unknown', 'gone', 'fits-one-too-few'])
        self.assertEqual(killers.parse(text), self.FOUND)
        self.assertEqual(killers.complaints(text, ['Read.ReturnsEight']), [])

    def test_names_what_there_is(self) -> None:
        text = killers.render({'hums': ('0', []), **self.FOUND}, ['hums', *self.FOUND])
        self.assertEqual(killers.complaints(text, ['Read.Hums']),
                         ['killers.txt: there is no mutant hums',
                          'killers.txt: semaphore-unknown: the suite has no test Read.ReturnsEight'])

    def test_has_each_mutant_that_a_test_sees(self) -> None:
        found = killers.parse(killers.TABLE.read_text())
        for mutant in mutants.parse(mutants.LIST.read_text()):
            with self.subTest(mutant=mutant.name):
                if mutant.killers:
                    mark, tests = found[mutant.name]
                    self.assertEqual(mark, killers.mark_of(mutant), 'run "scripts/eventfd killers"')
                    self.assertTrue(tests)
