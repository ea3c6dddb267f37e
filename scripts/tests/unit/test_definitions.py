# SPDX-License-Identifier: GPL-2.0
"""Definitions found by their names in a file of each kind of them."""
import unittest

from core.report import Broken
from source import definitions

FILE = '''\
#include <linux/a.h>

/* How many. */
#define COUNT	3
#define LONG(a) \\
	((a) + 1)

/*
 * Order
 *
 * Which comes first.
 */

static int later(int a);

/**
 * struct pair - two
 */
struct pair {
	int one;
};

static int table[] = {
	1,
};

/* Calls later(). */
int first(int a)
	__must_hold(x)
{
	struct pair pair = {
	};

	return later(a);
}
EXPORT_SYMBOL_GPL(first);

static int later(int a)
{
	return a;
}

#ifdef CONFIG_TEST
#include "test.c"
#endif
'''


class Definitions(unittest.TestCase):
    def text(self, name: str) -> str:
        return '\n'.join(definitions.taken(FILE, [name], 'a.c'))

    def test_each_kind_with_its_comment(self) -> None:
        for name, first, last in (('COUNT', '/* How many. */', '#define COUNT\t3'), ('LONG', '#define LONG(a) \\', '\t((a) + 1)'),
                                  ('Order', '/*', ' */'), ('struct pair', '/**', '};'), ('table', 'static int table[] = {', '};'),
                                  ('first', '/* Calls later(). */', 'EXPORT_SYMBOL_GPL(first);'),
                                  ('later', 'static int later(int a)', '}'), ('CONFIG_TEST', '#ifdef CONFIG_TEST', '#endif')):
            with self.subTest(name=name):
                lines = self.text(name).split('\n')
                self.assertEqual((lines[0], lines[-1]), (first, last))

    def test_several_at_once_are_one_after_the_other(self) -> None:
        self.assertEqual(definitions.taken(FILE, ['COUNT', 'LONG'], 'a.c'), FILE.splitlines()[2:6])

    def test_what_is_not_there_or_is_there_twice(self) -> None:
        for text, name, number in ((FILE, 'pair', 0), (FILE, 'COUNTS', 0), (FILE * 2, 'first', 2)):
            with self.subTest(name=name), self.assertRaisesRegex(Broken, f'a.c defines "{name}" {number}x, and has to 1x'):
                definitions.one(text, name, 'a.c')

    def test_a_file_without_one(self) -> None:
        shorter = definitions.without(FILE, 'CONFIG_TEST', 'a.c')
        self.assertEqual(shorter, FILE[:FILE.index('\n#ifdef')])
        self.assertNotIn('How many', definitions.without(FILE, 'COUNT', 'a.c'))
