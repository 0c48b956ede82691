"""Which hazard is a text about, if any: one linear model a category, on hashed words, pairs of words and letters.

Weights and their card: library/weights/hazards. Trained by bench/train_hazards.py; used with numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from shipworthy.detect import harm_model
from shipworthy.detect.harm_features import BITS, CUES, HarmText, Hashed, cues, letter_runs, read, word_pairs
from shipworthy.detect.weights import stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

CATEGORIES = ("self_harm", "violence", "weapons", "sexual_exploitation", "sexual", "hate", "crime", "privacy")
"""Names of the hazards, the gravest first. They are AILuminate's, some of them taken together."""

WINDOW, STEP = 36, 18
"""Words that are read at once, and from the beginning of one window to that of the next."""

WIDTH = 1 << BITS
FIELDS = (0, WIDTH, 2 * WIDTH)
"""Where the weights of words, letters and cues begin."""

SIZE = 2 * WIDTH + len(CUES)


class HazardModel:
    """The trained model.

    Args:
        weights: shape (categories, SIZE).
        bias: shape (categories,).
        thresholds: chance from which a category counts, by its name.
        digest: of the weights.

    Raises:
        ValueError: the shapes do not fit the features.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        bias: NDArray[np.float64],
        thresholds: Mapping[str, float] = MappingProxyType({}),
        digest: str = "",
    ) -> None:
        if weights.shape != (len(CATEGORIES), SIZE) or bias.shape != (len(CATEGORIES),):
            raise ValueError(f"weights of shape {weights.shape} do not fit the features")
        self.weights, self.bias, self.thresholds, self.digest = weights, bias, thresholds, digest

    def chances(self, text: str) -> dict[str, float]:
        """Return the chance of each category in [0, 1]: its likeliest window's; all 0 for a text without words."""
        found = np.zeros(len(CATEGORIES))
        for fields in windows(text):
            raw = self.bias + sum(
                self.weights[:, field.where + offset] @ field.value
                for field, offset in zip(fields, FIELDS, strict=True)
            )
            found = np.maximum(found, 1 / (1 + np.exp(-raw)))
        return dict(zip(CATEGORIES, found.tolist(), strict=True))

    def english(self, text: str) -> bool:
        """Tell whether a text is English enough to be judged; of others nothing is known."""
        return harm_model.load().english(text)


def windows(text: str) -> Iterator[tuple[Hashed, Hashed, Hashed]]:
    """Yield the words, the letters and the cues of each window of a text."""
    whole = read(text, len(text), 0)
    for start in range(0, max(1, len(whole.tokens) - (WINDOW - STEP)), STEP):
        end = start + WINDOW
        part = HarmText(whole.text, whole.tokens[start:end], whole.words[start:end], whole.opens[start:end])
        if part.tokens:
            yield word_pairs(part, 61), letter_runs(part, 71), cues(part)


@cache
def load() -> HazardModel:
    """Load the weights that ship."""
    found, card = stored("hazards")
    return unpacked(found, card["thresholds"], card["weights_digest"])


def packed(weights: NDArray[np.float64], bias: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a weights file: a byte a weight, and the scale of each category."""
    scale = np.abs(weights).max(axis=1, keepdims=True) / 127
    return {"weights": np.round(weights / scale).astype(np.int8), "scale": scale.astype(np.float32), "bias": bias}


def unpacked(
    found: Mapping[str, NDArray[Any]], thresholds: Mapping[str, float] = MappingProxyType({}), digest: str = ""
) -> HazardModel:
    """Return the model from the arrays of a weights file."""
    weights = found["weights"].astype(np.float32) * found["scale"]
    return HazardModel(weights, found["bias"].astype(np.float64), thresholds, digest)


def threshold(chances: Sequence[float], budget: float) -> float:
    """Return the least threshold that at most a share `budget` of some texts' chances reach."""
    ranked = sorted(chances, reverse=True)
    return float(np.nextafter(ranked[int(budget * len(ranked))], 1))
