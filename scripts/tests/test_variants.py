# SPDX-License-Identifier: GPL-2.0
"""Kernels that do wrong what the suite tests: the tests that name it have to turn red.

Not called by itself: "make check-harness" runs it.
"""
import unittest

from support import boot_variant

# What EFD_AUTORESET did wrong as it was first posted, a test for each.
LOST = (
    'EventFromBeforeItWasAddedToAnEpoll',
    'EventFromBeforeItsEntryWasModified',
    'EventBehindAnEpollInsideAnEpoll',
    'EventBehindAnEpollThatWasPolled',
    'RoomThatABlockedWriterWaitsFor',
    'ResetByAnIoUringPollThatWasArmedBeforeTheWrite',
    'ResetByAnAioPollThatWasArmedBeforeTheWrite',
    'EventThatAnIoUringMultishotReadWaitsFor',
    'EventThatAnIoUringReadWaitsFor',
)


class Variants(unittest.TestCase):
    def test_each_flaw_of_the_first_autoreset_is_seen(self):
        result = boot_variant('rfc', 'eventfd_autoreset', 'WhatTheRfcLost.*')
        seen = {name: kind for program in result.programs for kind, name, _ in program.tests}
        self.assertEqual(seen, {f'WhatTheRfcLost.{name}': 'failed' for name in LOST})


if __name__ == '__main__':
    unittest.main()
