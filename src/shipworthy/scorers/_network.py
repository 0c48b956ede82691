"""A classifier in an ONNX file, for scorers: its parameters read, its chances computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.detect.onnx_text import TextModel, open_text

LENGTH = 512


class ClassifierNetwork:
    """One class of a sequence classifier: its chance in each window of a text.

    Args:
        label: which of the model's classes, from 0.
        whose: names the plug-in in errors.

    Raises:
        MissingExtra: the extra `onnx` is not installed.
        PluginError: a bad number, or a file that is not there or cannot be read as what it is.
    """

    def __init__(self, model: str, tokenizer: str, label: int, *, whose: str) -> None:
        if isinstance(label, bool) or not isinstance(label, int) or label < 0:
            raise PluginError(f"{whose}: the class is a whole number of 0 or more, not {label!r}")
        self._text = open_text(TextModel(model, tokenizer, LENGTH, LENGTH // 4, threads=1), whose=whose, extra="onnx")
        self._label = label

    @property
    def digests(self) -> Mapping[str, str]:
        """Of its files."""
        return self._text.digests

    def chances(self, text: str, pair: str | None = None) -> Iterator[float]:
        """Yield the chance of the class, in [0, 1], for each window of a text.

        Args:
            pair: a second text behind each window.

        Raises:
            ScorerError: the model gives no row of finite scores that has the class, or the pair fills a window.
        """
        try:
            windows = list(self._text.windows(text, pair))
        except Exception as error:  # the tokenizer's own: the second text leaves the first no room
            raise ScorerError(f"the classifier cannot take this text: {type(error).__name__}") from None
        for window in windows:
            scores = window.output
            if scores.ndim != 1 or scores.size <= self._label or not np.isfinite(scores).all():
                raise ScorerError(f"the classifier gives no row of finite scores with a class {self._label}")
            chances = np.exp(scores - scores.max())
            yield float(chances[self._label] / chances.sum())


def read_share(value: object, name: str, *, whose: str) -> float:
    """Return a parameter that must lie within (0, 1).

    Raises:
        PluginError: it does not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise PluginError(f"{whose}: {name} must lie in (0, 1), not {value!r}")
    return float(value)
