"""Flag what a classifier of your own takes for an attack: an ONNX model and its tokenizer, by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shipworthy.core.errors import GuardError, PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect.onnx_text import OnnxText, TextModel

VERSION = "3"
LENGTH = 512
"""Tokens of a window; the next begins half a window on."""


class _Window(NamedTuple):
    start: int
    end: int
    chance: float


@guard
class OnnxClassifier:
    """Flag windows of a text by a sequence classifier, such as Prompt Guard 2 or a DeBERTa, exported to ONNX.

    The model takes ``input_ids`` and ``attention_mask`` (and ``token_type_ids``, if it has that input) and gives one
    row of scores a text. It runs on the CPU, in this process, and nothing is downloaded. Both files' digests are part
    of the pipeline's. Licences, figures and thresholds are those of your model: measure it (`shipworthy guard
    calibrate`).

    Args:
        model: path of the .onnx file.
        tokenizer: path of its ``tokenizer.json``.
        threshold: chance, in (0, 1), from which a window counts.
        label: which of the model's classes is the attack, from 0.

    Raises:
        MissingExtra: onnxruntime or tokenizers is not installed.
        PluginError: a file that is not there or cannot be read as what it is, or a bad number.
    """

    stages: frozenset[Stage] = frozenset({"input", "retrieved"})
    reach: int | None = None

    def __init__(self, *, model: str, tokenizer: str, threshold: float = 0.5, label: int = 1) -> None:
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
            raise PluginError(f"guard 'onnx_classifier': threshold is a number between 0 and 1, not {threshold!r}")
        if isinstance(label, bool) or not isinstance(label, int) or label < 0:
            raise PluginError(f"guard 'onnx_classifier': label is a whole number of 0 or more, not {label!r}")
        files = TextModel(model, tokenizer, LENGTH, LENGTH // 2)
        self._text = OnnxText(files, whose="guard 'onnx_classifier'", extra="onnx")
        self._threshold, self._label = float(threshold), label

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "onnx_classifier",
            "version": VERSION,
            **self._text.digests,
            "threshold": self._threshold,
            "label": self._label,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        return [
            Finding(w.start, w.end, "classifier", "tighten", reason="the classifier's threshold is reached")
            for w in self._windows(part.text)
            if w.chance >= self._threshold
        ]

    def chance(self, text: str) -> float:
        """Return the chance of the text's likeliest window, in [0, 1]."""
        return max((w.chance for w in self._windows(text)), default=0.0)

    def _windows(self, text: str) -> Iterator[_Window]:
        for window in self._text.windows(text):
            scores = window.output
            if scores.ndim != 1 or scores.size <= self._label or not np.isfinite(scores).all():
                raise GuardError("the classifier gave no row of finite scores that has the label")
            chances = np.exp(scores - scores.max())
            yield _Window(window.start, window.end, float(chances[self._label] / chances.sum()))
