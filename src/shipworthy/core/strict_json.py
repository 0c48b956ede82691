"""JSON as evidence may hold it: UTF-8, every name once, numbers that all readers take alike. Standard library only.

What two readers can understand in two ways is refused, not interpreted: of a name that stands twice one reader takes
the first value and another the last, ``NaN`` is no JSON, and a number of 400 digits is infinite to some.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from math import isfinite
from typing import Any

DEEPEST = 160
"""Levels of nesting that are read: run logs are written with at most 128 in a record."""
_DIGITS = 22
"""Characters of a whole number, its sign counted: canonical JSON writes numbers below 1e21 without an exponent."""
_LETTERS = 40
"""Characters of any other number: those that a computer writes have 25."""
_SHOWN = 40
"""Characters of a name or a number that an error quotes."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[\]{}]")
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def loads(data: bytes | memoryview) -> Any:
    """Return the value that some bytes hold.

    >>> loads(b'{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> loads(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the name 'a' stands twice in one object

    Raises:
        ValueError: they are no such JSON; says what is wrong, with the line and column where that is known.
    """
    raw = bytes(data)
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it begins with a byte order mark: it must be plain UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8") from None
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    try:
        value = _decode(text)
        if _HALF.search(text):
            _ENCODE(value).encode("utf-8")
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except UnicodeEncodeError:
        raise ValueError("a text in it holds half a surrogate pair, which is no character") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value


def _depth(text: str) -> int:
    return max(accumulate(map(_STEP.__getitem__, _BRACKET.findall(_STRING.sub("", text)))), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:_SHOWN]!a} stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"the number {digits[:_SHOWN]}... has {len(digits):,} digits: {_DIGITS} are read")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits) if len(digits) <= _LETTERS else float("nan")
    mantissa = re.split("[eE]", digits)[0]
    if not isfinite(value) or (not value and mantissa.strip("-0.")):
        raise ValueError(f"the number {digits[:_SHOWN]} is one that not every reader can hold")
    return value


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_decode = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_number, parse_constant=_constant
).decode
_ENCODE = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
