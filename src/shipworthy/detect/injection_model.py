"""How much a text reads like prompt injection or a jailbreak: hashed n-grams and known wordings, weighed by a model.

N-grams are of characters, of words, and of the text's shape: what is left where every run of letters is one letter and
every run of digits one digit. Suffixes that a search has found, and marks of templates, show in the shape.

A text is read in windows, so that one sentence in a long document counts for as much as it would alone. A window's
score is a sum over its places, so that any number of windows costs one pass. Weights and card:
library/weights/injection, made by bench/train_injection.py; used with numpy alone.

A weak signal: it knows what it was trained on and that one's cousins. docs/reference/guards.md says what it misses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np

from shipworthy.detect import injection
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.normalise import fold
from shipworthy.detect.spans import Span
from shipworthy.detect.weights import stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHAR_BITS, WORD_BITS, SHAPE_BITS = 15, 14, 13
"""Buckets of each field: ``2**BITS``."""

CHAR_SIZES, WORD_SIZES, SHAPE_SIZES = (3, 4, 5), (1, 2, 3), (2, 3, 4, 5, 6)
WINDOW, STEP = 480, 240
"""Characters of a window, and from the begin of one to the next; runs of blanks count as one character."""

_PRIME, _MIX = np.uint32(0x01000193), np.uint32(0x9E3779B1)
_STRAIGHT = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
_WORD = re.compile(r"[^\W_][\w']*")
_LETTER, _CAPITAL, _DIGIT, _BLANK, _SIGN = (ord(c) for c in "aA0 ~")
_RUNS = np.array([_LETTER, _CAPITAL, _DIGIT, _BLANK], dtype=np.uint32)

# Who is spoken to, and in what way: on folded text.
_WAYS: tuple[Pattern, ...] = tuple(
    Pattern(source)
    for source in (
        r"\b(?:ai|llm|gpt|chatgpt|claude|language model|assistant|chatbot|bot|model)\b",
        r"\byou (?:are|must|will|should|can|have|need|shall|do|were)\b|\byour\b",
        r"(?:^|[.!?:>\]] )(?:please )?(?:ignore|forget|disregard|print|say|repeat|output|write|send|delete|respond"
        r"|answer|tell|show|reveal|act|pretend|call|execute|run|open|visit|include|add|do|stop|now|also)\b",
        r"\b(?:instead|before you|after that|first|from now on|at the end|regardless|no matter|only respond"
        r"|at all times)\b",
        r"<[/a-z_ ]{2,30}>|\[[/a-z_ ]{2,30}\]|#{3,}|={4,}|-{4,}|\*{3,}",
        r"https?://|www\.|@[a-z0-9-]+\.[a-z]",
        r"\b(?:instructions?|prompt|system|rules|policy|policies|guidelines|restrictions|password|secret|task)\b",
        r"!",
        r"\?",
        r"\b(?:important|urgent|immediately|attention|critical|mandatory|override|priority|admin|developer)\b",
        r"\b(?:pretend|imagine|roleplay|role-play|character|story|scene|fictional|hypothetical|simulate|movie)\b",
        r"[^\x00-\x{24f}\pP\pS\pZ]",
    )
)
HAND = len(injection.KINDS) + len(_WAYS)
WIDTH = (1 << CHAR_BITS) + (1 << WORD_BITS) + (1 << SHAPE_BITS)
SIZE = WIDTH + HAND
HAND_WEIGHT = 0.6
"""Value of a hand-made feature that is on: sets how strongly the penalty holds it against the hashed ones."""


class Window(NamedTuple):
    """A window of a text in its own characters, ``start <= i < end``, and the chance that it is an attack."""

    start: int
    end: int
    chance: float


class Field(NamedTuple):
    """One kind of n-grams of a text.

    Attributes:
        buckets: where the field's weights lie in those of the model.
        places: the character at which each n-gram begins; None where one begins at every character.
        grams: for each length of n-grams, the bucket of each, counted from the field's first.
    """

    buckets: slice
    places: NDArray[np.int64] | None
    grams: list[NDArray[np.uint32]]


class InjectionText:
    """A text as the model reads it.

    Attributes:
        windows: begin and end of each, in characters as read.
        origin: for each of these characters, its place in the text.
    """

    def __init__(self, text: str) -> None:
        straight = text.translate(_STRAIGHT)
        folded = fold(straight)
        codes = _codes(folded.text)
        blank = (codes == 32) | ((codes >= 9) & (codes <= 13)) | (codes == 0xA0)
        kept = ~blank
        kept[1:] |= ~blank[:-1]
        codes = np.where(blank, np.uint32(32), codes)[kept]
        self.codes = codes
        self.text = codes.tobytes().decode("utf-32-le", "surrogatepass")
        plain = isinstance(folded.origin, range)
        self.origin = np.flatnonzero(kept) if plain else np.asarray(folded.origin, dtype=np.int64)[kept]
        last = max(len(codes) - WINDOW, 0)
        starts = [*range(0, last, STEP), last]
        self.windows = [(start, min(start + WINDOW, len(codes))) for start in starts]
        self._written = _codes(straight)[self.origin]
        self._known = injection.find(text)

    def fields(self) -> tuple[Field, Field, Field]:
        """Return the n-grams of characters, of words and of the text's shape."""
        words = [(m.start(), crc32(m.group().encode("utf-8", "replace"))) for m in _WORD.finditer(self.text)]
        places, shape = _shape(self._written)
        first, second = 1 << CHAR_BITS, (1 << CHAR_BITS) + (1 << WORD_BITS)
        return (
            Field(slice(0, first), None, _grams(self.codes, CHAR_SIZES, CHAR_BITS)),
            Field(
                slice(first, second),
                np.array([at for at, _ in words], dtype=np.int64),
                _grams(np.array([code for _, code in words], dtype=np.uint32), WORD_SIZES, WORD_BITS),
            ),
            Field(slice(second, WIDTH), places, _grams(shape, SHAPE_SIZES, SHAPE_BITS)),
        )

    def hand(self) -> NDArray[np.float32]:
        """Return the hand-made features: shape (windows, HAND), `HAND_WEIGHT` where one is on."""
        on = np.zeros((len(self.windows), HAND), dtype=np.float32)
        encoded = Encoded(self.text)
        spans = [(len(injection.KINDS) + i, a, b) for i, way in enumerate(_WAYS) for a, b in way.runs(encoded)]
        for span in self._known:
            a, b = np.searchsorted(self.origin, (span.start, span.end))
            spans.append((injection.KINDS.index(span.kind), int(a), max(int(b), int(a) + 1)))
        for which, a, b in spans:
            for row, (start, end) in enumerate(self.windows):
                if a < end and start < b:
                    on[row, which] = HAND_WEIGHT
        return on


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _grams(codes: NDArray[np.uint32], sizes: Sequence[int], bits: int) -> list[NDArray[np.uint32]]:
    """Return, for each size that fits, the bucket of the n-gram that begins at each code."""
    found, state = [], codes
    for size in range(1, sizes[-1] + 1):
        if size > 1:
            if len(state) < 2:
                break
            state = state[:-1] * _PRIME ^ codes[size - 1 :]
        if size in sizes:
            found.append(((state + np.uint32(size)) * _MIX) >> np.uint32(32 - bits))
    return found


def _class_of(code: int) -> int:
    char = chr(code)
    if char.isalpha():
        return _CAPITAL if char.isupper() else _LETTER
    if char.isalnum():
        return _DIGIT
    if char.isspace() or code < 32:
        return _BLANK
    return code if code < 128 else _SIGN


_CLASSES = np.array([_class_of(code) for code in range(128)], dtype=np.uint32)


def _shape(written: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return a text's shape, and where each part begins: letters of all scripts are alike, a run of them is one."""
    ascii_ = written < 128
    classes = _CLASSES[np.where(ascii_, written, 0)]
    if not ascii_.all():
        unlike, which = np.unique(written[~ascii_], return_inverse=True)
        classes[~ascii_] = np.array([_class_of(int(code)) for code in unlike], dtype=np.uint32)[which]
    begins = np.ones(len(classes), dtype=bool)
    begins[1:] = (classes[1:] != classes[:-1]) | ~np.isin(classes[1:], _RUNS)
    return np.flatnonzero(begins), classes[begins]


class InjectionModel:
    """The trained model.

    Args:
        weights: shape (SIZE,): n-grams of characters, of words and of the shape, hand-made features.
        bias: constant of the score.
        thresholds: chances from which a text counts, for ``direct`` and ``indirect`` attacks.
        digest: of the weights' file.

    Raises:
        ValueError: the weights do not fit the features.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        bias: float,
        *,
        thresholds: Mapping[str, float] = MappingProxyType({}),
        digest: str = "",
    ) -> None:
        if weights.shape != (SIZE,):
            raise ValueError(f"weights of shape {weights.shape} do not fit the features")
        self.weights, self.bias, self.thresholds, self.digest = weights, bias, thresholds, digest

    def windows(self, text: str) -> list[Window]:
        """Return the chance of each window of a text; none for one of nothing but blanks and what is not seen."""
        read = InjectionText(text)
        if not len(read.codes):
            return []
        score = read.hand() @ self.weights[WIDTH:] + self.bias
        for field in read.fields():
            weights = self.weights[field.buckets]
            score = score + _sums([weights[grams] for grams in field.grams], field.places, read)
        chance = 1 / (1 + np.exp(-score))
        return [
            Window(int(read.origin[a]), int(read.origin[b - 1]) + 1, float(p))
            for (a, b), p in zip(read.windows, chance, strict=True)
        ]

    def chance(self, text: str) -> float:
        """Return the chance of the text's likeliest window, in [0, 1]; 0 for a text that holds nothing."""
        return max((w.chance for w in self.windows(text)), default=0.0)

    def find(self, text: str, threshold: float) -> list[Span]:
        """Return the windows from `threshold` on, those that meet as one, as spans of kind ``injection``."""
        found: list[Span] = []
        for start, end, chance in self.windows(text):
            if chance < threshold:
                continue
            if found and start <= found[-1].end:
                found[-1] = Span(found[-1].start, max(end, found[-1].end), "injection")
            else:
                found.append(Span(start, end, "injection"))
        return found


def _sums(
    values: Sequence[NDArray[np.float32]], places: NDArray[np.int64] | None, read: InjectionText
) -> NDArray[np.float64]:
    """Return each window's sum of values by the square root of their number: a field of unit length, nearly."""
    bounds = np.array(read.windows)
    if places is not None:
        bounds = np.searchsorted(places, bounds)
    total, number = np.zeros(len(bounds)), np.zeros(len(bounds))
    for value in values:
        at = np.minimum(bounds, len(value))
        run = np.concatenate([[0.0], np.cumsum(value, dtype=np.float64)])
        total += run[at[:, 1]] - run[at[:, 0]]
        number += at[:, 1] - at[:, 0]
    return total / np.sqrt(np.maximum(number, 1))


@cache
def load() -> InjectionModel:
    """Load the weights that ship."""
    found, card = stored("injection")
    return unpacked(found, card["figures"]["thresholds"], card["weights_digest"])


def unpacked(
    found: Mapping[str, NDArray[Any]], thresholds: Mapping[str, float] = MappingProxyType({}), digest: str = ""
) -> InjectionModel:
    """Return the model from the arrays of a weights file."""
    weights = found["weights"].astype(np.float32) * found["scale"].astype(np.float32)
    return InjectionModel(weights, float(found["bias"]), thresholds=thresholds, digest=digest)


def threshold(chances: Sequence[float], budget: float) -> float:
    """Return the least threshold that at most a share `budget` of some texts' chances reach; below 1 if any can be.

    >>> threshold([0.1, 0.2, 0.3, 0.9], 0.25) > 0.3
    True
    """
    ranked = sorted(chances, reverse=True)
    return float(np.nextafter(ranked[int(budget * len(ranked))], 1))
