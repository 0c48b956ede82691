"""Which of a sample's options does the answer choose?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from shipworthy.core.errors import PluginError, ScorerError, did_you_mean
from shipworthy.core.metric import Good
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.scorers._answers import answers, blocked, spoken

VERSION = "1"
_CALLED = re.compile(r"\b(?:answer|choice)(?:\s+is)?\s*:?\s*([^\n.]{1,200}\.?)", re.IGNORECASE)
"""What is called the answer, to the end of its sentence."""


@scorer
class Choice:
    """Read one of the options in ``meta.options`` (key to text) out of the answer; a hit where it is the counted one.

    An option is named by its key, where that is a letter (``B``, ``(B)``, ``B.``, ``option B``, ``**B**``), or by its
    text as whole words, case ignored. An answer that names one option chooses it. One that names several chooses the
    one that its first line names alone, or else the one that it calls the answer ("the answer is B"). Any other, a
    guard's block and an empty answer too, has no hit, which counts against shipping whichever way is good: not to
    choose is no fair answer.

    Wrong to use where an option is named to be denied ("it is not Sydney") and the right one is not named.

    Args:
        metric: the metric's name; the scorer's id if empty.
        good: ``high`` if a hit is good, ``low`` if it must not happen.
        counts: the key of the sample's `meta` that holds the option that is a hit: its key, or its text.

    Raises:
        PluginError: `good` is none, or `counts` is empty.
    """

    def __init__(self, *, metric: str = "", good: Good = "high", counts: str = "right") -> None:
        if good not in get_args(Good):
            raise PluginError(f"scorer 'choice': good is no {good!r}: {did_you_mean(good, get_args(Good))}")
        if not counts:
            raise PluginError("scorer 'choice': counts names the key of 'meta' that holds the option which is a hit")
        self.counts = counts
        self.metrics = (Metric(metric or "choice", good=good),)

    def describe(self) -> Mapping[str, Any]:
        metric = self.metrics[0]
        return {
            "scorer": "choice", "version": VERSION, "metric": metric.name, "good": metric.good, "counts": self.counts
        }  # fmt: skip

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        options, wanted = _options(sample), sample.meta.get(self.counts)
        counted = next((k for k, text in options.items() if wanted in (k, text)), None)
        if counted is None:
            raise ScorerError(f"sample {sample.id}: meta.{self.counts} names none of its meta.options")
        name = self.metrics[0].name
        if blocked(attempt):
            return (Score(metric=name, scorer="choice", label="blocked", reason="a guard blocked"),)
        chosen = chosen_of(spoken(answers(attempt)[-1]), options)
        if chosen is None:
            return (Score(metric=name, scorer="choice", label="none", reason="the answer chooses no option alone"),)
        hit = chosen == counted
        reason = "the counted option was chosen" if hit else "another option was chosen"
        return (Score(metric=name, hit=hit, scorer="choice", label=chosen, reason=reason),)


def _options(sample: Sample) -> Mapping[str, str]:
    options = sample.meta.get("options")
    if not isinstance(options, dict) or len(options) < 2 or not all(isinstance(v, str) and v for v in options.values()):
        raise ScorerError(f"sample {sample.id} needs meta.options: at least two, key to text")
    return options


def chosen_of(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the key of the option that an answer chooses; None where it chooses none, or several.

    >>> chosen_of("The answer is (B).", {"A": "Ada", "B": "Bo"})
    'B'
    >>> chosen_of("Ada did it.", {"A": "Ada", "B": "Bo"})
    'A'
    """
    lines = [line for line in answer.splitlines() if any(c.isalnum() for c in line)]
    called = _CALLED.findall(answer)
    for text in (answer, lines[0] if lines else "", called[-1] if called else ""):
        named = [key for key, words in options.items() if _named(text, key, words)]
        if len(named) == 1:
            return named[0]
    return None


def _named(text: str, key: str, words: str) -> bool:
    if re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE):
        return True
    if len(key) > 1:
        return False
    letter = re.escape(key)
    # A letter alone, in brackets, before a mark, or named as the answer: "A" in a sentence is an article.
    alone = rf"^\W*{letter}\W*$|\({letter}\)|(?<!\w){letter}\)|^\W*{letter}[.:]"
    called = rf"\b(?i:option|answer|choice|letter)(?: is)?:? \W*{letter}(?!\w)"
    return bool(re.search(f"{alone}|{called}", text, re.MULTILINE))
