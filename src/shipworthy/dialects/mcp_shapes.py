"""Shapes of the messages of MCP: a message is made anew from what each place holds; what has no place is refused."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from enum import Enum
from typing import Any

NO_MEDIA = "[kept back: a picture, a sound or bytes, which no guard can look into]"
_RESERVED = "io.modelcontextprotocol/"


class Holds(Enum):
    """What a place in a message holds.

    ``TEXT``: prose, which may be edited. ``WORD``: a name, an address, a type: kept to the letter or not passed on.
    ``VALUE``: a text of free JSON, and ``FIGURE`` a number there: both may be edited, and the number is a text then.
    ``NUMBER``: any other. ``FLAG``: true or false. ``TOKEN``: an identifier of requests, which is never passed on: each
    side gets one of ours. ``MEDIA``: base64 that is passed on unseen.
    """

    TEXT = "text"
    WORD = "word"
    VALUE = "value"
    FIGURE = "figure"
    NUMBER = "number"
    FLAG = "flag"
    TOKEN = "token"  # noqa: S105 - no password
    MEDIA = "media"


Put = Callable[[Holds, Any], Any]
"""Is given what a place holds, in the order of the message, and returns what is put there."""


class BadShape(Exception):
    """A message that is not of its shape.

    Attributes:
        said: what is wrong, naming fields of ours only.
        field: a name that the sender chose, which only the sender may be told; empty where there is none.
    """

    def __init__(self, said: str, field: str = "") -> None:
        self.said, self.field = said, field
        super().__init__(said)


class Shape:
    """What a value must be, and how it is made anew."""

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        """Return the value, made anew from what `put` gives.

        Args:
            at: where it stands, in words of ours.
            media: pictures, sounds and bytes are passed on; otherwise a text stands in their place.

        Raises:
            BadShape: it is not of this shape.
        """
        raise NotImplementedError


class Leaf(Shape):
    def __init__(self, holds: Holds) -> None:
        self._holds = holds

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        holds = self._holds
        if holds is Holds.FLAG:
            ok = isinstance(value, bool)
        elif holds is Holds.NUMBER:
            ok = isinstance(value, int | float) and not isinstance(value, bool)
        elif holds is Holds.TOKEN:
            ok = isinstance(value, int | str) and not isinstance(value, bool)
        else:
            ok = isinstance(value, str)
        if not ok:
            raise BadShape(f"{at} is of the wrong kind")
        if holds is Holds.MEDIA:
            _check_base64(value, at)
        return put(holds, value)


class OneWord(Shape):
    """One of some words; they are the protocol's, and nobody's text."""

    def __init__(self, *words: str) -> None:
        self._words = frozenset(words)

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if not isinstance(value, str) or value not in self._words:
            raise BadShape(f"{at} must be one of {', '.join(sorted(self._words))}")
        return value


class GoneField(Shape):
    """A field that is known, and never passed on: nothing that a guard or a model reads depends on it."""

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        return None


class ListOf(Shape):
    def __init__(self, of: Shape) -> None:
        self._of = of

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if not isinstance(value, list):
            raise BadShape(f"{at} must be a list")
        return [self._of.made(item, put, f"{at}[]", media=media) for item in value]


class Fields(Shape):
    """An object of known fields.

    Args:
        fields: name -> shape; `need` says which of them must be there.
    """

    def __init__(self, **fields: Shape) -> None:
        self.fields = fields
        self.needed: frozenset[str] = frozenset()
        self._negotiates = False

    def need(self, *names: str) -> Fields:
        """Name the fields that must be there."""
        self.needed = frozenset(names)
        return self

    def negotiated(self) -> Fields:
        """Leave out fields that are not known, instead of refusing them: both sides agree on what is left."""
        self._negotiates = True
        return self

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if not isinstance(value, dict):
            raise BadShape(f"{at} must be an object")
        for name in value:
            if name not in self.fields and not self._negotiates:
                raise BadShape(f"{at} has a field that is not known here, and is not passed on", name)
        for name in self.needed:
            if value.get(name) is None:
                raise BadShape(f"{at} lacks the field {name!r}")
        found = {}
        for name, shape in self.fields.items():
            if value.get(name) is not None:
                inner = shape.made(value[name], put, f"{at}.{name}", media=media)
                if not isinstance(shape, GoneField):
                    found[name] = inner
        return found


class NamedOf(Shape):
    """An object whose names the sender chose: they are kept to the letter."""

    def __init__(self, of: Shape) -> None:
        self._of = of

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if not isinstance(value, dict):
            raise BadShape(f"{at} must be an object")
        return {put(Holds.WORD, key): self._of.made(item, put, f"{at}.*", media=media) for key, item in value.items()}


class FreeJson(Shape):
    """Any JSON: each text and each number in it is looked at, names are kept to the letter."""

    def __init__(self, *, thing: bool = False) -> None:
        self._thing = thing

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if self._thing and not isinstance(value, dict):
            raise BadShape(f"{at} must be an object")
        return self._made(value, put)

    def _made(self, value: Any, put: Put) -> Any:
        if isinstance(value, str):
            return put(Holds.VALUE, value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            return put(Holds.FIGURE, value)
        if isinstance(value, list):
            return [self._made(item, put) for item in value]
        return {put(Holds.WORD, key): self._made(item, put) for key, item in value.items()}


class MetaField(Shape):
    """``_meta``: a token for progress, and free JSON. What the protocol keeps for itself there is not served."""

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if not isinstance(value, dict):
            raise BadShape(f"{at} must be an object")
        found = {}
        for key, item in value.items():
            if key.startswith(_RESERVED):
                raise BadShape(f"{at} has a name of the protocol's own that is not served here", key)
            if key == "progressToken":
                found[key] = TOKEN.made(item, put, f"{at}.{key}")
            else:
                found[put(Holds.WORD, key)] = JSON.made(item, put, at)
        return found


class KindOf(Shape):
    """One of several objects, told apart by their ``type``. Where media is not passed on, a text stands for it."""

    def __init__(self, **kinds: Fields) -> None:
        self._kinds = kinds

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        kind = value.get("type") if isinstance(value, dict) else None
        shape = self._kinds.get(kind) if isinstance(kind, str) else None
        if shape is None:
            raise BadShape(f"{at} must be of one of the types {', '.join(self._kinds)}")
        rest = {name: item for name, item in value.items() if name != "type"}
        if kind in ("image", "audio") and not media:
            shape.made(rest, lambda holds, item: item, at, media=True)  # of its shape it must be all the same
            return {"type": "text", "text": NO_MEDIA}
        return {"type": kind, **shape.made(rest, put, at, media=media)}


class ResourceContents(Shape):
    """What a resource holds: a text, or bytes in base64 under ``blob``."""

    def __init__(self, text: Fields, bytes: Fields) -> None:
        self._text, self._bytes = text, bytes

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        if not isinstance(value, dict) or "blob" not in value:
            return self._text.made(value, put, at)
        if media:
            return self._bytes.made(value, put, at, media=True)
        self._bytes.made(value, lambda holds, item: item, at, media=True)
        return {"uri": put(Holds.WORD, value["uri"]), "text": NO_MEDIA}


class OneOrMany(Shape):
    def __init__(self, of: Shape) -> None:
        self._one, self._many = of, ListOf(of)

    def made(self, value: Any, put: Put, at: str, *, media: bool = False) -> Any:
        return (self._many if isinstance(value, list) else self._one).made(value, put, at, media=media)


def _check_base64(value: str, at: str) -> None:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise BadShape(f"{at} is no base64") from None


TEXT, WORD, NUMBER, FLAG, TOKEN = (Leaf(h) for h in (Holds.TEXT, Holds.WORD, Holds.NUMBER, Holds.FLAG, Holds.TOKEN))
MEDIA = Leaf(Holds.MEDIA)
JSON = FreeJson()
