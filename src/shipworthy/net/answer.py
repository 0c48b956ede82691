"""What an endpoint said in the end, and how an error is named without a word of what it said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct


class HttpAnswer(Struct, frozen=True):
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


def describe_error(answer: HttpAnswer) -> str:
    """Return an error's kind as the endpoint names it, and what to do: never its sentence, which may quote the prompt.

    Endpoints answer ``{"error": {"type": ..., "code": ...}}``, one of the two, or a string.
    """
    error = error_within(answer.body)
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
    """Return code, type and status of an error object, if they are words or numbers and no sentences; else nothing."""
    kinds = [error.get(k) for k in ("code", "type", "status")] if isinstance(error, Mapping) else []
    words = [str(k) for k in kinds if isinstance(k, str | int) and not isinstance(k, bool)]
    return ", ".join(dict.fromkeys(w for w in words if re.fullmatch(r"[A-Za-z][A-Za-z_.-]{1,40}|[1-9][0-9]{2,4}", w)))


_ERRING = frozenset({"error", "errors", "base_resp", "type"})
"""Keys of a body with choices that may say that it is an error."""


def error_within(body: Any) -> Any:
    """Return the error that a body is, or holds; None where it is none.

    Under ``error`` or ``errors``, alone in a list, in ``base_resp``, or the body itself: called so (``object`` or
    ``type``), or with a code and a message and no answer. An empty object or text says that there is no error.

    >>> error_within({"error": {"code": 429}}), error_within({"object": "error", "code": 500})["code"]
    ({'code': 429}, 500)
    >>> error_within({"choices": [], "error": {}}), error_within([{"error": "no"}])
    (None, 'no')
    """
    # A piece of an answer, as nearly all are: there is nothing to look for.
    if type(body) is dict and body.get("choices") and _ERRING.isdisjoint(body) and body.get("object") != "error":
        return None
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return None
    for name in ("error", "errors"):
        said = body.get(name)
        if isinstance(said, list):
            said = next(iter(said), None)
        if any(said.values()) if isinstance(said, Mapping) else said:
            return said
    told = body.get("base_resp")
    if isinstance(told, Mapping) and told.get("status_code"):
        return {"code": told["status_code"]}
    called = "error" in (body.get("object"), body.get("type"))
    bare = not body.get("choices") and any(body.get(k) for k in ("code", "status", "status_code"))
    if called or (bare and any(isinstance(body.get(k), str) for k in ("message", "msg", "detail"))):
        return {name: said for name, said in body.items() if (name, said) != ("type", "error")}
    return None


def status_within(body: Any) -> int | None:
    """Return the status of an error that a gateway sends under status 200, where its body is one and says it.

    >>> status_within({"error": {"code": 429, "message": "..."}}), status_within({"choices": []})
    (429, None)
    """
    error = error_within(body)
    for name in ("code", "status", "status_code", "http_status"):
        code = error.get(name) if isinstance(error, Mapping) else None
        if isinstance(code, str) and re.fullmatch("[45][0-9]{2}", code):
            code = int(code)
        if isinstance(code, int) and 400 <= code < 600:
            return code
    return None


def read_json(data: bytes) -> Any:
    """Return the value of a JSON text. Half a surrogate pair, which is no text, becomes U+FFFD.

    Raises:
        ValueError: it is none, or lies too deep.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if b"\\u" not in data:
            raise ValueError("no JSON") from None
    except RecursionError:
        raise ValueError("too deep") from None
    try:
        # Written out and read again: each half that stands alone is then one character that can be replaced.
        whole = json.dumps(json.loads(data), ensure_ascii=False)
        return msgspec.json.decode(whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError, msgspec.DecodeError):
        raise ValueError("no JSON") from None
