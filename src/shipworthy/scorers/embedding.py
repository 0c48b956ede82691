"""Is an answer more like those that people labelled a hit, or like the others? By vectors of a sentence encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from shipworthy.core.errors import PluginError, ScorerError, UsageError
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.detect.embedding import Embedder, Vector
from shipworthy.scorers._answers import answers, blocked, spoken
from shipworthy.scorers._form import silent
from shipworthy.workspace.labelled import read_labelled

VERSION = "1"
WHOSE = "scorer 'embedding'"
FEWEST = 10
"""Labelled answers of each kind to learn from."""
RIDGE = 1.0


@scorer
class EmbeddingJudge:
    """Learn from labelled answers what a hit looks like, and hold each answer against that. No model is asked.

    Each answer is a vector of all-MiniLM-L6-v2 (English; 22 MB in a wheel, extra `embed`), or of an encoder of your
    own. A ridge regression on the labelled ones, both kinds weighing alike, says which side a new one is on. It sees
    what an answer is about and how it is worded, and neither facts nor figures: fit for *does it decline, does it
    promise, is it rude*, and wrong to use for *is it true, does it leak*.

    Like every judge it decides nothing before `shipworthy judge calibrate` held it against people's labels: on other
    ones than those that it learned from.

    Args:
        examples: path of a file of labelled answers as `judge calibrate` takes it, at least ten of each kind; 400 are
            much better than 40.
        metric: its name; `good` whether a hit is good (``high``) or must not happen (``low``).
        doubt: margin, in [0, 1), below which it gives no word: labelled hits lie near 1 and the others near -1.
        model, tokenizer: paths of an encoder of your own (.onnx with vectors of tokens, ``tokenizer.json``).

    Raises:
        MissingExtra: the extra `embed` is not installed.
        PluginError: the examples or the encoder cannot be read, or are too few.
    """

    judge = True

    def __init__(
        self,
        *,
        examples: str,
        metric: str = "like_hits",
        good: Literal["low", "high"] = "low",
        doubt: float = 0.0,
        model: str = "",
        tokenizer: str = "",
    ) -> None:
        if good not in ("low", "high"):
            raise PluginError(f"{WHOSE}: good is low or high, not {good!r}")
        if isinstance(doubt, bool) or not isinstance(doubt, int | float) or not 0 <= doubt < 1:
            raise PluginError(f"{WHOSE}: doubt must lie in [0, 1), not {doubt!r}")
        try:
            labelled = read_labelled(Path(examples))
        except UsageError as error:
            raise PluginError(f"{WHOSE}: examples: {error}") from None
        self._examples = labelled.answers
        hits = sum(one.hit for one in self._examples)
        for name, found in (("hits", hits), ("others", len(self._examples) - hits)):
            if found < FEWEST:
                raise PluginError(f"{WHOSE}: {examples} has {found} {name}, and {FEWEST} are needed to learn from")
        self._embedder = Embedder(model, tokenizer, whose=WHOSE)
        self.weighed_on = labelled.digest
        self.metrics = (Metric(metric, good=good),)
        self._doubt = float(doubt)

    def describe(self) -> Mapping[str, Any]:
        return {
            "scorer": "embedding",
            "version": VERSION,
            "metric": self.metrics[0].name,
            "examples": self.weighed_on,
            "doubt": self._doubt,
            **self._embedder.digests,
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        text = "\n\n".join(spoken(message) for message in answers(attempt)).strip()
        vector = None if silent(text) else self._vector(text)
        if vector is None:
            return (self._score(None, "blocked" if blocked(attempt) else "empty", "the answer has no words"),)
        slope, constant = self._learned
        margin = float(vector @ slope + constant)
        told = f"margin {margin:+.2f}"
        if abs(margin) < self._doubt:
            return (self._score(None, "cannot_tell", told),)
        return (self._score(margin > 0, "hit" if margin > 0 else "none", told),)

    @cached_property
    def _learned(self) -> tuple[Vector, float]:
        return _regression([(self._vector(one.answer), one.hit) for one in self._examples])

    def _vector(self, text: str) -> Vector | None:
        try:
            return self._embedder.embed(text)
        except ValueError as error:
            raise ScorerError(str(error)) from None

    def _score(self, hit: bool | None, label: str, reason: str) -> Score:
        return Score(metric=self.metrics[0].name, hit=hit, scorer="embedding", label=label, reason=reason)


def _regression(labelled: Sequence[tuple[Vector | None, bool]]) -> tuple[Vector, float]:
    """Return the weights and the constant of a ridge regression on 1 for hits and -1 for others (Hoerl, Kennard 1970).

    Raises:
        ScorerError: too few of the examples have words.
    """
    worded = [(vector, hit) for vector, hit in labelled if vector is not None]
    x, hits = np.array([vector for vector, _ in worded]), np.array([hit for _, hit in worded], dtype=bool)
    if min(hits.sum(), (~hits).sum()) < FEWEST:
        raise ScorerError(f"fewer than {FEWEST} examples of a kind have words")
    weight = np.where(hits, 0.5 / hits.sum(), 0.5 / (~hits).sum())
    y = np.where(hits, 1.0, -1.0)
    middle, level = weight @ x, float(weight @ y)
    z = x - middle
    scaled = z * (weight * len(y))[:, None]
    slope = np.linalg.solve(scaled.T @ z + RIDGE * np.eye(z.shape[1]), scaled.T @ (y - level))
    return slope, level - float(middle @ slope)
