"""All sixteen numbers of a period, each held against its target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from shipworthy.core.cells import sheet_of
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import Kpi, Measured
from shipworthy.evidence.kpis.period import Period

Met = Literal["yes", "no", "unsure", "unknown"]
"""Whether a target is met: ``unsure`` where the number is on the right side and its limits reach over, or there
are none although it is no census; ``unknown`` where there is no number."""

_TARGET = re.compile(r"(<=|>=) *([0-9]+(?:\.[0-9]+)?) *(%|d|h|min)?")
_IN_MINUTES = {"min": 1.0, "h": 60.0, "d": 1440.0}
_IN_DAYS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0}


class KpiReport(Struct, frozen=True, kw_only=True):
    """One number of a period.

    Attributes:
        target: as it is written; `own` whether the programme file has it, or it is ours.
    """

    number: int
    name: str
    title: str
    unit: str
    formula: str
    source: str
    period: str
    start: str
    end: str
    target: str
    own: bool
    met: Met
    measured: Measured


def report(facts: KpiFacts, kpis: Iterable[Kpi], period: Period) -> list[KpiReport]:
    """Return numbers of a period, held against their targets."""
    wanted = {one.number: one.must for one in facts.programme.targets}
    made = []
    for one in kpis:
        found = one.measure(facts, period)
        target = wanted.get(one.name, one.target)  # type: ignore[call-overload]
        made.append(
            KpiReport(
                number=one.number,
                name=one.name,
                title=one.title,
                unit=one.unit,
                formula=one.formula,
                source=one.source,
                period=period.name,
                start=period.start.isoformat(),
                end=period.end.isoformat(),
                target=target,
                own=one.name in wanted,
                met=met(target, one.unit, found),
                measured=found,
            )
        )  # fmt: skip
    return made


def met(target: str, unit: str, found: Measured) -> Met:
    """Return whether a number meets a target.

    Raises:
        ValueError: the target is none of this unit.

    >>> met(">= 90 %", "share", Measured(value=0.95, low=0.85, high=0.99))
    'unsure'
    """
    shape = _TARGET.fullmatch(target)
    if shape is None:
        raise ValueError(f"{target!r} is no target")
    sign, limit = shape[1], float(shape[2]) * _scale(shape[3] or "", unit, target)
    if found.value is None:
        return "unknown"

    def good(number: float) -> bool:
        return number <= limit + 1e-12 if sign == "<=" else number >= limit - 1e-12

    if not good(found.value):
        return "no"
    far = found.high if sign == "<=" else found.low
    sure = found.census if far is None else good(far)
    return "yes" if sure else "unsure"


def _scale(written: str, unit: str, target: str) -> float:
    scales = {"": 1.0}
    if unit == "share":
        scales["%"] = 0.01
    elif unit == "days":
        scales |= _IN_DAYS
    elif unit == "minutes":
        scales |= _IN_MINUTES
    if written not in scales:
        raise ValueError(f"{target!r}: this number is in {unit}; units that fit: {', '.join(s for s in scales if s)}")
    return scales[written]


def shown(value: float | None, unit: str) -> str:
    """Return a number in its unit, for people.

    >>> shown(0.256, "share"), shown(3.456, "days"), shown(None, "share"), shown(0.5, "minutes")
    ('25.6 %', '3.5 d', '-', '0.5 min')
    """
    if value is None:
        return "-"
    if unit == "share":
        return f"{100 * value:.1f} %"
    short = {"days": " d", "minutes": " min", "seconds": " s"}.get(unit, "")
    return f"{value:.2f}" if unit == "score 1 to 5" else f"{value:,.{1 if value < 1000 else 0}f}{short}"


def as_csv(rows: Sequence[KpiReport]) -> str:
    """Return numbers as CSV (RFC 4180), one a line, records and parts left out."""
    columns = ("number", "name", "period", "value", "low", "high", "confidence", "unit", "hits", "of", "counted",
               "target", "met", "method", "estimates", "left_out", "why")  # fmt: skip
    lines: list[Sequence[str]] = [columns]
    for one in rows:
        has = msgspec.structs.asdict(one.measured) | {
            name: getattr(one, name) for name in ("number", "name", "period", "unit", "target", "met")
        }
        has["left_out"] = "; ".join(f"{n} {kind}" for kind, n in one.measured.left_out.items())
        lines.append(["" if has[name] is None else str(has[name]) for name in columns])
    return sheet_of(lines)
