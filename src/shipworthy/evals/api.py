"""Evaluate from Python: one call that plans, runs and reads back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shipworthy.evals.limits import Limits
from shipworthy.evals.progress import Progress
from shipworthy.evals.results import Run
from shipworthy.evals.session import Guards, begin, take_up

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

T = TypeVar("T")


def evaluate(
    workspace: Workspace | str | Path = ".",
    plan: str = "full",
    *,
    suites: Sequence[str] | None = None,
    guards: Guards | None = None,
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
    return _in_loop(
        evaluate_async(
            workspace,
            plan,
            suites=suites,
            guards=guards,
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
        run = begin(workspace, plan, suites=suites, guards=True if guards is None else guards, cache=cache)
    else:
        run = take_up(workspace, resume, guards=guards, cache=cache, retry_errors=retry_errors)
    shown = progress if isinstance(progress, Progress) else Progress(style="auto" if progress else "none")
    try:
        session = await run.carry_on(limits=limits, concurrency=concurrency, progress=shown)
    finally:
        await run.close()
    result = Run.load(run.directory)
    result.stopped = session.stopped
    return result


def _in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, beside a loop that already runs in this thread if there is one (a notebook's)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    done: list[T] = []
    failed: list[BaseException] = []
    started = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def main() -> None:
        task = asyncio.ensure_future(work)
        loops.append((asyncio.get_running_loop(), task))
        started.set()
        done.append(await task)

    def body() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=body, name="shipworthy-evaluate")
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        started.wait()
        for loop, task in loops:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if failed:
        raise failed[0]
    return done[0]
