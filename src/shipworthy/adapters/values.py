"""What frameworks hand over, as JSON: arguments of a call, and what a tool gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shipworthy.core.foreign import kind_of

_EXACT: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, lambda value: str.__add__("", value)),
    (int, int.__int__),
    (float, float.__float__),
)


def arguments_of(given: object) -> dict[str, Any]:
    """Return the arguments of a call as a JSON object that shares nothing with what was given.

    Args:
        given: an object, JSON of one, or nothing.

    Raises:
        ValueError: it is none.

    >>> arguments_of('{"to": ["ada@example.org"]}')
    {'to': ['ada@example.org']}
    """
    if given is None or given == "":
        return {}
    if isinstance(given, str | bytes):
        try:
            given = msgspec.json.decode(given)
        except msgspec.DecodeError as error:  # no ValueError in every msgspec
            raise ValueError(str(error)) from None
    found = plain(given)
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ValueError(f"the arguments of a call are an object, and not {kind_of(given)}")
    return found


def plain(value: object) -> Any:
    """Return a value as JSON holds it; what is none becomes its text.

    >>> plain({"when": (1, 2)})
    {'when': [1, 2]}
    """
    if value is None or type(value) in (str, bool, int, float):
        return value
    for kind, exact in _EXACT:  # an enum's member, a framework's own kind of text
        if isinstance(value, kind):
            return exact(value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    dump = getattr(value, "model_dump", None)  # of pydantic, which most frameworks build on
    if callable(dump):
        return plain(dump(mode="json"))
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=str))


def written(value: object) -> str:
    """Return a value as a text: a text as it is, anything else as JSON."""
    found = plain(value)
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()
