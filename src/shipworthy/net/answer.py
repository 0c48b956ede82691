"""What an endpoint said in the end, and how an error is named without a word of what it said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Answer(Struct, frozen=True):
    """What an endpoint said in the end: its status and its JSON, if it was JSON."""

    status: int
    body: Any
    is_json: bool
    media_type: str


class HttpCall(Struct, frozen=True):
    """A request as it would be sent, for people to send by hand: the key's place is marked, its value is not there."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


def describe_error(answer: Answer) -> str:
    """Return an error's kind as the endpoint names it, and what to do: never its sentence, which may quote the prompt.

    Endpoints answer ``{"error": {"type": ..., "code": ...}}``, one of the two, or a string.
    """
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    hint = {
        401: "check the key",
        403: "the key may not do this",
        404: "check the address and the model's name",
        413: "the request is too long",
        429: "over the provider's limit: lower requests_per_minute, tokens_per_minute or concurrency",
    }.get(answer.status, "")
    words = error_kind(error)
    text = f"status {answer.status}" + (f" ({words})" if words else "")
    return f"{text}: {hint}" if hint else text


def error_kind(error: Any) -> str:
    """Return the code and the type of an error object, if they are words and no sentences; the empty string if not."""
    kinds = [error.get(k) for k in ("code", "type")] if isinstance(error, Mapping) else []
    words = [k for k in kinds if isinstance(k, str) and re.fullmatch(r"[A-Za-z][A-Za-z_.-]{1,40}", k)]
    return ", ".join(dict.fromkeys(words))
