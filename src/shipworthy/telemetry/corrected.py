"""Rates of a stream that a judge sees samples of: weighted by how they were drawn, corrected by people's labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.stats.stratified import AuditedStratum, StratifiedRate, stratified_audited_rate
from shipworthy.telemetry.draw import DrawnSpan

WEIGHTS: Mapping[int, float] = {1: 100.0, 2: 30.0, 3: 5.0, 4: 1.0}
"""What a hit of each severity weighs, as in the KPIs."""
UNRATED = 3
"""The severity that a hit without one is taken for."""

T = TypeVar("T")


class JudgedSpan(Struct, frozen=True, kw_only=True):
    """What a judge, and maybe a person, said of a span that was drawn.

    Attributes:
        called: whether the judge called it a hit; None where it gave no answer.
        label: whether a person did; None where nobody was asked.
        severity: of the hit, 1 (worst) to 4; 0 where nobody says.
    """

    trace: str
    span: str
    called: bool | None = None
    label: bool | None = None
    severity: int = 0


class CorrectedRate(Struct, frozen=True, kw_only=True):
    """A corrected rate, in 10,000 units of what was drawn from.

    Attributes:
        severity: that is counted; 0 for all, each hit once.
        weighted: whether hits count by `WEIGHTS`: the sum of rates by severity, its limits those of each at a share of
            the error, added up.
        observed: at the judge's word.
        units: in all strata; `judged` those that the judge answered on, `lost` drawn without an answer.
        labelled: by people.
    """

    severity: int
    weighted: bool
    per: float
    low: float
    high: float
    observed: float
    units: int
    judged: int
    lost: int
    labelled: int
    confidence: float


def corrected_rates(
    drawn: Sequence[DrawnSpan], judged: Sequence[JudgedSpan], *, confidence: float = 0.95
) -> list[CorrectedRate]:
    """Return the rate of all hits, those of each severity that was called, and the severity-weighted sum.

    Args:
        drawn: as `draw_spans` gave them; a unit without a word of the judge counts as lost, never as safe.
        judged: one for each that was answered.

    Raises:
        UsageError: a word on something that was not drawn, or two on one span.

    Wrong to use where labels were not drawn at random from what the judge called a hit and from the rest, in each
    stratum. See `stats.stratified`.
    """
    words: dict[tuple[str, str], JudgedSpan] = {}
    known = {(one.trace, one.span) for one in drawn}
    for one in judged:
        if (one.trace, one.span) not in known:
            raise UsageError(f"{one.trace}/{one.span} was judged and not drawn: a rate needs the chance that it had")
        if (one.trace, one.span) in words:
            raise UsageError(f"{one.trace}/{one.span} was judged twice")
        words[one.trace, one.span] = one
    if not drawn:
        raise UsageError("nothing was drawn")
    levels = sorted({_level(one) for one in judged if one.called or one.label})
    made = [_rate(drawn, words, 0, confidence)]
    parts = [_rate(drawn, words, level, 1 - (1 - confidence) / max(1, len(levels))) for level in levels]
    made += [_rate(drawn, words, level, confidence) for level in levels]
    if parts:
        made.append(_weighted(made[0], parts))
    return made


def read_lines(path: Path, kind: type[T]) -> list[T]:
    """Return the records of a file, a line of JSON each.

    Raises:
        UsageError: a line is none; it is named.
    """
    found = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        found.append(msgspec.json.decode(line, type=kind))
                    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                        raise UsageError(f"{path}:{number}: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    return found


def _level(one: JudgedSpan) -> int:
    return one.severity or UNRATED


def _rate(
    drawn: Sequence[DrawnSpan], words: Mapping[tuple[str, str], JudgedSpan], level: int, confidence: float
) -> CorrectedRate:
    by: dict[tuple[str, ...], list[DrawnSpan]] = {}
    for one in drawn:
        by.setdefault(one.stratum, []).append(one)
    strata = [_stratum(of, [words.get((one.trace, one.span)) for one in of], level) for of in by.values()]
    found: StratifiedRate = stratified_audited_rate(strata, confidence)
    return CorrectedRate(
        severity=level,
        weighted=False,
        per=found.rate * 10_000,
        low=found.low * 10_000,
        high=found.high * 10_000,
        observed=found.observed * 10_000,
        units=sum(one.size for one in strata),
        judged=sum(one.judged for one in strata),
        lost=sum(one.lost for one in strata),
        labelled=found.labelled,
        confidence=confidence,
    )


def _stratum(of: Sequence[DrawnSpan], words: Sequence[JudgedSpan | None], level: int) -> AuditedStratum:
    said = [one for one in words if one is not None and one.called is not None]
    # What one severity's rate is about is a hit of that severity; everything else is none.
    mine = [one for one in said if one.called and level in (0, _level(one))]
    rest = [one for one in said if one not in mine]
    labelled, other = [o for o in mine if o.label is not None], [o for o in rest if o.label is not None]
    return AuditedStratum(
        size=max(len(of), round(len(of) / of[0].inclusion)),
        called=len(mine),
        judged=len(said),
        true_called=sum(one.label is True for one in labelled),
        labelled_called=len(labelled),
        true_rest=sum(one.label is True and level in (0, _level(one)) for one in other),
        labelled_rest=len(other),
        lost=len(of) - len(said),
    )


def _weighted(whole: CorrectedRate, parts: Sequence[CorrectedRate]) -> CorrectedRate:
    def total(field: str) -> float:
        return sum(WEIGHTS[part.severity] * float(getattr(part, field)) for part in parts)

    return msgspec.structs.replace(
        whole, weighted=True, per=total("per"), low=total("low"), high=total("high"), observed=total("observed")
    )
