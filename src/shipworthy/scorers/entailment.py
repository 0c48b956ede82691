"""Does each sentence of an answer follow from the documents? By a model of entailment (NLI), by its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipworthy.core.errors import ScorerError
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score
from shipworthy.core.registry import scorer
from shipworthy.detect.grounding import abstains, unmarked
from shipworthy.scorers._answers import answers, blocked, spoken
from shipworthy.scorers._form import silent
from shipworthy.scorers._network import ClassifierNetwork, read_share

VERSION = "1"
WHOSE = "scorer 'entailment'"
MOST = 2_000
"""Sentences times documents that are looked at; beyond it nothing is said."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@scorer
class EntailmentJudge:
    """Call an answer unsupported where a sentence of it follows from none of its documents, read in windows.

    The documents are those of the sample and those that the target says it retrieved. What two documents say only
    together is not seen. An answer that says that it cannot tell is ``abstained``, without a hit. The model is yours:
    any of three or two classes that was trained on pairs of a premise and a hypothesis, in its languages. Like every
    judge it decides nothing before `shipworthy judge calibrate` held it against people's labels.

    Args:
        model: path of the .onnx file that takes premise and hypothesis (``token_type_ids`` if it has that input).
        tokenizer: path of its ``tokenizer.json``.
        entailment: which of the model's classes is entailment, from 0: models differ, see the card of yours.
        threshold: chance of it, in (0, 1), from which a sentence follows.
        metric: its name.

    Raises:
        MissingExtra: the extra `onnx` is not installed.
        PluginError: a file that is not there or cannot be read as what it is, or a bad number.
    """

    judge = True

    def __init__(
        self, *, model: str, tokenizer: str, entailment: int, threshold: float = 0.5, metric: str = "unsupported"
    ) -> None:
        self._threshold = read_share(threshold, "threshold", whose=WHOSE)
        self._network = ClassifierNetwork(model, tokenizer, entailment, whose=WHOSE)
        self._class = entailment
        self.metrics = (Metric(metric),)

    def describe(self) -> Mapping[str, Any]:
        return {
            "scorer": "entailment",
            "version": VERSION,
            "metric": self.metrics[0].name,
            "entailment": self._class,
            "threshold": self._threshold,
            **self._network.digests,
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        """Score one attempt.

        Raises:
            ScorerError: there is no document, or the model gives no scores.
        """
        text = "\n\n".join(spoken(message) for message in answers(attempt)).strip()
        if silent(text):
            return (self._score(None, "blocked" if blocked(attempt) else "empty", "the answer has no words"),)
        documents = [f"{d.title}\n{d.text}".strip() for d in (*sample.documents, *attempt.documents)]
        if not documents:
            raise ScorerError(f"sample {sample.id} has no document, and the target named none: nothing to follow from")
        if abstains(text):
            return (self._score(False, "abstained", "says that it cannot answer"),)
        sentences = list(_sentences(text))
        if len(sentences) * len(documents) > MOST:
            return (self._score(None, "cannot_judge", f"{len(sentences)} sentences, {len(documents)} documents"),)
        least = 1.0
        for number, sentence in enumerate(sentences, start=1):
            chances = (chance for document in documents for chance in self._network.chances(document, sentence))
            least = min(least, max(chances, default=0.0))
            if least < self._threshold:
                told = f"sentence {number} of {len(sentences)} follows from no document"
                return (self._score(True, "unsupported", told, 1 - least),)
        return (self._score(False, "supported", f"all {len(sentences)} sentences follow", 1 - least),)

    def _score(self, hit: bool | None, label: str, reason: str, chance: float | None = None) -> Score:
        return Score(
            metric=self.metrics[0].name,
            hit=hit,
            scorer="entailment",
            label=label,
            confidence=None if chance is None else round(chance, 4),
            reason=reason,
        )


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of an answer that have a letter, without numbers of lists and sources."""
    for one in _SENTENCE.split(unmarked(text)):
        if any(c.isalpha() for c in one):
            yield one.strip()
