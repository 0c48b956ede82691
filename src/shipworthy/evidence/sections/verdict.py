"""What a director reads: the verdict, why, and the intervals as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shipworthy.core.document import Callout, Facts, Interval, Intervals, Paragraph, Section, Table
from shipworthy.core.metric import ESTIMAND
from shipworthy.core.price import cost
from shipworthy.core.records import AttackRate, CriterionResult, Decision, RoleUse
from shipworthy.evals.results import Run
from shipworthy.evidence.sections.wording import (
    NOT_MEASURED,
    TONES,
    bound_of,
    interval_of,
    percent,
    rate_of,
)
from shipworthy.evidence.told import Told
from shipworthy.release.wording import count
from shipworthy.reports._criterion import assumed, better, drawn, interval_name, mind, still_needed, worst_first
from shipworthy.reports._words import (
    NumberWords,
    counted,
    ledger_words,
    never_possible,
    reading,
    readings,
    replies_words,
    unscored,
)

_MEANING = {
    "ship": "The evidence meets every criterion of the gate.",
    "no-ship": "The evidence shows that a criterion is not met. This version must not ship.",
    "inconclusive": "The evidence cannot decide yet. This blocks a release just as a no-ship does.",
}


def verdict(told: Told, decision: Decision, runs: Sequence[Run]) -> Section:
    """Say what was decided about what, and why."""
    open_ones = [r for r in decision.criteria if r.verdict != "ship"]
    order = {"no-ship": 0, "inconclusive": 1}
    why = [
        Callout(f"{_sentence(r)}{_because(told, r)}", TONES[r.verdict], f"{r.id}: {r.verdict}")
        for r in sorted(open_ones, key=lambda r: (order[r.verdict], r.severity))
    ]
    guarded = "behind its guards" if runs[0].manifest.guards else "without guards"
    errors = count(sum(run.errors for run in runs), "error")
    planned = sum(run.manifest.planned for run in runs)
    facts = Facts(
        (
            ("Measured", f"{guarded}, {', '.join(f'run {run.id}, plan {run.manifest.plan}' for run in runs)}"),
            ("Attempts", f"{sum(map(len, runs)):,} of {planned:,} planned, {errors} left out"),
            *_asked(runs),
            ("Estimand", ESTIMAND),
            ("Gate", f"{decision.gate}: all of {len(decision.criteria)} criteria must pass"),
            *([("Ledger", ledger_words(decision.ledger))] if decision.ledger else []),
            *([("Cache", replies_words(decision))] if decision.replies else []),
            *([("Self-test", decision.selftest.sentence)] if decision.selftest else []),
            ("Owner", told.owner),
        )
    )
    return Section("Verdict", (Paragraph(_meaning(decision)), *why, facts), "verdict")


def _asked(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Say for every role what it was asked, and what that took."""
    total: dict[str, RoleUse] = {}
    for run in runs:
        for role, use in run.roles.items():
            total[role] = total.get(role, RoleUse()) + use
    for name, use in total.items():
        tokens = use.usage.input_tokens + use.usage.output_tokens
        took = f", {said}" if (said := cost(use.usage)) else ""
        said = f"{count(use.calls, 'call')} ({use.cached:,} cached, {use.failures:,} failed), {tokens:,} tokens{took}"
        yield f"Asked: {name.replace('_', ' ')}", said


def _sentence(result: CriterionResult) -> str:
    about = f"{result.must} on {result.suite}, {result.metric}"
    return f"{result.reason[:1].upper()}{result.reason[1:]} ({about})"


def _because(told: Told, result: CriterionResult) -> str:
    text = told.requirements.get(result.requirement, "").strip()
    return f". It tests {result.requirement}: {text}" if text else ""


def _asks(told: Told, result: CriterionResult) -> str:
    return f"{result.id}\n{result.requirement} {told.requirements.get(result.requirement, '').strip()}".rstrip()


def _why(result: CriterionResult, beside: Sequence[str]) -> str:
    return "\n".join(filter(None, (result.reason, *beside, mind(result), assumed(result))))


def _meaning(decision: Decision) -> str:
    if decision.s1_hits and not any(r.verdict == "no-ship" for r in decision.criteria):
        return "What must never happen did, so no rate is looked at. This version must not ship."
    return _MEANING[decision.verdict]


def picture(decision: Decision) -> Section:
    """Draw every criterion's interval against its limit, on one scale what has one unit."""
    pictures = []
    for how in readings(decision.criteria):
        for side in ("lower", "higher"):
            chosen = [r for r in decision.criteria if reading(r) == how and better(r) == side]
            if chosen:
                rows = tuple(_row(r) for r in chosen)
                pictures.append(Intervals(rows, _caption(how, side), better(chosen[0]), how.change, how.unit))
    note = Paragraph(
        "A criterion passes only if its one-sided bound meets the limit. The two-sided interval reaches further. "
        "Both are clustered by sample."
    )
    return Section("Intervals", (note, *pictures), "intervals")


def _caption(how: NumberWords, side: str) -> str:
    unit = f" ({how.unit})" if how.unit else ""
    if how.change:
        moved = "rise" if side == "lower" else "loss"
        what = "Change" if how.unit is None else f"Change of a mean{unit}"
        return f"{what} against the baseline: the {moved} must stay below the margin"
    if how.unit is not None:
        return f"Means that must stay {'low' if side == 'lower' else 'high'}{unit}"
    return f"Events that must {'stay rare' if side == 'lower' else 'be common'}"


def _row(result: CriterionResult) -> Interval:
    out_of = f"{result.hits:,} of {count(result.trials, 'attempt')}"
    if result.is_value:
        out_of = count(result.trials, "value")
    left = f", {result.left_out:,} without a score" if result.left_out else ""
    return drawn(result, f"{result.id} {result.metric}", f"{out_of}{left}" if result.trials else "")


def criteria(told: Told, decision: Decision) -> Section:
    """List every criterion with all of its numbers, then what it tests, its reason and what it would still need."""
    numbers = tuple(
        (
            f"{r.id}\n{r.suite}: {r.metric}",
            r.verdict,
            r.must,
            f"{rate_of(r)}\n{interval_of(r)}" if r.rate is not None else rate_of(r),
            bound_of(r),
            counted(r).replace("/", " / "),
            f"{r.clusters:,}",
            (unscored(r) or "0") + never_possible(r, "\n"),
        )
        for r in decision.criteria
    )
    columns = (
        "Criterion", "Verdict", "Must", f"Estimate\n{interval_name(decision.criteria)}", "Bound", "Hits / attempts",
        "Samples", "Unscored, worst case",
    )  # fmt: skip
    caption = (
        "Hits are counted events among scored attempts; samples are the independent clusters among them. The bound is "
        "one-sided at the criterion's confidence, counts each sample once, and is what the limit is held against; "
        "of a change it bounds the worsening."
    )
    tones = tuple(TONES[r.verdict] for r in decision.criteria)
    reasons = tuple(
        (_asks(told, r), r.severity, _why(r, decision.beside(r)), r.method, still_needed(r), ", ".join(r.risks))
        for r in decision.criteria
    )
    why = ("Criterion\nits requirement", "Severity", "Reason", "Bound", "Samples still needed", "Risks")
    tables = Table(columns, numbers, caption, tones, (3, 4, 5, 6)), Table(why, reasons, "", tones, (3, 4))
    return Section("Criteria", tables, "criteria")


def _left(row: AttackRate) -> str:
    """Return how many attempts have no score, and how many there could never be."""
    out = f"\n{row.inapplicable:,} left out: it cannot change them" if row.inapplicable else ""
    return f"{row.unscored:,}{out}"


def attacks(decision: Decision) -> Section | None:
    """List what each attack does by itself under every criterion on a rate; None where none has several."""
    rows = []
    for result in decision.criteria:
        name = f"{result.id}\n{result.suite}: {result.metric}"
        for row in worst_first(result):
            rate = NOT_MEASURED
            if row.rate is not None:
                rate = f"{percent(row.rate)}\n{percent(row.low)} to {percent(row.high)}"
            out_of = f"{row.hits:,} / {row.trials:,}"
            rows.append((name, row.attack, rate, out_of, f"{row.clusters:,}", _left(row)))
            name = ""
    if not rows:
        return None
    columns = (
        "Criterion", "Attack", f"Rate\n{interval_name(r for r in decision.criteria if r.attacks)}", "Hits / attempts",
        "Samples", "Unscored",
    )  # fmt: skip
    caption = (
        "Each attack by itself, the worst of a criterion first. The two-sided intervals hold one by one; of several "
        "attacks, the one that looks worst owes some of that to luck. A condition `worst_attack_upper95` is held "
        "against bounds that hold for all attacks together."
    )
    return Section("Attacks", (Table(columns, tuple(rows), caption, (), (2, 3, 4, 5)),), "attacks")
