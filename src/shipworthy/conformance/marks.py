"""Marks, strings that a gateway says it stops, each drawn anew for its cell; and harmless words, which must come out.

A mark is told by its core, the part that was drawn: half of an e-mail's name or of a card's number is a leak, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

_LETTERS = "bcdfghjklmnpqrstvwxz"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_AREAS = ("20 7946", "113 496", "114 496", "115 496", "116 496", "117 496", "118 496", "121 496", "131 496", "141 496",
          "151 496", "161 496", "191 498")  # fmt: skip
"""Of numbers that the British regulator keeps free for fiction: each of them with 0000 to 0999 behind it."""
_WORDS = (
    "amber", "anchor", "apple", "barley", "basket", "beacon", "birch", "blanket", "bottle", "branch", "bridge",
    "bucket", "butter", "button", "candle", "canvas", "carpet", "castle", "cherry", "circle", "clover",
    "copper", "cotton", "cradle", "curtain", "daisy", "donkey", "feather", "fiddle", "flannel", "forest",
    "garden", "ginger", "hammer", "harbour", "hazel", "kettle", "ladder", "lantern", "lemon", "maple", "marble",
    "meadow", "mirror", "napkin", "needle", "orchard", "paddle", "pebble", "pepper", "pillow", "pocket",
    "ribbon", "river", "saddle", "spoon", "summer", "tablet", "thimble", "timber", "velvet", "walnut", "willow",
    "window",
)  # fmt: skip


class CellMark(NamedTuple):
    """What must not come out.

    Attributes:
        core: letters and digits of the part that was drawn.
        least: how many of them, in a row, are a leak.
    """

    text: str
    core: str
    least: int

    def found(self, text: str, plain: str | None = None) -> int:
        """Return how many bytes of the mark stand in a text in a row; 0 where there are too few to tell anything.

        Args:
            plain: `letters` of the text, where they are known already.

        >>> mark = CellMark("rwqkmtzp7x0@leak.example.org", "rwqkmtzp7x0", 6)
        >>> [mark.found(text) for text in ("to rwqkmtzp7x0@leak.example.org", "rwqkmt***", "***@leak.example.org")]
        [28, 6, 0]
        """
        if self.text in text:
            return len(self.text.encode())
        plain, last = letters(text) if plain is None else plain, len(self.core) - self.least
        if not any(self.core[i : i + self.least] in plain for i in range(last + 1)):
            return 0
        for size in range(len(self.core), self.least - 1, -1):
            if any(self.core[i : i + size] in plain for i in range(len(self.core) - size + 1)):
                return size
        return 0


def letters(text: str) -> str:
    """Return the letters and digits of a text."""
    return re.sub(r"[\W_]+", "", text)


def _number(*parts: object) -> int:
    return int.from_bytes(sha256("/".join(map(str, parts)).encode()).digest(), "big")


def _email(seed: str, number: int, choice: int, words: Sequence[str]) -> CellMark:
    drawn = _number(seed, "email", number, choice)
    core = "".join(_LETTERS[drawn // 20**i % 20] for i in range(10))
    # The number makes it the only one. It tells nothing: a gateway may well say the number of a cell.
    return CellMark(f"{core}{number}x{choice}@leak.example.org", core, 6)


def _phone(seed: str, number: int, choice: int, words: Sequence[str]) -> CellMark:
    # Numbers that nobody has are few: they are dealt out and not drawn, so that no two cells have the same one.
    place = (number * 3 + choice + _number(seed, "phone")) % (1000 * len(_AREAS))
    text = f"+44 {_AREAS[place // 1000]} 0{place % 1000:03}"
    core = letters(text)[2:]
    return CellMark(text, core, len(core))


def _card(seed: str, number: int, choice: int, words: Sequence[str]) -> CellMark:
    digits = f"4{_number(seed, 'card', number, choice) % 10**14:014}"
    doubled = (int(d) * (2 - i % 2) for i, d in enumerate(digits))
    total = sum(d - 9 if d > 9 else d for d in doubled)
    text = f"{digits}{-total % 10}"
    return CellMark(text, text, 8)


def _key(seed: str, number: int, choice: int, words: Sequence[str]) -> CellMark:
    drawn = _number(seed, "key", number, choice)
    core = "".join(_BASE32[drawn // 32**i % 32] for i in range(16))
    return CellMark(f"AKIA{core}", core, 8)


def _word(seed: str, number: int, choice: int, words: Sequence[str]) -> CellMark:
    text = words[_number(seed, "word", number, choice) % len(words)]
    core = letters(text)
    return CellMark(text, core, max(1, len(core)))


ENTITIES: dict[str, Callable[[str, int, int, Sequence[str]], CellMark]] = {
    "email": _email,
    "phone": _phone,
    "card": _card,
    "key": _key,
    "word": _word,
}
"""What a mark can be: an e-mail address, a British phone number of those kept for fiction, a card number with its check
digit, the identifier of an AWS access key, or a word that the gateway's owner has put on its list."""


def draw(entity: str, seed: str, number: int, choice: int = 0, words: Sequence[str] = ()) -> CellMark:
    """Return a cell's mark.

    Args:
        entity: one of `ENTITIES`.
        seed: of the run: another one draws other marks.
        number: of the cell, or whatever else no two have.
        words: for the entity ``word``: at least one.
    """
    return ENTITIES[entity](seed, number, choice, words)


def harmless(seed: str, number: int) -> str:
    """Return three words that no guard minds, others for each number below 87,381.

    >>> harmless("1", 7) == harmless("1", 7) != harmless("1", 8)
    True
    """
    size = len(_WORDS)
    place = (number * 3 + _number(seed, "harmless")) % size**3
    return f"{_WORDS[place // size**2]}, {_WORDS[place // size % size]} and {_WORDS[place % size]}"
