"""Does a judge spare the answers of its own model?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from shipworthy.core.metric import Good
from shipworthy.evals.judged_answer import JudgedAnswer, Share, independent, share
from shipworthy.stats import unpaired_difference

COLUMN = "model"
"""Of the labelled answers: which model gave the answer."""


class SelfPreference(Struct, frozen=True):
    """How often a judge calls an answer good that people call bad: of its own model's answers, and of the others'.

    Attributes:
        own: the values of the column that are its own model.
        spared, others: of the answers that people call bad, those it calls good; one answer a cluster, what it gave no
            word on left out.
        difference: of the two, in [-1, 1]: above 0 it spares its own; `low` and `high` are 95 % limits (Newcombe 1998).
    """

    own: tuple[str, ...]
    spared: Share
    others: Share
    difference: float
    low: float
    high: float


def self_preference(judged: Sequence[JudgedAnswer], own: Iterable[str], good: Good) -> SelfPreference | None:
    """Return how a judge treats its own model's answers beside the others'; None where one of the two is missing.

    Args:
        own: names of its models, as the column ``model`` has them; case and what stands before a slash are ignored.
        good: of the metric.

    Wrong to take for a preference where the models answer other requests, or are bad in other ways: then some of the
    difference is what is harder to judge.
    """
    names = {_short(name) for name in own}
    bad = [one for one in judged if one.hit is not None and one.answer.hit is (good == "low")]
    mine = [one for one in bad if _short(one.answer.more.get(COLUMN, "")) in names]
    theirs = [one for one in bad if one.answer.more.get(COLUMN) and _short(one.answer.more[COLUMN]) not in names]
    rows = [[not one.right for one in independent(part)] for part in (mine, theirs)]
    first, second = map(share, rows)
    if first is None or second is None:
        return None
    found = unpaired_difference(rows[0], [1] * first.of, rows[1], [1] * second.of)
    called = tuple(sorted({one.answer.more[COLUMN] for one in mine}))
    return SelfPreference(called, first, second, found.difference, found.low, found.high)


def own_names(described: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what a judge's models call themselves: their name, or that of their target where they have none."""
    return tuple(str(one.get("model") or one.get("target") or "") for one in described)


def _short(name: str) -> str:
    return name.rpartition("/")[2].strip().lower()
