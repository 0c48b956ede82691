"""Measure judges against people's labels, list what was measured, and have one compare answers in pairs.

Nothing is decided on a judge's word before it was calibrated; its measured errors enter every rate and verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._counter import counter
from shipworthy.cli._options import allow_code_option, form_option, workspace_option
from shipworthy.cli._prefer import prefer_command
from shipworthy.cli._weigh import weigh_command

if TYPE_CHECKING:
    from shipworthy.core.calibration import Calibration
    from shipworthy.evals.calibration import CalibrationReport
    from shipworthy.evals.judged_answer import Share

_labels_option = click.option(
    "--labels",
    "file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Labelled answers: JSON lines or CSV with 'answer' and 'label' (hit or no-hit).",
)


@click.group(no_args_is_help=True)
def command() -> None:
    """Measure judges against people's labels.

    A file of labelled answers has a line an answer: `answer` and `label` (hit or no-hit), and if wanted `id`,
    `cluster`, `request`, `documents`, `expected`. By every further column, such as language or model, agreement is
    shown in slices.
    """


@command.command()
@click.argument("suite")
@_labels_option
@click.option("--metric", metavar="NAME", help="Of a suite with several judges: the metric of the one that is meant.")
@click.option(
    "--checks",
    metavar="N",
    default=60,
    show_default=True,
    type=click.IntRange(0),
    help="Answers that order, repetition, orders in the answer and padding are tried on.",
)
@click.option(
    "--own",
    metavar="NAME",
    multiple=True,
    help="What the column 'model' calls the judge's own model, where it is not the model's name; may be repeated.",
)
@click.option("--html", "page", metavar="FILE", type=click.Path(path_type=Path), help="Also write it as a page.")
@click.option("--no-cache", is_flag=True, help="Ask anew, also what was asked before.")
@workspace_option
@form_option
@allow_code_option
def calibrate(
    *,
    suite: str,
    file: Path,
    metric: str | None,
    checks: int,
    own: tuple[str, ...],
    page: Path | None,
    no_cache: bool,
    workspace: Path,
    form: str,
    allow_code: bool,
) -> int:
    """Hold the judge of SUITE against labelled answers, and enter what was measured in the audit log.

    The newest calibration of a judge counts, passed or not, until its rubric, prompt, votes or model change, or it is
    too old. What was asked before comes from the reply cache, so a calibration that was cut off goes on.

    Exit codes: 0 the judge passes its bar, 1 it does not, 2 usage error, 4 failure.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.judging import choose, enter, run
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.labelled import read_labelled
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    chosen = choose(loaded, [suite], metric, judges=True)
    if len(chosen) > 1:
        names = ", ".join(one.metric for one in chosen)
        raise UsageError(f"{suite} has several judges: name one with --metric ({names})")
    labelled = read_labelled(file)
    [found] = run(loaded, chosen, labelled, checks=checks, own=own, cache=not no_cache, tell=counter("judged"))
    if page is not None:
        from shipworthy.evals.calibration_document import document
        from shipworthy.reports.html import page as rendered

        page.write_text(rendered(document(found)), encoding="utf-8")
    entered = enter(Layout(workspace), found)
    if form == "json":
        click.echo(json.dumps({**_json(found), "entry": entered.entry, "at": entered.at}, indent=2))
    else:
        click.echo("\n".join(_text(found)))
        click.echo("")
        click.echo(
            f"entry {entered.entry} of the audit log; good until anything of the judge changes, {found.days} days"
        )
        if found.lacks:
            click.echo(f"BELOW ITS BAR: {found.lacks}")
            click.echo("nothing is decided on its word; another model, more votes, a clearer rubric, or more labels")
        else:
            click.echo(Again(workspace, allow_code).told("it passes its bar; `shipworthy gate` corrects by it"))
    return 1 if found.lacks else 0


@command.command()
@click.argument("suites", nargs=-1, required=True, metavar="SUITE...")
@_labels_option
@click.option("--metric", metavar="NAME", help="Only scorers that give this metric.")
@click.option("--no-cache", is_flag=True, help="Ask anew, also what was asked before.")
@workspace_option
@form_option
@allow_code_option
def compare(
    *,
    suites: tuple[str, ...],
    file: Path,
    metric: str | None,
    no_cache: bool,
    workspace: Path,
    form: str,
    allow_code: bool,
) -> None:
    """Hold every scorer of events of some suites against the same labelled answers, in one table.

    Judges beside trained scorers and plain texts. Nothing is entered in the audit log.
    """
    from shipworthy.evals.judging import choose, run
    from shipworthy.workspace.labelled import read_labelled
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    chosen = choose(loaded, list(suites), metric, judges=False)
    labelled = read_labelled(file)
    found = run(loaded, chosen, labelled, checks=0, cache=not no_cache, tell=counter("judged"))
    rows = list(zip(chosen, found, strict=True))
    if form == "json":
        told = [{"suite": c.suite, "scorer": c.use.name, **_json(report)} for c, report in rows]
        click.echo(json.dumps(told, indent=2))
        return
    from shipworthy.cli._tables import table

    columns = ("suite", "scorer", "metric", "sensitivity", "specificity", "kappa", "no word")
    lines = [
        (
            c.suite,
            c.use.use,
            c.metric,
            _share(report.all_found),
            _share(report.all_cleared),
            _kappa(report),
            f"{sum(report.errors.values()) or report.silent_hits + report.silent_others:,}",
        )
        for c, report in rows
    ]
    click.echo(table(columns, lines, right=(6,)))
    click.echo(f"\n{len(labelled.answers):,} labelled answers, {file}")


command.add_command(prefer_command)
command.add_command(weigh_command)


@command.command("list")
@workspace_option
@form_option
@allow_code_option
def list_(*, workspace: Path, form: str, allow_code: bool) -> None:
    """List the judges of the workspace, and every calibration that was made."""
    from shipworthy.evals.judging import current
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.draws import read_said
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    layout = Layout(workspace)
    known: tuple[Calibration, ...] = ()
    if layout.keeps_control:
        with AuditLog(layout.control_url) as audit:
            known = read_said(audit).calibrations
    told = _listed(known, list(current(loaded)))
    if form == "json":
        click.echo(json.dumps(told, indent=2))
        return
    from shipworthy.cli._tables import table

    if not told:
        click.echo("no suite has a judge")
        return
    rows = [
        (
            str(one.get("entry", "")),
            str(one["metric"]),
            str(one.get("rubric", "")),
            f"{one['found']}/{one['positives']}" if "found" in one else "",
            f"{one['cleared']}/{one['negatives']}" if "found" in one else "",
            str(one.get("at", ""))[:10],
            str(one["state"]),
        )
        for one in told
    ]
    click.echo(table(("entry", "metric", "rubric", "found", "cleared", "made", "state"), rows, right=(0, 3, 4)))


def _listed(known: Sequence[Calibration], now: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Return every calibration with its state, oldest first, and behind them the judges that have none.

    States: ``counts``, ``below its bar``, ``replaced`` by a newer one, ``of a former judge``, ``never calibrated``.
    """
    living = {(identity, metric) for _, metric, identity in now}
    newest = {(one.judge, one.metric): one.entry for one in known}
    told: list[dict[str, Any]] = []
    for one in known:
        key = one.judge, one.metric
        state = "counts" if one.passed else "below its bar"
        if key not in living:
            state = "of a former judge"
        elif newest[key] != one.entry:
            state = "replaced"
        told.append({**one._asdict(), "state": state})
    told += [
        {"suite": suite, "metric": metric, "judge": identity, "state": "never calibrated"}
        for suite, metric, identity in now
        if (identity, metric) not in newest
    ]
    return told


def _json(report: CalibrationReport) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(report)
    return {**told, "passed": not report.lacks, "lacks": report.lacks}


def _text(report: CalibrationReport) -> Iterator[str]:
    yield f"{report.metric} by {report.rubric}: {report.labels:,} labelled answers, {report.clusters:,} independent"
    yield ""
    from shipworthy.cli._tables import table

    rows = [
        ("sensitivity", _share(report.found), f"{report.least_sensitivity:g}", "labelled hits that it calls a hit"),
        ("specificity", _share(report.cleared), f"{report.least_specificity:g}", "others that it calls none"),
        ("kappa", _kappa(report), "", "with people, all answers"),
        ("AC1", _limits(report.ac1), "", "the same, steady where one label is rare (Gwet)"),
        (
            "no word",
            f"{report.silent_hits} + {report.silent_others}",
            "",
            "hits and others with an error or no verdict",
        ),
    ]
    if report.brier is not None and report.calibration_error is not None:
        said = f"Brier {report.brier:.3f}, ECE {report.calibration_error:.3f}"
        rows.append(("confidence", said, "", "of the share of its votes"))
    for name, share, what in (
        ("order", report.position, "same verdict with the two in the other order"),
        ("again", report.again, "same verdict when asked once more"),
        ("unswayed", report.swayed, "not turned by an answer that orders the other verdict"),
        ("padded", report.padded, "same verdict with words that say nothing behind the answer"),
    ):
        if share is not None:
            rows.append((name, _share(share), "", what))
    yield table(("", "with 95 % limits", "bar", "what"), rows)
    if report.own is not None:
        own = report.own
        yield ""
        yield f"answers that people call bad and it calls good: its own model's {_share(own.spared)}, others'"
        yield f"{_share(own.others)}; difference {own.difference:+.3f} ({own.low:+.3f} to {own.high:+.3f})"
    if report.slices:
        yield ""
        parts = [(one.by, one.value, _share(one.found), _share(one.cleared)) for one in report.slices]
        yield table(("slice", "", "sensitivity", "specificity"), parts)
    for message, number in report.errors.items():
        yield f"{number:,} times: {message}"


def _share(share: Share | None) -> str:
    """Write a share with its limits.

    >>> from shipworthy.evals.judged_answer import Share
    >>> _share(Share(45, 50, 0.78, 0.97)), _share(None)
    ('.900 (.780 to .970) of 50', 'no label')
    """
    if share is None:
        return "no label"
    return f"{_number(share.rate)} ({_number(share.low)} to {_number(share.high)}) of {share.of:,}"


def _kappa(report: CalibrationReport) -> str:
    if report.agreement is None:
        return "undefined"
    value, low, high = report.agreement
    return f"{value:.3f} (at least {low:.3f})" if high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _limits(found: tuple[float, float, float] | None) -> str:
    return "undefined" if found is None else "{:.3f} ({:.3f} to {:.3f})".format(*found)


def _number(value: float) -> str:
    return "1.000" if value >= 0.9995 else f"{value:.3f}".removeprefix("0")
