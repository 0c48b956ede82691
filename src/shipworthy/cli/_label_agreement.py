"""`shipworthy labels agreement`: how far people agree, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.label_agreement import MetricAgreement, OpenItem, Period
    from shipworthy.stats import RateInterval

_NAMES = {
    "fleiss": "Fleiss' kappa",
    "ac1": "Gwet's AC1",
    "alpha": "Krippendorff's alpha",
}


@click.command()
@click.argument("run", default="latest")
@click.option("--metric", metavar="NAME", help="Only this one.")
@click.option(
    "--drift",
    "period",
    type=click.Choice(["quarters", "weeks"]),
    default="quarters",
    show_default=True,
    help="Over quarters of what each person labelled, or weeks of the calendar.",
)
@workspace_option
@form_option
def agreement(*, run: str, metric: str | None, period: Period, workspace: Path, form: str) -> None:
    """Show how far the people who labelled RUN agree, and what they disagree about.

    Cohen's kappa of two people, Fleiss' of more, Gwet's AC1 and Krippendorff's alpha, each with a 95 % interval in
    which the attempts on one sample count as one; the share of equal labels, every pair of people, and whether
    somebody drifts away from the others.
    """
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.evals.label_agreement import agreement as agreed
    from shipworthy.evals.results import Run
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.labels import read_labels
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    found = Run.load(layout.run_directory(run))
    with AuditLog(layout.control_url) as audit:
        labels = read_labels(audit, found.id)
    known = list(dict.fromkeys(label.metric for label in labels))
    if metric is not None and metric not in known:
        raise UsageError(f"nobody labelled {metric!r} of {found.id}: {did_you_mean(metric, known)}")
    told = [one for one in agreed(labels, found, period=period) if metric in (None, one.metric)]
    if form == "json":
        click.echo(json.dumps([_json(one) for one in told], indent=2, ensure_ascii=False))
        return
    if not told:
        click.echo(Again(workspace).told(f"nobody labelled {found.id} yet: `shipworthy labels queue` deals it"))
    for place, one in enumerate(told):
        click.echo("\n".join([*([""] if place else []), *_text(one)]))
        if any(item.settled is None for item in one.disagreements):
            click.echo(Again(workspace).told(f"settle them with `shipworthy labels adjudicate {found.id} --by NAME`"))


def _json(one: MetricAgreement) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(
        {
            **{name: getattr(one, name) for name in ("metric", "people", "items", "single", "equal", "coefficients")},
            **({"undefined": one.undefined} if one.undefined else {}),
            "pairs": [pair._asdict() for pair in one.pairs],
            "drift": [part._asdict() for part in one.drift],
            "disagreements": [item._asdict() for item in one.disagreements],
        }
    )
    return told


def _text(one: MetricAgreement) -> Iterator[str]:
    from shipworthy.cli._tables import table
    from shipworthy.core.terminal import shown

    people = ", ".join(f"{shown(who)} {count:,}" for who, count in one.people.items())
    yield f"{one.metric}: {one.items:,} attempts with two labels or more, {one.single:,} with one ({people})"
    if one.equal is None:
        yield "no attempt was labelled by two people: there is nothing to compare"
        return
    yield ""
    rows = [("equal labels", rate(one.equal), "of pairs of labels, mean over samples")]
    if len(one.people) == 2 and (cohen := one.pairs[0].kappa) is not None:
        rows.append(("Cohen's kappa", str(cohen), "chance from each person's own labels"))
    for name, value in one.coefficients.items():
        if value is not None and (name != "fleiss" or len(one.people) > 2):
            said = f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
            rows.append((_NAMES[name], said, f"{value.raters} people, {value.labels:,} labels"))
    yield table(("", "with 95 % limits", "what"), rows)
    if one.undefined:
        yield f"no coefficient: {one.undefined}"
    yield ""
    pairs = [
        (
            f"{pair.first} / {pair.second}",
            rate(pair.equal),
            str(pair.kappa) if pair.kappa is not None else "undefined",
            *(f"{n:,}" for n in (pair.both, pair.only_first, pair.only_second, pair.neither)),
        )
        for pair in one.pairs
    ]
    yield table(("pair", "equal", "kappa", "both", "1st", "2nd", "none"), pairs, right=(3, 4, 5, 6))
    yield "(kappa is Cohen's; then attempts that both call a hit, the first or the second alone, and neither)"
    yield ""
    drift = [(part.by, part.part, f"{part.labels:,}", rate(part.equal)) for part in one.drift]
    yield table(("with the others", "part", "labels", "equal"), drift, right=(2,))
    if one.disagreements:
        yield ""
        yield table(("attempt", "hit", "no-hit", "settled"), [_item(item) for item in one.disagreements])


def _item(item: OpenItem) -> Sequence[str]:
    hits, rest = ([who for who, hit in item.said.items() if hit is which] for which in (True, False))
    word = "" if item.settled is None else f"{'hit' if item.settled else 'no-hit'} by {item.settled_by}"
    return item.attempt, ", ".join(hits), ", ".join(rest), word or "open"


def rate(found: RateInterval) -> str:
    """Write a rate with its limits: ``.900 (.780 to .970) of 50``, of what was counted."""
    return f"{_number(found.rate)} ({_number(found.low)} to {_number(found.high)}) of {found.trials:,}"


def _number(value: float) -> str:
    return "1.000" if value >= 0.9995 else f"{value:.3f}".removeprefix("0")
