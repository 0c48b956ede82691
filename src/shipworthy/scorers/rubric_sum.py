"""How many points of a rubric does an answer earn? Each item is a scorer of its own, and points may be lost, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.scorers._event import ScorerEvent, read_event

VERSION = "1"
WHOSE = "scorer 'rubric_sum'"
MOST_ITEMS = 50
MOST_POINTS = 1000.0
_KEYS = ("name", "points", "when")


class RubricItem(NamedTuple):
    """One item: its points for an answer on which the event happens, or does not happen, whichever is `wanted`."""

    name: str
    points: float
    event: ScorerEvent
    wanted: bool


@scorer
class RubricSum:
    """Add up the points of items that are met; a value, with an event for each item beside it.

    The value is decided on as every value is: its mean over samples, each of which counts once, with a bound that holds
    whatever the law of the points. An item that gives no word leaves the sum without a value, which counts against
    shipping: what is left out would be 0 points, or all of them.

    No item may be a judge: how far a judge errs is measured of a yes or no, and corrects a rate. Give it a metric of
    its own in the suite, calibrated, and a criterion beside the one on the sum.

    Args:
        items: a list of ``{use: SCORER, name: NAME, points: NUMBER, ...}`` with the scorer's own parameters; ``of``
            names its event where it gives several, ``when: none`` gives the points where it does not happen. Points
            below 0 are lost.
        metric: the sum's name; an item's event is ``<metric>_<name>``.

    Raises:
        PluginError: no item, too many, two of one name, points that cannot be, or a scorer that cannot be an item.
    """

    def __init__(self, *, items: Sequence[Mapping[str, Any]], metric: str = "points") -> None:
        if isinstance(items, str | Mapping) or not 1 <= len(items) <= MOST_ITEMS:
            raise PluginError(f"{WHOSE}: items is a list of 1 to {MOST_ITEMS} scorers with points")
        self._written = [dict(one) if isinstance(one, Mapping) else {} for one in items]
        self._items = tuple(_item(one, number) for number, one in enumerate(self._written, start=1))
        names = [one.name for one in self._items]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise PluginError(f"{WHOSE}: two items are called {twice!r}")
        low = sum(one.points for one in self._items if one.points < 0)
        high = sum(one.points for one in self._items if one.points > 0)
        self.metrics = (
            Metric(metric, good="high", kind="value", unit="points", low=low, high=high),
            *(Metric(f"{metric}_{one.name}", good="high" if one.points > 0 else "low") for one in self._items),
        )

    def describe(self) -> Mapping[str, Any]:
        return {
            "scorer": "rubric_sum",
            "version": VERSION,
            "metric": self.metrics[0].name,
            "items": [
                {
                    "name": one.name,
                    "points": one.points,
                    "of": one.event.of,
                    "when": "hit" if one.wanted else "none",
                    "scorer": dict(one.event.scorer.describe()),
                }
                for one in self._items
            ],
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        """Score one attempt.

        Raises:
            ScorerError: an item's scorer cannot judge it; it names the item.
        """
        met: list[bool | None] = []
        for one in self._items:
            try:
                hit = await one.event.hit(attempt, sample, ctx)
            except ScorerError as error:
                raise ScorerError(f"item {one.name!r}: {error}") from None
            met.append(None if hit is None else hit is one.wanted)
        silent = [one.name for one, word in zip(self._items, met, strict=True) if word is None]
        total = sum(one.points for one, word in zip(self._items, met, strict=True) if word)
        whole, *events = self.metrics
        told = f"no word on {', '.join(silent)}" if silent else f"{total:g} of {whole.high:g} points"
        return (
            Score(
                metric=whole.name,
                value=None if silent else float(total),
                scorer="rubric_sum",
                label="cannot_judge" if silent else "",
                reason=told,
            ),
            *(
                Score(metric=metric.name, hit=word, scorer="rubric_sum")
                for metric, word in zip(events, met, strict=True)
            ),
        )


def _item(written: Mapping[str, Any], number: int) -> RubricItem:
    where = f"{WHOSE}: item {number}"
    use, name, points = written.get("use"), written.get("name"), written.get("points")
    if not isinstance(use, str) or not isinstance(name, str) or not name.replace("-", "_").isidentifier():
        raise PluginError(f"{where}: write {{use: SCORER, name: NAME, points: NUMBER}}; a name is one word")
    number_ = isinstance(points, int | float) and not isinstance(points, bool)
    if not number_ or not isfinite(points) or not points or abs(points) > MOST_POINTS:  # type: ignore[arg-type]
        raise PluginError(f"{where} ({name}): points is a number within {MOST_POINTS:g} of 0, and not 0")
    event = read_event({k: v for k, v in written.items() if k not in _KEYS}, whose=f"{where} ({name})")
    when = written.get("when", "hit")
    if when not in ("hit", "none"):
        raise PluginError(f"{where} ({name}): when is hit or none, not {when!r}")
    return RubricItem(name, float(points), event, when == "hit")
