"""The words of a text as the measure of support reads them: classes, stems, sentences, synonyms, opposites. English."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from shipworthy.detect.grounding import COMMON, NUMBERS, stem

_NEGATIONS = "not no never none nothing nobody neither nor without cannot"
_REVERSES = (
    "unable fail fails failed failing lack lacks lacked lacking refuse refused refuses deny denied denies rarely hardly"
)
_QUANTITIES = (
    "all every each only always never most many few several some both none any more less fewer least entire entirely"
    " mostly partly half double twice exactly about over under up nearly almost approximately around at"
)
_MODALS = (
    "can could may might must should shall will would need needs required likely possibly probably expected expects"
    " plan plans planned hope hopes want wants try tries propose proposed consider considering"
)
_CHATTY = (
    "think believe guess love like hate enjoy favorite wow yes yeah yea oh no sure cool amazing great haha lol awesome"
    " interesting definitely maybe well hi hello thanks know heard wonder"
)
_PREPOSITIONS = (
    "of in on at by for with from to into onto over under about after before during between through against as than"
    " like near since until upon within without via per among across behind"
)
_CONJUNCTIONS = "and or but that which who whom whose when where while because if although though so whether"
_AUXILIARIES = "is are was were be been being has have had do does did will would can could may might must should shall"
_UNITS = (
    "% million billion trillion thousand hundred dollars dollar euros euro pounds pound years year months month weeks"
    " week days day hours hour minutes minute seconds second km miles mile meters metres feet inches kg times people"
    " players games points episodes seasons quarter $ \u20ac \u00a3 kilometers january february march april may june"
    " july august september october november december monday tuesday wednesday thursday friday saturday sunday"
)
# A few of the common words turn a sentence round, and count.
_TELLING = (
    "no nor not more most all only few other above below before after over under up down against same never new"
    " help answer note notes handbook call called many much every always"
)

NEGATIONS = frozenset(_NEGATIONS.split())
REVERSES = NEGATIONS | frozenset(_REVERSES.split())
QUANTITIES = frozenset(_QUANTITIES.split())
MODALS = frozenset(_MODALS.split())
FIRST_AND_SECOND = frozenset({"i", "me", "my", "mine", "we", "us", "our", "you", "your"})
THIRD = frozenset({"he", "she", "they", "him", "her", "his", "hers", "their", "them", "it", "its"})
CHATTY = frozenset(_CHATTY.split())
PREPOSITIONS = frozenset(_PREPOSITIONS.split())
CONJUNCTIONS = frozenset(_CONJUNCTIONS.split())
AUXILIARIES = frozenset(_AUXILIARIES.split())
DETERMINERS = frozenset({"a", "an", "the", "this", "that", "these", "those", "his", "her", "its", "their", "my", "your",
                         "our", "some", "any"})  # fmt: skip
LINKS = frozenset({"despite", "however", "although", "but", "without", "due", "because", "while", "also"})
UNITS = frozenset(_UNITS.split())
# Words that carry no content by themselves.
EMPTY = (COMMON - frozenset(_TELLING.split())) | {"s", "t", "said", "says"}
FUNCTION = EMPTY | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | DETERMINERS | NEGATIONS | FIRST_AND_SECOND | THIRD

CLASSES = ("number", "preposition", "conjunction", "auxiliary", "determiner", "pronoun", "past", "other")

_NOT = re.compile(r"\s*\bn\s?'\s?t\b|n't\b", re.IGNORECASE)
_CLITIC = re.compile(r"\s?'\s?(?:s|re|ve|ll|d|m)\b", re.IGNORECASE)
_WORD = re.compile(r"[0-9]+(?:[.,:][0-9]+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[%$\u20ac\u00a3]")
_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+|\s+\.\s+")
_SPLIT = {"ca": "can", "wo": "will", "percent": "%"}

LONGEST, PIECE = 45, 30
"""A sentence of more words than the first (speech without full stops) is read in pieces of the second."""


ENGLISH = 0.12
"""Least share of small words in a text of eight words or more that counts as English; it has about a half."""


class Word(NamedTuple):
    """A word: in lower case, as written, and cut to its stem."""

    plain: str
    written: str
    stem: str

    @property
    def number(self) -> bool:
        """Whether it is a number."""
        return self.plain[0].isdigit()

    @property
    def empty(self) -> bool:
        """Whether it carries no content by itself."""
        return self.plain in EMPTY


@lru_cache(maxsize=65536)
def root(word: str) -> str:
    """Return a word's stem; a number is its own."""
    return word if word[:1].isdigit() else stem(word)


def words(text: str) -> list[Word]:
    """Return the words, numbers and signs of amounts in a text.

    >>> [w.plain for w in words("It isn't $1,200 or five percent.")]
    ['it', 'is', 'not', '$', '1200', 'or', '5', '%']
    """
    plain = _CLITIC.sub(" ", _NOT.sub(" not", text.replace("\u2019", "'")))
    found = []
    for match in _WORD.finditer(plain):
        lower = match[0].lower()
        lower = _SPLIT.get(lower, lower)
        lower = NUMBERS.get(lower, lower)
        if lower[0].isdigit():
            lower = lower.replace(",", "").rstrip(".:")
        found.append(Word(lower, match[0], root(lower)))
    return found


def sentences(text: str) -> list[list[Word]]:
    """Return a text's sentences that hold a word; very long ones in pieces."""
    found = []
    for sentence in _SENTENCE.split(text):
        read = words(sentence)
        if len(read) > LONGEST:
            found += [read[i : i + PIECE] for i in range(0, len(read), PIECE)]
        elif read:
            found.append(read)
    return found


def is_english(read: list[Word]) -> bool:
    """Tell whether words read like English: by its script, and from eight words on by its small words."""
    letters = "".join(word.plain for word in read)
    if 2 * sum(c.isascii() for c in letters) < len(letters):
        return False
    return len(read) < 8 or sum(word.plain in FUNCTION for word in read) >= ENGLISH * len(read)


def reads_english(text: str) -> bool:
    """Tell whether a text reads like English, see `is_english`."""
    return is_english(words(text))


def word_class(word: str) -> int:
    """Return the place in `CLASSES` of a word in lower case."""
    if word[0].isdigit():
        return 0
    for place, members in enumerate(
        (PREPOSITIONS, CONJUNCTIONS, AUXILIARIES, DETERMINERS, THIRD | FIRST_AND_SECOND), 1
    ):
        if word in members:
            return place
    return 6 if word.endswith("ed") else 7


def _lines(name: str) -> list[list[str]]:
    text = files("shipworthy.library").joinpath(f"words/{name}.txt").read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line and line[0] != "#"]


@cache
def synonyms() -> dict[str, frozenset[int]]:
    """Return the groups of each stem: two that share one may stand for each other."""
    groups: dict[str, set[int]] = {}
    for number, line in enumerate(_lines("synonyms")):
        for word in line:
            groups.setdefault(root(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in groups.items()}


@cache
def opposites() -> dict[str, frozenset[str]]:
    """Return the opposites of each word, as words in lower case."""
    pairs: dict[str, set[str]] = {}
    for one, other in _lines("antonyms"):
        pairs.setdefault(one, set()).add(other)
        pairs.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in pairs.items()}
