"""So many of so many: the progress of work that has no table."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click


def counter(done_is: str, every: int = 100) -> Callable[[int, int], None]:
    """Return what shows progress: a line that is overwritten on a terminal, one every so often elsewhere.

    Args:
        done_is: what has happened to what is done, such as ``judged``.
        every: how many are done between two lines.
    """
    live = sys.stderr.isatty()

    def tell(done: int, planned: int) -> None:
        if live:
            click.echo(f"\r{done:,} of {planned:,} {done_is}", err=True, nl=done == planned)
        elif done % every == 0 or done == planned:
            click.echo(f"{done:,} of {planned:,} {done_is}", err=True)

    return tell
