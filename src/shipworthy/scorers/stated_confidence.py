"""How sure does the answer say it is, and is it right?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.scorers._answers import answers, blocked, spoken

VERSION = "1"
# The word, then at most a few words of filling, then a share: "Confidence: 70 %", "I am 0.7 confident" is read below.
_STATED = re.compile(
    r"\b(?:confidence|certainty|sure|certain|confident)\b(?: level| score)?\W{0,6}(?:is|of|about|at|~)?\W{0,4}"
    r"(\d{1,3}(?:[.,]\d+)?)\s*(%|percent|/\s*100?\b)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*(%|percent)\s*(?:sure|certain|confident|confidence)\b", re.IGNORECASE)
_ABSTAINS = re.compile(
    r"\b(?:i (?:do not|don't|can't|cannot|can not) (?:really )?(?:know|tell|say|answer)"
    r"|i have no (?:idea|way of knowing)|cannot be known|not enough information"
    r"|(?:it|that|this) (?:is|'s) (?:not known|unknown|impossible to (?:know|say|tell))"
    r"|i(?:'m| am) not (?:sure|able to)|unable to (?:know|answer|determine))\b",
    re.IGNORECASE,
)


@scorer
class StatedConfidence:
    """Take the confidence that an answer states, and whether the answer is right or abstains.

    Right is an answer that holds one of the sample's `expected` forms as whole words, case ignored, before its line of
    confidence. ``meta.answerable: false`` marks a question that nobody can answer. Abstaining is to say that one does
    not know, without an accepted form.

    - ``right_call``: right, or abstained where there is nothing to know.
    - ``wrong_and_sure``: an answer that is wrong, with at least `sure` stated.
    - ``brier``: (stated - right)², of answers that state a confidence and do not abstain; lower is better.
    - ``stated``: the confidence, in [0, 1].

    The label says ``right``, ``wrong`` or ``abstained``. Calibration error, Brier score and the curve of risk against
    coverage of a whole run: `shipworthy suites calibration RUN` (`stats.calibration`). A guard's block abstains.

    Wrong to use on long answers: an accepted form that is named to be denied counts as given.

    Args:
        sure: confidence from which a wrong answer counts as sure, in (0, 1].

    Raises:
        PluginError: `sure` is out of range.
    """

    metrics = (
        Metric("right_call", good="high"),
        Metric("wrong_and_sure"),
        Metric("brier", kind="value"),
        Metric("stated", kind="value", good="high"),
    )

    def __init__(self, *, sure: float = 0.8) -> None:
        if not 0 < sure <= 1:
            raise PluginError(f"scorer 'stated_confidence': sure must lie in (0, 1], not {sure}")
        self.sure = sure

    def describe(self) -> Mapping[str, Any]:
        return {"scorer": "stated_confidence", "version": VERSION, "sure": self.sure}

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        accepted = _accepted(sample)
        text = spoken(answers(attempt)[-1])
        if not blocked(attempt) and not any(c.isalnum() for c in text):
            return [
                Score(metric=m.name, scorer="stated_confidence", label="empty", reason="the answer has no words")
                for m in self.metrics
            ]
        stated, body = stated_in(text)
        right = bool(accepted) and any(
            re.search(rf"(?<!\w){re.escape(form)}(?!\w)", body, re.IGNORECASE) for form in accepted
        )
        abstained = blocked(attempt) or (not right and bool(_ABSTAINS.search(body)))
        label = "abstained" if abstained else "right" if right else "wrong"
        counts = None if abstained or stated is None else stated
        reason = f"{label}, " + ("no confidence is stated" if stated is None else f"states {stated:.2f}")
        sure = label == "wrong" and stated is not None and stated >= self.sure
        declared = (
            Score(metric="right_call", hit=abstained if not accepted else right, scorer="stated_confidence"),
            Score(metric="wrong_and_sure", hit=sure, scorer="stated_confidence"),
            Score(
                metric="brier",
                value=None if counts is None else (counts - right) ** 2,
                scorer="stated_confidence",
            ),
            Score(metric="stated", value=counts, scorer="stated_confidence"),
        )
        return [replace(score, label=label, reason=reason) for score in declared]


def _accepted(sample: Sample) -> list[str]:
    if sample.meta.get("answerable") is False:
        return []
    wanted = [sample.expected] if isinstance(sample.expected, str) else sample.expected
    if not isinstance(wanted, list) or not wanted or not all(isinstance(form, str) and form for form in wanted):
        raise ScorerError(f"sample {sample.id} needs accepted answers in `expected`, or meta.answerable: false")
    return wanted


def stated_in(text: str) -> tuple[float | None, str]:
    """Return the confidence that a text states, in [0, 1] or None, and the text without the statement.

    >>> stated_in("Paris. Confidence: 70 %")
    (0.7, 'Paris. ')
    """
    for pattern in (_BEFORE, _STATED):
        found = list(pattern.finditer(text))
        if not found:
            continue
        last = found[-1]
        number = float(last[1].replace(",", "."))
        share = (
            number
            if not last[2] and number <= 1
            else number / (10 if (last[2] or "").replace(" ", "") == "/10" else 100)
        )
        if 0 <= share <= 1:
            return share, text[: last.start()] + text[last.end() :]
    return None, text
