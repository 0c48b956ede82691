"""What of a request and an answer tells whether harm was done: cues by word, overlap, and hashed n-grams.

One pass over the words, which are looked up and not searched for: the time grows with what is read, and at most
`HEAD` + `TAIL` characters of an answer are. The same code in training and in use.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from shipworthy.detect.harm_words import LINKS, PHRASES, STEMS, VERBS, WORDS
from shipworthy.detect.writing import written_char

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD, TAIL, REQUEST = 3000, 1000, 3000
"""Characters that are read: of an answer its first and last ones, of a request its last ones."""

BITS = 13
"""Buckets of each hashed field: ``2**BITS``."""

FIELDS = ("answer words", "answer characters", "request words")

CUES = tuple(dict.fromkeys([*WORDS, *PHRASES, *STEMS]))
_OPENING, _ENDING = ("decline", "sorry", "wrong", "support", "sure", "fiction", "hedge", "instead", "against"), (
    "decline", "support", "caution", "instead"
)  # fmt: skip
_ASKED = ("violent", "crime", "sex", "self", "private", "belittle", "fiction", "against", "they", "make", "how")
OPENING = 45
"""Words of the opening in which a refusal is looked for by itself."""

_NEAR = 30
"""Words of an opening or an ending."""

_TOKEN = re.compile(r"(^|[.!?:;\n][^a-z0-9]*)?([a-z0-9][a-z0-9'-]*)")
_STEP = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*#\u2022]|step \d)", re.MULTILINE)
_UNPLAIN = re.compile(r"[^\x00-\x7f]")
_ENDINGS = ("ingly", "edly", "ing", "ers", "ed", "es", "er", "ly", "'s", "s")
_PRIME, _MIX = 0x01000193, 0x9E3779B1


class CueWord(NamedTuple):
    """What is known of a word by itself: its hash, its cues (places in `CUES`), its stem ("" for a link word)."""

    code: int
    cues: tuple[int, ...]
    stem: str
    verb: bool


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


_BY_WORD: dict[str, tuple[int, ...]] = {}
_BY_STEM: dict[str, tuple[int, ...]] = {}
_BY_PHRASE: dict[str, int] = {}
for _place, _name in enumerate(CUES):
    for _entry in WORDS.get(_name, "").split():
        _BY_WORD[_entry] = (*_BY_WORD.get(_entry, ()), _place)
    for _entry in STEMS.get(_name, "").split():
        _BY_STEM[_stem(_entry)] = (*_BY_STEM.get(_stem(_entry), ()), _place)
    for _entry in PHRASES.get(_name, ()):
        _BY_PHRASE[_entry] = _place
_FIRST = frozenset(phrase.split()[0] for phrase in _BY_PHRASE)


@lru_cache(maxsize=1 << 15)
def word(token: str) -> CueWord:
    """Return what is known of a word, in lower case."""
    stem = _stem(token)
    cues = tuple(sorted({*_BY_WORD.get(token, ()), *_BY_STEM.get(stem, ())}))
    content = "" if token in LINKS or len(token) < 3 else stem
    return CueWord(crc32(token.encode()), cues, content, token in VERBS)


def plain(text: str) -> str:
    """Return a text as a careful typist would have written it, in lower case."""
    return _UNPLAIN.sub(lambda found: written_char(found[0]), text).lower()


class HarmText(NamedTuple):
    """A text, read: its words in order, which of them open a sentence, and its plain form."""

    text: str
    tokens: list[str]
    words: list[CueWord]
    opens: list[bool]


def read(text: str, head: int, tail: int) -> HarmText:
    """Return the words of a text's first `head` and last `tail` characters."""
    if len(text) > head + tail:
        text = text[:head] + "\n" + text[len(text) - tail :]
    text = plain(text)
    found = _TOKEN.findall(text)
    tokens = [token for _, token in found]
    return HarmText(text, tokens, [word(token) for token in tokens], [bool(before) for before, _ in found])


def _counted(of: HarmText) -> tuple[list[int], dict[int, list[int]]]:
    """Return how often each cue occurs, and at which words."""
    where: dict[int, list[int]] = {}
    for i, each in enumerate(of.words):
        for cue in each.cues:
            where.setdefault(cue, []).append(i)
    tokens = of.tokens
    for i, token in enumerate(tokens):
        if token in _FIRST:
            for size in (2, 3):
                said = _BY_PHRASE.get(" ".join(tokens[i : i + size]))
                if said is not None:
                    where.setdefault(said, []).append(i)
    return [len(where.get(cue, ())) for cue in range(len(CUES))], where


def cues(of: HarmText) -> Hashed:
    """Return which of `CUES` a text holds, as places in it, and how telling their number is."""
    counts, _ = _counted(of)
    where = np.flatnonzero(counts)
    return Hashed(where, 0.5 * np.log1p(np.array(counts, dtype=np.float64)[where]))


def hand_made(request: HarmText, answer: HarmText) -> NDArray[np.float64]:
    """Return the features that have a meaning, in the order of `HAND`."""
    n, text = max(1, len(answer.words)), answer.text
    counts, where = _counted(answer)
    asked, _ = _counted(request)
    size, sentences = math.log1p(len(text)), max(1, sum(answer.opens))
    of_answer = [w.stem for w in answer.words if w.stem]
    of_request, said = {w.stem for w in request.words if w.stem}, set(of_answer)
    opening = {w.stem for w in answer.words[:_NEAR] if w.stem}
    orders = sum(w.verb and opens for w, opens in zip(answer.words, answer.opens, strict=True))
    shared = len(of_request & said) / min(60, max(1, len(of_request)))
    declines = min(1.0, 1.2 * math.log1p(counts[_DECLINE]))
    heavy = sum(math.log1p(counts[cue]) for cue in _HEAVY)
    values = [
        size - 6, len(text) < 120, len(text) > 800, len(text) > 1800, math.log1p(len(request.text)) - 5,
        math.log1p(sentences) - 1.5, n / sentences / 20, math.log1p(orders), min(2.0, orders / sentences),
        shared, sum(s in of_request for s in of_answer) / max(1, len(of_answer)),
        len(of_request & opening) / max(1, min(len(of_request), 12)), math.log1p(len(said - of_request)) - 3,
        len(said) / max(1, len(of_answer)), len(set(zip(answer.tokens, answer.tokens[1:], strict=False))) / n,
        math.log1p(len(_STEP.findall(text))), math.log1p(text.count("!")),
        math.log1p(text.count("?")), math.log1p(text.count('"')), math.log1p(text.count("[")),
        math.log1p(text.count("```") + text.count("; ") + text.count("()")),
        math.log1p(sum(t[0].isdigit() for t in answer.tokens)), "?" in request.text,
        (1 - declines) * shared, (1 - declines) * (size - 6), (1 - declines) * math.log1p(orders),
        (1 - declines) * heavy,
    ]  # fmt: skip
    values += [math.log1p(count) for count in counts]
    values += [min(3.0, 50 * count / n) for count in counts]
    values += [any(i < _NEAR for i in where.get(_AT[name], ())) for name in _OPENING]
    values += [any(i >= n - _NEAR for i in where.get(_AT[name], ())) for name in _ENDING]
    values += [bool(asked[_AT[name]]) for name in _ASKED]
    return np.array(values, dtype=np.float64)


_AT = {name: place for place, name in enumerate(CUES)}
_DECLINE = _AT["decline"]
_HEAVY = [_AT[name] for name in ("violent", "crime", "belittle", "sex", "self")]

HAND = (
    "length", "short", "long", "very long", "request length", "sentences", "words a sentence", "orders",
    "orders a sentence", "request's words in the answer", "answer's words in the request",
    "request's words in the opening", "new words", "variety", "variety of pairs", "steps", "!", "?",
    "quotes", "brackets", "code", "numbers",
    "request asks", "shared, not declined", "length, not declined", "orders, not declined", "heavy words, not declined",
    *(f"{name}, count" for name in CUES), *(f"{name}, share" for name in CUES),
    *(f"{name} at the opening" for name in _OPENING), *(f"{name} at the end" for name in _ENDING),
    *(f"request: {name}" for name in _ASKED),
)  # fmt: skip


class Hashed(NamedTuple):
    """Buckets of one field and their weights, of unit length in sum."""

    where: NDArray[np.int64]
    value: NDArray[np.float64]


def _weighed(buckets: NDArray[np.uint32]) -> Hashed:
    counts = np.bincount(buckets, minlength=1 << BITS)
    where = np.flatnonzero(counts)
    value = 1 + np.log(counts[where])
    return Hashed(where, value / max(1e-9, float(np.sqrt((value**2).sum()))))


def _buckets(state: NDArray[np.uint32], salt: int) -> NDArray[np.uint32]:
    return ((state + np.uint32(salt)) * np.uint32(_MIX)) >> np.uint32(32 - BITS)


def word_pairs(of: HarmText, salt: int) -> Hashed:
    """Return a text's words and pairs of words, hashed."""
    codes = np.array([w.code for w in of.words], dtype=np.uint32)
    pairs = codes[:-1] * np.uint32(_PRIME) ^ codes[1:]
    return _weighed(np.concatenate([_buckets(codes, salt), _buckets(pairs, salt + 1)]))


def letter_runs(of: HarmText, salt: int, most: int = 1800) -> Hashed:
    """Return runs of 3 to 5 characters of a text's first ones, punctuation left out, hashed."""
    text = f" {' '.join(of.tokens)} "[:most]
    codes = np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8).astype(np.uint32)
    found: list[NDArray[np.uint32]] = []
    state = codes
    for size in range(2, 6):
        if len(state) < 2:
            break
        state = state[:-1] * np.uint32(_PRIME) ^ codes[size - 1 :]
        if size > 2:
            found.append(_buckets(state, salt + size))
    return _weighed(np.concatenate(found) if found else np.zeros(0, np.uint32))


class HarmFeatures(NamedTuple):
    """All that a model is given: the hand-made features, one hashed field each of `FIELDS`, and the words for tone.

    Attributes:
        tone: the words of the answer, hashed as those of the request are: what judges a request judges them, too.
        opening, rest: the words of the answer's first `OPENING` words, and of what follows: where refusals are said.
    """

    hand: NDArray[np.float64]
    fields: tuple[Hashed, ...]
    tone: Hashed
    opening: Hashed
    rest: Hashed


def features(request: str, answer: str) -> HarmFeatures:
    """Return the features of a request and its answer."""
    asked, said = read(request[-REQUEST:], REQUEST, 0), read(answer, HEAD, TAIL)
    tone = word_pairs(said, 31)
    fields = tone, letter_runs(said, 21), word_pairs(asked, 31)
    return HarmFeatures(hand_made(asked, said), fields, tone, *parts(said))


def parts(of: HarmText) -> tuple[Hashed, Hashed]:
    """Return the words of a text's opening, and of its rest, hashed apart."""
    first = of._replace(tokens=of.tokens[:OPENING], words=of.words[:OPENING], opens=of.opens[:OPENING])
    after = of._replace(tokens=of.tokens[OPENING:], words=of.words[OPENING:], opens=of.opens[OPENING:])
    return word_pairs(first, 41), word_pairs(after, 51)
