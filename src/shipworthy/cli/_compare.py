"""`shipworthy runs compare OLD NEW`: what changed between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.compare import Comparison, MetricChange, SampleChange


@click.command("compare")
@workspace_option
@click.argument("old")
@click.argument("new", default="latest")
@click.option("--samples", "shown", metavar="N", type=click.IntRange(min=0), default=10, show_default=True, help="Changed samples to name for each metric.")  # fmt: skip  # noqa: E501
@form_option
def compare_command(*, workspace: Path, old: str, new: str, shown: int, form: str) -> None:
    """Compare the run OLD with the run NEW, attempt by attempt, and name the samples that changed.

    Rates and means are paired and clustered by sample; p-values are corrected (Holm) over all suites and metrics, so
    that two equal systems raise any alarm in at most one of twenty comparisons. "unclear" is not "the same".
    """
    from shipworthy.evals.compare import compare
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    before, after = Run.load(layout.run_directory(old)), Run.load(layout.run_directory(new))
    found = compare(after, before)
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo(text(found, shown))


def text(found: Comparison, shown: int = 10) -> str:
    """Return a comparison as text: warnings, a table, and up to `shown` changed samples a metric."""
    from shipworthy.cli._tables import table

    said = [f"old {found.old}", f"new {found.new}", ""]
    said += [f"note: {warning}" for warning in found.warnings] + ([""] if found.warnings else [])
    if not found.rows:
        return "\n".join([*said, "the runs have no scored attempt in common"])
    columns = (
        "suite",
        "metric",
        "old",
        "new",
        "change",
        "95 % interval",
        "p (Holm)",
        "",
        "pairs",
        "samples",
        "left out",
    )
    said.append(table(columns, map(_row, found.rows), right=(2, 3, 4, 5, 6, 8, 9, 10)))
    for suite, metric in found.skipped:
        said.append(f"{suite} {metric}: no attempt that both runs scored, or not declared alike")
    for row in found.rows:
        if row.changed and shown:
            said += ["", *_samples(row, shown)]
    return "\n".join(said)


def _row(row: MetricChange) -> tuple[str, ...]:
    return (
        row.suite,
        row.metric,
        *measured(row),
        "< 0.0001" if row.adjusted < 0.0001 else f"{row.adjusted:.4f}",
        row.verdict,
        f"{row.trials:,}",
        f"{row.clusters:,}",
        f"{row.errors + row.unpaired:,}",
    )


def measured(row: MetricChange) -> tuple[str, str, str, str]:
    """Return old, new, change and its interval: rates in percent and points, values in their unit."""
    if row.kind == "event":
        change = f"{100 * row.difference:+.1f}", f"{100 * row.low:+.1f} to {100 * row.high:+.1f}"
        return f"{100 * row.old_rate:.1f} %", f"{100 * row.new_rate:.1f} %", *change
    from shipworthy.core.amount import amount

    between = f"{amount(row.low, signed=True)} to {amount(row.high, row.unit, signed=True)}"
    return (
        amount(row.old_rate, row.unit),
        amount(row.new_rate, row.unit),
        amount(row.difference, row.unit, signed=True),
        between,
    )


def _samples(row: MetricChange, shown: int) -> Iterator[str]:
    more = sum(change.new > change.old for change in row.changed)
    samples = "sample" if more == 1 else "samples"
    what = ("with more hits", "with fewer") if row.kind == "event" else ("with a higher mean", "with a lower one")
    yield f"{row.suite} {row.metric}: {more:,} {samples} {what[0]}, {len(row.changed) - more:,} {what[1]}"
    for change in row.changed[:shown]:
        yield f"  {change.sample:<28} {_moved(change, row)}"
    if len(row.changed) > shown:
        yield f"  and {len(row.changed) - shown:,} more: --samples {len(row.changed)} names all"


def _moved(change: SampleChange, row: MetricChange) -> str:
    if row.kind == "event":
        return f"{change.old:.0f} -> {change.new:.0f} of {change.trials}"
    from shipworthy.core.amount import amount

    old, new = change.old / change.trials, change.new / change.trials
    return f"{amount(old, beside=new)} -> {amount(new, row.unit, old)} ({change.trials})"
