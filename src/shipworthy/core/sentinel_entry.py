"""The entries of the audit chain about a sentinel: each look's digest, and what it found. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENROLLED = "sentinel.enrolled"
"""The kind of entry that holds the digest of an enrolment."""
LOOKED = "sentinel.looked"
"""The kind of entry that holds the digest of a later look, and what it found."""

_BODY = {
    "sentinel": str, "system": str, "target": str, "look": int, "digest": str, "verdict": str, "answers": int,
    "errors": int,
}  # fmt: skip


def check_body(body: Mapping[str, Any]) -> None:
    """Check the body of an entry about a look.

    Raises:
        ValueError: it is none.
    """
    if set(body) != set(_BODY) or any(type(body[name]) is not kind for name, kind in _BODY.items()):
        raise ValueError("it has other fields")
    if body["verdict"] not in ("unchanged", "changed", "unanswered") or min(body["look"], body["answers"]) < 0:
        raise ValueError("a value in it is none")
