"""One event of another scorer, which a scorer is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core.errors import PluginError
from shipworthy.core.metric import Metric
from shipworthy.core.protocols import ScoreContext, Scorer
from shipworthy.core.records import Attempt, Sample
from shipworthy.core.registry import create


class ScorerEvent(NamedTuple):
    """A scorer, and the event of it that is meant."""

    scorer: Scorer
    of: str

    @property
    def metric(self) -> Metric:
        """The event as the scorer declares it."""
        return next(one for one in self.scorer.metrics if one.name == self.of)

    async def hit(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> bool | None:
        """Return whether it happened; None where the scorer gives no word.

        Raises:
            ScorerError: the scorer cannot judge it.
        """
        scores: Sequence[Any] = await self.scorer.score(attempt, sample, ctx)
        return next((score.hit for score in scores if score.metric == self.of), None)


def read_event(written: Mapping[str, Any], *, whose: str) -> ScorerEvent:
    """Return the event that ``{use: SCORER, of: EVENT, ...}`` names; `of` is needed where there are several.

    Raises:
        PluginError: there is no such scorer or event, or the scorer is a judge: how far it errs is measured of a yes or
            no that has a metric of its own.
    """
    params = {key: value for key, value in written.items() if key not in ("use", "of")}
    made: Scorer = create("scorer", written["use"], params)
    if getattr(made, "judge", False) or getattr(made, "needs_model", False):
        raise PluginError(f"{whose}: {written['use']} is a judge: give it a metric of its own, which can be calibrated")
    events = [one.name for one in made.metrics if one.kind == "event"]
    of = written.get("of", events[0] if len(events) == 1 else None)
    if of not in events:
        raise PluginError(f"{whose}: name its event with `of`: {', '.join(events) or 'it gives none'}")
    return ScorerEvent(made, of)
