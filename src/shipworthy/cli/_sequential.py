"""What `shipworthy eval --sequential` says: which suites it may end early, and where it ended them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shipworthy.evals.results import Run
    from shipworthy.evals.sitting import Decided, Sitting
    from shipworthy.workspace.load import Workspace


def refuse_sequential(resume: str | None, shard: tuple[int, int] | None, *, sequential: bool) -> None:
    """Refuse ``--sequential`` where it can mean nothing.

    Raises:
        UsageError: with a run that goes on, or with parts of one.
    """
    from shipworthy.core.errors import UsageError

    if sequential and resume:
        raise UsageError("--resume goes on with a run by the run's own rule: leave --sequential out")
    if sequential and shard:
        raise UsageError("--sequential stands without --shard: no part of a run knows when all of it has decided")


def early_of(workspace: Workspace, plan: str, suites: tuple[str, ...], *, sequential: bool) -> tuple[str, ...]:
    """Return the suites that a sequential run may end early, and say which it makes whole, and why; else none.

    Raises:
        UsageError: it may end none.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.release.sequential import early_suites

    if not sequential:
        return ()
    found = early_suites(workspace, plan, suites or None)
    for suite, why in found.whole.items():
        click.echo(f"{suite} is made whole: {why}", err=True)
    if not found.early:
        raise UsageError("--sequential would end no suite early: leave it out")
    return found.early


def decider_of(workspace: Workspace, sitting: Sitting) -> Decided | None:
    """Return what says when a sequential run has decided; None of one that is made whole."""
    from shipworthy.release.sequential import decider

    return decider(workspace) if sitting.log.manifest.stopping.rule == "sequential" else None


def saved(run: Run) -> str:
    """Return where a sequential run ended each suite; empty of one that is made whole, or is not at its end."""
    lines = []
    for use in run.manifest.suites if run.complete else ():
        made = run.made(use.id)
        if use.looks and made < use.attempts:
            share = 100 * (1 - made / use.attempts)
            lines.append(f"{use.id} ended after {made:,} of {use.attempts:,} attempts: {share:.0f} % saved")
        elif use.looks:
            lines.append(f"{use.id} went on to its last attempt, {made:,}")
    return "".join(f"{line}\n" for line in lines)
