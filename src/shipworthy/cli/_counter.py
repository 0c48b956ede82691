"""So many of so many: the progress of work that has no table."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click


def counter(done_is: str) -> Callable[[int, int], None]:
    """Return what shows progress: a line that is overwritten on a terminal, one in every hundred elsewhere.

    Args:
        done_is: what has happened to what is done, such as ``judged``.
    """
    live = sys.stderr.isatty()

    def tell(done: int, planned: int) -> None:
        if live:
            click.echo(f"\r{done:,} of {planned:,} {done_is}", err=True, nl=done == planned)
        elif done % 100 == 0 or done == planned:
            click.echo(f"{done:,} of {planned:,} {done_is}", err=True)

    return tell
