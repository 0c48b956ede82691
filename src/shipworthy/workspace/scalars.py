"""Numbers that remember how they were written."""

from __future__ import annotations

from typing import Any


class WrittenInt(int):
    """An int read from YAML; `source` is its text, such as ``007``."""

    source: str


class WrittenFloat(float):
    """A float read from YAML; `source` is its text, such as ``1.10``."""

    source: str


def written_int(value: int, source: str) -> int:
    """Return an int that remembers its text; a plain one where the text is the usual one."""
    if str(value) == source:
        return value
    made = WrittenInt(value)
    made.source = source
    return made


def written_float(value: float, source: str) -> float:
    """Return a float that remembers its text; a plain one where the text is the usual one."""
    if repr(value) == source:
        return value
    made = WrittenFloat(value)
    made.source = source
    return made


def source_text(value: Any) -> Any:
    """Return a number as it was written; anything else as it is.

    >>> source_text(written_float(1.1, "1.10"))
    '1.10'
    """
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.source
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    return value


def plain(value: Any) -> Any:
    """Return plain numbers all the way down, for plug-ins."""
    if isinstance(value, WrittenInt):
        return int(value)
    if isinstance(value, WrittenFloat):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def for_digest(value: Any) -> Any:
    """Return JSON for hashing: a number written in an unusual way is hashed as it was written.

    So ``version: 1.10`` and ``version: 1.1`` differ, whatever type the field has.
    """
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.source
    if isinstance(value, dict):
        return {key: for_digest(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [for_digest(inner) for inner in value]
    return value
