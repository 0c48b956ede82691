"""What a tool may take and give: seconds, characters, values. Beyond that it gives an error, never half an answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from shipworthy.core.foreign import kind_of


class Bounds(NamedTuple):
    """Limits of one call.

    Attributes:
        seconds: until it must have answered.
        characters: of an answer, as text.
        values: in an answer before it is made text. A list that holds itself ten times over, ten times over, is small
            in memory and endless as text.
        depth: of values in values.
    """

    seconds: float = 30.0
    characters: int = 100_000
    values: int = 20_000
    depth: int = 50


DEFAULT = Bounds()


class TooMuch(Exception):
    """An answer beyond the bounds; nothing of it is passed on."""


def as_text(value: Any, bounds: Bounds = DEFAULT) -> str:
    """Return a tool's answer as the text that an agent reads: JSON, but of a text the text itself.

    Raises:
        TooMuch: it is longer, deeper, or holds more values than the bounds allow, or it is no JSON.
    """
    if isinstance(value, str):
        text = str.__str__(value)
    else:
        _measure(value, bounds)
        try:
            text = msgspec.json.encode(value).decode()
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            raise TooMuch(f"the answer is no JSON ({kind_of(error)})") from None
    if len(text) > bounds.characters:
        raise TooMuch(f"the answer has {len(text):,} characters, and {bounds.characters:,} are allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TooMuch("the answer holds half a character (a lone surrogate)") from None
    return text


def _measure(value: Any, bounds: Bounds) -> None:
    """Count the values as they would be written, each as often as it is held, and stop at the bounds."""
    left = bounds.values
    # Iterators and not lists of members: what a level holds is never copied.
    open_: list[Any] = [iter((value,))]
    while open_:
        for inner in open_[-1]:
            left -= 1
            if left < 0:
                raise TooMuch(f"the answer holds more than {bounds.values:,} values")
            if isinstance(inner, str | bytes) and len(inner) > bounds.characters:
                raise TooMuch(f"the answer has more than {bounds.characters:,} characters")
            members = _members(inner)
            if members is not None:
                if len(open_) > bounds.depth:
                    raise TooMuch(f"the answer is nested more than {bounds.depth} levels deep")
                open_.append(members)
                break
        else:
            open_.pop()


def _members(value: Any) -> Any:
    if isinstance(value, dict):
        return iter(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return iter(value)
    if isinstance(value, msgspec.Struct):
        return (getattr(value, name) for name in value.__struct_fields__)
    return None
