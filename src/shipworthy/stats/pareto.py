"""Which of several configurations are on the Pareto front, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.clusters import Floats


class ParetoObjective(NamedTuple):
    """One thing that is to be low, or high.

    Attributes:
        name: in words.
        parts: group of clusters -> the mean of each cluster, shape (configurations, clusters). Objectives with a group
            of one name were measured on the same clusters, in the same order.
        good: which way is good.
    """

    name: str
    parts: Mapping[str, Floats]
    good: Literal["low", "high"]


class ParetoFront(NamedTuple):
    """What `pareto_front` found.

    Attributes:
        means: shape (configurations, objectives), each the mean over all clusters of its parts.
        low, high: of these, the 2.5 and 97.5 % quantiles of the draws; for a picture, not for a verdict.
        front: whether a configuration is on the front of the means: none is as good in everything and better in one.
        chance: how often it is in the draws, in [0, 1].
    """

    means: Floats
    low: Floats
    high: Floats
    front: NDArray[np.bool_]
    chance: Floats


def pareto_front(objectives: Sequence[ParetoObjective], *, draws: int = 2000, seed: int = 0) -> ParetoFront:
    """Return the front of several configurations, and each one's chance to be on it under another draw of samples.

    Args:
        objectives: at least one, all of the same configurations.
        draws: of the bootstrap: clusters are drawn with replacement within each group, the same ones for every
            configuration and every objective that was measured on them.

    Raises:
        ValueError: no objective, no cluster, other numbers of configurations or clusters, or numbers not finite.

    Source: the bootstrap by clusters (Efron 1979; Field and Welsh, JRSS B 69, 2007). Wrong to use with few clusters (it
    is too sure below about 30), and to pick the best of many configurations and believe its numbers: measure the one
    you choose again, on fresh samples. A chance says how stable a place on the front is, not that it is deserved:
    where two configurations are equal, each is on the front half of the time or more.

    >>> import numpy as np
    >>> harm = ParetoObjective("harm", {"a": np.array([[0.0, 0.1] * 40, [0.5, 0.6] * 40])}, "low")
    >>> pareto_front([harm]).chance.tolist()
    [1.0, 0.0]
    """
    sizes, configurations = _sizes(objectives)
    rng = np.random.default_rng(seed)
    weights = {
        group: rng.multinomial(n, np.full(n, 1 / n), draws).astype(np.float64) for group, n in sorted(sizes.items())
    }
    drawn = np.empty((draws, configurations, len(objectives)))
    means = np.empty((configurations, len(objectives)))
    for place, objective in enumerate(objectives):
        clusters = sum(sizes[group] for group in objective.parts)
        drawn[..., place] = sum(weights[group] @ values.T for group, values in objective.parts.items()) / clusters
        means[:, place] = sum(values.sum(-1) for values in objective.parts.values()) / clusters
    sign = np.array([1.0 if objective.good == "low" else -1.0 for objective in objectives])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return ParetoFront(means, low, high, on_front(means * sign), on_front(drawn * sign).mean(0))


def on_front(costs: Floats) -> NDArray[np.bool_]:
    """Return which configurations nothing dominates.

    Args:
        costs: shape (..., configurations, objectives), all of which are to be low.
    """
    mine, other = costs[..., :, None, :], costs[..., None, :, :]
    dominated = ((other <= mine).all(-1) & (other < mine).any(-1)).any(-1)
    found: NDArray[np.bool_] = np.logical_not(dominated)
    return found


def _sizes(objectives: Sequence[ParetoObjective]) -> tuple[dict[str, int], int]:
    sizes: dict[str, int] = {}
    rows: set[int] = set()
    for objective in objectives:
        if objective.good not in ("low", "high"):
            raise ValueError(f"{objective.name}: good is 'low' or 'high'; got {objective.good!r}")
        for group, values in objective.parts.items():
            if values.ndim != 2 or not values.size or not np.isfinite(values).all():
                raise ValueError(f"{objective.name}: give finite numbers of shape (configurations, clusters)")
            rows.add(values.shape[0])
            if sizes.setdefault(group, values.shape[1]) != values.shape[1]:
                raise ValueError(f"{objective.name}: the group {group} has another number of clusters elsewhere")
    if len(rows) != 1 or not all(objective.parts for objective in objectives):
        raise ValueError("give at least one objective, each measured on all configurations")
    return sizes, rows.pop()
