"""`shipworthy runs trend RUN RUN RUN ...`: several versions of a system in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.trend import Trend, TrendRow


@click.command("trend")
@workspace_option
@click.argument("runs", nargs=-1, required=True)
@form_option
def trend_command(*, workspace: Path, runs: tuple[str, ...], form: str) -> None:
    """Show how RUNS of three or more versions differ, oldest first: a line over all of them, and step by step.

    Everything is paired over the attempts that all versions scored and clustered by sample; one correction (Holm)
    covers trends and steps of the whole table. "unclear" is not "the same".
    """
    from shipworthy.evals.results import Run
    from shipworthy.evals.trend import trend
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    found = trend([Run.load(layout.run_directory(run), marks=True) for run in runs])
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    click.echo("\n".join(_lines(found)))


def _lines(found: Trend) -> Iterator[str]:
    from shipworthy.cli._tables import table
    from shipworthy.core.amount import level

    yield from (f"{number}: {run}" for number, run in enumerate(found.runs, start=1))
    yield ""
    rows = []
    for row in found.rows:
        levels = " > ".join(level(value, row.kind, row.unit) for value in row.levels)
        line = _change(row, row.slope, row.low, row.high)
        rows.append((row.suite, row.metric, levels, line, row.verdict, f"{row.clusters:,}"))
    heads = ("suite", "metric", "versions, oldest first", "a version, 95 % interval", "trend", "samples")
    yield table(heads, rows, right=(5,))
    steps = [(row, k, step) for row in found.rows for k, step in enumerate(row.steps) if step.verdict != "unclear"]
    yield ""
    for row, k, step in steps:
        change = _change(row, step.difference, step.low, step.high)
        yield f"{row.suite}, {row.metric}: {step.verdict} from version {k + 1} to {k + 2}: {change}"
    if not steps:
        yield "No step between two neighbours stands out."
    share = f"{100 * found.alpha:g}"
    yield f"Corrected together: of 100 such tables of equal versions at most {share} have any alarm."
    for suite, metric in found.skipped:
        yield f"note: {suite}, {metric} is not in all runs alike, or on no common sample"


def _change(row: TrendRow, value: float, low: float, high: float) -> str:
    scale, unit = (100, " points") if row.kind == "event" else (1, f" {row.unit}".rstrip())
    return f"{scale * value:+.1f}{unit} [{scale * low:+.1f}, {scale * high:+.1f}]"
