"""Every text in a JSON value, however deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys left out, in order.

    >>> list(texts({"to": ["a", {"cc": "b"}], "n": 1}))
    ['a', 'b']
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)
