"""Print what a verb found, where its exit code is the verdict."""

from __future__ import annotations

import os
import sys

import click


def say(text: str, *, nl: bool = True) -> None:
    """Print to standard output; if its reader has gone, carry on without.

    `shipworthy gate | head -3` must exit with its verdict whether or not `head` read to the end: anything else would
    let a pipeline take a closed pipe for a ship.
    """
    try:
        click.echo(text, nl=nl)
    except BrokenPipeError:
        # Whatever is still in the buffer is written at exit: to where it does no harm.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
