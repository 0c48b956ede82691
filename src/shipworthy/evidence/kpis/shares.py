"""What several numbers share: a share with exact limits, as `Measured` or `KpiPart`; times until something happened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shipworthy.evidence.kpis.kpi import KpiPart, KpiRecord, Measured

EXACT = "exact limits (Clopper and Pearson)"


def limits(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided limits of a share."""
    from shipworthy.stats.proportion import exact_shares

    found = exact_shares([hits], [of], confidence=confidence)
    return float(found.low[0]), float(found.high[0])


def share(
    hits: int, of: int, *, counted: str, estimates: str, method: str = EXACT, why: str = "", census: bool = False,
    records: Sequence[KpiRecord] = (), parts: Sequence[KpiPart] = (), left_out: Mapping[str, int] | None = None,
) -> Measured:  # fmt: skip
    """Return a share.

    Args:
        why: there is no value, where nothing was counted.
        census: whether all there are were looked at: such a share has no limits.
    """
    out = dict(left_out or {})
    if not of:
        return Measured(
            value=None, why=why or f"there are no {counted}", method=method, records=tuple(records), left_out=out,
            parts=tuple(parts), estimates=estimates, hits=0, of=0, counted=counted,
        )  # fmt: skip
    low, high = (None, None) if census else limits(hits, of)
    return Measured(
        value=hits / of, low=low, high=high, census=census, hits=hits, of=of, counted=counted, estimates=estimates,
        method="a census: all there are, so no limits" if census else method,
        records=tuple(records), parts=tuple(parts), left_out=out,
    )  # fmt: skip


def part(name: str, hits: int, of: int, note: str = "") -> KpiPart:
    """Return a share beside a number."""
    if not of:
        return KpiPart(name=name, hits=hits, of=of, note=note)
    low, high = limits(hits, of)
    return KpiPart(name=name, value=hits / of, low=low, high=high, hits=hits, of=of, note=note)


def waited(
    times: Sequence[float], happened: Sequence[bool], *, counted: str, estimates: str,
    records: Sequence[KpiRecord] = (), left_out: Mapping[str, int] | None = None, why: str = "",
) -> Measured:  # fmt: skip
    """Return the median time until something happened, what still waits taken as such, and the 90th percentile."""
    from shipworthy.stats.survival import time_quantile

    method = "median of the product-limit estimate (Kaplan and Meier), limits by Brookmeyer and Crowley"
    out = dict(left_out or {})
    if not times:
        return Measured(value=None, why=why or f"there are no {counted}", records=tuple(records), left_out=out)
    if all(happened):
        method = "median, exact limits for every distribution (order statistics)"
    median, ninth = time_quantile(times, happened), time_quantile(times, happened, 0.9)

    def known(number: float) -> float | None:
        return number if math.isfinite(number) else None

    beside = [
        KpiPart(name="90th percentile", value=known(ninth.value), low=known(ninth.low), high=known(ninth.high),
             note="" if math.isfinite(ninth.value) else "not reached yet"),
        KpiPart(name="still waiting", value=None, hits=median.waiting, of=len(times)),
    ]  # fmt: skip
    return Measured(
        value=known(median.value), low=known(median.low), high=known(median.high), hits=median.happened,
        of=len(times), counted=counted, method=method, estimates=estimates, records=tuple(records), left_out=out,
        parts=tuple(beside), why="" if math.isfinite(median.value) else "fewer than half have happened yet",
    )  # fmt: skip
