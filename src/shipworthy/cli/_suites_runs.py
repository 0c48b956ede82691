"""What only a run of a suite can tell: calibration, counterfactual pairs, the gap to the sealed part."""

from __future__ import annotations

import json
from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option


@click.command()
@workspace_option
@click.argument("run", default="latest")
@click.option("--suite", metavar="ID", default="calibration", show_default=True)
@click.option("--bins", metavar="N", type=click.IntRange(2, 100), default=10, show_default=True)
@form_option
def calibration(*, workspace: Path, run: str, suite: str, bins: int, form: str) -> None:
    """Hold the confidence that answers of RUN state against their correctness: ECE, Brier score, risk and coverage."""
    from dataclasses import asdict

    from shipworthy.cli._tables import table
    from shipworthy.evals.results import Run
    from shipworthy.evals.stated import stated_report
    from shipworthy.store.layout import Layout

    found = Run.load(Layout(workspace).run_directory(run))
    told = stated_report(found, suite, bins=bins)
    if form == "json":
        figures = {"error": asdict(told.error), "brier": asdict(told.brier), "curve": asdict(told.curve)}
        click.echo(json.dumps({"run": found.id, **told._asdict(), **figures}, indent=2))
        return
    left = f"{told.unstated:,} state none, {told.abstained:,} abstain, {told.unscored:,} have no score"
    click.echo(f"{found.id}, {suite}: {told.answers:,} answers state a confidence; {left}\n")
    rows = [
        ("calibration error (ECE)", f"{told.error.error:.3f}", f"{told.error.low:.3f} to {told.error.high:.3f}"),
        ("Brier score", f"{told.brier.mean:.3f}", f"{told.brier.low:.3f} to {told.brier.high:.3f}"),
        ("area of risk and coverage", f"{told.curve.area:.3f}", f"{told.curve.low:.3f} to {told.curve.high:.3f}"),
    ]
    click.echo(table(("figure", "value", "95 % interval"), rows, right=(1,)))
    bands = [
        (f"{one.low:.0%} to {one.high:.0%}", f"{one.answers:,}", f"{one.stated:.0%}", f"{one.right:.0%}")
        for one in told.error.bins
    ]
    click.echo("\n" + table(("stated", "answers", "mean stated", "right"), bands, right=(1, 2, 3)))
    curve = [(f"{c:.0%}", f"{r:.1%}") for c, r in zip(told.curve.coverage, told.curve.risk, strict=True)]
    click.echo("\n" + table(("surest", "wrong among them"), curve[:20], right=(0, 1)))
    click.echo("\nThe calibration error of few answers is too high, the Brier score is not: compare systems by that.")


@click.command()
@workspace_option
@click.argument("run", default="latest")
@click.option("--suite", metavar="ID", default="fairness", show_default=True)
@click.option("--metric", metavar="NAME", default="", help="The suite's main one if left out.")
@form_option
@allow_code_option
def pairs(*, workspace: Path, run: str, suite: str, metric: str, form: str, allow_code: bool) -> None:
    """Compare groups in RUN on the same cases: each tag `group:NAME` against the samples tagged `role:reference`."""
    from dataclasses import asdict

    from shipworthy.cli._suites_found import one_suite
    from shipworthy.cli._tables import table
    from shipworthy.evals.group_pairs import group_pairs
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    found = Run.load(Layout(workspace).run_directory(run))
    told = group_pairs(found, one_suite(workspace, allow_code, suite)[1], metric)
    if form == "json":
        rows = [{**one._asdict(), "change": asdict(one.change)} for one in told]
        click.echo(json.dumps({"run": found.id, "suite": suite, "pairs": rows}, indent=2))
        return
    cells = [
        (one.group, one.reference, f"{one.cases:,}", f"{one.reference_rate:.0%}", f"{one.rate:.0%}",
         f"{one.change.difference:+.0%} ({one.change.low:+.0%} to {one.change.high:+.0%})", f"{one.adjusted:.3f}")
        for one in told
    ]  # fmt: skip
    columns = ("group", "reference", "cases", "its rate", "rate", "difference (95 %)", "p, Holm")
    click.echo(table(columns, cells, right=(2, 3, 4, 6)))
    click.echo("\nA difference that is not shown is not shown to be none: see the width of its interval.")


@click.command()
@workspace_option
@click.argument("visible")
@click.argument("sealed_part", metavar="SEALED")
@click.option("--run", default="latest", show_default=True, help="With the visible part, and the sealed one too if --sealed-run is left out.")  # fmt: skip  # noqa: E501
@click.option("--sealed-run", metavar="RUN", help="With the sealed part.")
@click.option("--metric", metavar="NAME", default="", help="The suite's main one if left out.")
@form_option
def gap(
    *, workspace: Path, visible: str, sealed_part: str, run: str, sealed_run: str | None, metric: str, form: str
) -> None:
    """Tell by how much the rate on the sealed part differs from that on the visible part, which may have been tuned on.

    VISIBLE and SEALED are suites of one library suite, the latter with `part: sealed`.
    """
    from dataclasses import asdict

    from shipworthy.evals.results import Run
    from shipworthy.evals.sealed import sealed_gap
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    found = Run.load(layout.run_directory(run))
    other = Run.load(layout.run_directory(sealed_run)) if sealed_run else None
    told = sealed_gap(found, visible, sealed_part, metric, sealed_run=other)
    if form == "json":
        click.echo(json.dumps({"visible": visible, "sealed": sealed_part, **asdict(told)}, indent=2))
        return
    for name, one in ((visible, told.second), (sealed_part, told.first)):
        counted = f"{one.hits:,} of {one.trials:,}, {one.clusters:,} clusters"
        click.echo(f"{name}: {one.rate:.1%} ({one.low:.1%} to {one.high:.1%}), {counted}")
    click.echo(f"gap, sealed less visible: {told.difference:+.1%} ({told.low:+.1%} to {told.high:+.1%}, 95 %)")
    clear = told.low > 0 or told.high < 0
    click.echo("The gap is clear of 0: the visible rate no longer stands for what was not seen." if clear
               else "The gap is not clear of 0: so many samples show no tuning on the visible part.")  # fmt: skip


@click.command()
@workspace_option
@form_option
def sealed(*, workspace: Path, form: str) -> None:
    """List every run that used sealed samples, as the audit log has it, with what was decided on it."""
    from shipworthy.cli._tables import listing
    from shipworthy.evals.sealed import sealed_uses
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    with AuditLog(Layout(workspace).control_url) as audit:
        rows = [{"run": u.run, "at": u.at, "suites": list(u.suites), "verdict": u.verdict} for u in sealed_uses(audit)]
    if form == "text" and not rows:
        click.echo("No run has used sealed samples")
        return
    click.echo(listing(rows, form, ("run", "at", "suites", "verdict")))
