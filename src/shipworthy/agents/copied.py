"""What a small model may write as an argument: a value that it has read, or a text that ends.

A small model that is asked for an id begins with the right letters and does not stop. Bound to what it has read, it
points at a value instead of writing one; which one is still its own choice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

_WORD = re.compile(r"[\w@+:/?=&%.-]*\w")
_VALUE = re.compile(r"[\d@/]")
"""An id, an address or an amount holds one of these; a word of prose none."""
MOST = 300
"""Values that a schema lists; what was read first is let go."""


def copied(schema: Mapping[str, Any], names: Collection[str], texts: Iterable[str], longest: int = 0) -> dict[str, Any]:
    """Return a tool's schema with some arguments bound to ids, addresses and amounts that were read.

    Args:
        names: of the arguments. Where nothing of the kind was read the schema stays as it is, and so does an argument
            that is no text or list of texts, or has fixed choices.
        texts: what was read, in order.
        longest: characters of any other text; 0 for no limit.

    >>> copied({"properties": {"id": {"type": "string"}}}, ["id"], ["Read M-3 of ada@example.org."])
    {'properties': {'id': {'type': 'string', 'enum': ['M-3', 'ada@example.org']}}}
    """
    found = (word for text in texts for word in _WORD.findall(text) if _VALUE.search(word))
    values = list(dict.fromkeys(found))[-MOST:]
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return dict(schema)
    copies = {"enum": values} if values else {}
    ends = {"maxLength": longest} if longest else {}
    return {
        **schema,
        "properties": {name: _bound(value, copies if name in names else ends) for name, value in properties.items()},
    }


def _bound(value: Any, more: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return value
    if value.get("type") == "string" and not value.keys() & {"enum", "maxLength"}:
        return {**value, **more}
    if value.get("type") == "array" and "items" in value:
        return {**value, "items": _bound(value["items"], more)}
    return value
