# SPDX-License-Identifier: GPL-2.0
"""What "make mutants" says of changes in a real kernel. What it makes of what a guest says: unit/test_mutants_list.py."""
import unittest

from commands import mutants
from core.options import Options

LIST = """
mutant: semaphore-unknown
killed by: Semaphore.ReadTakesOneAndReportsOne
-	ctx->is_semaphore = !!(flags & EFD_SEMAPHORE);
+	ctx->is_semaphore = 0;

mutant: harmless
killed by: Semaphore.ReadTakesOneAndReportsOne
-	return ctx->is_semaphore && ctx->count ? 1 : ctx->count;
+	return ctx->count && ctx->is_semaphore ? 1 : ctx->count;

mutant: deadly
killed by: Read.ReturnsEightAndTheCountAndResetsIt
-	WRITE_ONCE(ctx->count, ctx->count - n);
+	BUG();
"""


class TheLaboratory(unittest.TestCase):
    def test_tells_the_dead_from_the_living(self) -> None:
        laboratory, rows = mutants.Laboratory(Options.of()), list[mutants.Row]()
        # What survives those that should kill it meets the whole suite: here this is enough of it.
        laboratory.programs = ['eventfd_values', 'eventfd_semaphore']
        mutants.examine(laboratory, mutants.parse(LIST), rows)
        seen = {row.name: row for row in rows}
        self.assertEqual({name: row.verdict for name, row in seen.items()},
                         {'semaphore-unknown': 'killed', 'harmless': 'SURVIVED', 'deadly': 'killed'})
        self.assertEqual(seen['semaphore-unknown'].by, 'Semaphore.ReadTakesOneAndReportsOne')
        self.assertIn('the kernel panicked', seen['deadly'].by)
