# SPDX-License-Identifier: GPL-2.0
"""Trees and patches made in this process, in a build directory that goes away with the test."""
import contextlib
import functools
import io
import os
import pathlib
import shutil
import tempfile
from unittest import mock

import core.options
from source import debian, patch_series, semantic, trees
from tests import small_tree
from tests.calls import Refusals


class InPlace(Refusals):
    """Tests of what builds somewhere: self.build stands for the build directory, self.said for the terminal."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.build = self.folder / 'build'
        self.build.mkdir()
        self.said = io.StringIO()
        for module, name, where in ((core.options, 'BUILD', ''), (trees, 'BUILD', ''), (semantic, 'BUILD', ''),
                                    (patch_series, 'FOLDER', 'series'), (debian, 'DOWNLOADS', 'download'),
                                    (debian, 'LOG', 'download.log')):
            self.enterContext(mock.patch.object(module, name, self.build / where))
        # As much as there could be.
        self.enterContext(mock.patch.object(shutil, 'disk_usage', return_value=mock.Mock(free=10 ** 12)))
        self.enterContext(mock.patch.dict(os.environ, GIT_CONFIG_GLOBAL='/dev/null'))
        self.enterContext(contextlib.redirect_stdout(self.said))

    def with_rules(self) -> None:
        """Let semantic patches be applied, and what comes of the small tree be known; skip the test where they cannot be."""
        if small_tree.lacks_spatch():
            self.skipTest(small_tree.lacks_spatch())
        known = functools.partial(semantic.changed, known=small_tree.known())
        self.enterContext(mock.patch.object(semantic, 'changed', known))
