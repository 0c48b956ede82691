"""Can some texts answer a question at all? By what it is about, and by the kind of thing it asks for. A weak baseline.

It looks for the question's telling words in the texts, and, near them, for a number where the question asks for one, a
time for when, and a name for who. What is there may still be the wrong number; what is told in other words is missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from shipworthy.detect.grounding import COMMON, NUMBERS
from shipworthy.detect.wording import reads_english, sentences, synonyms, words

Asked = Literal["number", "time", "name", ""]

ABOUT = 0.34
"""Share of a question's telling words that a text must hold, in any form, to be about it."""

_NUMBER = re.compile(
    r"\bhow (?:many|much|far|long|large|big|old|tall|heavy|often|fast|deep|wide|high)\b|"
    r"\bwhat (?:number|percentage|price|amount|year|salary|pay|fee|cost)\b|"
    r"\b(?:telephone|phone|extension|room|port|door|pin|access) (?:number|code)\b|"
    r"\b(?:on|in) (?:which|what) (?:port|year|room|channel)\b|\bdoes .{1,60} (?:weigh|cost)\b|"
    r"\b(?:longest|highest|lowest|largest|smallest|most|least|maximum|minimum)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\bwhen\b|\b(?:at|by|until) (?:what|which) (?:time|hour)\b|\b(?:what|which) (?:date|day|month)\b", re.IGNORECASE
)
_NAME = re.compile(
    r"^\W*who\b|\bwhose\b|\b(?:what|which) (?:firm|company|maker|brand|supplier|vendor|person|city|country)\b|"
    r"\bname of\b|\btitle of\b|\bcalled\b",
    re.IGNORECASE,
)
_DAYS = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|march|april|may|june|july|august|september|"
    r"october|november|december|spring|summer|autumn|winter|christmas|easter|noon|midnight|morning|evening|night|week|"
    r"month|daily|weekly|monthly|always|never|after|before|during)\b",
    re.IGNORECASE,
)
_ASKING = frozenset({
    "who", "whom", "whose", "what", "which", "when", "where", "why", "how", "many", "much", "long", "far", "large",
    "big", "old", "often", "date", "hour", "time", "day", "year", "month", "number", "name", "title", "called", "kind",
    "sort",
})  # fmt: skip


class Answerability(NamedTuple):
    """Whether texts can answer a question.

    Attributes:
        found: None where that cannot be told: another language, or a question without telling words.
        why: in half a sentence, without a word of either.
    """

    found: bool | None
    why: str


def answerable(question: str, texts: Iterable[str]) -> Answerability:
    """Tell whether some texts can answer a question.

    >>> answerable("How many boats fit into the shed?", ["The shed has room for nine boats."]).found
    True
    >>> answerable("Who holds the key of the shed?", ["The shed has room for nine boats."]).found
    False
    """
    if not reads_english(question):
        return Answerability(None, "the question is not in English")
    wanted = {w.stem for w in words(question) if w.plain.isalnum() and w.plain not in COMMON | _ASKING}
    if not wanted:
        return Answerability(None, "the question has no telling words")
    near = [text for text in texts if _about(wanted, text)]
    if not near:
        return Answerability(False, "no text is about it")
    kind = asked_for(question)
    if kind and not any(_holds(kind, text, question) for text in near):
        return Answerability(False, f"no text about it holds a {kind}")
    return Answerability(True, "a text about it holds what is asked for" if kind else "a text is about it")


def asked_for(question: str) -> Asked:
    """Return the kind of thing that a question asks for; "" where its words do not say."""
    for kind, pattern in (("time", _TIME), ("number", _NUMBER), ("name", _NAME)):
        if pattern.search(question):
            return kind  # type: ignore[return-value]
    return ""


def _about(wanted: set[str], text: str) -> bool:
    stems = {w.stem for w in words(text)}
    known = synonyms()
    groups = {group for stem in stems for group in known.get(stem, ())}
    shared = sum(one in stems or not groups.isdisjoint(known.get(one, ())) for one in wanted)
    return shared >= ABOUT * len(wanted)


def _holds(kind: Asked, text: str, question: str) -> bool:
    asked = {w.plain for w in words(question)}
    if kind == "name":
        return any(
            word.written[:1].isupper() and word.plain not in asked and word.plain not in COMMON
            for sentence in sentences(text)
            for word in sentence[1:]
        )
    numbers = {w.plain for w in words(text) if w.plain[:1].isdigit() or w.plain in NUMBERS} - asked
    return bool(numbers) or (kind == "time" and bool(_DAYS.search(text)))
