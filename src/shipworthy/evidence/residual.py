"""Risk that is left, computed from evidence: never written, so that nobody can wish it away.

Inherent risk is severity times likelihood, as the files say: whenever it is tried, it happens. What is left is that
times the share of tries on which it happened, taken at its bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from shipworthy.core.records import CriterionResult
from shipworthy.core.severity import Severity
from shipworthy.evidence.criterion_standing import CriterionStanding, LabelWatch
from shipworthy.workspace.dated import live
from shipworthy.workspace.graph import Graph, Node

WEIGHTS: Mapping[Severity, float] = {"S1": 100.0, "S2": 30.0, "S3": 5.0, "S4": 1.0}
"""How much worse one severity is than another."""
LIKELIEST = 5


class FailureRate(NamedTuple):
    """How often what must not happen happened, in [0, 1]: the two-sided interval, and the one-sided bound above."""

    low: float
    high: float
    bound: float


class ResidualRisk(NamedTuple):
    """One line of the register.

    Attributes:
        inherent: weight of the severity times likelihood / 5, in [0.2, 100].
        residual: what is left, at the bound; `low` and `high` its interval, each in [0, inherent].
        measured: whether evidence says so; if not, it is the inherent one, and `basis` says why.
        criterion: whose rate it is: of all that test it, the one with the highest bound.
        basis: in words.
        waivers: that accept it, or a requirement against it, on the day.
    """

    risk: str
    title: str
    severity: Severity
    likelihood: int
    owner: str
    inherent: float
    residual: float
    low: float
    high: float
    measured: bool
    criterion: str
    basis: str
    waivers: tuple[str, ...]


def register(graph: Graph, standing: Mapping[str, CriterionStanding], today: date) -> list[ResidualRisk]:
    """Return the risks, the greatest first: by what is left, then by what was there, then by id.

    Every criterion of every requirement that mitigates a risk must have evidence that stands; without it on one of
    them, nothing is known to have become less. A condition on a change and one on a value give no rate: they are left
    out beside others that do.
    """
    lines = [_line(graph, node, standing, today) for node in graph.of_kind("risk").values()]
    return sorted(lines, key=lambda line: (-line.residual, -line.inherent, line.risk))


def inherent(severity: Severity, likelihood: int) -> float:
    """Return weight times likelihood / 5.

    >>> inherent("S1", 3), inherent("S4", 1)
    (60.0, 0.2)
    """
    return WEIGHTS[severity] * likelihood / LIKELIEST


def failure_rate(result: CriterionResult) -> FailureRate | None:
    """Return how often what a criterion looks at went wrong; None where it says no rate: of a change, or of a value."""
    if result.test != "threshold" or result.is_value or result.low is None or result.high is None:
        return None
    good = result.measure is not None and result.measure.good == "high"
    low, high = (1 - result.high, 1 - result.low) if good else (result.low, result.high)
    # The bound is of the side that is tested: an upper one of what is bad, a lower one of what is good.
    tested = "<=" in result.must
    if result.bound is None or tested == good:
        return FailureRate(low, high, high)
    return FailureRate(low, high, 1 - result.bound if good else result.bound)


def watched(rate: FailureRate, watch: LabelWatch | None) -> FailureRate:
    """Return a rate that people's labels give, for what these people miss: divided by the least share that they find.

    That bounds the true rate from above: with sensitivity Se and specificity Sp it is (q - (1 - Sp)) / (Se + Sp - 1),
    at most q / Se (Rogan and Gladen 1978). The low end stays: nothing is said of what they find too much.

    >>> watched(FailureRate(0.02, 0.25, 0.125), LabelWatch(0.5, ""))
    FailureRate(low=0.02, high=0.5, bound=0.25)
    """
    if watch is None or watch.least is None:
        return rate
    least = watch.least  # of people who find nothing, nothing is known
    return FailureRate(rate.low, *(min(1.0, one / least) if least else 1.0 for one in (rate.high, rate.bound)))


def _line(graph: Graph, node: Node, standing: Mapping[str, CriterionStanding], today: date) -> ResidualRisk:
    risk = node.entity
    whole = inherent(risk.severity, risk.likelihood)
    requirements = [r for r in graph.sources(node, "mitigates") if r.key.kind == "requirement"]
    rate, criterion, basis = _worst(graph, requirements, standing)
    waived = [w for r in requirements for w in graph.sources(r, "requirements")] + graph.sources(node, "risks")
    return ResidualRisk(
        risk=node.id,
        title=risk.title,
        severity=risk.severity,
        likelihood=risk.likelihood,
        owner=risk.owner,
        inherent=whole,
        residual=whole * (rate.bound if rate else 1.0),
        low=whole * (rate.low if rate else 1.0),
        high=whole * (max(rate.high, rate.bound) if rate else 1.0),
        measured=rate is not None,
        criterion=criterion,
        basis=basis,
        waivers=tuple(dict.fromkeys(one.id for one in waived if one.key.kind == "waiver" and live(one, today))),
    )


def _worst(
    graph: Graph, requirements: Sequence[Node], standing: Mapping[str, CriterionStanding]
) -> tuple[FailureRate | None, str, str]:
    """Return the worst rate, whose it is, and what it rests on; without one, why there is none."""
    if not requirements:
        return None, "", "no requirement mitigates it"
    criteria = [part.id for one in requirements for part in graph.parts(one) if part.key.kind == "criterion"]
    return worst_rate(criteria, standing)


def worst_rate(
    criteria: Sequence[str], standing: Mapping[str, CriterionStanding]
) -> tuple[FailureRate | None, str, str]:
    """Return the worst rate of the criteria against a risk, whose it is, and what it rests on; without one, why."""
    if not criteria:
        return None, "", "no criterion tests it"
    found: list[tuple[FailureRate, CriterionResult, CriterionStanding]] = []
    for name in criteria:
        one = standing[name]
        if one.state != "stands" or one.result is None:
            return None, name, f"{name} has no evidence that stands: {one.why}"
        rate = failure_rate(one.result)
        if rate is not None:
            found.append((watched(rate, one.watch), one.result, one))
        elif one.result.test == "threshold" and not one.result.is_value:
            return None, name, f"{name} was not measured: {one.result.reason}"
    if not found:
        return None, "", f"{', '.join(criteria)}: conditions on changes or values, which give no rate"
    rate, result, one = max(found, key=lambda three: three[0].bound)
    counted = f"{result.hits:,} of {result.trials:,}"
    told = f"; {one.watch.told}" if one.watch is not None else ""
    return rate, result.id, f"{result.id}: {counted} {result.metric}, {result.run}, {one.decision}{told}"
