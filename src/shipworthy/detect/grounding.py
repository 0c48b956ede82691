"""Does an answer hold figures or names that its texts do not, an accepted value, or the word that there is none?

Exact where it fires, and silent on a sentence that is put together wrongly: for that see `detect.support_model`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from shipworthy.detect.engine import Encoded, Pattern, apart
from shipworthy.detect.figures import value_of
from shipworthy.detect.normalise import fold
from shipworthy.detect.times import times

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
          "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")
NUMBERS = {word: str(i) for i, word in enumerate(_UNITS)} | {word: str(10 * i) for i, word in enumerate(_TENS, 2)}

COMMON = frozenset({
    "a", "about", "above", "after", "again", "all", "also", "always", "am", "an", "and", "any", "are", "as", "at",
    "be", "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "could", "did",
    "do", "does", "doing", "done", "down", "during", "each", "either", "else", "ever", "every", "few", "for",
    "from", "further", "get", "gets", "give", "given", "gives", "go", "goes", "had", "has", "have", "having", "he",
    "help", "her", "here", "hers", "him", "his", "how", "however", "i", "if", "in", "into", "is", "it", "its",
    "itself", "just", "keep", "kind", "know", "let", "like", "made", "make", "makes", "many", "may", "me", "might",
    "more", "most", "much", "must", "my", "need", "needs", "no", "nor", "not", "now", "of", "off", "on", "once",
    "one", "only", "or", "other", "our", "out", "over", "own", "please", "put", "same", "say", "says", "see", "she",
    "should", "since", "so", "some", "such", "sure", "take", "than", "thank", "that", "the", "their", "them",
    "then", "there", "these", "they", "thing", "things", "this", "those", "through", "to", "too", "under", "until",
    "up", "us", "use", "used", "using", "very", "was", "way", "we", "well", "were", "what", "when", "where",
    "which", "while", "who", "whom", "why", "will", "with", "within", "would", "yes", "yet", "you", "your", "yours",
    "answer", "according", "handbook", "note", "notes", "mean", "means", "new", "able", "ask", "asks", "called",
    "call",
})  # fmt: skip

_ABSTAINS = Pattern(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|could|can|would) ?(?:not|n't) (?:\w+ ){0,3}?(?:know|mention\w*|say"
    r"|state\w*|specif\w+|contain\w*|provid\w*|includ\w*|list\w*|given|found|find|available|sure|clear|tell|answer"
    r"|information)"
    r"|(?:don|doesn|didn|isn|aren|wasn|hasn|haven|couldn|can)'t (?:\w+ ){0,3}?(?:know|mention\w*|say|state"
    r"|specify|contain|provide|include|list|find|have (?:that|this|any|the)|see|tell|sure|clear|available)"
    r"|cannot (?:\w+ ){0,2}?(?:find|say|tell|answer|determine|know)|unable to (?:find|answer|say|determine)"
    # A refusal invents nothing either.
    r"|(?:cannot|can ?not|can't|won't|unable to|not able to) (?:\w+ ){0,3}?(?:help|assist)"
    r"|no (?:information|mention|answer|record|details?|data|note)|nothing (?:about|on|in|that)"
    r"|not (?:mentioned|stated|specified|given|known|listed|found|available|in the (?:notes|handbook|document|text))"
    r"|(?:un|not )(?:known|clear|certain)|not sure|i wonder"
    r"|please (?:ask|contact|check with)|ask the (?:service desk|helpdesk|team))\b",
    ignore_case=True,
)


class Support(NamedTuple):
    """What of an answer its texts do not carry.

    Attributes:
        numbers: numbers in the answer that stand in no text.
        names: capitalised words inside sentences that stand in no text.
        words: how many words the answer has.
    """

    numbers: tuple[str, ...]
    names: tuple[str, ...]
    words: int


_LABELS = re.compile(
    r"^[ \t>*_-]*\(?[0-9]{1,3}[.)][ \t]+|\[(?:[a-z]{0,12} ?)?[0-9]{1,3}(?:[,;\u2013-] ?[0-9]{1,3})*\]|\^[0-9]{1,3}\b"
    r"|[\u00b9\u00b2\u00b3\u2070-\u2079]+",
    re.MULTILINE | re.IGNORECASE,
)


_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")


def tokens(text: str) -> list[str]:
    """Return folded words and numbers; thousands lose their comma, number words become digits."""
    folded = fold(text.replace("\u2019", "'")).text
    out = []
    for i, char in enumerate(folded):
        joined = char in ",." and folded[i - 1 : i].isdigit() and folded[i + 1 : i + 2].isdigit()
        if char.isalnum() or char == "'":
            out.append(char)
        elif joined or (char == ":" and folded[i - 1 : i].isdigit()):
            out.append("" if char == "," else char)
        else:
            out.append(" ")
    return [
        NUMBERS.get(word, word) for word in (w.strip("'.:").removesuffix("'s") for w in "".join(out).split()) if word
    ]


@cache
def stem(word: str) -> str:
    """Cut common endings, so that `washed` and `washing` meet. Crude on purpose: both sides are cut alike."""
    for ending in ("ingly", "edly", "ing", "ies", "ied", "es", "ed", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def unmarked(answer: str) -> str:
    """Return an answer without the numbers of its list and of its sources, which say nothing."""
    return _LABELS.sub(" ", answer)


def support(answer: str, texts: Iterable[str]) -> Support:
    """Compare an answer with the texts it should rest on."""
    texts = [_written_out(text) for text in texts]
    words = {word for text in texts for word in tokens(text)}
    known = {stem(word) for word in words | {other for word in words for other in _DATES.get(word, ())}}
    answer = _written_out(_untimed(unmarked(answer), texts))
    said = tokens(answer)
    numbers = tuple(dict.fromkeys(w for w in said if w[0].isdigit() and stem(w) not in known and w not in known))
    return Support(numbers, _names(answer, known), len(said))


_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS = "january february march april may june july august september october november december"
# Days and months, whole and cut short, each way.
_DATES: dict[str, tuple[str, ...]] = {word[:3]: (word,) for word in f"{_DAYS} {_MONTHS}".split()}
_DATES |= {word: (word[:3], word[:4]) for word in f"{_DAYS} {_MONTHS}".split()}
_MAGNITUDE = re.compile(r"\b([0-9]+(?:[.,][0-9]+)*)\s?(thousand|million|billion|bn|mn)\b", re.IGNORECASE)
_TIMES = {"thousand": 10**3, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9}


def _written_out(text: str) -> str:
    """Return a text with its large round numbers in figures: ``3.5 million`` as ``3500000``."""

    def figures(found: re.Match[str]) -> str:
        value = value_of(found[1])
        return found[0] if value is None else f"{value * _TIMES[found[2].lower()]:.0f}"

    return _MAGNITUDE.sub(figures, text)


def _untimed(answer: str, texts: Iterable[str]) -> str:
    """Return an answer without the times of day that a text names, too, in whatever form."""
    said = list(times(answer))
    known = [time for text in texts for time in times(text)] if said else []
    for time in reversed(said):
        if any(time.may_be(other) for other in known):
            answer = f"{answer[: time.start]} {answer[time.end :]}"
    return answer


def repeats(answer: str, texts: Iterable[str]) -> bool:
    """Tell whether every sentence of an answer is, word for word, a sentence of the texts."""
    known = {tuple(tokens(sentence)) for text in texts for sentence in _ENDS.split(text)}
    said = [tuple(tokens(sentence)) for sentence in _ENDS.split(answer)]
    return any(said) and all(sentence in known for sentence in said if sentence)


def _names(answer: str, known: set[str]) -> tuple[str, ...]:
    found = []
    before = "."
    for word in answer.split():
        bare = word.strip(".,;:!?()[]\"'*")
        starts = before[-1:] in ".!?:\n" or before == ""
        if bare[:1].isupper() and not starts and bare.lower() not in COMMON and bare.isalpha():
            found += [t for t in tokens(bare) if stem(t) not in known]
        before = word
    return tuple(dict.fromkeys(found))


def abstains(answer: str) -> bool:
    """Tell whether an answer says that it cannot answer."""
    return _ABSTAINS.found(Encoded(fold(answer.replace("\u2019", "'")).text))


def holds(answer: str, accepted: str) -> bool:
    """Tell whether an accepted answer stands in an answer, as whole words; number words and digits are the same.

    A time of day stands there in any of its forms.
    """
    if wanted := [time for time in times(accepted) if (time.start, time.end) == (0, len(accepted.strip()))]:
        return any(wanted[0].may_be(time) for time in times(answer))
    hay, needle = " ".join(tokens(answer)), " ".join(tokens(accepted))
    at = -1
    while needle and (at := hay.find(needle, at + 1)) >= 0:
        end = at + len(needle)
        # A plural or a genitive is the same word.
        tail = hay[end : end + 1]
        if apart(hay, at, end, ".:") or (tail == "s" and not needle[-1].isdigit() and apart(hay, at, end + 1, ".:")):
            return True
    return False
