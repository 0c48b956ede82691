"""What every dialect that the gateway serves has in common: a request as it was read, and why one is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Message

MOST_CHOICES = 16
"""Answers to one request."""


class BadBody(UsageError):
    """A request's body is none that is served. The message quotes no text of it.

    Attributes:
        field: the field that is wrong, as a path; empty where it is all of it.
    """

    def __init__(self, message: str, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class Asking(Struct, frozen=True, kw_only=True):
    """A request as a client made it, in our words.

    Attributes:
        fields: what else the upstream is sent, by the names of chat completions.
        choices: answers wanted.
        usage: whether a stream ends with what it cost.
        legacy: whether calls are wanted as the older ``function_call``.
    """

    model: str
    messages: tuple[Message, ...]
    fields: Mapping[str, Any] = {}
    stream: bool = False
    choices: int = 1
    usage: bool = False
    legacy: bool = False


def named(body: Mapping[str, Any], name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
    """Return a field of a body.

    Raises:
        BadBody: it is of another type. A number is no bool.
    """
    value = body.get(name)
    if value is None:
        return default
    wrong_bool = isinstance(value, bool) and kind is not bool
    if not isinstance(value, kind) or wrong_bool:
        raise BadBody(f"{name} is of the wrong type", name)
    return value


def model_of(body: Mapping[str, Any]) -> str:
    """Return the model that a body asks for.

    Raises:
        BadBody: it asks for none.
    """
    model: str = named(body, "model", str, "")
    if not model:
        raise BadBody("model is missing", "model")
    return model


def refuse_unknown(body: Mapping[str, Any], known: Iterable[str], also: Iterable[str]) -> None:
    """Refuse a body with a field that nobody here knows: what it does to the answer is not known either.

    Args:
        also: fields that the operator lets pass.

    Raises:
        BadBody: with the field's name, if it is one and no sentence.
    """
    unknown = sorted(set(body) - {*known, *also})
    if unknown:
        name = unknown[0] if unknown[0].isidentifier() and len(unknown[0]) <= 40 else "of that name"
        raise BadBody(f"the gateway knows no field {name}; its operator can name it under the upstream's `pass`", name)
