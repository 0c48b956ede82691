"""`shipworthy judge prefer`: which of several runs' answers a judge prefers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._counter import counter
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.preferring import PreferenceReport
    from shipworthy.store.layout import Layout


@click.command("prefer")
@click.argument("suite")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--judge", metavar="SUITE", help="The suite with the scorer `preferred`, where SUITE has none.")
@click.option("--attack", metavar="NAME", default="none", show_default=True, help="Answers under this attack.")
@click.option("--limit", metavar="N", type=click.IntRange(min=2), help="At most so many samples, spread over them.")
@click.option("--no-cache", is_flag=True, help="Ask anew, also what was asked before.")
@workspace_option
@form_option
@allow_code_option
def prefer_command(
    *,
    suite: str,
    runs: tuple[str, ...],
    judge: str | None,
    attack: str,
    limit: int | None,
    no_cache: bool,
    workspace: Path,
    form: str,
    allow_code: bool,
) -> None:
    """Have a judge compare the answers of RUNs to the samples of SUITE, each two of them in both orders.

    Strengths are those of Bradley and Terry, with intervals that respect clusters. Orders that contradict each other
    count as a tie and are shown. These are a judge's preferences: how far they are people's, `judge calibrate` says.
    Nothing is entered in the audit log, and nothing is decided on it.
    """
    from shipworthy.cli._side_by_side import run_names
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.preferring import prefer, preference_judge
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    choice = preference_judge(loaded, judge or suite)
    layout = Layout(workspace)
    found = [Run.load(layout.run_directory(run)) for run in runs]
    if len({run.id for run in found}) < len(found):
        raise UsageError("a run is named twice")
    named = dict(zip(run_names(workspace, found, allow_code), found, strict=True))
    report = prefer(
        loaded, choice, named, suite, attack=attack, limit=limit, cache=not no_cache, tell=counter("compared")
    )
    state = _state(layout, report)
    if form == "json":
        click.echo(json.dumps(_json(report, state), indent=2))
    else:
        click.echo("\n".join(_text(report, state)))


def _state(layout: Layout, report: PreferenceReport) -> str:
    """Return what is known of the judge: its newest calibration."""
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.draws import read_said

    if layout.keeps_control:
        with AuditLog(layout.control_url) as audit:
            made = [
                one for one in read_said(audit).calibrations if (one.judge, one.metric) == (report.judge, report.metric)
            ]
        if made:
            return "calibrated, and passed its bar" if made[-1].passed else "calibrated, and below its bar"
    return "never calibrated"


def _text(report: PreferenceReport, state: str) -> Iterator[str]:
    from textwrap import wrap

    from shipworthy.cli._tables import table

    rows = [
        (one.name, f"{one.strength:+.2f}", f"{one.low:+.2f} to {one.high:+.2f}", f"{one.wins:g} of {one.comparisons:,}")
        for one in report.found.strengths
    ]
    yield table(("run", "strength", "95 % limits", "won"), rows, right=(1, 3))
    yield ""
    by_pair = {(one.first, one.second): one for one in report.counts}
    lines = []
    for pair in report.found.pairs:
        counts = by_pair.get((pair.first, pair.second)) or by_pair.get((pair.second, pair.first))
        # Two that never met are joined by others: there is a chance, and no count.
        told: tuple[int | str, ...] = ("", "", "", "")
        if counts is not None:
            won, lost = (counts.wins, counts.losses)[:: 1 if counts.first == pair.first else -1]
            told = (won, counts.ties, lost, counts.split)
        better = {True: pair.first, False: pair.second, None: "unclear"}[pair.better]
        lines.append(
            (
                f"{pair.first} : {pair.second}",
                f"{pair.chance:.2f} ({pair.low:.2f} to {pair.high:.2f})",
                *map(str, told),
                better,
            )
        )
    heads = ("pair", "first preferred", "wins", "ties", "losses", "split", "better")
    yield table(heads, lines, right=(2, 3, 4, 5))
    yield ""
    said = f"{report.samples:,} samples, {report.found.clusters:,} independent; {report.left_out:,} left out"
    yield from wrap(f"{said}: no two runs answered them in words. The judge is {state}.", 80)
    if report.steady is not None:
        steady = report.steady
        yield from wrap(
            f"Both orders said the same in {steady.right:,} of {steady.of:,} ({steady.low:.2f} to {steady.high:.2f}); "
            "where they did not (split), the place decided, and it counts as a tie.",
            80,
        )
    for message, number in report.errors.items():
        yield f"{number:,} comparisons without a word: {message}"


def _json(report: PreferenceReport, state: str) -> dict[str, object]:
    import msgspec

    return {
        "judge": report.judge,
        "state": state,
        "rubric": report.rubric,
        "metric": report.metric,
        "strengths": msgspec.to_builtins(report.found.strengths),
        "pairs": [{**msgspec.to_builtins(one), "better": one.better} for one in report.found.pairs],
        "counts": [one._asdict() for one in report.counts],
        "steady": msgspec.to_builtins(report.steady),
        "samples": report.samples,
        "clusters": report.found.clusters,
        "left_out": report.left_out,
        "errors": dict(report.errors),
    }
