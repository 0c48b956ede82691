"""Evaluate from Python: one call that plans, runs and reads back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shipworthy.core.errors import UsageError
from shipworthy.evals.begin import Guards, begin, complete_async, take_up
from shipworthy.evals.fresh import fresh_draws
from shipworthy.evals.loop import run_to_end
from shipworthy.evals.progress import Progress
from shipworthy.evals.results import Run
from shipworthy.exchange.budget import Limits

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace


def evaluate(
    workspace: Workspace | str | Path = ".",
    plan: str = "full",
    *,
    suites: Sequence[str] | None = None,
    guards: Guards | None = None,
    target: str | None = None,
    fresh: bool | int = False,
    resume: str | Path | None = None,
    retry_errors: bool = False,
    limits: Limits | None = None,
    concurrency: int | None = None,
    cache: bool | Path = True,
    progress: bool | Progress = True,
) -> Run:
    """Run a workspace's plan and return what was measured. Works in a script and in a notebook's running loop.

    Args:
        workspace: loaded, or the folder of its files.
        plan: id of a plan; ``full`` is every suite as it is.
        suites: only these of the plan's suites.
        guards: True or left out takes the workspace's guard file, where there is one; False measures the bare target;
            a path takes that guard file.
        target: name of the target that is measured; the system under test if left out. A release is decided on the
            system under test alone.
        fresh: True draws other samples of each bank than the plan's own and than any earlier draw; a seed in [0, 2**48)
            that was used before draws the same ones again (`RunManifest.draws` ends with a run's seed).
        resume: go on with this run (id, prefix, ``latest`` or directory) instead of starting one; `plan` and `suites`
            are then the run's own.
        retry_errors: with `resume`, make attempts that ended in an error once more.
        limits: what may be spent; a run that reaches one stops cleanly and can be resumed.
        concurrency: calls to the target at one time; what the target says, or 16, if left out.
        cache: whether to keep and reuse replies; a path is the file to keep them in.
        progress: whether to show it on standard error; or a `Progress` of your own.

    Returns:
        The run, complete unless a limit was reached (`Run.complete`, `Run.stopped`).

    Raises:
        UsageError: the workspace, the plan or a plug-in is not as it must be.
        StoreError: the run log cannot be written.
        IntegrityError: the log to resume is not what was written.
    """
    return run_to_end(
        evaluate_async(
            workspace,
            plan,
            suites=suites,
            guards=guards,
            target=target,
            fresh=fresh,
            resume=resume,
            retry_errors=retry_errors,
            limits=limits,
            concurrency=concurrency,
            cache=cache,
            progress=progress,
        )
    )


async def evaluate_async(
    workspace: Workspace | str | Path = ".",
    plan: str = "full",
    *,
    suites: Sequence[str] | None = None,
    guards: Guards | None = None,
    target: str | None = None,
    fresh: bool | int = False,
    resume: str | Path | None = None,
    retry_errors: bool = False,
    limits: Limits | None = None,
    concurrency: int | None = None,
    cache: bool | Path = True,
    progress: bool | Progress = True,
) -> Run:
    """Run a workspace's plan on the running event loop. Arguments, result and errors as for `evaluate`.

    Cancelling it stops cleanly: what was finished is durable, and ``resume="latest"`` goes on.
    """
    from shipworthy.workspace.load import Workspace

    if not isinstance(workspace, Workspace):
        workspace = Workspace.load(workspace)
    if resume is None:
        given = True if guards is None else guards
        seed = None if fresh is True else fresh
        draws = fresh_draws(workspace, plan, suites=suites, seed=seed) if fresh is not False else ()
        sitting = begin(workspace, plan, suites=suites, guards=given, target=target, cache=cache, draws=draws)
    else:
        if target is not None or fresh is not False:
            raise UsageError("a run that goes on has its target and its samples: leave `target` and `fresh` out")
        sitting = take_up(workspace, resume, guards=guards, cache=cache, retry_errors=retry_errors)
    shown = progress if isinstance(progress, Progress) else Progress(style="auto" if progress else "none")
    return await complete_async(sitting, limits=limits, concurrency=concurrency, progress=shown)
