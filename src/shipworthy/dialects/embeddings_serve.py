"""The server's side of OpenAI embeddings: texts in, numbers out."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from math import isfinite
from typing import Any

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Usage, say
from shipworthy.dialects.served import Asking, BadBody, model_of, refuse_unknown

MOST_TEXTS = 2048
LONGEST = 65_536
"""Numbers of one vector."""


def read(body: Any, also: Sequence[str] = ()) -> Asking:
    """Read a request: each text is a message of the user.

    Args:
        also: further fields that the upstream is sent.

    Raises:
        BadBody: it is none. Tokens in place of texts are none: no guard can read them.
    """
    if not isinstance(body, dict):
        raise BadBody("the body is no JSON object")
    refuse_unknown(body, ("model", "input", "dimensions", "encoding_format", "user"), also)
    model = model_of(body)
    if body.get("encoding_format", "float") not in ("float", "base64"):
        raise BadBody("encoding_format is float or base64", "encoding_format")
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 1 <= len(texts) <= MOST_TEXTS or not all(isinstance(t, str) for t in texts):
        raise BadBody(f"input is a text or a list of at most {MOST_TEXTS:,}; tokens are not served", "input")
    fields = {
        name: body[name] for name in ("dimensions", "encoding_format", "user", *also) if body.get(name) is not None
    }
    return Asking(model=model, messages=tuple(say("user", text) for text in texts), fields=fields)


def vectors(body: Any, number: int) -> tuple[list[list[float]], Usage]:
    """Read an upstream's answer: numbers, and nothing else of it.

    Args:
        number: of the texts.

    Raises:
        TargetError: it is not a vector of finite numbers for each text.
    """
    try:
        rows = sorted(body["data"], key=lambda row: int(row["index"]))
        found = [_numbers(row["embedding"]) for row in rows]
        spent = int((body.get("usage") or {}).get("prompt_tokens") or 0)
        fits = [int(row["index"]) for row in rows] == list(range(number)) and 0 <= spent < 2**53
        if not fits or not all(1 <= len(v) <= LONGEST and all(map(isfinite, v)) for v in found):
            raise ValueError
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, struct.error):
        raise TargetError("the upstream's answer is not one vector of numbers for each text") from None
    return found, Usage(spent)


def whole(asking: Asking, found: Sequence[Sequence[float]], usage: Usage) -> dict[str, Any]:
    """Return an answer, the vectors as they were asked for."""
    coded = asking.fields.get("encoding_format") == "base64"
    rows = [
        {
            "object": "embedding",
            "index": number,
            "embedding": base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode() if coded else v,
        }
        for number, v in enumerate(found)
    ]
    tokens = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
    return {"object": "list", "data": rows, "model": asking.model, "usage": tokens}


def _numbers(value: Any) -> list[float]:
    if isinstance(value, str):
        data = base64.b64decode(value, validate=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in value):
        raise TypeError
    return [float(number) for number in value]
