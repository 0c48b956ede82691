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
from shipworthy.core.condition import Condition
from shipworthy.core.errors import IntegrityError
from shipworthy.core.label_draw import DRAWN, LABELLED, Candidate, draw_of, labels, standing

Rows = Sequence[tuple[float, float, float]]
"""Of each cluster: shares called a hit, not called one, without a score. They add up to one."""

NEAR = 1e-9
_DRAWS = 40_000
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
        if said.get("entry", 0) or result.get("rate") is not None:
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


def too_good(some: Rows, said: Mapping[str, Any], bound: float, condition: Condition) -> bool:
    """Say whether an audited bound is better than rows and labels allow, beyond the error of a simulation.

    The melded limit is the quantile of ``sum D (called p + rest m + unscored) + D'`` with D flat Dirichlet weights of
    the clusters and of one more, and p and m from the upper confidence distributions of the two kinds of label. A lower
    limit is its mirror image.
    """
    tail = 1 - condition.confidence
    counts = [(some["hits"], some["labelled"]) for some in (said["positives"], said["negatives"])]
    if condition.side == "lower":
        bound, counts = 1 - bound, [(labelled - hits, labelled) for hits, labelled in counts]
    if bound >= 1:
        return False
    distinct = Counter((round(x, 12), round(y, 12), round(z, 12)) for x, y, z in some)
    blank = any(z for _, _, z in distinct)
    draws = max(2_000, min(_DRAWS, _WORK // (len(distinct) + 3)))
    chance = random.Random(1)
    above = 0
    for _ in range(draws):
        p, m = (chance.betavariate(h + 1, n - h) if h < n else 1.0 for h, n in counts)
        extra = total = chance.expovariate(1.0)
        value = extra * (1.0 if blank else max(p, m))
        for (x, y, z), times in distinct.items():
            weight = chance.gammavariate(times, 1.0)
            total += weight
            value += weight * (x * p + y * m + z)
        above += value > (bound + NEAR) * total
    return above / draws > tail + 4 * sqrt(tail * (1 - tail) / draws)
