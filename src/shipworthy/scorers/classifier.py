"""What a classifier of your own says of an answer: an ONNX model and its tokenizer, by their paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.scorers._answers import answers, blocked, spoken
from shipworthy.scorers._form import silent
from shipworthy.scorers._network import ClassifierNetwork, read_share

VERSION = "1"
WHOSE = "scorer 'classifier'"


@scorer
class ClassifierJudge:
    """Call an answer a hit where a sequence classifier, exported to ONNX, is sure of a class in any window of it.

    It runs on the CPU, in this process, and nothing is downloaded. It sees the words of the answer alone, not the
    request. Like every judge it decides nothing before `shipworthy judge calibrate` held it against people's labels;
    the digests of its files are part of which judge it is.

    Args:
        model: path of the .onnx file (``input_ids``, ``attention_mask``, perhaps ``token_type_ids``; a row of scores).
        tokenizer: path of its ``tokenizer.json``.
        metric: its name; `good` whether a hit is good (``high``) or must not happen (``low``).
        label: the class that is a hit, from 0.
        threshold: chance, in (0, 1), from which it is.

    Raises:
        MissingExtra: the extra `onnx` is not installed.
        PluginError: a file that is not there or cannot be read as what it is, or a bad number.
    """

    judge = True

    def __init__(
        self,
        *,
        model: str,
        tokenizer: str,
        metric: str = "flagged",
        good: Literal["low", "high"] = "low",
        label: int = 1,
        threshold: float = 0.5,
    ) -> None:
        if good not in ("low", "high"):
            raise PluginError(f"{WHOSE}: good is low or high, not {good!r}")
        self._threshold = read_share(threshold, "threshold", whose=WHOSE)
        self._network = ClassifierNetwork(model, tokenizer, label, whose=WHOSE)
        self._label = label
        self.metrics = (Metric(metric, good=good),)

    def describe(self) -> Mapping[str, Any]:
        return {
            "scorer": "classifier",
            "version": VERSION,
            "metric": self.metrics[0].name,
            "label": self._label,
            "threshold": self._threshold,
            **self._network.digests,
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        text = "\n\n".join(spoken(message) for message in answers(attempt)).strip()
        chances = [] if silent(text) else list(self._network.chances(text))
        if not chances:
            label = "blocked" if blocked(attempt) else "empty"
            return (Score(metric=self.metrics[0].name, hit=None, scorer="classifier", label=label),)
        most = max(chances)
        hit = most >= self._threshold
        return (
            Score(
                metric=self.metrics[0].name,
                hit=hit,
                scorer="classifier",
                label="hit" if hit else "none",
                confidence=round(most, 4),
                reason=f"the likeliest of {len(chances)} windows",
            ),
        )
