"""What a number is, and what measuring it gives; `measured` is the decorator that each of the sixteen files uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

from msgspec import Struct

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.workspace.kinds.programme import KpiName

if TYPE_CHECKING:
    from shipworthy.evidence.kpis.facts import KpiFacts
    from shipworthy.evidence.kpis.period import Period

Unit = Literal["share", "days", "minutes", "per 10,000 sessions", "score 1 to 5", "seconds"]
Better = Literal["higher", "lower"]


class KpiRecord(Struct, frozen=True):
    """Something that a number was counted from: what to look up, when it was, its value, and what is said of it."""

    id: str
    at: str = ""
    value: float | None = None
    said: str = ""


class KpiPart(Struct, frozen=True, kw_only=True):
    """A number beside the main one: a weighted variant, a distribution's class, what comes before it.

    Attributes:
        hits, of: what it is counted from, where it is a share.
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    hits: float | None = None
    of: float | None = None
    note: str = ""


class Measured(Struct, frozen=True, kw_only=True):
    """A number, measured.

    Attributes:
        value: in the unit of the number, shares in [0, 1]; None where there is nothing to count, which `why` says.
        low, high: its two-sided limits at `confidence`; None where it has none.
        census: all there are were counted, so there are no limits; else none means that too little is known for them.
        hits, of: what was counted, and among how many; None where it is no share or rate.
        counted: what `of` counts, in words.
        method: how value and limits were made.
        estimates: what the value is about, so that nobody takes it for more.
        left_out: what is in no count -> how many.
        records: what it was counted from.
        parts: numbers beside it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    census: bool = False
    hits: float | None = None
    of: float | None = None
    counted: str = ""
    method: str = ""
    estimates: str = ""
    why: str = ""
    left_out: Mapping[str, int] = {}
    records: tuple[KpiRecord, ...] = ()
    parts: tuple[KpiPart, ...] = ()


def nothing(why: str, left_out: Mapping[str, int] | None = None, *, parts: tuple[KpiPart, ...] = ()) -> Measured:
    """Return that there is nothing to count, and why: never taken for a good value."""
    return Measured(value=None, why=why, left_out=left_out or {}, parts=parts)


Measure = Callable[["KpiFacts", "Period"], Measured]


class Kpi(Struct, frozen=True, kw_only=True):
    """One of the sixteen numbers.

    Attributes:
        number: 1 to 16.
        name: by which verbs and files call it.
        formula: in words; `source` what it is computed from.
        better: which direction is.
        target: that holds where the programme file has none, such as ``<= 60 min``.
        measure: computes it.
    """

    number: int
    name: str
    title: str
    formula: str
    source: str
    unit: Unit
    better: Better
    target: str
    measure: Measure


_made: dict[str, Kpi] = {}


def measured(
    *, title: str, formula: str, source: str, unit: Unit, better: Better, target: str
) -> Callable[[Measure], Measure]:
    """Return the decorator that registers how a number is measured; the file's name says which number it is.

    Raises:
        RuntimeError: there is no number of that name.
    """

    def register(measure: Measure) -> Measure:
        name = measure.__module__.rpartition(".")[2].replace("_", "-")
        if name not in NAMES:
            raise RuntimeError(f"{measure.__module__} is none of the sixteen numbers")
        _made[name] = Kpi(
            number=NAMES.index(name) + 1, name=name, title=title, formula=formula, source=source, unit=unit,
            better=better, target=target, measure=measure,
        )  # fmt: skip
        return measure

    return register


NAMES: tuple[str, ...] = get_args(KpiName)


@cache
def kpis() -> tuple[Kpi, ...]:
    """Return the sixteen numbers in their order."""
    for name in NAMES:
        import_module(f"{__package__}.{name.replace('-', '_')}")
    return tuple(sorted(_made.values(), key=lambda one: one.number))


def choose(wanted: str) -> Kpi:
    """Return a number by its name or its position, 1 to 16.

    Raises:
        UsageError: there is none.
    """
    for one in kpis():
        if wanted in (one.name, str(one.number)):
            return one
    raise UsageError(f"there is no number {wanted!r}: 1 to 16, or {did_you_mean(wanted, NAMES)}")
