# SPDX-License-Identifier: GPL-2.0
"""What a module says of the subcommands of scripts/eventfd that it has."""
import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.options import Options

# Returns the exit status.
Function = Callable[[Options, argparse.Namespace], int]


class Argument(NamedTuple):
    """A word of a subcommand's own, beside the options."""
    name: str
    text: str
    nargs: str | None = None                # argparse's
    choices: Sequence[str] | None = None


class Command(NamedTuple):
    name: str
    text: str
    function: Function
    arguments: Sequence[Argument] = ()
    small: bool = False     # it is for the kernel of SMALL=1, too
