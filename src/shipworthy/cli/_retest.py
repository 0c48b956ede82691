"""`shipworthy runs retest RUN RUN ...`: how well a suite measures, for its card and for `plan`."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import form_option, workspace_option


@click.command("retest")
@workspace_option
@click.argument("runs", nargs=-1, required=True)
@form_option
def retest_command(*, workspace: Path, runs: tuple[str, ...], form: str) -> None:
    """Say from repeated RUNS of one system how alike attempts on a sample are, and how far whole runs differ.

    Make them with `eval --no-cache`, on other days where a provider may change. The intra-cluster correlation (ICC) is
    what `plan` counts samples with: write it into the suite as `icc`. The lines for its card stand below the table.
    """
    from shipworthy.cli._tables import table
    from shipworthy.evals.results import Run
    from shipworthy.evals.retest import retest_runs
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    rows = retest_runs([Run.load(layout.run_directory(run), marks=True) for run in runs])
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    heads = ("suite", "metric", "ICC", "95 % interval", "planned with", "run deviation", "samples")
    cells = [
        (row.suite, row.metric, f"{row.icc:.2f}", f"{row.low:.2f} to {row.high:.2f}", f"{row.planned:.2f}",
         f"{row.run_deviation:.3f}", f"{row.clusters:,}")
        for row in rows
    ]  # fmt: skip
    click.echo(table(heads, cells, right=(2, 4, 5, 6)))
    click.echo("\nFor the cards:")
    for row in rows:
        levels = ", ".join(f"{level:.3f}" for level in row.levels)
        between = f"{row.icc:.2f} ({row.low:.2f} to {row.high:.2f})"
        made = f"from {len(row.levels)} runs ({levels}) on {row.clusters:,} samples"
        spread = f"standard deviation between runs {row.run_deviation:.3f}"
        click.echo(f"- {row.suite} {row.version}, {row.metric}: ICC {between}, {spread}, {made}")
    for row in rows:
        if not row.low <= row.planned <= row.high:
            click.echo(f"note: {row.suite} plans with icc: {row.planned:g}; {row.metric} says `icc: {row.icc:.2f}`")
