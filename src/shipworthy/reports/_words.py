"""Words and numbers that every report writes alike, and hostile text made visible."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from shipworthy.core.amount import amount
from shipworthy.core.document import Block, Section, Tone
from shipworthy.core.freshness import told
from shipworthy.core.records import CriterionResult, Decision, Ledger, SubjectUse, Verdict
from shipworthy.core.terminal import visible

VERDICTS: dict[Verdict, tuple[str, str, Tone]] = {
    "ship": ("SHIP", "\u2713", "good"),
    "no-ship": ("NO-SHIP", "\u2717", "bad"),
    "inconclusive": ("INCONCLUSIVE", "?", "unsure"),
}
"""Word, sign and tone of each verdict. The sign stands beside the word everywhere: colour is never the only sign."""

SIGNS: dict[Tone, str] = {"good": "\u2713", "bad": "\u2717", "unsure": "?", "plain": "\u2022"}

NOT_MEASURED = "not measured"

CRITERIA = "criteria"
"""Id of the document's own section on the criteria; where there is one, a report does not add its own table."""


def percent(rate: float | None, beside: float | None = None) -> str:
    """Return a rate in [-1, 1] as a percentage of three digits, to 0.01 %; a dash where there is none.

    More digits are given where it would read the same as another value that it is held against.

    >>> percent(0.04871), percent(0.0000033), percent(1.0), percent(None), percent(0.060004, beside=0.06)
    ('4.87 %', '0 %', '100 %', '-', '6.0004 %')
    >>> percent(0.9998)  # not all of them
    '99.98 %'
    """
    return "-" if rate is None else f"{_digits(rate, beside)} %"


def points(change: float | None, beside: float | None = None) -> str:
    """Return the change of a rate, in [-1, 1], in signed points.

    >>> points(0.123), points(-0.02), points(0.0), points(None)
    ('+12.3 points', '-2 points', '0 points', '-')
    """
    return "-" if change is None else f"{_signed(change, beside)} points"


def _digits(value: float, beside: float | None = None) -> str:
    # Rounded once: 10.149 is 10.1, and not by way of 10.15.
    text = f"{100 * value:.3g}" if 0.01 <= abs(value) <= 0.99 else f"{round(100 * value, 2) + 0.0:.4g}"
    if beside is None or value == beside or text != _digits(beside):
        return text
    # Digits are added until the two differ; 15 tell apart any two numbers that matter.
    return next((t for n in range(4, 16) if (t := f"{100 * value:.{n}g}") != _digits(beside)), text)


def _signed(change: float, beside: float | None = None) -> str:
    text = _digits(change, beside)
    return text if text.startswith("-") or float(text) == 0 else f"+{text}"


def span(low: float | None, high: float | None, *, change: bool = False) -> str:
    """Return an interval without its unit, such as ``[1.2, 6.4]``; the empty string where there is none."""
    if low is None or high is None:
        return ""
    show = _signed if change else _digits
    return f"[{show(low)}, {show(high)}]"


class NumberWords(NamedTuple):
    """How some numbers read: a rate in percent, the change of one in points, a value or its change in its unit.

    Attributes:
        change: the numbers are changes against a baseline.
        unit: of a value; None for an event's rate.
    """

    change: bool = False
    unit: str | None = None

    def show(self, value: float | None, beside: float | None = None) -> str:
        """Return one number with its unit; with the digits that tell it from another it is held against."""
        if self.unit is None:
            return points(value, beside) if self.change else percent(value, beside)
        return "-" if value is None else visible(amount(value, self.unit, beside, signed=self.change))

    def worsening(self, value: float | None, beside: float | None = None) -> str:
        """Return a bound or limit as a criterion states it: of a change the amount of worsening, without a sign."""
        if self.unit is None:
            return percent(value, beside).replace("%", "points" if self.change else "%")
        return "-" if value is None else visible(amount(value, self.unit, beside))

    def span(self, low: float | None, high: float | None) -> str:
        """Return an interval without its unit; the empty string where there is none."""
        if self.unit is None or low is None or high is None:
            return span(low, high, change=self.change)
        return f"[{amount(low, signed=self.change)}, {amount(high, signed=self.change)}]"

    @property
    def ending(self) -> str:
        """The unit as it stands behind a number, where it is said once for several."""
        if self.unit is None:
            return " points" if self.change else " %"
        return visible(f" {self.unit}") if self.unit else ""


def reading(result: CriterionResult) -> NumberWords:
    """Return how a criterion's numbers read."""
    unit = result.measure.unit if result.measure is not None and result.measure.kind == "value" else None
    return NumberWords(result.test == "noninferiority", unit)


def readings(results: Iterable[CriterionResult]) -> list[NumberWords]:
    """Return the readings of some criteria, rates first, then their changes, then values by unit: one scale each."""
    return sorted({reading(result) for result in results}, key=lambda r: (r.unit is not None, r.unit or "", r.change))


def interval(result: CriterionResult) -> str:
    """Return a criterion's estimate with its interval, such as ``3.1 % [1.2 %, 6.4 %]``; of a change, in points."""
    if result.rate is None:
        return NOT_MEASURED
    if reading(result) == NumberWords():
        return f"{percent(result.rate)} [{percent(result.low)}, {percent(result.high)}]"
    return f"{reading(result).show(result.rate)} {reading(result).span(result.low, result.high)}"


def counted(result: CriterionResult) -> str:
    """Return what was counted out of what: hits out of attempts, or the number of values."""
    return f"{result.trials:,} values" if result.is_value else f"{result.hits:,}/{result.trials:,}"


def denominator(result: CriterionResult) -> str:
    """Return what a criterion's estimate is out of, and what has no score, by kind."""
    unscored = f", {result.left_out:,} without a score{_kinds(result)}"
    of = f"{result.trials:,} values" if result.is_value else f"{result.hits:,} of {result.trials:,} attempts"
    return f"{of} on {result.clusters:,} samples{unscored}{never_possible(result, ', ')}"


def never_possible(result: CriterionResult, before: str = "") -> str:
    """Return how many attempts were left out and why; the empty string where none was.

    Args:
        before: what stands before it.
    """
    if not result.inapplicable:
        return ""
    which = ", ".join(f"{one_line(name)} {number:,}" for name, number in result.inapplicable.items())
    return f"{before}{sum(result.inapplicable.values()):,} left out, as the attack cannot change the sample ({which})"


def _kinds(result: CriterionResult) -> str:
    said = ", ".join(f"{number:,} {one_line(kind)}" for kind, number in result.unscored.items())
    return f" ({said.replace('_', ' ')})" if said else ""


def unscored(result: CriterionResult) -> str:
    """Return what has no score and what the estimate is if all of it is bad; the empty string where all was scored."""
    if result.worst_rate is None:
        return ""
    of = f"{result.left_out:,} without a score{_kinds(result)}"
    worst = f"{reading(result).show(result.worst_rate)} if all of them are bad"
    tips = f"; ships unless {result.tips:,} of {result.left_out:,} unscored are bad" if result.tips is not None else ""
    return f"{of}: {worst}{tips}"


def subject_words(subject: SubjectUse) -> str:
    """Return a subject as a reader tells it from another: target, guards, whether its reasoning is seen, digest."""
    guards = f"guards {subject.guards[:19]}" if subject.guards else "no guards"
    seen = f", reasoning {subject.reasoning}" if subject.reasoning else ""
    return one_line(f"{subject.target or 'the target'}, {guards}{seen}, subject {subject.digest[:19]}")


def ledger_words(ledger: Ledger) -> str:
    """Say which run of how many a decision is about: on these samples, and of this specification and subject."""
    return f"{ledger.sentence}; {ledger.tries.sentence}" if ledger.tries else ledger.sentence


def replies_words(decision: Decision) -> str:
    """Say how many replies the cache gave, in the decided runs and in the baselines; nothing in older decisions."""

    def said(some: Collection[str]) -> str:
        uses = [use for use in decision.replies if use.run in some]
        oldest = min((use.oldest for use in uses if use.oldest), default="")
        return told(sum(u.replies for u in uses), sum(u.cached for u in uses), oldest, decision.created)

    if not decision.replies:
        return ""
    return said(decision.runs) + (
        f"; of the baseline's, {said(decision.baseline_runs)}" if decision.baseline_runs else ""
    )


def compared_words(decision: Decision) -> str:
    """Return what a decision compares with and who chose it, another target named as such; empty without a baseline."""
    if (baseline := decision.baseline) is None:
        return ", ".join(decision.baseline_runs)
    chose = {"named": "named for this decision", "pinned": "the pinned baseline", "gate": "named by gate.yaml"}
    how = f"{baseline.decision}, {chose['gate']}" if baseline.decision else chose[baseline.how]
    other = "" if baseline.same_target else "; ANOTHER TARGET than the one decided on"
    return one_line(f"{', '.join(decision.baseline_runs)} ({subject_words(baseline.subject)}; {how}{other})")


def confirmed_words(decision: Decision, attempt: str) -> str:
    """Return what was said of an S1 hit, and by whom, on one line."""
    words = [word for word in decision.confirmations if word.attempt == attempt]
    if not words:
        return "not yet confirmed"
    said = []
    for word in words:
        because = f": {word.because}" if word.because else ""
        what = "a hit" if word.said == "hit" else "no hit"
        said.append(f"confirmed as {what} by {word.by} (audit entry {word.entry}){because}")
    return one_line("; ".join(said))


def ordered(decision: Decision) -> list[CriterionResult]:
    """Return the criteria with what blocks first; the order within a verdict is the gate's."""
    rank = {"no-ship": 0, "inconclusive": 1, "ship": 2}
    return sorted(decision.criteria, key=lambda r: rank[r.verdict])


def tally(decision: Decision) -> str:
    """Return how many criteria passed, failed and are undecided."""
    count = {v: sum(r.verdict == v for r in decision.criteria) for v in VERDICTS}
    said = [f"{count['ship']} passed", f"{count['no-ship']} failed", f"{count['inconclusive']} undecided"]
    return ", ".join(said)


def has_section(blocks: Iterable[Block], wanted: str) -> bool:
    """Say whether a document has a section of this id, at any depth."""
    return any(isinstance(b, Section) and (b.id == wanted or has_section(b.children, wanted)) for b in blocks)


def briefed(blocks: Iterable[Block]) -> Iterator[Section]:
    """Yield the sections that stand in a summary, at any depth."""
    for block in blocks:
        if isinstance(block, Section):
            if block.brief:
                yield block
            yield from briefed(block.children)


def one_line(text: str) -> str:
    """Return visible text on one line."""
    return " ".join(visible(text).split())
