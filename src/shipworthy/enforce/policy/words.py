"""The user's own words, and what they say: a value, a title, a wish."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from shipworthy.enforce.policy.values import carried, folded, without_scheme, written

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w])|(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w])")
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = re.compile(
    rf"\b(?:(?P<m1>{_MONTH})\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y1>\d{{4}}))?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<m2>{_MONTH})\.?(?:,?\s+(?P<y2>\d{{4}}))?"
    r"|(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2}))\b",
    re.IGNORECASE,
)
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(?:[ t](.*))?$")
_STUCK = re.compile(r"([a-z0-9])\.([A-Z][a-z]+(?:[\s,]|$))")
_ENDINGS = ("ations", "ation", "ingly", "ments", "ment", "ings", "ing", "ies", "ied", "ers", "er", "es", "ed", "s", "e")
_SMALL = frozenset(
    (
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "for",
        "and",
        "or",
        "my",
        "our",
        "your",
        "with",
        "from",
        "is",
        "it",
    )
)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Return what the forms of an English word have in common: a few endings are cut, nothing is looked up.

    >>> {stem(w) for w in ("send", "sends", "sending")}, stem("schedules") == stem("scheduling")
    ({'send'}, True)
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word.removesuffix("y") if len(word) > 3 else word


def tokens(text: str) -> list[str]:
    """Return the words of a text, folded.

    >>> tokens("Q3 team-sync: Ada's notes")
    ['q3', 'team', 'sync', "ada's", 'notes']
    """
    return _TOKEN.findall(text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold())


_EVERY = frozenset(("all", "each", "every", "everybody", "everyone"))
_MOST = frozenset(tokens("most largest biggest highest longest latest newest last maximum greatest top"))
_LEAST = frozenset(tokens("least fewest smallest lowest shortest oldest earliest first minimum cheapest"))


class Words:
    """What a user said, ready to be asked.

    Args:
        texts: the user's messages of one conversation, oldest first. Never what a tool or a document said.
        before: what they said before these; it is not read again.

    Attributes:
        text: all of them.
        numbers: that stand in them, smallest first.
        everyone: they speak of all of something.
        most, least: they ask for the one with the most, or the least, of something.
    """

    text = ""
    numbers: tuple[float, ...] = ()
    everyone: bool = False
    most: bool = False
    least: bool = False
    _count: int = 0
    _folded: str = ""
    _line: str = " "
    _bare: frozenset[str] = frozenset()
    _stems: frozenset[str] = frozenset()
    _carried: frozenset[str] = frozenset()
    _numbers: frozenset[str] = frozenset()
    _dates: tuple[tuple[int | None, int, int], ...] = ()

    def __init__(self, texts: Iterable[str], before: Words | None = None) -> None:
        said = tuple(texts)
        known = before if before is not None else Words.__new__(Words)  # one who has said nothing
        self._count = known._count + len(said)
        self.text = "\n".join((known.text, *said) if known._count else said)
        # Each message is read by itself: a date does not begin in one and end in the next.
        self._folded = " ".join(part for part in (known._folded, *map(folded, said)) if part)
        self._written = without_scheme(self._folded)
        # "Ada's" says "Ada" too.
        bare = [t.removesuffix("'s").removesuffix("’s") for text in said for t in tokens(text)]
        self._line = known._line + "".join(f"{token} " for token in bare)
        self._bare = known._bare.union(bare)
        self._stems = known._stems.union(map(stem, bare))
        # "our-company.com.They" is a sentence that ends and one that begins without a blank.
        self._carried = known._carried.union(c.value for t in said for c in carried(_STUCK.sub(r"\1. \2", t)))
        found = (written(float(n.replace(",", ""))) for text in said for n in _NUMBER.findall(text))
        self._numbers = known._numbers.union(found)
        self.numbers = tuple(sorted(float(n) for n in self._numbers))
        self._dates = (*known._dates, *(date for text in said for date in _dates(text)))
        self.everyone = known.everyone or not _EVERY.isdisjoint(bare)
        self.most = known.most or not _MOST.isdisjoint(bare)
        self.least = known.least or not _LEAST.isdisjoint(bare)
        self._said: dict[str, bool] = {}

    def say(self, value: str) -> bool:
        """Say whether the user said a value, whole and in its one writing (see `written`)."""
        known = self._said.get(value)
        if known is None:
            known = self._said[value] = self._says(value)
        return known

    def _says(self, value: str) -> bool:
        if not value:
            return False
        if value in self._carried or value in self._numbers:
            return True
        if found := _ISO.match(value):
            return self._says_date(*found.groups())
        return within(self._written, value)

    def _says_date(self, year: str, month: str, day: str, clock: str | None) -> bool:
        wanted = int(year), int(month), int(day)
        if not any(d == wanted[2] and m == wanted[1] and y in (None, wanted[0]) for y, m, d in self._dates):
            return False
        if not clock or not (hour := re.match(r"(\d{1,2}):(\d{2})", clock)):
            return True
        h, minute = int(hour.group(1)), hour.group(2)
        half = "am" if h < 12 else "pm"
        short = {f"{h:02}:{minute}", f"{h}:{minute}", f"{h % 12 or 12}:{minute}"}
        short |= {f"{h % 12 or 12}{half}", f"{h % 12 or 12} {half}"} if minute == "00" else set()
        return any(within(self._written, form) for form in short)

    def ask_for(self, stems: frozenset[str]) -> bool:
        """Say whether the user said one of these words, in any form; `stems` from `stem`."""
        return not stems.isdisjoint(self._stems)

    def name(self, title: Sequence[str]) -> bool:
        """Say whether the user said a title, word after word; it must hold a word that means something."""
        if not title or all(t in _SMALL or (len(t) < 3 and not t.isdigit()) for t in title):
            return False
        return f" {' '.join(title)} " in self._line

    def knows(self, token: str) -> bool:
        """Say whether a word is the user's, in any form, or a small one that says nothing."""
        return token in _SMALL or len(token) < 3 or stem(token) in self._stems or token in self._numbers

    def nearly(self, title: Sequence[str]) -> bool:
        """Say whether the user said most of a title of three words or more: its beginning, at least two words.

        >>> Words(["Put it on my grocery list"]).nearly(("grocery", "list", "today"))
        True
        """
        if len(title) < 3:
            return False
        most = max(2, -(-len(title) * 3 // 5))
        return self.name(title[:most])

    def counts(self, title: Sequence[str]) -> bool:
        """Say whether a title is a number that the user said, such as an amount."""
        return len(title) == 1 and title[0] in self._numbers

    def hint(self, title: Sequence[str]) -> bool:
        """Say whether the user said one telling word of a name, such as a person's first name."""
        return any(len(t) >= 3 and t in self._bare and t not in _SMALL for t in title)


def within(text: str, value: str) -> bool:
    """Say whether a text holds a value that goes on neither before nor behind it."""
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        before = text[start - 1] if start else " "
        behind = text[end : end + 2] + "  "
        if not (before.isalnum() or before in "_@.-+/") and not (
            behind[0].isalnum() or behind[0] in "_@-+/" or (behind[0] in ".:?=&" and behind[1].isalnum())
        ):
            return True
        start = text.find(value, start + 1)
    return False


def _dates(text: str) -> Iterable[tuple[int | None, int, int]]:
    for found in _DATES.finditer(text):
        year, month, day = (
            next((g for g in found.group(f"{what}1", f"{what}2", f"{what}3") if g), None) for what in "ymd"
        )
        if month and day:
            number = int(month) if month.isdigit() else _MONTHS[month.casefold()]
            yield int(year) if year else None, number, int(day)
