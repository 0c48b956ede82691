"""Times of day in their usual forms: ``17:00``, ``5 pm``, ``17 Uhr``, ``6 h 30``, ``half past six``, ``六点半``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_STUNDEN = ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"]
_HAN = {c: n for n, c in enumerate("零一二三四五六七八九十")} | {"两": 2, "兩": 2}
_WORD = "|".join(_HOURS)
_WORT = "|".join(_STUNDEN)
_FIGURES = re.compile(
    r"(?<![\w.,:])(?P<h>2[0-4]|[01]?\d)(?:(?::|\.|\s?h\s?|:)(?P<m>[0-5]\d)(?!\d|[.,:]\d))?"
    r"\s?(?P<tag>a\.?\s?m\.?(?!\w)|p\.?\s?m\.?(?!\w)|uhr\b|o'?clock\b|hrs?\b|h(?!\w)|ч\.?(?!\w))?",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"\b(?:(?P<part>half|(?:a )?quarter|five|ten|twenty|twenty-five)(?: minutes)? (?P<side>past|to|after)"
    rf" (?P<h>{_WORD}|\d{{1,2}})"
    rf"|(?P<sharp>{_WORD}) (?:o'?clock|(?P<thirty>thirty))|(?P<alone>{_WORD})(?=\s?(?:am|pm|a\.m\.|p\.m\.))"
    r"|(?P<name>noon|midday|midnight))\b"
    r"(?:\s?(?P<tag>am|pm|a\.m\.|p\.m\.|in the (?:morning|afternoon|evening)))?",
    re.IGNORECASE,
)
_GERMAN = re.compile(rf"\b(?P<part>halb|viertel vor|viertel nach) (?P<h>{_WORT}|\d{{1,2}})\b", re.IGNORECASE)
_EAST = re.compile(
    r"(?P<tag>上午|早上|凌晨|中午|下午|晚上|午前|午後|오전|오후)?\s?(?P<h>\d{1,2}|[一二三四五六七八九十两兩]{1,3})\s?(?:时|時|点|點|시)"
    r"(?:\s?(?P<half>半)|\s?(?P<m>\d{1,2}|[一二三四五六七八九十]{1,3})\s?(?:分|분))?"
)
_LATE = ("下午", "晚上", "午後", "오후")
_EARLY = ("上午", "早上", "凌晨", "午前", "오전")


class Time(NamedTuple):
    """A time of day that a text names.

    Attributes:
        minutes: minutes since midnight, 0 to 1,440.
        open: it may be the same hour after noon, too: ``6:30``, ``half past six``.
        clock: it is written as a clock with 24 hours shows it, which is open only beside other ways of writing.
        start: where it begins in the text.
        end: where it ends.
    """

    minutes: int
    open: bool
    clock: bool
    start: int
    end: int

    def may_be(self, other: Time) -> bool:
        """Tell whether both can be the same time."""
        if self.minutes % 1440 == other.minutes % 1440:
            return True
        if self.clock and other.clock:
            return False
        return (self.open or other.open) and self.minutes % 720 == other.minutes % 720


def times(text: str) -> Iterator[Time]:
    """Yield the times of day in a text. A bare number is none, nor is one with a decimal part alone (``6.30``).

    >>> [t.minutes for t in times("Open 6:30 to 5 pm; Montag halb sieben bis 17 Uhr; half past six; 午後5時; 六点半")]
    [390, 1020, 390, 1020, 390, 1020, 390]
    """
    found = [*_figures(text), *_english(text), *_german(text), *_eastern(text)]
    yield from sorted(found, key=lambda time: time.start)


def _figures(text: str) -> Iterator[Time]:
    for at in _FIGURES.finditer(text):
        hour, tag = int(at["h"]), (at["tag"] or "").lower().replace(".", "").replace(" ", "")
        dotted = at["m"] is not None and "." in at[0][len(at["h"]) : at.start("m") - at.start()]
        if not tag and (at["m"] is None or dotted):
            continue
        if tag in ("am", "pm"):
            if not 1 <= hour <= 12:
                continue
            hour = hour % 12 + (12 if tag == "pm" else 0)
        open_ = tag in ("", "oclock") and hour <= 12
        yield Time(hour * 60 + int(at["m"] or 0), open_, not tag, at.start(), at.end())


def _english(text: str) -> Iterator[Time]:
    for at in _ENGLISH.finditer(text):
        if at["name"]:
            yield Time(0 if at["name"].lower() == "midnight" else 720, False, False, at.start(), at.end())
            continue
        word = (at["h"] or at["sharp"] or at["alone"]).lower()
        hour = int(word) if word.isdigit() else _HOURS.index(word) + 1
        part = (at["part"] or "").lower().removeprefix("a ")
        past = {"half": 30, "quarter": 15, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}.get(part, 0)
        minutes = hour * 60 + (-past if (at["side"] or "").lower() == "to" else past) + (30 if at["thirty"] else 0)
        tag = (at["tag"] or "").lower().replace(".", "")
        if tag and hour <= 12:
            late = tag == "pm" or tag.endswith(("afternoon", "evening"))
            minutes = minutes % 720 + (720 if late else 0)
        yield Time(minutes, not tag, False, at.start(), at.end())


def _german(text: str) -> Iterator[Time]:
    for at in _GERMAN.finditer(text):
        word = at["h"].lower()
        hour = int(word) if word.isdigit() else _STUNDEN.index(word) + 1
        # "halb sieben" is half an hour before seven.
        shift = {"halb": -30, "viertel vor": -15, "viertel nach": 15}[at["part"].lower()]
        yield Time(hour * 60 + shift, hour <= 12, False, at.start(), at.end())


def _eastern(text: str) -> Iterator[Time]:
    for at in _EAST.finditer(text):
        hour, tag = _han(at["h"]), at["tag"]
        if not 0 <= hour <= 24:
            continue
        if tag in _LATE and hour < 12:
            hour += 12
        minutes = hour * 60 + (30 if at["half"] else _han(at["m"]) if at["m"] else 0)
        yield Time(minutes, tag not in (*_LATE, *_EARLY) and hour <= 12, False, at.start(), at.end())


def _han(text: str) -> int:
    """Read a number up to 99 in figures or Chinese numerals."""
    if text.isdigit() and text.isascii():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _HAN.get(text, 99)
    return (_HAN.get(tens, 1) if tens else 1) * 10 + (_HAN.get(ones, 0) if ones else 0)
