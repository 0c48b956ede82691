"""What a director reads: the verdict, why, and the intervals as a picture."""

from __future__ import annotations

from shipworthy.core.document import Callout, Facts, Interval, Intervals, Paragraph, Section, Table
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.evals.results import Run
from shipworthy.evidence.sections.wording import TONES, bound_of, interval_of, rate_of
from shipworthy.release.wording import count
from shipworthy.workspace.load import Workspace

_MEANING = {
    "ship": "The evidence meets every criterion of the gate.",
    "no-ship": "The evidence shows that a criterion is not met. This version must not ship.",
    "inconclusive": "The evidence cannot decide yet. This blocks a release just as a no-ship does.",
}


def verdict(workspace: Workspace, decision: Decision, run: Run) -> Section:
    """Say what was decided about what, and why."""
    open_ones = [r for r in decision.criteria if r.verdict != "ship"]
    order = {"no-ship": 0, "inconclusive": 1}
    why = [
        Callout(f"{r.reason} ({r.must} on {r.suite}, {r.metric})", TONES[r.verdict], f"{r.id}: {r.verdict}")
        for r in sorted(open_ones, key=lambda r: (order[r.verdict], r.severity))
    ]
    guarded = "behind its guards" if run.manifest.guards else "without guards"
    facts = Facts(
        (
            ("System", f"{workspace.system.title} ({decision.system})"),
            ("Owner", workspace.system.owner),
            ("Measured", f"{guarded}, run {run.id}, plan {run.manifest.plan}"),
            ("Attempts", f"{len(run):,} of {run.manifest.planned:,} planned, {count(run.errors, 'error')} left out"),
            ("Gate", f"{decision.gate}: all of {len(decision.criteria)} criteria must pass"),
            ("Decided", decision.created),
        )
    )
    meaning = Paragraph(f"{decision.verdict.capitalize()}: {decision.reason}. {_MEANING[decision.verdict]}")
    return Section("Verdict", (meaning, *why, facts), "verdict")


def picture(decision: Decision) -> Section:
    """Draw every criterion's interval against its limit, rates and changes apart."""
    groups = (
        ("Events that must stay rare", "lower", _of(decision, "threshold", lower=False)),
        ("Events that must be common", "higher", _of(decision, "threshold", lower=True)),
        ("Change against the baseline: worsening must stay below the margin", "lower", _changes(decision, lower=False)),
        ("Change against the baseline: loss must stay below the margin", "higher", _changes(decision, lower=True)),
    )
    pictures = tuple(
        Intervals(rows, caption, "lower" if better == "lower" else "higher") for caption, better, rows in groups if rows
    )
    note = Paragraph(
        "Each line is the 95 % interval of a rate, clustered by sample; the mark is the limit. A criterion passes only "
        "if the one-sided bound, not the estimate, meets the limit."
    )
    return Section("Intervals", (note, *pictures), "intervals")


def _of(decision: Decision, test: str, *, lower: bool) -> tuple[Interval, ...]:
    return tuple(
        _interval(r, r.limit) for r in decision.criteria if r.test == test and r.must.startswith("lower") == lower
    )


def _changes(decision: Decision, *, lower: bool) -> tuple[Interval, ...]:
    wanted = (r for r in decision.criteria if r.test == "noninferiority" and r.must.startswith("drop") == lower)
    return tuple(_interval(r, -r.limit if lower else r.limit) for r in wanted)


def _interval(result: CriterionResult, limit: float) -> Interval:
    if result.rate is None or result.low is None or result.high is None:
        # Nothing is known: the whole axis.
        least = -1.0 if result.test == "noninferiority" else 0.0
        return Interval(f"{result.id} {result.metric}", 0.0, least, 1.0, limit, "unsure", "not measured")
    note = f"{result.hits}/{result.trials}"
    return Interval(
        f"{result.id} {result.metric}", result.rate, result.low, result.high, limit, TONES[result.verdict], note
    )


def criteria(decision: Decision) -> Section:
    """List every criterion with all of its numbers, then its reason and what it would still need."""
    numbers = tuple(
        (
            r.id,
            r.verdict,
            f"{r.suite}: {r.metric}",
            r.must,
            rate_of(r),
            interval_of(r),
            bound_of(r),
            f"{r.hits:,} / {r.trials:,}",
            f"{r.clusters:,}",
            f"{r.errors:,}",
        )
        for r in decision.criteria
    )
    columns = (
        "Criterion", "Verdict", "Suite: metric", "Must", "Estimate", "95 % interval", "Bound", "Hits / attempts",
        "Samples", "Errors left out",
    )  # fmt: skip
    caption = (
        "Hits are counted events among scored attempts; samples are the independent clusters among them. The bound is "
        "one-sided at the criterion's confidence, takes the design effect in, and is what the limit is held against; "
        "of a change it bounds the worsening."
    )
    tones = tuple(TONES[r.verdict] for r in decision.criteria)
    reasons = tuple(
        (r.id, r.severity, r.reason, f"{r.design_effect:.2f}", _needed(r), ", ".join(r.risks))
        for r in decision.criteria
    )
    why = ("Criterion", "Severity", "Reason", "Design effect", "Samples still needed", "Risks")
    tables = Table(columns, numbers, caption, tones, tuple(range(6, 10))), Table(why, reasons, "", tones, (3, 4))
    return Section("Criteria", tables, "criteria")


def _needed(result: CriterionResult) -> str:
    if result.verdict == "ship":
        return "0"
    return "no number can pass it" if result.needed is None else f"{result.needed:,}"
