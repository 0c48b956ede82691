"""The scalars of YAML 1.2's core schema (section 10.3.2): ``no`` is a string, ``1.10`` remembers how it was written."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from shipworthy.workspace.scalars import written_float, written_int

TAG = "tag:yaml.org,2002:"
MAX_INTEGER = 2**53
"""RFC 8785 hashes numbers as IEEE doubles; above this two integers could share a digest."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NULLS = ("", "~", "null", "Null", "NULL")
_BOOLS = ("true", "True", "TRUE", "false", "False", "FALSE")
_FIRST = frozenset("~nNtTfF-+.0123456789")
"""What a plain scalar begins with that may be anything else than text."""


class Refused(Exception):
    """What is wrong with a scalar, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def scalar(text: str, tag: str | None, plain: bool) -> Any:
    """Return the value of a scalar.

    Args:
        tag: that was written, in full; None where none was.
        plain: it stands without quotes.

    Raises:
        Refused: it is no value of plain YAML.
    """
    if tag is None or tag == "!":
        if not plain or tag or (text and text[0] not in _FIRST):
            return _text(text)
        return _resolved(text)
    return _tagged(text, tag)


def is_text(text: str) -> bool:
    """Say whether a text is Unicode: it has no lone surrogate."""
    return _SURROGATE.search(text) is None


def shown(tag: str) -> str:
    """Return a tag as it may be repeated in a message."""
    return tag.replace(TAG, "!!")[:60]


def _text(text: str) -> str:
    if not is_text(text):
        raise Refused("text that is not Unicode (a lone surrogate)")
    return text


def _resolved(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return text in _BOOLS[:3]
    if _INT.fullmatch(text):
        return _int(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return _text(text)


def _tagged(text: str, tag: str) -> Any:
    kind = tag.removeprefix(TAG)
    if kind == "str":
        return _text(text)
    if kind == "null" and text in _NULLS:
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "int" and _INT.fullmatch(text):
        return _int(text)
    if kind in ("float", "int") and _FLOAT.fullmatch(text):
        return _float(text)
    if tag.startswith("!") or kind not in ("null", "bool", "int", "float"):
        raise Refused(f"the tag {shown(tag)!r} is not allowed", "write plain YAML")
    raise Refused(f"{text[:24]!r} is no {kind}")


def _int(text: str) -> int:
    number = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10)) if len(text) <= 40 else None
    if number is None or abs(number) > MAX_INTEGER:
        raise Refused(f"the number {text[:24]} is too large", 'put it in quotes if it is text: "..."')
    return written_int(number, text)


def _float(text: str) -> float:
    value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not isfinite(value):
        raise Refused(f"{text[:24]} is not a number that can be hashed or compared")
    return written_float(value, text)
