"""A rate that was audited by labels, worked out again from a pack's records and audit log. Standard library only.

What was drawn is drawn again, by the rules of `core.label_draw`, which are its definition; the estimate and the bound
are those of `shipworthy.stats.audit`, written down again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, sqrt
from typing import Any

from shipworthy.core.attack_name import matches
from shipworthy.core.errors import IntegrityError
from shipworthy.core.label_draw import DRAWN, LABELLED, Candidate, draw_of, labels, standing

Rows = Sequence[tuple[float, float, float]]
"""Of each cluster: shares called a hit, not called one, without a score. They add up to one."""

NEAR = 1e-9
_DRAWS = 40_000
_THEIRS = 100_000
"""Draws of `shipworthy.stats.audit`."""
_WORK = 2_000_000
"""Gammas that one check may draw; with many different clusters it is the coarser for it."""


def candidates(records: Iterable[Mapping[str, Any]], suite: str, metric: str, attack: str | None) -> list[Candidate]:
    """Return the attempts that could be drawn to label.

    Args:
        records: last tries only.
        attack: an id (with any parameters) or a full name; None takes all.
    """
    return [
        Candidate(str(record["id"]), str(record["cluster"]), score["hit"])
        for record in records
        if record["suite"] == suite and record["outcome"] == "scored"
        if attack is None or matches(attack, record["attack"])
        for score in record.get("scores", ())
        if score["metric"] == metric and score.get("hit") is not None
    ]


def check(
    result: Mapping[str, Any],
    attack: str | None,
    records: Iterable[Mapping[str, Any]],
    entries: Iterable[Mapping[str, Any]],
) -> None:
    """Hold what a result says was drawn and labelled against the records and the audit log.

    Args:
        entries: of the audit log, those that the decision was made on.

    Raises:
        IntegrityError: it is something else, or a rate stands on a draw that is not labelled whole.
    """
    id, said, entries = result["id"], result["audit"], list(entries)
    about = result["run"], result["suite"], result["metric"], attack or ""
    draws = [draw_of(e["number"], e["body"]) for e in entries if e["kind"] == DRAWN]
    found = standing(draws, about, candidates(records, *about[1:3], attack))
    if found is None:
        if any(said[name] for name in ("entry", "drawn", "labels")) or any(
            number for name in ("positives", "negatives") for number in said[name].values()
        ):
            raise IntegrityError(f"decision.json: {id} rests on labels of a draw that the records do not give")
        return
    draw, drawn = found
    held = labels((e["body"] for e in entries if e["kind"] == LABELLED), draw, drawn)
    counts = {name: getattr(held, name)._asdict() for name in ("positives", "negatives")}
    written = {name: said[name] for name in counts}
    if (said["entry"], said["drawn"], said["labels"]) != (draw.entry, drawn.digest, held.digest) or written != counts:
        raise IntegrityError(f"decision.json: the draw and the labels of {id} are not those of the audit log")
    if held.missing and result.get("rate") is not None:
        raise IntegrityError(f"decision.json: {id} was decided with {held.missing} drawn attempts without a label")


def lacking(said: Mapping[str, Any], rest: bool) -> bool:
    """Say whether something that was drawn is not labelled, so that nothing is estimated.

    Args:
        rest: whether there are scored attempts that the scorer did not call a hit.
    """
    missing = any(said[name]["labelled"] < said[name]["drawn"] for name in ("positives", "negatives"))
    return not said["entry"] or missing or (rest and not said["negatives"]["labelled"])


def accuracy(id: str, said: Mapping[str, Any], observed: float, rate: float) -> None:
    """Hold what is said of the scorer against the labels. The intervals of it are the signer's word, if they can be.

    Args:
        observed: the rate that the scorer gives; `rate` the corrected one.

    Raises:
        IntegrityError: it does not follow.
    """
    positives, negatives = said["positives"], said["negatives"]
    true = observed * (positives["hits"] / positives["labelled"] if positives["labelled"] else 1.0)
    lost = (1 - observed) * (negatives["hits"] / negatives["labelled"] if negatives["labelled"] else 0.0)
    right = {
        "observed": observed,
        "sensitivity": true / rate if rate > 0 else None,
        "specificity": (1 - observed - lost) / (1 - rate) if rate < 1 else None,
    }
    for name, value in right.items():
        given = said.get(name)
        if (given is None) is not (value is None) or abs((given or 0.0) - (value or 0.0)) > NEAR:
            raise IntegrityError(f"decision.json: the {name} that {id} gives its scorer is not that of the labels")
    for name in ("sensitivity_span", "specificity_span"):
        span = said.get(name)
        if span is None or len(span) != 2 or not 0 <= span[0] <= span[1] <= 1:
            raise IntegrityError(f"decision.json: the {name.replace('_', ' ')} of {id} is no interval")


def rows(counts: Mapping[str, Sequence[float]], filled: Mapping[str, Sequence[float]]) -> Rows:
    """Return each cluster's shares.

    Args:
        counts, filled: cluster -> (hits, attempts), scored ones and all of them.
    """
    found = []
    for cluster, row in filled.items():
        made, (hits, scored) = row[1], counts.get(cluster, (0, 0))[:2]
        found.append((hits / made, (scored - hits) / made, (made - scored) / made))
    return found


def estimate(some: Rows, said: Mapping[str, Any], end: float | None = None) -> float:
    """Return the corrected rate: of what was scored, or with every unscored attempt at one end."""
    positives, negatives = said["positives"], said["negatives"]
    precision = positives["hits"] / positives["labelled"] if positives["labelled"] else 1.0
    missed = negatives["hits"] / negatives["labelled"] if negatives["labelled"] else 0.0
    if end is None:
        kept = [(x / (x + y), y / (x + y)) for x, y, _ in some if x + y > 0]
        return fsum(x * precision + y * missed for x, y in kept) / len(kept)
    return fsum(x * precision + y * missed + z * end for x, y, z in some) / len(some)


class Melded:
    """The melded limits of an audited rate, drawn again: right but for the error of two simulations.

    An upper limit is the quantile of ``sum D (called p + rest m + unscored) + D'`` with D flat Dirichlet weights of
    the clusters and of one more, and p and m from the upper confidence distributions of the two kinds of label. A lower
    limit is its mirror image.

    Args:
        some: shares of the clusters.
        said: of the audit: how many of the labelled of each kind are hits.
    """

    def __init__(self, some: Rows, said: Mapping[str, Any]) -> None:
        self._some = some
        self._labels = [(kind["hits"], kind["labelled"]) for kind in (said["positives"], said["negatives"])]
        self._drawn: dict[bool, list[float]] = {}

    def misses(self, stated: float, tail: float, *, lower: bool) -> int:
        """Say where a stated limit lies: better than it can be (-1), right as far as drawing tells (0), worse (1)."""
        values, limit = self._values(lower), 1 - stated if lower else stated
        above = sum(value > limit + NEAR for value in values) / len(values)
        at_least = sum(value >= limit - NEAR for value in values) / len(values)
        blur, slack = self._blur(tail)
        return -1 if above > tail + blur else 1 if at_least < tail - slack - blur else 0

    def beyond(self, limit: float, tail: float, *, lower: bool) -> bool | None:
        """Say whether the limit on one side lies beyond a number; None where drawing cannot tell.

        Args:
            lower: whether it is the lower limit, which is to lie above the number; else the upper one, below it.
        """
        values, edge = self._values(lower), 1 - limit if lower else limit
        above = sum(value >= edge for value in values) / len(values)
        blur, slack = self._blur(tail)
        return True if above < tail - slack - blur else False if above > tail + blur else None

    def _blur(self, tail: float) -> tuple[float, float]:
        """Return how far a share of draws may be off, and how far the library's own limit lies on the safe side."""
        draws = len(self._values(False))
        spread = tail * (1 - tail)
        return 4.5 * sqrt(spread * (1 / draws + 1 / _THEIRS)), 2 * sqrt(spread / _THEIRS)

    def _values(self, lower: bool) -> list[float]:
        if lower in self._drawn:
            return self._drawn[lower]
        counts = [(labelled - hits, labelled) if lower else (hits, labelled) for hits, labelled in self._labels]
        # Mirrored, what counts is what is no hit: of those called one, and of the others.
        distinct = Counter((round(x, 12), round(y, 12), round(z, 12)) for x, y, z in self._some)
        blank = any(z for _, _, z in distinct)
        chance, found = random.Random(1), []
        for _ in range(max(2_000, min(_DRAWS, _WORK // (len(distinct) + 3)))):
            p, m = (chance.betavariate(h + 1, n - h) if h < n else 1.0 for h, n in counts)
            extra = total = chance.expovariate(1.0)
            value = extra * (1.0 if blank else max(p, m))
            for (x, y, z), times in distinct.items():
                weight = chance.gammavariate(times, 1.0)
                total += weight
                value += weight * (x * p + y * m + z)
            found.append(value / total)
        return self._drawn.setdefault(lower, found)
