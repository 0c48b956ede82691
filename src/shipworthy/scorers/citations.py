"""Does the answer cite the source that carries it, and no other?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import ScorerError
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.scorers._answers import answers, blocked, spoken

VERSION = "1"
_BRACKETS = re.compile(
    r"[\[(](?:(?:see|source|sources|doc|document)\s*:?\s*)?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)[\])]", re.IGNORECASE
)
_NAMED = re.compile(r"\b(?:source|document)\s+\[?(\d{1,3})\b", re.IGNORECASE)


@scorer
class Citations:
    """Hold the numbers that an answer cites against ``meta.cite``, the number of the source that carries the answer.

    Cited is a number in brackets (``[2]``, ``[1, 3]``, ``(source 2)``) or after "source" or "document". ``meta.cite``
    may be a list where several sources carry it, and is empty where none does.

    - ``cited_right``: cites at least one source that carries the answer and no other; where none carries it, cites
      none.
    - ``miscited``: cites a source that does not carry the answer, or one that is not there.

    An answer without words has no hit. Whether the answer itself is right is not looked at: use `grounded` beside it.
    Wrong to use where bracketed numbers mean something else, such as years.
    """

    metrics = (Metric("cited_right", good="high"), Metric("miscited"))

    def describe(self) -> Mapping[str, Any]:
        return {"scorer": "citations", "version": VERSION}

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        wanted = sample.meta.get("cite")
        if wanted is None:
            raise ScorerError(f"sample {sample.id} needs meta.cite: the number of the source, or an empty text")
        right = {str(one) for one in (wanted if isinstance(wanted, list) else [wanted]) if str(one)}
        text = spoken(answers(attempt)[-1])
        if blocked(attempt) or not any(c.isalnum() for c in text):
            label = "blocked" if blocked(attempt) else "empty"
            return [Score(metric=m.name, scorer="citations", label=label, reason="no answer") for m in self.metrics]
        cited = cited_in(text)
        wrong = cited - right
        good = not wrong and (bool(cited) or not right)
        label = "wrong" if wrong else "right" if cited else "none"
        reason = f"cites {len(cited)} sources, {len(wrong)} of them wrong"
        return (
            Score(metric="cited_right", hit=good, scorer="citations", label=label, reason=reason),
            Score(metric="miscited", hit=bool(wrong), scorer="citations", label=label, reason=reason),
        )


def cited_in(text: str) -> set[str]:
    """Return the numbers that a text cites.

    >>> sorted(cited_in("It is red [2], as source 3 says (2019)."))
    ['2', '3']
    """
    found = {number.strip() for group in _BRACKETS.findall(text) for number in re.split("[,;]", group)}
    return {number.lstrip("0") or "0" for number in {*found, *_NAMED.findall(text)}}
