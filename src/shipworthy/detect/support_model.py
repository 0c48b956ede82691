"""How likely is it that an answer says more than its texts? Small boosted trees, one forest for each kind of answer.

Three kinds: a *reply* in a conversation beside a passage, a single *sentence* shortened from another, and a *summary*
of a document. Which one an answer is like is told from its form, by a fourth forest; what is like none of them, in
length or in language, is not judged. Weights and their card: library/weights/grounded. Trained by
bench/train_grounded.py; used with numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from shipworthy.detect.support_features import MOST, features, lexical
from shipworthy.detect.weights import stored
from shipworthy.detect.wording import is_english, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("reply", "sentence", "summary")

BOUNDED = ("words", "text_words", "text_sentences", "new_words", "cover_mean")
"""Features whose range in the training data says where a forest can be asked."""

FORM = (
    "words", "text_words", "text_sentences", "sentences", "ratio", "new_words", "new_stems", "new_2_grams",
    "new_3_grams", "density", "fragment_longest", "run_mean", "person", "asks", "exclaims", "chatty", "i", "capitals",
    "numbers", "left_out", "left_out_words", "ends_early", "begins_late", "taken_mean",
)  # fmt: skip
"""Features that tell what kind an answer is of. What the asker wrote is none of them."""


class SupportVerdict(NamedTuple):
    """What the model says of an answer.

    Attributes:
        chance: probability that the answer is not supported, in [0, 1], where half of all answers are; None where there
            is none.
        why: why the model cannot judge, whatever the chance; empty where it can.
    """

    chance: float | None
    why: str = ""


class Forest:
    """Boosted trees in flat arrays. A leaf leads to itself.

    Args:
        arrays: `feature`, `threshold`, `left`, `right`, `value`, one entry a node; `left` and `right` are nodes.
        roots: the node each tree begins at.
        base: what the trees add to.
        depth: the longest way from a root to a leaf.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], roots: NDArray[np.int64], base: float, depth: int) -> None:
        self._feature, self._left, self._right = (arrays[n].astype(np.int64) for n in ("feature", "left", "right"))
        self._threshold, self._value = (arrays[n].astype(np.float64) for n in ("threshold", "value"))
        self._roots, self._base, self._depth = roots, base, depth

    def margin(self, row: NDArray[np.float64]) -> float:
        """Return the log odds of a row of features."""
        at = self._roots
        for _ in range(self._depth):
            at = np.where(row[self._feature[at]] <= self._threshold[at], self._left[at], self._right[at])
        return self._base + float(self._value[at].sum())


class Lexicon:
    """How telling single words are, new ones and small ones, in one kind of answer."""

    def __init__(self, terms: NDArray[np.str_], weights: NDArray[np.float64], base: float) -> None:
        self._weights: dict[str, float] = dict(zip(terms.tolist(), weights.tolist(), strict=True))
        self._base = base

    def score(self, terms: set[str]) -> float:
        """Return the sum of the words' weights, added in their order so that it is the same on every machine."""
        return self._base + sum(float(self._weights[term]) for term in sorted(terms) if term in self._weights)


class SupportModel:
    """The trained classifier.

    Args:
        forests: one for each of `KINDS`, on all features and the lexicon's score.
        gate: one for each of `KINDS`, on the features of `FORM`.
        lexicons: one for each of `KINDS`.
        bounds: shape (KINDS, BOUNDED, 2): least and greatest value in training.
        digest: of the weights.
    """

    def __init__(
        self,
        forests: list[Forest],
        gate: list[Forest],
        lexicons: list[Lexicon],
        bounds: NDArray[np.float64],
        digest: str = "",
    ) -> None:
        self._forests, self._gate, self._lexicons, self._bounds, self.digest = forests, gate, lexicons, bounds, digest

    def judge(self, answer: str, text: str, asked: str = "") -> SupportVerdict:
        """Return how likely it is that an answer says what its text does not.

        Args:
            answer: the answer, without reasoning, source marks and list numbers.
            text: everything it may rest on.
            asked: what the asker wrote.
        """
        said, known = words(answer), words(text)
        if not said or not known:
            return SupportVerdict(None, "there is nothing to compare")
        if len(known) > MOST or len(said) > MOST:
            return SupportVerdict(None, f"a text of more than {MOST:,} words")
        if not (is_english(said) and is_english(known)):
            return SupportVerdict(None, "the text does not read like English")
        return self.weigh(features(answer, text, asked), lexical(answer, text))

    def weigh(self, found: Mapping[str, float], terms: set[str]) -> SupportVerdict:
        """Return the verdict on features and words: see `judge`."""
        place = np.array([found[name] for name in BOUNDED])
        inside = ((self._bounds[:, :, 0] <= place) & (place <= self._bounds[:, :, 1])).all(axis=1)
        why = "" if inside.any() else "unlike every kind of text that the model was trained on"
        form = np.array([found[name] for name in FORM], dtype=np.float64)
        margins = np.array([forest.margin(form) for forest in self._gate])
        # Where it is like none, the one whose form is nearest says what it would.
        likeness = np.where(inside | (not inside.any()), np.exp(margins - margins.max()), 0.0)
        row = np.array([*found.values(), 0.0], dtype=np.float64)
        chance = 0.0
        for forest, lexicon, share in zip(self._forests, self._lexicons, likeness / likeness.sum(), strict=True):
            if share > 0:
                row[-1] = lexicon.score(terms)
                chance += float(share) / (1 + float(np.exp(-forest.margin(row))))
        return SupportVerdict(chance, why)


@cache
def load() -> SupportModel:
    """Load the weights that ship."""
    found, card = stored("grounded")
    return unpack(found, card["weights_digest"])


def unpack(found: Mapping[str, NDArray[Any]], digest: str = "") -> SupportModel:
    """Make a model of its arrays: `trees_of` says how many trees each forest has, gates behind the others."""
    counts, bases, depth = found["trees_of"].tolist(), found["bases"].tolist(), int(found["depth"])
    roots = np.split(found["roots"].astype(np.int64), np.cumsum(counts)[:-1])
    forests = [Forest(found, r, base, depth) for r, base in zip(roots, bases, strict=True)]
    lexicons = [
        Lexicon(found[f"{kind}_terms"], found[f"{kind}_weights"], float(found[f"{kind}_base"])) for kind in KINDS
    ]
    return SupportModel(forests[: len(KINDS)], forests[len(KINDS) :], lexicons, found["bounds"], digest)
