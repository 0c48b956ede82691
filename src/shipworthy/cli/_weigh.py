"""`shipworthy judge weigh`: what the word of each model of a panel is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._counter import counter
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.judged_answer import Share


@click.command("weigh")
@click.argument("suite")
@click.option(
    "--labels", "file", required=True, metavar="FILE", type=click.Path(path_type=Path),
    help="Labelled answers, as for `judge calibrate`; others than those it will be calibrated on.",
)  # fmt: skip
@click.option("--metric", metavar="NAME", help="Of a suite with several panels: the metric of the one that is meant.")
@click.option("--no-cache", is_flag=True, help="Ask anew, also what was asked before.")
@workspace_option
@form_option
@allow_code_option
def weigh_command(
    *, suite: str, file: Path, metric: str | None, no_cache: bool, workspace: Path, form: str, allow_code: bool
) -> None:
    """Hold each model of the panel of SUITE against labelled answers, and print weights for `weights:`.

    Two sets of labels are needed: one to weigh, one to calibrate the weighed panel, which refuses the former. Nothing
    is written; put the lines that are printed beside `models`.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.judging import choose, weigh
    from shipworthy.workspace.labelled import read_labelled
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    chosen = [one for one in choose(loaded, [suite], metric, judges=True) if len(one.use.models) > 1]
    if len(chosen) != 1:
        names = ", ".join(one.metric for one in chosen)
        which = (
            f"several panels: name one with --metric ({names})" if chosen else "no panel: `models:` names its models"
        )
        raise UsageError(f"{suite} has {which}")
    labelled = read_labelled(file)
    found = weigh(loaded, chosen[0], labelled, cache=not no_cache, tell=counter("judged"))
    if form == "json":
        weights = [{"model": one.model, **one.weight._asdict()} for one in found]
        click.echo(json.dumps({"weights": weights, "weighed_on": labelled.digest}, indent=2))
        return
    from shipworthy.cli._tables import table

    rows = [
        (
            one.model,
            _share(one.report.all_found),
            _share(one.report.all_cleared),
            f"{one.weight.hit:+.3f}",
            f"{one.weight.none:+.3f}",
        )
        for one in found
    ]
    click.echo(table(("model", "sensitivity", "specificity", "its hit", "its none"), rows, right=(1, 2, 3, 4)))
    click.echo(f"\n{len(labelled.answers):,} labelled answers, {file}. Beside `models` of the judge:\n")
    click.echo("weights:")
    for one in found:
        click.echo(f"  - {{hit: {one.weight.hit:g}, none: {one.weight.none:g}}}  # {one.model}")
    click.echo(f"weighed_on: {labelled.digest}")


def _share(share: Share | None) -> str:
    return "no label" if share is None else f"{share.rate:.3f} of {share.of:,}"
