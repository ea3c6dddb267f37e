# SPDX-License-Identifier: GPL-2.0
"""What "make mutants" says of a change: seen, not seen, or not to be seen.

Not called by itself: "make check-harness" runs it.
"""
import unittest


from commands import mutants
from core.options import Options
from core.report import Broken

ENTRY = """
mutant: semaphore-unknown
killed by: Semaphore.ReadTakesOneAndReportsOne
-	ctx->is_semaphore = !!(flags & EFD_SEMAPHORE);
+	ctx->is_semaphore = 0;
"""


class TheList(unittest.TestCase):
    def broken(self, pattern, text):
        with self.assertRaisesRegex(Broken, pattern):
            for mutant in mutants.parse(text):
                mutant.changed('one line\nanother line\none line\n')

    def test_is_as_it_says(self):
        listed = mutants.parse(mutants.LIST.read_text())
        self.assertGreaterEqual(len(listed), 60)
        for mutant in listed:
            text = (mutants.ROOT / mutant.file).read_text()
            self.assertNotEqual(mutant.changed(text), text)

    def test_names_each_mutant_once(self):
        self.broken('there are two mutants semaphore-unknown', ENTRY + ENTRY)

    def test_names_a_test_or_a_reason(self):
        self.broken('needs either "killed by:" or "invisible:"', 'mutant: a\n-one line\n')
        self.broken('needs either "killed by:" or "invisible:"', 'mutant: a\nkilled by: B\ninvisible: c\n-one line\n')

    def test_changes_one_place(self):
        self.broken('are in fs/eventfd.c 0 times and not once', 'mutant: a\nkilled by: B\n-no line\n')
        self.broken('are in fs/eventfd.c 2 times and not once', 'mutant: a\nkilled by: B\n-one line\n')
        self.broken('a changes nothing', 'mutant: a\nkilled by: B\n another line\n')

    def test_knows_no_other_fields(self):
        self.broken('neither a field nor part of a change', 'mutant: a\nkilt by: B\n')

    def test_has_no_test_that_the_suite_has_not(self):
        with self.assertRaisesRegex(Broken, 'the suite has no test Read.Hums'):
            mutants.matching({'eventfd_values': ['Read.ReturnsEight']}, ['Read.Hums'])


class TheLaboratory(unittest.TestCase):
    def test_tells_the_dead_from_the_living(self):
        text = '\n'.join((ENTRY, ENTRY.replace('killed by:', 'invisible:').replace('unknown', 'forgotten'), """
mutant: harmless
killed by: Semaphore.ReadTakesOneAndReportsOne
-	return ctx->is_semaphore && ctx->count ? 1 : ctx->count;
+	return ctx->count && ctx->is_semaphore ? 1 : ctx->count;

mutant: deadly
killed by: Read.ReturnsEightAndTheCountAndResetsIt
-	WRITE_ONCE(ctx->count, ctx->count - n);
+	BUG();

mutant: deaf
killed by: BlockingRead.IsEndedByASignalWithoutRestart
-		set_current_state(TASK_INTERRUPTIBLE);
+		set_current_state(TASK_UNINTERRUPTIBLE);
"""))
        laboratory, rows = mutants.Laboratory(Options.of()), []
        # What survives those that should kill it meets the whole suite: here this is enough of it.
        laboratory.programs = ['eventfd_values', 'eventfd_semaphore', 'eventfd_blocking']
        mutants.examine(laboratory, mutants.parse(text), rows)
        seen = {name: (verdict, by) for name, verdict, by in rows}
        self.assertEqual({name: verdict for name, (verdict, _) in seen.items()},
                         {'semaphore-unknown': 'killed', 'semaphore-forgotten': 'not invisible', 'harmless': 'SURVIVED',
                          'deadly': 'killed', 'deaf': 'killed'})
        self.assertEqual(seen['semaphore-unknown'][1], 'Semaphore.ReadTakesOneAndReportsOne')
        self.assertIn('the kernel panicked', seen['deadly'][1])
        self.assertRegex(seen['deaf'][1], 'timed out|silent|hung_task')
