"""Undo disguise: compatibility forms, look-alike letters, invisible characters, accents, case, leetspeak.

Every folding keeps a map back, so that a finding in the folded text is a span of the original. Folding looks at one
character at a time: the folding of a window is a window of the folding, which is what lets a stream use it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

# Letters of other scripts that are drawn like Latin ones (a selection of Unicode's confusables, by our own reading of
# the charts); compatibility forms (full width, mathematical, circled) need no entry, NFKD folds them.
_LOOK_ALIKES = str.maketrans(
    {
        drawn: letter
        for letter, like in {
            "a": "аɑᴀαΑА", "b": "ʙВΒЬьƅ", "c": "сᴄСϲ", "d": "ԁᴅđɗ", "e": "еᴇεЕΕёє", "f": "ꜰƒ", "g": "ɡɢց",
            "h": "һհнʜНΗħ", "i": "іɪιıІΙїӏ", "j": "јᴊЈȷ", "k": "кᴋκКΚ", "l": "ʟℓłⅼ", "m": "мᴍМΜ",
            "n": "ɴոηпΝ", "o": "оᴏοօσОΟøө",
            "p": "рᴘρРΡ", "q": "ԛզ", "r": "ʀгɾ", "s": "ѕꜱЅ", "t": "тᴛτТΤŧ", "u": "ᴜυսμ", "v": "νᴠѵ", "w": "ԝᴡωшա",
            "x": "хχХΧ", "y": "уʏγүУΥ", "z": "ᴢΖ",
        }.items()
        for drawn in like
    }
)  # fmt: skip

# Alphabets of letters in circles and squares that have no compatibility form.
_LETTER_BLOCKS = ((0x1F150, 0x1F169), (0x1F170, 0x1F189), (0x1F1E6, 0x1F1FF))

# One letter for the signs that stand for it; i, l and 1 are one, so the folding loses which.
_LEET = str.maketrans("0134578@$!|i", "oleastbaslll")

_BLACK_FLAG = "\U0001f3f4"
_ZERO_WIDTH = "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u00ad\u034f\u061c\u17b4\u17b5")


class Folded(NamedTuple):
    """A folded text; `origin[i]` is the index in the original of the character that gave ``text[i]``."""

    text: str
    origin: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original span of ``text[start:end]``, ``start < end``."""
        return self.origin[start], self.origin[end - 1] + 1


@lru_cache(maxsize=8192)
def fold_char(char: str) -> str:
    """Return what a character stands for: lower-case base letters, or nothing where it is invisible or a mark.

    >>> [fold_char(c) for c in "Ａé\\u200b\\u0430\\U000e0041"]
    ['a', 'e', '', 'a', 'a']
    """
    if char.isascii():
        return char.lower()
    code = ord(char)
    if 0xE0020 <= code <= 0xE007E:  # tag characters: invisible ASCII
        return chr(code - 0xE0000).lower()
    if char in _FILLERS or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""
    for first, last in _LETTER_BLOCKS:
        if first <= code <= last:
            return chr(code - first + 97)
    pieces = unicodedata.normalize("NFKD", char.translate(_LOOK_ALIKES))
    seen = (piece.casefold() for piece in pieces if unicodedata.category(piece) not in ("Mn", "Me", "Cf"))
    return "".join(seen).translate(_LOOK_ALIKES)


_ASCII_OR_ONE = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]")


def fold(text: str) -> Folded:
    """Fold a text: what a reader would take it for, in lower case."""
    if text.isascii():
        return Folded(text.lower(), range(len(text)))
    out: list[str] = []
    origin: list[int] = []
    for match in _ASCII_OR_ONE.finditer(text):
        start, end = match.span()
        if end - start > 1 or match[0].isascii():
            out.append(match[0].lower())
            origin += range(start, end)
        else:
            piece = fold_char(match[0])
            out.append(piece)
            origin += [start] * len(piece)
    return Folded("".join(out), origin)


_OTHERS = re.compile(r"[^a-z0-9]+")


def bare(text: str) -> str:
    """Return the text of `skeleton`, without the map back: an order of magnitude faster where the text is ASCII."""
    return _OTHERS.sub("", text.lower().translate(_LEET)) if text.isascii() else skeleton(text).text


def skeleton(text: str) -> Folded:
    """Fold a text to its letters and digits alone, leetspeak undone, so that spacing and punctuation hide nothing.

    Digits that stand for letters become those letters (``1``, ``i`` and ``l`` are one): compare skeletons only with
    skeletons.

    >>> skeleton("M-4 r!G_0Ld").text
    'marlgold'
    """
    if text.isascii():
        plain = text.lower().translate(_LEET)
        places = [i for i, c in enumerate(plain) if c.isalnum()]
        return Folded("".join([plain[i] for i in places]), places)
    folded = fold(text)
    kept = [(c, folded.origin[i]) for i, c in enumerate(folded.text.translate(_LEET)) if c.isalnum()]
    return Folded("".join(c for c, _ in kept), [i for _, i in kept])


@lru_cache(maxsize=8192)
def _letters_of(char: str) -> str:
    seen = fold_char(char)
    return "".join(c if c.isascii() else str(unicodedata.decimal(c, "")) for c in seen)


def letters(text: str) -> str:
    """Return the text of `placed_letters`, without the map back."""
    if not text.isascii():
        text = "".join([_letters_of(c) for c in text])
    return _OTHERS.sub("", text.lower())


def placed_letters(text: str) -> Folded:
    """Fold a text to the Latin letters and digits that a reader would see; all else, other scripts too, is left out.

    Unlike a `skeleton`, it tells ``1`` from ``l``, and takes ``|``, ``$`` and ``@`` for what parts letters.

    >>> placed_letters("Ｓ|k\u200b-\u0661").text
    'sk1'
    """
    pieces = [(_letters_of(c), i) for i, c in enumerate(text)]
    kept = [(c, i) for piece, i in pieces for c in piece.lower() if c.isalnum()]
    return Folded("".join([c for c, _ in kept]), [i for _, i in kept])


_FOREIGN = re.compile(r"[^\x00-\x7f]")


def invisible(text: str) -> list[tuple[int, int]]:
    """Return spans of characters that are not seen: zero-width, tags, fillers, variation selectors that select nothing.

    What belongs to a text is left alone: emoji and their sequences, flags among them, scripts that use joiners (Arabic,
    Indic: a joiner counts only beside ASCII), and soft hyphens inside words.
    """
    spans: list[tuple[int, int]] = []
    flag = 0  # where the tags of a flag end
    for found in _FOREIGN.finditer(text):
        i, char = found.start(), found[0]
        code = ord(char)
        if char == _BLACK_FLAG:
            flag = _flag_end(text, i)
        hidden = char in _FILLERS or (0xE0000 <= code <= 0xE007F and i >= flag) or char in _ZERO_WIDTH
        if char in "\u200c\u200d":
            hidden = text[i - 1 : i].isascii() and text[i + 1 : i + 2].isascii() and 0 < i < len(text) - 1
        elif char == "\u00ad":
            hidden = not (text[i - 1 : i].isalpha() and text[i + 1 : i + 2].isalpha())
        elif 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
            before = text[i - 1 : i] if i else ""
            # One selects the form of the sign before it; a letter of ASCII has one form, and two select nothing.
            hidden = not before or (before.isascii() and before not in "#*0123456789") or _selects(before)
        if not hidden:
            continue
        if spans and spans[-1][1] == i:
            spans[-1] = (spans[-1][0], i + 1)
        else:
            spans.append((i, i + 1))
    return spans


def _selects(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _flag_end(text: str, start: int) -> int:
    """Return where the flag of a region ends: the black flag, two to six letters as tags, and the closing tag."""
    end = start + 1
    while end < len(text) and "\U000e0030" <= text[end] <= "\U000e007a":
        end += 1
    closed = text[end : end + 1] == "\U000e007f" and 3 <= end - start - 1 <= 6
    return end + 1 if closed else start
