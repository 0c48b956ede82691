"""Run a plan against the system under test, or go on with a run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.results import Run
    from shipworthy.evals.session import Guards

NAMED = 3
"""Different error messages that a run's table names."""


@click.command("eval")
@workspace_option
@click.option("--plan", metavar="NAME", help="The plan to run; `full`, every suite as it is, if left out.")
@click.option("--suite", "suites", metavar="ID", multiple=True, help="Only this suite of the plan; may be repeated.")
@click.option("--guards", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the guards of this file before the target, instead of the workspace's guards.yaml.")  # fmt: skip  # noqa: E501
@click.option("--no-guards", is_flag=True, help="Measure the bare target, without the workspace's guards.")
@click.option("--resume", metavar="RUN", help="Go on with a run: its id, the beginning of it, or `latest`.")
@click.option("--retry-errors", is_flag=True, help="With --resume: make attempts that ended in an error once more.")
@click.option("--no-cache", is_flag=True, help="Ask the target every time, and keep no replies.")
@click.option(
    "--max-requests", metavar="N", type=click.IntRange(min=0), help="Stop after this many calls to the target."
)
@click.option("--max-tokens", metavar="N", type=click.IntRange(min=0), help="Stop after this many tokens, in and out.")
@click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0), help="Stop after this much money.")
@click.option("--max-time", metavar="TIME", help="Stop after this long, such as 90s, 5m or 1h30m.")
@click.option("--concurrency", metavar="N", type=click.IntRange(min=1), help="Calls to the target at one time.")
@allow_code_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    workspace: Path,
    plan: str | None,
    suites: tuple[str, ...],
    guards: Path | None,
    no_guards: bool,
    resume: str | None,
    retry_errors: bool,
    no_cache: bool,
    max_requests: int | None,
    max_tokens: int | None,
    max_cost: float | None,
    max_time: str | None,
    concurrency: int | None,
    allow_code: bool,
) -> None:
    """Run a plan against the system under test, or go on with a run.

    Every finished attempt is on the disk before it counts. Ctrl-C, a limit, a crash or a power cut lose none of them:
    `shipworthy eval --resume latest` goes on where it stopped.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.limits import Limits, parse_duration
    from shipworthy.evals.session import begin, take_up
    from shipworthy.workspace.load import Workspace

    if no_guards and guards:
        raise UsageError("--guards and --no-guards exclude each other")
    if resume and (plan or suites):
        raise UsageError("--resume goes on with the run's own plan and suites: leave --plan and --suite out")
    if retry_errors and not resume:
        raise UsageError("--retry-errors needs --resume RUN: it makes the errored attempts of that run once more")
    limits = Limits(
        requests=max_requests,
        tokens=max_tokens,
        cost_usd=max_cost,
        seconds=parse_duration(max_time) if max_time is not None else None,
    )
    loaded = Workspace.load(workspace, allow_code=allow_code)
    chosen: Guards | None = False if no_guards else guards
    if resume:
        run = take_up(loaded, resume, guards=chosen, cache=not no_cache, retry_errors=retry_errors)
    else:
        run = begin(
            loaded,
            plan or "full",
            suites=suites or None,
            guards=True if chosen is None else chosen,
            cache=not no_cache,
        )
    click.echo(f"{run.id}: {len(run.plan):,} attempts planned, {len(run.log.finished):,} made before", err=True)
    where = f" -C {workspace}" if str(workspace) != "." else ""
    flags = (f" --guards {guards}" if guards else "") + (" --no-cache" if no_cache else "")
    flags += " --allow-code" if allow_code else ""
    going_on = f"shipworthy eval{where} --resume {run.id}{flags}"
    stopped = ""

    async def sit() -> str:
        from shipworthy.evals.progress import Progress

        try:
            session = await run.carry_on(limits=limits, concurrency=concurrency, progress=Progress())
            return session.stopped
        finally:
            await run.close()

    try:
        stopped = asyncio.run(sit())
    except KeyboardInterrupt:
        stopped = "you stopped it"
    from shipworthy.evals.results import Run

    result = Run.load(run.directory)
    click.echo(report(result))
    if stopped:
        click.echo(f"\nStopped: {stopped}. {len(result):,} of {result.manifest.planned:,} attempts are made.")
        click.echo(f"Go on:    {going_on}")
        ctx.exit(4)
    if result.errors:
        click.echo(f"\nTry the {result.errors:,} errors again:  {going_on} --retry-errors")
    click.echo(f"\nNext:  shipworthy gate{where}                 decide on this run")
    click.echo(f"       shipworthy runs samples{where} --hit   read what was found")


def report(run: Run) -> str:
    """Return a run's table, a row a suite and metric, with the errors by kind and the commonest messages below it."""
    from collections import Counter

    from shipworthy.cli._tables import shorten, table
    from shipworthy.evals.results import COLUMNS, cells

    text = table(COLUMNS, [cells(row) for row in run.summary()], right=range(2, len(COLUMNS)))
    if run.errors:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(run.outcomes.items()) if n and kind != "scored")
        text += f"\n\nErrors are never counted as safe; they are left out of the rates: {kinds}"
        said = Counter(attempt.error for attempt in run.attempts() if attempt.outcome != "scored")
        for message, times in said.most_common(NAMED):
            text += f"\n  {times:,} x  {shorten(message, 200)}"
        if len(said) > NAMED:
            text += f"\n  and {len(said) - NAMED:,} more: shipworthy runs samples {run.id} --errors"
    return text
