"""A calibration as a page: what a judge finds and invents, by slice, and what sways it."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.document import (
    Block,
    Callout,
    DocumentTree,
    Facts,
    Interval,
    Intervals,
    Paragraph,
    Section,
    Table,
)
from shipworthy.evals.calibration import CalibrationReport, Slice
from shipworthy.evals.judged_answer import Share
from shipworthy.evals.leaning import SelfPreference


def document(report: CalibrationReport) -> DocumentTree:
    """Return the page of one calibration."""
    verdict = (
        Callout(f"{report.lacks}. Nothing is decided on its word.", "bad", "Below its bar")
        if report.lacks
        else Callout(
            "Its measured errors enter every rate and every verdict that rests on it.", "good", "Passes its bar"
        )
    )
    children: list[Block] = [verdict, _agreement(report)]
    if report.slices:
        children.append(_slices(report.slices))
    children += _sway(report)
    if report.own is not None:
        children.append(_own(report.own))
    children.append(_what(report))
    return DocumentTree(
        f"Judge of {report.metric}",
        tuple(children),
        f"{report.rubric}: {report.labels:,} labelled answers, {report.clusters:,} independent",
    )


def _agreement(report: CalibrationReport) -> Section:
    rows = [
        _interval("Sensitivity: labelled hits that it calls a hit", report.found, report.least_sensitivity),
        _interval("Specificity: others that it calls none", report.cleared, report.least_specificity),
    ]
    agreed = "Cohen's kappa with people is undefined."
    if report.agreement is not None:
        value, low, high = report.agreement
        upper = f"to {high:.3f}" if high is not None else "at least"
        agreed = f"Cohen's kappa with people, over all answers: {value:.3f} ({low:.3f} {upper})."
    if report.ac1 is not None:
        agreed += " Gwet's AC1, which is steady where one label is rare: {:.3f} ({:.3f} to {:.3f}).".format(*report.ac1)
    silent = f"{report.silent_hits:,} labelled hits and {report.silent_others:,} others got an error or no verdict."
    return Section(
        "Agreement with people",
        (
            Intervals(
                tuple(rows),
                "Exact 95 % limits, one answer a cluster; the mark is the bar for the lower limit.",
                better="higher",
            ),
            Paragraph(agreed),
            Paragraph(silent + " They are in neither share; a run counts them against shipping."),
        ),
        id="agreement",
    )


def _slices(slices: tuple[Slice, ...]) -> Section:
    rows = tuple((one.by, one.value, _words(one.found), _words(one.cleared)) for one in slices)
    told = "A judge that is much worse on one part is no judge of a product that is mostly that part."
    return Section(
        "By slice",
        (
            Table(("by", "value", "sensitivity", "specificity"), rows, "All answers; limits as if independent."),
            Paragraph(told),
        ),
        id="slices",
    )


def _sway(report: CalibrationReport) -> Iterator[Section]:
    rows = tuple(
        (name, _words(share), what)
        for name, share, what in (
            ("Order", report.position, "same verdict with the two verdicts in the other order"),
            ("Again", report.again, "same verdict when asked once more"),
            ("Orders", report.swayed, "verdict not turned by an answer that orders the other one"),
            ("Length", report.padded, "same verdict with words that say nothing behind the answer"),
        )
        if share is not None
    )
    if rows:
        yield Section(
            "What sways it", (Table(("tried", "held", "what"), rows, "On answers that it had right."),), id="sway"
        )


def _own(own: SelfPreference) -> Section:
    clear = "It spares its own." if own.low > 0 else "It is harder on its own." if own.high < 0 else "Not told apart."
    rows = (
        (f"its own ({', '.join(own.own)})", _words(own.spared)),
        ("others'", _words(own.others)),
        ("difference", f"{own.difference:+.3f}\n{own.low:+.3f} to {own.high:+.3f}"),
    )
    return Section(
        "Its own model's answers",
        (Table(("answers", "called good, of those that people call bad"), rows, clear),),
        id="own",
    )


def _what(report: CalibrationReport) -> Section:
    rows = [
        ("Judge", report.judge or "no judge: a scorer without a model"),
        ("Model", report.model or "none"),
        ("Rubric", report.rubric),
        ("Labelled answers", report.data),
        ("Good for", f"{report.days} days, until anything of the judge changes"),
    ]
    if report.brier is not None and report.calibration_error is not None:
        rows.append(
            ("Confidence", f"Brier {report.brier:.3f}, expected calibration error {report.calibration_error:.3f}")
        )
    rows += [(f"{number:,} times", message) for message, number in report.errors.items()]
    return Section("What was measured", (Facts(tuple(rows)),), id="what")


def _interval(label: str, share: Share | None, limit: float) -> Interval:
    if share is None:
        return Interval(label, None, None, None, limit, "bad", "no label with a word")
    tone = "good" if share.low >= limit else "bad"
    return Interval(label, share.rate, share.low, share.high, limit, tone, f"{share.right:,} of {share.of:,}")  # type: ignore[arg-type]


def _words(share: Share | None) -> str:
    if share is None:
        return "no label"
    return f"{share.rate:.3f}\n{share.low:.3f} to {share.high:.3f}, {share.right:,} of {share.of:,}"
