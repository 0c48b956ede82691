"""Values of arguments: one writing for each, and what a text carries that could take something somewhere.

Two values are the same only if they have one writing. Nothing here guesses: what was transformed (translated, split,
encoded) is another value, and whoever asks for its origin finds none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

Kind = Literal["url", "email", "account", "phone", "code"]

_SPACE = re.compile(r"\s+")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_TOPS = (
    "com|org|net|io|ai|co|dev|app|info|biz|edu|gov|mil|int|eu|uk|de|fr|it|es|nl|pl|ch|at|se|no|fi|dk|ie|pt|be|cz|ru|cn"
    "|jp|kr|in|br|us|ca|au|nz|za|mx|ar|tr|ua|me|tv|cc|xyz|online|site|shop|store|cloud|tech|link|click|top|ly|gl|to"
)
_CARRIED = re.compile(
    rf"(?P<email>(?:mailto:)?{_EMAIL})"
    r"|(?P<url>(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"'`|\\^{}]+"
    rf"|(?<![\w@.-])(?:[\w-]+\.)+(?:{_TOPS})(?![\w-])(?:[/?#:][^\s<>\"'`|\\^{{}}]*)?)"
    r"|(?P<host>(?<![\w@.-])(?:[\w-]+\.)+[^\W\d_]{2,24}(?![\w-])(?:[/?#:][^\s<>\"'`|\\^{}]*)?)"
    r"|(?P<account>(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?(?![A-Za-z0-9]))"
    r"|(?P<phone>(?<![\w.])\+?\d[\d ().-]{5,}\d(?![\w]))",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?<!\d)(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2}))(?!\d)")
_NUMBERS = "zero|one|two|three|four|five|six|seven|eight|nine"
_FILES = frozenset(
    re.findall(
        r"\w+",
        "txt md pdf doc docx odt rtf xls xlsx ods csv tsv ppt pptx json jsonl yaml yml xml html htm css png jpg jpeg"
        " gif svg webp bmp ico mp3 mp4 wav avi mov zip tar gz bz2 xz rar log py pyi js mjs ts tsx jsx java go rs rb"
        " php cpp hpp cs sh bat exe dll so ini cfg conf toml lock env sql db eml ics bak tmp",
    )
)
"""Endings of files: a name of two parts that ends so is taken for a file's, unless it is an address by all accounts."""
_HIDES = re.compile(
    r"[\[({<]\s*(?:\.|dot|at|@)\s*[\])}>]|\bdot\b|\s\.\s*\w|[^\x00-\x7f]"
    rf"|\b(?:{_NUMBERS})\b",
    re.IGNORECASE,
)
_DOT = re.compile(r" ?[\[({<] ?(?:\.|dot) ?[\])}>] ?|(?<=\w) dot (?=\w)|(?<=\w) \. ?(?=\w)", re.IGNORECASE)
_AT = re.compile(r" ?[\[({<] ?(?:@|at) ?[\])}>] ?", re.IGNORECASE)
_SPELLED = re.compile(rf"(?:\b(?:{_NUMBERS})\b[\s,.-]*){{7,}}", re.IGNORECASE)
_DIGITS = {w: str(n) for n, w in enumerate(_NUMBERS.split("|"))}
_TRAILING = ".,;:!?)]}'\"*_"


class Carried(NamedTuple):
    """Something in a text that could take something somewhere: its kind, its one writing, and its place."""

    kind: Kind
    value: str
    start: int
    end: int


def written(value: Any) -> str:
    """Return the one writing of a value: compatibility forms and case folded, blanks collapsed, numbers plain.

    >>> written("  Ada\\u00a0LOVELACE "), written(1200.0), written("https://WWW.Example.com/")
    ('ada lovelace', '1200', 'www.example.com')
    """
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value)
    if not isinstance(value, str):
        return str(value).lower()
    return without_scheme(folded(value))


def folded(text: str) -> str:
    """Return a text with compatibility forms and case folded, and blanks collapsed."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    # Folding the case must not fold two names into one: a domain with an eszett and one with a double s are two.
    text = text.strip()
    text = text.casefold() if text.isascii() else "".join(c if c in "\u00df\u03c2" else c.casefold() for c in text)
    return _SPACE.sub(" ", text) if "  " in text or "\n" in text or "\t" in text else text


def without_scheme(text: str) -> str:
    """Return a folded text without a scheme before it and slashes behind it, where it looks like an address."""
    if "://" in text or text.startswith("www.") or text.endswith("/"):
        text = _SCHEME.sub("", text).rstrip("/")
    return text


def number(value: float) -> str:
    """Return a number's one writing: no trailing zeros, no exponent where it is whole.

    >>> number(50), number(50.0), number(12.50)
    ('50', '50', '12.5')
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def carried(text: str) -> Iterator[Carried]:
    """Yield the addresses, links, accounts and long numbers that a text carries. Dates and times are none.

    >>> [c.value for c in carried("Write to Bo@x.org or see https://x.org/a?b=1. IBAN DE89 3704 0044 0532 0130 00")]
    ['bo@x.org', 'x.org/a?b=1', 'de89370400440532013000']

    What is disguised counts as what a reader takes it for:

    >>> [c.value for c in carried("See x [dot] org or call five five five zero one zero one")]
    ['x.org', '5550101']
    """
    seen = set()
    for found in _carried(text):
        seen.add(found.value)
        yield found
    if _HIDES.search(text):
        plain = _plainly(text)
        yield from (Carried(c.kind, c.value, 0, len(text)) for c in _carried(plain) if c.value not in seen)


def _plainly(text: str) -> str:
    """Return a text without disguise: what is not seen left out, dots and digits that are written in words as such."""
    if not text.isascii():
        text = text.replace("\u3002", ".").replace("\uff61", ".")
        text = unicodedata.normalize("NFKC", "".join(c for c in text if unicodedata.category(c) != "Cf"))
    text = _AT.sub("@", _DOT.sub(".", _SPACE.sub(" ", text)))
    return _SPELLED.sub(
        lambda run: "".join(_DIGITS[w.lower()] for w in re.findall(r"[a-zA-Z]+", run.group())) + " ", text
    )


def _carried(text: str) -> Iterator[Carried]:
    for found in _CARRIED.finditer(text):
        kind: Any = found.lastgroup
        raw = found.group()
        if kind == "host":
            kind, name = "url", re.split("[/?#:]", raw, maxsplit=1)[0].casefold()
            if name == raw.casefold() and name.count(".") == 1 and name.rpartition(".")[2] in _FILES:
                continue
        if kind == "url":
            raw = raw.rstrip(_TRAILING)
        elif kind == "phone":
            raw = _DATE.sub("", raw)  # a date is no number, and hides none beside it
            if sum(c.isdigit() for c in raw) < 7:
                continue
        value = written(raw.removeprefix("mailto:"))
        if kind in ("account", "phone"):
            value = re.sub(r"[^a-z0-9+]", "", value)
        yield Carried(kind, value, found.start(), found.start() + len(raw))


def flat(value: Any) -> Iterator[Any]:
    """Yield the scalars in an argument, keys of mappings included; None and empty texts say nothing and are left out.

    >>> list(flat({"to": ["a", None], "n": 1}))
    ['to', 'a', 'n', 1]
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from flat(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from flat(inner)
    elif value is not None and value != "":
        yield value
