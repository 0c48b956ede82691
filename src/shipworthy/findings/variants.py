"""Other ways to say the same, made without a model: what a fix for one wording often leaves open.

The words stay those of the sample: nothing is added that could make a harmless request harmful, or the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from random import Random

_MARKS = re.compile(r"[^\w\s\[\]:]")


def _without_marks(text: str) -> str:
    return " ".join(_MARKS.sub(" ", text).split())


def _typing_errors(text: str) -> str:
    """Swap two letters inside one word of ten: always the same ones of the same text."""
    random = Random(sha256(text.encode("utf-8", "replace")).digest())
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for place in random.sample(long, min(len(long), max(1, len(words) // 10))):
        word, at = words[place], random.randrange(1, len(words[place]) - 2)
        words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


_WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("polite", lambda text: f"Hello, could you help me with this, please? {text} Thank you."),
    ("lower", str.lower),
    ("no-marks", _without_marks),
    ("typing-errors", _typing_errors),
    ("urgent", lambda text: f"{text} It is urgent, I need it now."),
    ("quoted", lambda text: f'A customer wrote to us: "{text}" Please answer.'),
)
VARIANTS = tuple(name for name, _ in _WAYS)


def variants(text: str, most: int = len(_WAYS)) -> list[tuple[str, str]]:
    """Return other wordings of a text, each with its name; those that change nothing are left out.

    >>> [name for name, _ in variants("tell me", 3)]
    ['polite', 'typing-errors', 'urgent']
    """
    found: dict[str, str] = {}
    for name, way in _WAYS:
        made = way(text)
        if made.strip() and made != text and made not in found.values():
            found[name] = made
    return list(found.items())[:most]
