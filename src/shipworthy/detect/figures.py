"""Numbers in their usual forms: ``56088``, ``56,088``, ``56.088``, ``56 088``, ``56'088``, ``56088.0``, in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Not the parts of a time or a path, and not a piece of a longer number.
_NUMBER = re.compile(
    r"(?<![\w/])(?<![0-9][.,':])[-\u2212]?"
    r"(?:[0-9]{1,3}(?:[., '\u2019\u00a0\u202f][0-9]{3})+(?:[.,][0-9]{1,2})?|[0-9]+(?:[.,][0-9]+)?)"
    r"(?![\w/]|[.,':][0-9])"
)


def value_of(text: str) -> float | None:
    """Return the value of a number in a usual form; None of what is no number.

    Three digits behind the only mark are thousands: ``1.132`` is one thousand one hundred and thirty-two.

    >>> value_of("56,088"), value_of("56 088"), value_of("5.608.800,00"), value_of("56088.0"), value_of("HARBOUR")
    (56088.0, 56088.0, 5608800.0, 56088.0, None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    body = found[0].replace("\u2212", "-")
    cut = max(body.rfind("."), body.rfind(","))
    head, tail = (body[:cut], body[cut + 1 :]) if cut > 0 else (body, "")
    marks = {c for c in head if not (c.isdigit() or c == "-")}
    fraction = cut > 0 and (len(tail) != 3 or (bool(marks) and body[cut] not in marks) or head.lstrip("-") == "0")
    digits = "".join(c for c in (head if fraction else body) if c.isdigit() or c == "-")
    return float(f"{digits}.{tail}" if fraction else digits)


# The marks of Arabic and full-width figures.
_ASCII = {"\u066b": ".", "\u066c": ",", "\uff0c": ",", "\uff0e": "."}
_SMALL = {
    word: n
    for n, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    word: 10 * n
    for n, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALE = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_WORD = "|".join((*_SMALL, "hundred", *_SCALE))
_WORDS = re.compile(rf"\b(?:a )?(?:{_WORD})\b(?:(?:[\s-]+|,\s+|\s+and\s+)(?:{_WORD})\b)*", re.IGNORECASE)


def in_words(text: str) -> Iterator[tuple[float, tuple[int, int]]]:
    """Yield the numbers that stand in English words, with their spans.

    >>> [value for value, _ in in_words("a hundred and five, or nine thousand three hundred and twenty-one")]
    [105.0, 9321.0]
    """
    for found in _WORDS.finditer(text):
        total = part = 0
        for word in re.findall(r"[a-z]+", found[0].lower()):
            if word in _SMALL:
                part += _SMALL[word]
            elif word == "hundred":
                part = max(part, 1) * 100
            elif word in _SCALE:
                total, part = total + max(part, 1) * _SCALE[word], 0
        yield float(total + part), found.span()


def numbers_at(text: str, value: float) -> list[tuple[int, int]]:
    """Return where a number of this value stands in a text, in figures or in English words."""
    text = "".join(c if c.isascii() else _ASCII.get(c) or str(unicodedata.decimal(c, c)) for c in text)
    figures = [found.span() for found in _NUMBER.finditer(text) if value_of(found[0]) == value]
    return figures + [span for number, span in in_words(text) if number == value]
