"""Flag what a classifier of your own takes for an attack: an ONNX model and its tokenizer, by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shipworthy.core.errors import GuardError, PluginError
from shipworthy.core.extras import require
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard

VERSION = "2"
LENGTH = 512
"""Tokens of a window; the next begins half a window on."""

_BATCH = 8


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
        runtime = require("onnxruntime", extra="onnx")
        tokenizers = require("tokenizers", extra="onnx")
        self._digests = {"model": _digest(model), "tokenizer": _digest(tokenizer)}
        try:
            self._session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
            self._tokenizer = tokenizers.Tokenizer.from_file(tokenizer)
        except Exception as error:  # each library raises its own
            raise PluginError(
                f"guard 'onnx_classifier': {model}, {tokenizer}: {type(error).__name__}: {error}"
            ) from None
        self._tokenizer.enable_truncation(LENGTH, stride=LENGTH // 2)
        self._tokenizer.enable_padding()
        self._inputs = [given.name for given in self._session.get_inputs()]
        if unknown := set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"}:
            raise PluginError(f"guard 'onnx_classifier': {model} wants {', '.join(sorted(unknown))}: export it without")
        self._threshold, self._label = float(threshold), label

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "onnx_classifier",
            "version": VERSION,
            **self._digests,
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
        whole = self._tokenizer.encode(text)
        pieces = [whole, *whole.overflowing]
        for first in range(0, len(pieces), _BATCH):
            batch = pieces[first : first + _BATCH]
            longest = max(len(piece.ids) for piece in batch)
            fed = {
                name: np.array([getattr(p, field) + [0] * (longest - len(p.ids)) for p in batch], dtype=np.int64)
                for name, field in (
                    ("input_ids", "ids"),
                    ("attention_mask", "attention_mask"),
                    ("token_type_ids", "type_ids"),
                )
                if name in self._inputs
            }
            scores = np.asarray(self._session.run(None, fed)[0], dtype=np.float64)
            if scores.ndim != 2 or scores.shape[1] <= self._label or not np.isfinite(scores).all():
                raise GuardError("the classifier gave no row of finite scores that has the label")
            chances = np.exp(scores - scores.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            for piece, chance in zip(batch, chances[:, self._label].tolist(), strict=True):
                places = [span for span in piece.offsets if span[0] < span[1]]
                if places:
                    yield _Window(min(a for a, _ in places), max(b for _, b in places), chance)


def _digest(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            state = sha256()
            while block := file.read(1 << 20):
                state.update(block)
    except OSError as error:
        raise PluginError(f"guard 'onnx_classifier': {path}: {error.strerror or error}") from None
    return f"sha256:{state.hexdigest()}"
