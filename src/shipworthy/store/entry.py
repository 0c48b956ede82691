"""One entry of the audit chain, and its hash. No database is needed to read one: a pack holds the chain as lines."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from shipworthy.core.digests import canonical
from shipworthy.store import chain

ORIGIN = chain.origin(b"audit")
"""What the first entry follows."""


class Entry(Struct, frozen=True):
    """One entry of the chain.

    Attributes:
        number: from 1, without gaps.
        at: when it was appended, ISO 8601, UTC.
        kind: what happened, such as ``run.finished`` or ``decision.made``.
        body: JSON object.
        hash: 64 hex digits.
    """

    number: int
    at: str
    kind: str
    body: dict[str, Any]
    hash: str


def entry_hash(previous: bytes, number: int, at: str, kind: str, body: dict[str, Any]) -> bytes:
    """Return the 32-byte hash of an entry that follows `previous`."""
    return chain.link(previous, payload(number, at, kind, canonical(body).decode()))


def payload(number: int, at: str, kind: str, body: str) -> bytes:
    """Return the canonical JSON of a whole entry, which is what its hash covers.

    Args:
        body: the canonical JSON of its body.
    """
    # The canonical JSON of the whole entry: keys in order, body as it is stored, which is canonical already. Encoding
    # the body once more for every entry would make verifying a long chain three times slower.
    text = f'{{"at":{_string(at)},"body":{body},"kind":{_string(kind)},"number":{number}}}'
    return text.encode()


_string = json.JSONEncoder(ensure_ascii=False).encode
