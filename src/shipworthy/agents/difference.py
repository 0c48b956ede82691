"""What is different between two states: paths, and what stood and stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST = 200
"""Changes that are listed; what is beyond is counted."""
LONGEST = 2_000
"""Characters of a text that are kept of a value."""


def difference(before: Any, after: Any) -> list[dict[str, Any]]:
    """Return the changes from one JSON value to another: ``{"at": path, "was": ..., "is": ...}``, in order of paths.

    ``was`` is missing where nothing stood there, ``is`` where nothing does now. Lists are compared place by place.
    After `MOST` changes one entry says how many more there are: ``{"at": "", "more": n}``.

    >>> difference({"a": [1], "b": 2}, {"a": [1, 5], "b": 3})
    [{'at': 'a.1', 'is': 5}, {'at': 'b', 'was': 2, 'is': 3}]
    """
    found: list[dict[str, Any]] = []
    more = 0
    for change in _changes(before, after, ""):
        if len(found) < MOST:
            found.append(change)
        else:
            more += 1
    return [*found, {"at": "", "more": more}] if more else found


def _changes(before: Any, after: Any, at: str) -> Iterator[dict[str, Any]]:
    if before is after or before == after:
        return
    if isinstance(before, list) and isinstance(after, list):
        before, after = dict(enumerate(before)), dict(enumerate(after))
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield {"at": at, "was": _short(before), "is": _short(after)}
        return
    for key in [*before, *(key for key in after if key not in before)]:
        inner = f"{at}.{key}" if at else str(key)
        if key not in after:
            yield {"at": inner, "was": _short(before[key])}
        elif key not in before:
            yield {"at": inner, "is": _short(after[key])}
        else:
            yield from _changes(before[key], after[key], inner)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST] + "…"
    if isinstance(value, Mapping):
        return {key: _short(inner) for key, inner in value.items()}
    return [_short(inner) for inner in value] if isinstance(value, list) else value
