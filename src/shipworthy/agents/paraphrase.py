"""The same call in other words: what a policy that compares letters misses and a world does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Any

_ADDRESS = re.compile(r"\S+@\S+\.\w+\Z")
_URL = re.compile(r"(https?)://([^/\s]+)(\S*)\Z")
_ACCOUNT = re.compile(r"(?=.*\d)[A-Z0-9]{10,}\Z")
_NAMES = ("Records", "Service", "Front Desk", "Team")
_OPENINGS = ("As agreed: ", "For your files. ", "", "Note: ")


def paraphrased(arguments: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    """Return arguments that do the same, written otherwise.

    An address gets a name and capitals, a host capitals, the number of an account blanks, a text of several words
    another beginning, blanks and capitals, a number is written as text. A single word stays: it may be an id or choice.

    >>> paraphrased({"to": ["a@b.example"], "amount": 950, "id": "F-1"}, Random(1))["id"]
    'F-1'
    """
    return {key: _value(value, rng) for key, value in arguments.items()}


def _value(value: Any, rng: Random) -> Any:
    if isinstance(value, Mapping):
        return {key: _value(inner, rng) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner, rng) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return f"{value}"
    return _text(str(value), rng)


def _text(text: str, rng: Random) -> str:
    if _ADDRESS.match(text):
        return f"{rng.choice(_NAMES)} <{text.upper() if rng.random() < 0.5 else text.capitalize()}>"
    if match := _URL.match(text):
        return f"{match[1].upper()}://{match[2].title()}{match[3]}"
    if _ACCOUNT.match(text):
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4)).lower()
    words = text.split(" ")
    if len(words) < 2 or "\n" in text:
        return text
    turned = [word.upper() if rng.random() < 0.2 else word for word in words]
    return rng.choice(_OPENINGS) + ("  " if rng.random() < 0.5 else " ").join(turned)
