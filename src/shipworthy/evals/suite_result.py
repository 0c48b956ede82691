"""One metric of one suite, as every table shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from shipworthy.core.amount import amount, number

if TYPE_CHECKING:
    from shipworthy.stats import MeanInterval, RateInterval


class SuiteResult(Struct, frozen=True):
    """One metric of one suite, as every table shows it.

    Attributes:
        interval: None where no attempt was scored; a `MeanInterval` of a value.
        unit: of a value.
        errors: attempts without a score, left out; `missing` were planned and not made.
        inapplicable: attempts on samples that their attack cannot change, in none of the other numbers.
    """

    suite: str
    metric: str
    interval: RateInterval | MeanInterval | None
    errors: int
    missing: int
    unit: str = ""
    inapplicable: int = 0


COLUMNS = ("suite", "metric", "rate", "95 % interval", "hits / trials", "clusters", "errors left out", "not run")
"""Of the table that the command line and notebooks show, a row a `SuiteResult`."""


def cells(row: SuiteResult) -> tuple[str, ...]:
    """Return a row of that table as text."""
    tail = (f"{row.errors:,}", f"{row.missing:,}")
    if row.interval is None:
        return (row.suite, row.metric, "no score", "", "0 / 0", "0", *tail)
    from shipworthy.stats import MeanInterval

    found = row.interval
    if isinstance(found, MeanInterval):
        between = f"{number(found.low)} to {amount(found.high, row.unit)}"
        shown = (amount(found.mean, row.unit), between, f"{found.values:,} values")
    else:
        between = f"{100 * found.low:.1f} to {100 * found.high:.1f} %"
        shown = (f"{100 * found.rate:.1f} %", between, f"{found.hits:,} / {found.trials:,}")
    return (row.suite, row.metric, *shown, f"{found.clusters:,}", *tail)
