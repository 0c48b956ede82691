"""What labelled answers show of a judge: shares with exact limits, slices, and whether it passes its bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import Struct

from shipworthy.evals.judged_answer import JudgedAnswer, Share, independent, share
from shipworthy.evals.leaning import SelfPreference
from shipworthy.stats import JudgeAccuracy, Kappa, kappa, rater_agreement
from shipworthy.workspace.labelled import MOST_SLICES

WORDLESS = 0.2
"""Share of labelled hits, or of the others, that a judge may give no word on before nothing is decided on it."""
FEWEST = 20
"""Labels of each kind below which nothing is said of a judge."""


class Slice(Struct, frozen=True):
    """Agreement on a part: `by` names the column, `value` its value there; a share is None where there is no label."""

    by: str
    value: str
    found: Share | None
    cleared: Share | None


class CalibrationReport(Struct, frozen=True, kw_only=True):
    """What was measured of a judge.

    Attributes:
        found, cleared: of labelled hits and of the others, one answer a cluster; what it gave no word on is left out.
        all_found, all_cleared: the same of all answers, for the size of it; their limits take clusters for independent.
        silent_hits, silent_others: labelled answers that it gave no word on, or an error.
        agreement: kappa over all answers, clusters respected; None where it is undefined.
        ac1: Gwet's AC1 of the same with its limits, which is steady where one label is rare.
        brier, calibration_error: of the confidences, over all answers with one; None where it gives none.
        position: verdicts that stayed the same with the two verdicts in the other order.
        again: verdicts that stayed the same when asked once more.
        swayed: verdicts that stayed right though the answer told the judge what to say.
        padded: verdicts that stayed right though the answer was made longer by words that say nothing.
        own: whether it spares its own model's answers; None where it does not say which are its own.
        errors: messages and how often.
    """

    judge: str
    model: str
    metric: str
    rubric: str
    data: str
    labels: int
    clusters: int
    found: Share | None
    cleared: Share | None
    all_found: Share | None
    all_cleared: Share | None
    silent_hits: int
    silent_others: int
    agreement: tuple[float, float, float | None] | None
    ac1: tuple[float, float, float] | None
    brier: float | None
    calibration_error: float | None
    slices: tuple[Slice, ...]
    position: Share | None
    again: Share | None
    swayed: Share | None
    padded: Share | None
    own: SelfPreference | None
    errors: Mapping[str, int]
    least_sensitivity: float
    least_specificity: float
    days: int

    @property
    def accuracy(self) -> JudgeAccuracy | None:
        """For the statistics; None where one kind of label is missing."""
        if self.found is None or self.cleared is None:
            return None
        return JudgeAccuracy(self.found.right, self.found.of, self.cleared.right, self.cleared.of)

    @property
    def lacks(self) -> str:
        """Why nothing may be decided on it; empty where it passes its bar."""
        for found, silent, least, what in (
            (self.found, self.silent_hits, self.least_sensitivity, "hits"),
            (self.cleared, self.silent_others, self.least_specificity, "answers without a hit"),
        ):
            if found is None or found.of < FEWEST:
                labelled = 0 if found is None else found.of
                return f"{labelled} independent labelled {what} with a word, and {FEWEST} are needed"
            if silent > WORDLESS * (silent + found.of):
                return f"no word, or an error, on {silent:,} of {silent + found.of:,} labelled {what}"
            if found.low < least:
                kind = "sensitivity" if what == "hits" else "specificity"
                least_known = f"at least {found.low:.3f} with 95 % confidence"
                return f"the {kind} is {found.rate:.3f}, {least_known}; the bar is {least:g}"
        return ""


class JudgeNames(NamedTuple):
    """Who was measured, on what, and what is asked of it: fields as in `CalibrationReport`."""

    judge: str
    model: str
    metric: str
    rubric: str
    data: str
    least_sensitivity: float
    least_specificity: float
    days: int


class Checks(NamedTuple):
    """What sways a judge, each a share of the answers that it was tried on; None where it was not."""

    position: Share | None = None
    again: Share | None = None
    swayed: Share | None = None
    padded: Share | None = None


def report(
    names: JudgeNames, judged: Sequence[JudgedAnswer], checks: Checks, own: SelfPreference | None = None
) -> CalibrationReport:
    """Return what a judge's words on labelled answers show of it."""
    single = list(independent(judged))
    worded = [one for one in judged if one.hit is not None]
    agreement = _kappa(worded)
    sure = [(one.confidence, one.answer.hit) for one in judged if one.confidence is not None]
    return CalibrationReport(
        **names._asdict(),
        **checks._asdict(),
        own=own,
        labels=len(judged),
        clusters=len({one.answer.cluster for one in judged}),
        found=_agreeing(single, hit=True),
        cleared=_agreeing(single, hit=False),
        all_found=_agreeing(judged, hit=True),
        all_cleared=_agreeing(judged, hit=False),
        silent_hits=sum(one.hit is None and one.answer.hit for one in single),
        silent_others=sum(one.hit is None and not one.answer.hit for one in single),
        agreement=(agreement.kappa, agreement.low, agreement.high) if agreement is not None else None,
        ac1=_ac1(worded),
        brier=sum((p - hit) ** 2 for p, hit in sure) / len(sure) if sure else None,
        calibration_error=_calibration_error(sure) if sure else None,
        slices=tuple(_slices(judged)),
        errors=dict(Counter(one.error for one in judged if one.error).most_common(10)),
    )


def _agreeing(judged: Iterable[JudgedAnswer], *, hit: bool) -> Share | None:
    """Return how many answers with one label got that word, of those that got any; None where none did."""
    return share([one.right for one in judged if one.answer.hit is hit and one.hit is not None])


def _kappa(judged: Sequence[JudgedAnswer]) -> Kappa | None:
    try:
        return kappa(
            [bool(one.hit) for one in judged],
            [one.answer.hit for one in judged],
            [one.answer.cluster for one in judged],
        )
    except ValueError:
        return None


def _ac1(judged: Sequence[JudgedAnswer]) -> tuple[float, float, float] | None:
    said = [{"judge": bool(one.hit), "people": one.answer.hit} for one in judged]
    try:
        found = rater_agreement(said, "ac1", clusters=[one.answer.cluster for one in judged])
    except ValueError:
        return None
    return found.value, found.low, found.high


def _calibration_error(sure: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error over ten bins of equal width (Naeini, Cooper and Hauskrecht 2015)."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for p, hit in sure:
        bins.setdefault(min(int(p * 10), 9), []).append((p, hit))
    gaps = (abs(sum(p for p, _ in some) - sum(hit for _, hit in some)) for some in bins.values())
    return sum(gaps) / len(sure)


def _slices(judged: Sequence[JudgedAnswer]) -> Iterator[Slice]:
    """Yield agreement by length of the answer, and by every further column that has few values."""
    lengths = sorted(len(one.answer.answer) for one in judged)
    low, high = lengths[len(lengths) // 3], lengths[2 * len(lengths) // 3]

    def length(one: JudgedAnswer) -> str:
        size = len(one.answer.answer)
        return "short" if size < low else "long" if size >= high else "middle"

    if low < high:
        yield from _by(judged, "length", length, ("short", "middle", "long"))
    columns = dict.fromkeys(name for one in judged for name in one.answer.more)
    for name in columns:
        values = sorted({one.answer.more.get(name, "") for one in judged})
        if 1 < len(values) <= MOST_SLICES:
            yield from _by(judged, name, partial(_column, name), values)


def _column(name: str, one: JudgedAnswer) -> str:
    return one.answer.more.get(name, "")


def _by(
    judged: Sequence[JudgedAnswer], by: str, of: Callable[[JudgedAnswer], str], values: Iterable[str]
) -> Iterator[Slice]:
    for value in values:
        part = [one for one in judged if of(one) == value]
        found, cleared = _agreeing(part, hit=True), _agreeing(part, hit=False)
        if found is not None or cleared is not None:
            yield Slice(by, value, found, cleared)
