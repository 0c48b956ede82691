"""How far a rate transfers: the same cases bare, marked as a test, and in the product's real wrapper, paired.

A model may behave otherwise where it sees that it is tested, and a bare model is not the product. Each condition is a
target of its own and a run on the same samples; what is reported is the gap between two of them, with its interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Literal

from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.core.metric import ESTIMAND
from shipworthy.core.transferred import TransferEntry
from shipworthy.evals.compare import MetricChange, compare
from shipworthy.evals.results import Run


class TransferRow(Struct, frozen=True):
    """One metric under one condition beside the product.

    Attributes:
        condition: the name of the other run's target.
        rate: under that condition; `product` in the product's wrapper: of the attempts that both scored.
        gap, low, high: product minus condition, with its two-sided 95 % interval; in the metric's own unit.
        transfers: False where the corrected test says that they differ; True never is said, only None: not shown.
    """

    suite: str
    metric: str
    kind: Literal["event", "value"]
    unit: str
    condition: str
    run: str
    rate: float
    product: float
    gap: float
    low: float
    high: float
    clusters: int
    errors: int
    transfers: Literal[False] | None


class Transfer(Struct, frozen=True):
    """What `transfer` found.

    Attributes:
        run: of the product; `estimand` what the intervals are about.
        rows: suites in the run's order, their metrics, the conditions in the order given.
        warnings: what a reader must know before the numbers mean anything.
    """

    run: str
    rows: tuple[TransferRow, ...]
    warnings: tuple[str, ...]
    estimand: str = ESTIMAND


def transfer(product: Run, conditions: Sequence[tuple[str, Run]], *, alpha: float = 0.05) -> Transfer:
    """Pair a run of the product with runs of the same cases under other conditions.

    Args:
        product: the system in its own wrapper, on its own prompt.
        conditions: names and runs; at least one.
        alpha: chance of any false alarm over all rows (Holm).

    Raises:
        UsageError: there is no condition, one is the product's own run, or nothing can be paired.

    Wrong to use where the conditions differ in more than the frame: another model is another system, and a gap of two
    systems says nothing of how far one's rate transfers.
    """
    from shipworthy.stats import holm

    if not conditions:
        raise UsageError("a gap needs another condition: name a run of the same cases bare or marked as a test")
    found: list[tuple[str, Run, MetricChange]] = []
    warnings: list[str] = []
    for name, run in conditions:
        if run.id == product.id:
            raise UsageError(f"{run.id} is the product's own run: a condition is another one")
        made = compare(product, run)
        warnings += [f"{name}: {warning}" for warning in made.warnings]
        found += [(name, run, row) for row in made.rows]
    if not found:
        raise UsageError(f"{product.id} and the other runs share no suite and metric: measure the same plan")
    adjusted = holm([row.p_value for _, _, row in found])
    rows = [
        TransferRow(
            row.suite, row.metric, row.kind, row.unit, name, run.id, row.old_rate, row.new_rate, row.difference,
            row.low, row.high, row.clusters, row.errors, False if p <= alpha else None,
        )
        for (name, run, row), p in zip(found, adjusted, strict=True)
    ]  # fmt: skip
    order = {use.id: place for place, use in enumerate(product.manifest.suites)}
    rows.sort(key=lambda row: (order.get(row.suite, len(order)), row.metric))
    return Transfer(product.id, tuple(rows), tuple(dict.fromkeys(warnings)))


def entry_of(found: Transfer, runs: Sequence[Run]) -> TransferEntry:
    """Return what the audit log keeps of it, gaps in millionths.

    Args:
        runs: the product's, and those of the conditions.
    """
    manifests = {run.id: run.manifest for run in runs}
    product = manifests[found.run]
    rows = tuple(
        {
            "suite": row.suite, "metric": row.metric, "kind": row.kind, "unit": row.unit, "condition": row.condition,
            "run": row.run, "spec_digest": manifests[row.run].spec_digest,
            "subject_digest": manifests[row.run].subject_digest, "gap": round(1e6 * row.gap),
            "low": floor(1e6 * min(row.low, row.gap)), "high": ceil(1e6 * max(row.high, row.gap)),
            "clusters": row.clusters, "differs": row.transfers is False,
        }
        for row in found.rows
    )  # fmt: skip
    return TransferEntry(product.system, product.id, product.spec_digest, product.subject_digest, rows)
