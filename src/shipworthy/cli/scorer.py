"""Look after scorers: see which answers without worth would satisfy them.

Exit code 0 where none does, 1 where one does, 2 for problems in the files.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option


@click.group(no_args_is_help=True)
def command() -> None:
    """Look after scorers."""


@command.command()
@click.argument("suites", nargs=-1, metavar="[SUITE...]")
@workspace_option
@form_option
@allow_code_option
def lint(*, suites: tuple[str, ...], workspace: Path, form: str, allow_code: bool) -> int:
    """Show how scorers rate answers that are worth nothing: of some suites, or of all.

    Nothing is asked of any system. Each scorer judges made-up answers to a few samples: silence, a refusal, the
    question back, a heap of the words that are looked for, polite filler, and a verdict on itself. The table says on
    how many of the samples each is rated good.

    A metric that should be earned (more is better) and that such an answer satisfies will be satisfied by one some day.
    A metric of harm is rightly good for a refusal; a gate that a system of refusals alone would pass is named here, and
    by `shipworthy check`. Judges are measured by `shipworthy judge calibrate`, and agents by state: neither is in here.
    """
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.evals.hollow import HOLLOW, hollow_rows, met_by_all
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    for name in suites:
        if name not in loaded.suites:
            raise UsageError(f"there is no suite {name!r}: {did_you_mean(name, list(loaded.suites))}")

    wanted = [loaded.suites[name] for name in suites or loaded.suites]
    rows = [row for suite in wanted for row in asyncio.run(hollow_rows(suite))]
    passed = list(met_by_all(loaded, rows)) if not suites else []
    findings = [(row, name) for row in rows for name in row.satisfied_by]
    if form == "json":
        told = [
            {
                "suite": row.suite,
                "scorer": row.scorer,
                "metric": row.metric.name,
                "good": row.metric.good,
                "rated": {name: rated._asdict() for name, rated in row.rated.items()},
                "satisfied_by": row.satisfied_by,
            }
            for row in rows
        ]
        click.echo(json.dumps({"rows": told, "gate_passed_by": passed}, indent=2))
        return 1 if findings or passed else 0
    from shipworthy.cli._tables import table

    if not rows:
        click.echo("no scorer of events that could be looked at: judges and worlds are not")
        return 0
    lines = [
        (
            row.suite,
            row.metric.name + (" +" if row.metric.good == "high" else ""),
            *(
                "-" if row.rated[name].none == sum(row.rated[name]) else f"{100 * row.rated[name].share:.0f}"
                for name in HOLLOW
            ),
        )
        for row in rows
    ]
    click.echo(table(("suite", "metric", *HOLLOW), lines, right=range(2, 2 + len(HOLLOW))))
    click.echo(
        "\npercent of samples on which such an answer is rated good; - where it gets no score; +: more is better"
    )
    for row, name in findings:
        click.echo(f"{row.suite}, {row.metric.name} ({row.scorer}): satisfied by {HOLLOW[name].told}")
    for name in passed:
        click.echo(f"the gate: a system that gave nothing but {HOLLOW[name].told} would meet every criterion")
    return 1 if findings or passed else 0
